//! Folders that may hang: each is asked on a thread of its own, and whoever asks waits for a moment only.
//!
//! In:  folders, and what to ask each. Out: what each answered; nothing of one that hangs.
//! Holds: one thread a folder and so many in all, however often is asked: a folder that hangs keeps its thread, the next who
//! asks waits for the same answer, and none who asks waits for it twice. That a folder hangs is its own affair, and no reason
//! to restart a service that can go on without the answer: such a thread is told as waiting for the folder, and never stuck.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::begin;
use crate::durable::{Directory, mounted};
use crate::progress;

/// How long folders may take, all together.
const PATIENCE: Duration = Duration::from_secs(2);
/// Threads at once.
const THREADS_MAX: usize = 32;

/// What the threads are called.
pub const ASKS: &str = "asks a folder";

/// Whoever asks one question of folders.
pub struct Asked<T>(Arc<Inner<T>>);

struct Inner<T> {
    folders: Mutex<BTreeMap<PathBuf, Folder<T>>>,
    told: Condvar,
}

/// What came of asking a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard<T> {
    Answer(T),
    /// It was asked, and has not answered.
    Nothing,
    /// Too many others keep their threads.
    NotAsked,
}

/// What is known of a folder.
struct Folder<T> {
    /// Since when a thread asks it.
    asking: Option<Instant>,
    answers: u64,
    last: Option<T>,
}

impl<T> Default for Folder<T> {
    fn default() -> Folder<T> {
        Folder { asking: None, answers: 0, last: None }
    }
}

impl<T> Default for Asked<T> {
    fn default() -> Asked<T> {
        Asked(Arc::new(Inner { folders: Mutex::default(), told: Condvar::new() }))
    }
}

impl<T: Clone + Send + 'static> Asked<T> {
    /// What each of these folders answers now; nothing for one that does not in time.
    pub fn ask(&self, folders: &[PathBuf], question: fn(&Path) -> T) -> BTreeMap<PathBuf, Option<T>> {
        self.ask_within(PATIENCE, folders, question)
    }

    fn ask_within<Q>(&self, patience: Duration, folders: &[PathBuf], question: Q) -> BTreeMap<PathBuf, Option<T>>
    where
        Q: Fn(&Path) -> T + Clone + Send + 'static,
    {
        let heard = self.hear(patience, folders, question);
        let answer = |heard| match heard {
            Heard::Answer(answer) => Some(answer),
            Heard::Nothing | Heard::NotAsked => None,
        };
        heard.into_iter().map(|(folder, heard)| (folder, answer(heard))).collect()
    }

    fn hear<Q>(&self, patience: Duration, folders: &[PathBuf], question: Q) -> BTreeMap<PathBuf, Heard<T>>
    where
        Q: Fn(&Path) -> T + Clone + Send + 'static,
    {
        let (until, _answers) = (Instant::now() + patience, progress::quiet(patience));
        let mut known = self.0.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let next = |folder: &PathBuf| (folder.clone(), known.get(folder).map_or(0, |folder| folder.answers) + 1);
        let wanted: BTreeMap<PathBuf, u64> = folders.iter().map(next).collect();
        loop {
            let now = Instant::now();
            let mut asking = known.values().filter(|folder| folder.asking.is_some()).count();
            let mut awaited = false;
            for (path, answer) in &wanted {
                let folder = known.entry(path.clone()).or_default();
                if folder.answers >= *answer {
                    continue;
                }
                if folder.asking.is_none() && asking < THREADS_MAX && self.0.clone().begin(path, question.clone()) {
                    (folder.asking, asking) = (Some(now), asking + 1);
                }
                // Whoever waited for it before has waited for us too.
                awaited |= folder.asking.is_none_or(|since| now < since + patience);
            }
            if !awaited || now >= until {
                let heard = |folder: &Folder<T>, answer| match &folder.last {
                    Some(last) if folder.answers >= answer => Heard::Answer(last.clone()),
                    _ if folder.asking.is_some() => Heard::Nothing,
                    _ => Heard::NotAsked,
                };
                let of = |(path, answer)| {
                    let heard = known.get(&path).map_or(Heard::NotAsked, |folder| heard(folder, answer));
                    (path, heard)
                };
                return wanted.into_iter().map(of).collect();
            }
            let waited = self.0.told.wait_timeout(known, until - now);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T: Send + 'static> Inner<T> {
    /// Whether there is a thread for it.
    fn begin(self: Arc<Self>, path: &Path, question: impl Fn(&Path) -> T + Send + 'static) -> bool {
        let path = path.to_owned();
        let ask = move || {
            let answer = {
                let _at = progress::at(&path);
                fail::fail_point!("folder.asked");
                question(&path)
            };
            let mut known = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
            let folder = known.entry(path).or_default();
            (folder.asking, folder.answers, folder.last) = (None, folder.answers + 1, Some(answer));
            drop(known);
            self.told.notify_all();
        };
        begin(ASKS.to_owned(), ask).is_ok()
    }
}

/// Room on a folder's file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What may still be written.
    pub free: u64,
    /// What it has.
    pub size: u64,
}

/// How much room each of these folders has: nothing of one that hangs, and nothing within of one that cannot be asked.
pub fn room(folders: &[PathBuf]) -> BTreeMap<PathBuf, Option<Option<Room>>> {
    /// A folder that hangs does so for everybody in this process, so they share its one thread.
    static ROOM: LazyLock<Asked<Option<Room>>> = LazyLock::new(Asked::default);
    ROOM.ask(folders, room_of)
}

/// Which of these folders do not answer now. Whoever is not watched is no part of a service that must go on, and does not ask.
pub fn silent(folders: &[PathBuf]) -> BTreeSet<PathBuf> {
    if progress::workers().is_none() {
        return BTreeSet::new();
    }
    not_answering(PATIENCE, folders)
}

/// Which of these folders have not answered within this time. One that found no place to be asked is not among them, unless
/// it is known to hang.
pub fn not_answering(patience: Duration, folders: &[PathBuf]) -> BTreeSet<PathBuf> {
    static OPENED: LazyLock<Asked<()>> = LazyLock::new(Asked::default);
    let is_silent = |folder: &PathBuf, heard| match heard {
        Heard::Answer(()) => false,
        Heard::Nothing => true,
        Heard::NotAsked => progress::hangs(folder),
    };
    let heard = OPENED.hear(patience, folders, opened);
    heard.into_iter().filter(|(folder, heard)| is_silent(folder, *heard)).map(|(folder, _)| folder).collect()
}

/// Whatever comes of it: that it returns is the answer. From here on it is known where a share was mounted.
fn opened(folder: &Path) {
    let _ =
        mounted::identity(folder).and_then(|_| Directory::open(folder)).and_then(|directory| directory.free_bytes());
}

fn room_of(folder: &Path) -> Option<Room> {
    let there = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(there.f_frsize);
    Some(Room { free: bytes(there.f_bavail), size: bytes(there.f_blocks) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A file system that answers when it is let, and counts how often it was asked.
    #[derive(Clone, Default)]
    struct Share(Arc<(Mutex<bool>, Condvar, AtomicUsize)>);

    impl Share {
        fn question(&self) -> impl Fn(&Path) -> usize + Clone + Send + 'static {
            let share = self.0.clone();
            move |folder| {
                let before = share.2.fetch_add(1, Ordering::SeqCst);
                let mut answers = share.0.lock().unwrap();
                while folder.starts_with("/hangs") && !*answers {
                    answers = share.1.wait(answers).unwrap();
                }
                before
            }
        }

        fn answers(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_all();
        }

        fn asked(&self) -> usize {
            self.0.2.load(Ordering::SeqCst)
        }
    }

    const MOMENT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn one_that_hangs_keeps_one_thread_and_the_others_answer() {
        let (share, asked) = (Share::default(), Asked::default());
        let folders = ["/hangs", "/here"].map(PathBuf::from);
        for _ in 0..5 {
            let answers = asked.ask_within(MOMENT, &folders, share.question());
            assert_eq!(answers[&folders[0]], None);
            assert!(answers[&folders[1]].is_some());
        }
        assert_eq!(share.asked(), 6, "the one that hangs is asked once");
        share.answers();
        let answers = asked.ask_within(LONG, &folders, share.question());
        assert!(answers.values().all(Option::is_some), "{answers:?}");
    }

    #[test]
    fn an_answer_is_of_now_and_never_of_before() {
        let (share, asked) = (Share::default(), Asked::default());
        let here = [PathBuf::from("/here")];
        for n in 0..3 {
            assert_eq!(asked.ask_within(LONG, &here, share.question())[&here[0]], Some(n));
        }
    }

    #[test]
    fn however_many_hang_there_are_so_many_threads() {
        let (share, asked) = (Share::default(), Asked::default());
        let folders: Vec<PathBuf> = (0..2 * THREADS_MAX).map(|n| PathBuf::from(format!("/hangs/{n}"))).collect();
        let answers = asked.ask_within(MOMENT, &folders, share.question());
        assert!(answers.len() == folders.len() && answers.values().all(Option::is_none));
        let asking = asked.0.folders.lock().unwrap().values().filter(|folder| folder.asking.is_some()).count();
        assert_eq!(asking, THREADS_MAX);
        let heard = asked.hear(MOMENT, &folders, share.question());
        let not_asked = heard.values().filter(|heard| **heard == Heard::NotAsked).count();
        assert_eq!(not_asked, folders.len() - THREADS_MAX, "of these nobody knows that they hang");
        share.answers();
        let answers = asked.ask_within(LONG, &folders, share.question());
        assert!(answers.values().all(Option::is_some), "those that found no place are asked as places come free");
    }
}
