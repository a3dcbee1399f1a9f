//! Progress: whoever works tells that work goes on, and somebody else may look whether it does.
//!
//! In:  each step and each piece of bytes that a thread has behind it, told by the code that did it ([`made`]); how long it
//! may be silent where it waits for something ([`quiet`]); at which place outside it is in an operation ([`at`]).
//! Out: the threads that have been silent for longer than they may ([`Workers::stuck`]); and apart from them those that a
//! place outside does not let go ([`Workers::waiting`]).
//! Holds: a thread that nobody watches tells nobody, at no cost; a thread that a watched one begins is watched too. What a
//! thread has behind it is that thread's own matter, so it lies with the thread, and no signature carries it.

mod place;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use place::{At, HANGS_AFTER, Through, Waiting, at, hangs, hangs_within, waiting};

thread_local! {
    static OWN: RefCell<Option<Own>> = const { RefCell::new(None) };
}

/// The threads of a service that are watched.
pub struct Workers {
    began: Instant,
    counter: AtomicU64,
    all: Mutex<BTreeMap<u64, (String, Arc<Pulse>)>>,
}

/// When a thread last had something behind it, and how long it may be silent now. In milliseconds.
struct Pulse {
    made: AtomicU64,
    quiet: AtomicU64,
    /// The place outside at which it is in an operation, and since when.
    place: Mutex<place::Place>,
    /// Nobody does its work while it waits for a place.
    needed: bool,
}

#[derive(Clone)]
struct Own {
    workers: Arc<Workers>,
    pulse: Arc<Pulse>,
}

/// A thread that has been silent for longer than it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its name.
    pub worker: String,
    /// For how long.
    pub silent: Duration,
}

impl Workers {
    /// None yet.
    pub fn new() -> Arc<Workers> {
        Arc::new(Workers { began: Instant::now(), counter: AtomicU64::new(0), all: Mutex::default() })
    }

    /// Watches this thread until what is returned is dropped. While a place outside does not let it go, others do its work
    /// or nobody misses it.
    pub fn enter(self: &Arc<Workers>, name: &str) -> Watched {
        self.watch(name, false)
    }

    /// As [`Workers::enter`], for a thread whose work nobody else does: it is stuck wherever it waits.
    pub fn enter_needed(self: &Arc<Workers>, name: &str) -> Watched {
        self.watch(name, true)
    }

    fn watch(self: &Arc<Workers>, name: &str, needed: bool) -> Watched {
        let (made, quiet) = (AtomicU64::new(self.now()), AtomicU64::new(0));
        let pulse = Arc::new(Pulse { made, quiet, place: Mutex::default(), needed });
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(number, (name.to_owned(), pulse.clone()));
        let before = OWN.with(|own| own.replace(Some(Own { workers: self.clone(), pulse })));
        Watched { workers: self.clone(), number, before }
    }

    /// Those that have told nothing for `patience` beyond what they may be silent, and that no place outside holds.
    pub fn stuck(&self, patience: Duration) -> Vec<Stuck> {
        let (now, patience) = (self.now(), millis(patience));
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.values().filter(|(_, pulse)| pulse.needed || pulse.place().is_none());
        let stuck = own.filter_map(|(name, pulse)| {
            let silent = now.saturating_sub(pulse.made.load(Ordering::Relaxed));
            let allowed = pulse.quiet.load(Ordering::Relaxed).saturating_add(patience);
            (silent > allowed).then(|| Stuck { worker: name.clone(), silent: Duration::from_millis(silent) })
        });
        stuck.collect()
    }

    /// Whether nobody has had anything behind it for so long, beyond what each may be silent. Whoever rests is not counted.
    pub fn are_still(&self, patience: Duration) -> bool {
        let (now, patience) = (self.now(), millis(patience));
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().all(|(_, pulse)| {
            let allowed = pulse.quiet.load(Ordering::Relaxed).saturating_add(patience);
            allowed == u64::MAX || now.saturating_sub(pulse.made.load(Ordering::Relaxed)) > allowed
        })
    }

    /// How many are watched.
    pub fn count(&self) -> usize {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

impl Own {
    fn made(&self) {
        self.pulse.made.store(self.workers.now(), Ordering::Relaxed);
    }
}

/// Ends the watch over its thread.
pub struct Watched {
    workers: Arc<Workers>,
    number: u64,
    before: Option<Own>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        OWN.with(|own| own.replace(self.before.take()));
        self.workers.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// The thread has something behind it: a step, a piece of a file, a turn of its loop.
pub fn made() {
    OWN.with_borrow(|own| own.as_ref().map_or((), Own::made));
}

/// Until this is dropped the thread may be silent for so long at a time: it waits, and has bounded how long.
pub fn quiet(at_most: Duration) -> Quiet {
    OWN.with_borrow(|own| match own {
        None => Quiet(None),
        Some(own) => {
            own.made();
            let before = own.pulse.quiet.swap(millis(at_most), Ordering::Relaxed);
            Quiet(Some((own.clone(), before)))
        }
    })
}

/// Until this is dropped the thread waits for work, for as long as there is none.
pub fn rest() -> Quiet {
    quiet(Duration::MAX)
}

/// Ends what [`quiet`] allows.
pub struct Quiet(Option<(Own, u64)>);

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some((own, before)) = &self.0 {
            own.pulse.quiet.store(*before, Ordering::Relaxed);
            own.made();
        }
    }
}

/// The watch that this thread is under, for one that it begins.
pub fn workers() -> Option<Arc<Workers>> {
    OWN.with_borrow(|own| own.as_ref().map(|own| own.workers.clone()))
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const NONE: Duration = Duration::ZERO;

    /// Waits until more than a millisecond has gone by.
    fn time_passes() {
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(3) {
            std::thread::yield_now();
        }
    }

    fn names(workers: &Workers) -> Vec<String> {
        workers.stuck(NONE).into_iter().map(|stuck| stuck.worker).collect()
    }

    #[test]
    fn silence_is_told_and_progress_ends_it() {
        let workers = Workers::new();
        let watched = workers.enter("carrier-0");
        time_passes();
        assert_eq!(names(&workers), ["carrier-0"]);
        assert!(workers.stuck(Duration::from_secs(3600)).is_empty(), "not before patience is over");
        made();
        assert!(workers.stuck(Duration::from_millis(2)).is_empty());
        time_passes();
        assert_eq!(names(&workers), ["carrier-0"]);
        drop(watched);
        assert!(names(&workers).is_empty() && workers.count() == 0);
        made();
    }

    #[test]
    fn who_waits_may_be_silent_for_so_long_and_no_longer() {
        let workers = Workers::new();
        let _watched = workers.enter("returns");
        {
            let _waiting = quiet(Duration::from_secs(600));
            time_passes();
            assert!(names(&workers).is_empty());
            {
                let _short = quiet(NONE);
                time_passes();
                assert_eq!(names(&workers), ["returns"], "the innermost counts");
            }
            time_passes();
            assert!(names(&workers).is_empty());
            let _rest = rest();
            assert!(names(&workers).is_empty());
        }
        time_passes();
        assert_eq!(names(&workers), ["returns"]);
    }

    #[test]
    fn all_are_still_when_the_last_that_does_not_rest_is() {
        let workers = Workers::new();
        let _watched = workers.enter("pass");
        time_passes();
        assert!(workers.are_still(NONE) && !workers.are_still(Duration::from_secs(600)));
        {
            let _waiting = quiet(Duration::from_secs(600));
            time_passes();
            assert!(!workers.are_still(NONE), "it waits for something that ends");
        }
        let _rest = rest();
        assert!(workers.are_still(NONE), "and who waits for work does not count");
    }

    #[test]
    fn each_thread_tells_for_itself_alone() {
        let workers = Workers::new();
        let _watched = workers.enter("one");
        let (entered, has_entered) = sync_channel(0);
        let (end, ends) = sync_channel::<()>(0);
        let under = super::workers().unwrap();
        let other = std::thread::spawn(move || {
            let _watched = under.enter("other");
            entered.send(()).unwrap();
            let _ = ends.recv();
        });
        has_entered.recv().unwrap();
        time_passes();
        made();
        let stuck = workers.stuck(Duration::from_millis(2));
        assert_eq!(stuck.iter().map(|stuck| stuck.worker.as_str()).collect::<Vec<_>>(), ["other"]);
        drop(end);
        other.join().unwrap();
        assert_eq!(workers.count(), 1);
    }
}
