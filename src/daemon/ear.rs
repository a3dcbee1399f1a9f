//! Hearing of new mail in a Maildir: a watcher of its own, and waiting for what it tells.
//!
//! Holds: what is heard only makes a look come sooner; while nothing can be heard, looks come at their time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::alarms::rest;
use super::stop::Stop;
use crate::domain::SourceName;
use crate::effects::maildir::Maildir;
use crate::effects::noticing::{Hint, Noticing};
use crate::progress;

/// How often a wait looks whether the service is to stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Hears what happens in the folders of one Maildir.
pub(super) struct Ear {
    folders: [PathBuf; 2],
    /// `None` if the kernel gives no watcher.
    noticing: Option<Noticing>,
    told: Receiver<()>,
    /// Something happened to a folder itself, or hints were lost.
    is_stirred: Arc<AtomicBool>,
    /// Which directories the kernel watches for us: device and inode of each.
    armed: Option<[(u64, u64); 2]>,
    is_deaf: bool,
}

impl Ear {
    /// For these folders, which need not be there yet.
    pub(super) fn new(folders: [PathBuf; 2]) -> Ear {
        let (tell, told) = sync_channel(1);
        let is_stirred = Arc::new(AtomicBool::new(false));
        let (stirred, own) = (is_stirred.clone(), folders.clone());
        let noticing = Noticing::start(move |hint| {
            if matches!(&hint, Hint::Lost) || matches!(&hint, Hint::Stirred(path) if own.contains(path)) {
                stirred.store(true, Ordering::SeqCst);
            }
            // A full channel is a look already on its way.
            let _ = tell.try_send(());
        });
        let noticing = noticing.inspect_err(|error| tracing::warn!(%error, "{error}")).ok();
        Ear { folders, noticing, told, is_stirred, armed: None, is_deaf: false }
    }

    /// Has the kernel watch the directories that are there now. What it refuses is asked for again each time.
    pub(super) fn arm(&mut self, source: &SourceName, maildir: &Maildir) {
        if self.is_stirred.swap(false, Ordering::SeqCst) {
            self.armed = None;
        }
        let Ok(identity) = maildir.identity() else { return self.armed = None };
        if self.armed == Some(identity) {
            return;
        }
        let noticing = self.noticing.as_mut();
        let armed = noticing.map(|noticing| {
            self.folders.iter().try_for_each(|folder| {
                let _at = progress::at(folder);
                noticing.watch(folder)
            })
        });
        self.is_deaf = !matches!(armed, Some(Ok(())));
        self.armed = (!self.is_deaf).then_some(identity);
        if let Some(Err(error)) = armed {
            tracing::warn!(%source, %error, "{error}");
        }
    }

    /// Whether the kernel's notifications cannot be had.
    pub(super) fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    /// Waits until something is heard, for this long at most, or until the service is to stop.
    pub(super) fn listen(&self, stop: &Stop, at_most: Duration) {
        let until = Instant::now() + at_most;
        while !stop.is_requested() {
            progress::made();
            let left = until.saturating_duration_since(Instant::now());
            match self.told.recv_timeout(left.min(LOOK_UP)) {
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                Err(RecvTimeoutError::Disconnected) => return rest(stop, left),
                Ok(()) | Err(RecvTimeoutError::Timeout) => return,
            }
        }
    }
}
