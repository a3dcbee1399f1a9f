//! What rules are hung on, opened: each folder or file itself, and what lies beside it for when it is replaced.
//!
//! Holds: a share that hangs does not keep the service from starting: what does not answer in time is left out, and told.
//! The thread that waits for it does nothing more when it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread::Builder;
use std::time::{Duration, Instant};

use landlock::PathFd;

use super::anchors;

/// How long those that are opened at once may take. An automount may be on its way.
const PATIENCE: Duration = Duration::from_secs(15);
const AT_ONCE_MAX: usize = 64;

/// Something that was opened only to hang rules on.
pub(super) struct Peg {
    pub path: PathBuf,
    pub opened: PathFd,
    pub is_folder: bool,
}

impl Peg {
    /// Nothing where it is not there, or closed to this account: nothing could be done with it.
    pub(super) fn open(path: &Path) -> Option<Peg> {
        let opened = PathFd::new(path).ok()?;
        Some(Peg { path: path.to_owned(), opened, is_folder: path.is_dir() })
    }
}

/// The pegs of each, as far as they answer.
pub(super) fn opened<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> BTreeMap<PathBuf, Vec<Peg>> {
    let paths: Vec<PathBuf> = paths.collect::<BTreeSet<_>>().into_iter().cloned().collect();
    paths.chunks(AT_ONCE_MAX).flat_map(|paths| opened_by(paths, PATIENCE, pegs_of)).collect()
}

fn pegs_of(path: &Path) -> Vec<Peg> {
    let own = [path.to_owned()];
    own.into_iter().chain(anchors::beside(path)).filter_map(|path| Peg::open(&path)).collect()
}

fn opened_by<T: Send + 'static>(paths: &[PathBuf], patience: Duration, open: fn(&Path) -> T) -> BTreeMap<PathBuf, T> {
    let (tell, told) = sync_channel(paths.len());
    let (mut threads, mut all) = (BTreeMap::new(), BTreeMap::new());
    for path in paths {
        let (tell, own) = (tell.clone(), path.clone());
        let work = move || {
            let pegs = open(&own);
            // Whoever asked may have given up.
            let _ = tell.send((own, pegs));
        };
        match Builder::new().name("sandbox".to_owned()).spawn(work) {
            Ok(thread) => drop(threads.insert(path.clone(), thread)),
            Err(_) => drop(all.insert(path.clone(), open(path))),
        }
    }
    drop(tell);
    let until = Instant::now() + patience;
    while let Ok((path, pegs)) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        // So that what is confined has one thread again.
        if let Some(thread) = threads.remove(&path) {
            let _ = thread.join();
        }
        all.insert(path, pegs);
    }
    for path in threads.keys() {
        let path = path.display();
        tracing::error!("{path} does not answer, so the sandbox is made without it: restart the service once it does");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_is_left_out_and_keeps_the_others_no_longer_than_patience() {
        let open = |path: &Path| {
            if path.ends_with("away") {
                loop {
                    std::thread::park();
                }
            }
            path.to_owned()
        };
        let paths = [PathBuf::from("/srv/away"), PathBuf::from("/srv/here")];
        let all = opened_by(&paths, Duration::from_millis(200), open);
        assert_eq!(all.into_keys().collect::<Vec<_>>(), [PathBuf::from("/srv/here")]);
    }
}
