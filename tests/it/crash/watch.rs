//! Somebody who watches the back office and the outgoing folders all the time: no file is ever seen half-written.
//!
//! The watcher may also take what appears, as a back office and a transport do.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hbcourier::domain::Digest;

use super::expected::Expected;
use crate::support::council::{files_below, is_hidden};

/// What tells a file's states apart.
type State = (u64, u64, i64, i64, i64, i64);

/// What was seen.
#[derive(Default)]
pub struct Seen {
    /// What was taken from the back office.
    pub taken: Vec<Digest>,
    /// What was taken from the outgoing folders.
    pub taken_away: Vec<Vec<u8>>,
    /// Visible, and not what it should be.
    pub half_written: Vec<PathBuf>,
}

pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    /// Over every folder below these two. `takes`: what is whole is taken at once.
    pub fn over(backoffice: &Path, outgoing: &Path, expected: Arc<Expected>, takes: bool) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let (backoffice, outgoing) = (backoffice.to_owned(), outgoing.to_owned());
        let mut watcher =
            Watcher { expected, takes, seen: Seen::default(), known: HashMap::new(), sealed: HashMap::new() };
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            // One more look after the end, at what came last.
            let mut last = false;
            while !last {
                last = stopped.load(Ordering::SeqCst);
                visible(&backoffice).iter().for_each(|path| watcher.sees_delivered(path));
                visible(&outgoing).iter().for_each(|path| watcher.sees_outgoing(path));
                std::thread::sleep(Duration::from_millis(1));
            }
            watcher.seen
        });
        Watch { stop, thread }
    }

    /// What was seen until now.
    pub fn ends(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

struct Watcher {
    expected: Arc<Expected>,
    takes: bool,
    seen: Seen,
    /// What was found whole, in this state.
    known: HashMap<PathBuf, State>,
    /// The one content each outgoing name has ever had.
    sealed: HashMap<PathBuf, Digest>,
}

impl Watcher {
    fn sees_delivered(&mut self, path: &Path) {
        let Some((state, bytes)) = self.reads(path) else { return };
        let digest = Digest::of(&bytes);
        if !self.expected.has_part(&digest) {
            self.seen.half_written.push(path.to_owned());
        } else if self.takes {
            fs::remove_file(path).unwrap();
            self.seen.taken.push(digest);
            return;
        }
        self.known.insert(path.to_owned(), state);
    }

    fn sees_outgoing(&mut self, path: &Path) {
        let Some((state, bytes)) = self.reads(path) else { return };
        let digest = Digest::of(&bytes);
        if *self.sealed.entry(path.to_owned()).or_insert(digest) != digest {
            self.seen.half_written.push(path.to_owned());
        }
        if self.takes {
            fs::remove_file(path).unwrap();
            return self.seen.taken_away.push(bytes);
        }
        self.known.insert(path.to_owned(), state);
    }

    /// `None`: gone meanwhile, or found whole before in this very state.
    fn reads(&self, path: &Path) -> Option<(State, Vec<u8>)> {
        let found = fs::metadata(path).ok()?;
        let times = (found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec());
        let state = (found.ino(), found.len(), times.0, times.1, times.2, times.3);
        if self.known.get(path) == Some(&state) {
            return None;
        }
        Some((state, fs::read(path).ok()?))
    }
}

fn visible(root: &Path) -> Vec<PathBuf> {
    files_below(root).into_iter().filter(|path| !is_hidden(path)).collect()
}
