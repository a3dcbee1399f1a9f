//! Places outside: folders of other machines, whose operations may never return.
//!
//! In:  that a thread begins an operation at a place ([`at`]). Out: the threads that a place does not let go
//! ([`Workers::waiting`]), and so whether a place hangs ([`hangs`]).
//! Holds: nobody who asks touches the place; an operation that returns ends it at once.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::{OWN, Own, Pulse, Workers, millis};

/// A place hangs from when an operation at it has not returned for so long, until it returns.
pub const HANGS_AFTER: Duration = Duration::from_secs(20);

/// A thread that a place does not let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub worker: String,
    /// The place.
    pub place: PathBuf,
    /// For how long it has waited.
    pub waited: Duration,
}

/// A place, and since when.
pub(super) type Place = Option<(PathBuf, u64)>;

impl Pulse {
    pub(super) fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workers {
    /// Those that wait for a place that hangs.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.waiting_for(HANGS_AFTER)
    }

    fn waiting_for(&self, at_least: Duration) -> Vec<Waiting> {
        let (now, at_least) = (self.now(), millis(at_least));
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.values().filter_map(|(name, pulse)| {
            let at = pulse.place();
            let (place, since) = at.as_ref()?;
            let waited = now.saturating_sub(*since);
            let waited = (waited >= at_least).then(|| Duration::from_millis(waited))?;
            Some(Waiting { worker: name.clone(), place: place.clone(), waited })
        });
        waiting.collect()
    }
}

/// Until this is dropped the thread is in an operation at this place.
pub fn at(place: &Path) -> At {
    OWN.with_borrow(|own| {
        At(own.as_ref().map(|own| {
            own.made();
            let before = own.pulse.place().replace((place.to_owned(), own.workers.now()));
            (own.clone(), before)
        }))
    })
}

/// Ends what [`at`] tells.
pub struct At(Option<(Own, Place)>);

impl Drop for At {
    fn drop(&mut self) {
        if let Some((own, before)) = &mut self.0 {
            *own.pulse.place() = before.take();
            own.made();
        }
    }
}

/// Whether this place hangs, as far as threads under the watch of this one have met. Where nobody watches, nobody knows.
pub fn hangs(place: &Path) -> bool {
    waiting().iter().any(|one| one.place == place)
}

/// As [`hangs`], for a folder whose parts are places of their own.
pub fn hangs_within(folder: &Path) -> bool {
    waiting().iter().any(|one| one.place.starts_with(folder))
}

/// Who waits for a place that hangs, under the watch that this thread is under.
pub fn waiting() -> Vec<Waiting> {
    OWN.with_borrow(|own| own.as_ref().map(|own| own.workers.waiting()).unwrap_or_default())
}

/// A file at a place: each piece of it that is read or written is an operation there.
pub struct Through<'a, T> {
    /// The file.
    pub file: T,
    /// The place.
    pub place: &'a Path,
}

impl<T: Read> Read for Through<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _at = at(self.place);
        self.file.read(buffer)
    }
}

impl<T: Write> Write for Through<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _at = at(self.place);
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let _at = at(self.place);
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_place_is_told_of_it_and_not_taken_for_stuck() {
        let workers = Workers::new();
        let _watched = workers.enter("carrier-0");
        let share = Path::new("/mnt/share");
        let waits = || workers.waiting_for(Duration::ZERO);
        {
            let _at = at(share);
            assert_eq!((waits()[0].worker.as_str(), waits()[0].place.as_path()), ("carrier-0", share));
            {
                let _inner = at(Path::new("/mnt/other"));
                assert_eq!(waits()[0].place, Path::new("/mnt/other"));
            }
            assert_eq!(waits()[0].place, share, "and again at the first");
            assert!(waiting().is_empty() && !hangs(share), "not before it has lasted");
            while workers.waiting_for(Duration::from_millis(3)).is_empty() {
                std::thread::yield_now();
            }
            assert!(workers.stuck(Duration::ZERO).is_empty());
        }
        assert!(waits().is_empty());
        while workers.stuck(Duration::ZERO).is_empty() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn whose_work_nobody_else_does_is_stuck_wherever_it_waits() {
        let workers = Workers::new();
        let _watched = workers.enter_needed("returns");
        let _at = at(Path::new("/mnt/share"));
        while workers.stuck(Duration::ZERO).is_empty() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_goes_through_a_place_is_the_same_bytes() {
        let mut through = Through { file: Vec::new(), place: Path::new("/mnt/share") };
        through.write_all(b"sealed").unwrap();
        through.flush().unwrap();
        let mut read = Vec::new();
        Through { file: through.file.as_slice(), place: through.place }.read_to_end(&mut read).unwrap();
        assert_eq!(read, b"sealed");
    }
}
