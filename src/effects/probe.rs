//! Asking folders that may hang, such as those of a file server that is away.
//!
//! In:  a folder, what to ask of it, and how long it may take. Out: the answer, if it came.
//! Holds: one thread at most waits for a folder, however often it is asked; it is watched by nobody, so that a folder that
//! hangs ends nothing but the answers about itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use crate::progress;

/// Folders that are asked, time and again, for a `T`.
pub struct Probes<T> {
    asked: BTreeMap<PathBuf, Receiver<T>>,
}

impl<T> Default for Probes<T> {
    fn default() -> Probes<T> {
        Probes { asked: BTreeMap::new() }
    }
}

impl<T: Send + 'static> Probes<T> {
    /// What it answers; nothing where it does not. One that still owes the answer to an earlier question is not asked
    /// again and waited for no longer: its late answer is taken as the answer.
    pub fn ask(
        &mut self,
        folder: &Path,
        patience: Duration,
        ask: impl FnOnce(&Path) -> T + Send + 'static,
    ) -> Option<T> {
        let (told, patience) = match self.asked.remove(folder) {
            Some(told) => (told, Duration::ZERO),
            None => (begun(folder.to_owned(), ask)?, patience),
        };
        let _waiting = progress::quiet(patience);
        match told.recv_timeout(patience) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.asked.insert(folder.to_owned(), told);
                None
            }
        }
    }
}

fn begun<T: Send + 'static>(folder: PathBuf, ask: impl FnOnce(&Path) -> T + Send + 'static) -> Option<Receiver<T>> {
    let (tell, told) = sync_channel(1);
    let work = move || {
        // Whoever asked may be gone.
        let _ = tell.send(ask(&folder));
    };
    Builder::new().name("probe".to_owned()).spawn(work).ok().map(|_| told)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn one_that_hangs_is_asked_once_and_heard_when_it_answers() {
        let (mut probes, folder) = (Probes::default(), Path::new("/mnt/away"));
        let (release, hangs) = sync_channel::<()>(0);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let first = probes.ask(folder, Duration::from_millis(1), move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = hangs.recv();
            7
        });
        assert_eq!(first, None);
        let again = asked.clone();
        let second = probes.ask(folder, Duration::from_secs(3600), move |_| {
            again.fetch_add(1, Ordering::SeqCst);
            8
        });
        assert_eq!(second, None, "and nobody waited");
        release.send(()).unwrap();
        let late = std::iter::repeat_with(|| {
            std::thread::yield_now();
            probes.ask(folder, Duration::from_secs(3600), |_| 9)
        });
        let late = late.flatten().next();
        assert_eq!((late, asked.load(Ordering::SeqCst)), (Some(7), 1));
        assert_eq!(probes.ask(folder, Duration::from_secs(3600), |_| 9), Some(9));
    }
}
