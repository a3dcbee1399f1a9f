//! Noticing: the kernel's hints that a file was closed after writing, or moved in. Hints only make us prompt.
//!
//! Holds: one watcher for all drop folders and returns folders, one for each Maildir; hints may be lost, doubled or
//! invented without harm.

use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::domain::is_unfinished_name;

/// What the kernel told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A writer closed this file, or it was moved in.
    Closed(PathBuf),
    /// Something else happened in this folder or to it.
    Stirred(PathBuf),
    /// Hints were lost: look everywhere.
    Lost,
}

/// One watcher, for any number of folders.
pub struct Noticing {
    watcher: RecommendedWatcher,
}

/// The kernel refuses notifications.
#[derive(Debug, thiserror::Error)]
#[error("notifications cannot be had for {folder}: {source}")]
pub struct NoNotifications {
    folder: String,
    source: notify::Error,
}

impl Noticing {
    /// `tell` is called from the watcher's own thread and must not wait.
    pub fn start(tell: impl Fn(Hint) + Send + 'static) -> Result<Noticing, NoNotifications> {
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) => hints(&event).into_iter().for_each(&tell),
            Err(_) => tell(Hint::Lost),
        };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => Ok(Noticing { watcher }),
            Err(source) => Err(NoNotifications { folder: "any folder".to_owned(), source }),
        }
    }

    /// Watches `folder`; again, if it was replaced since.
    pub fn watch(&mut self, folder: &Path) -> Result<(), NoNotifications> {
        // The watch of a folder that was removed and made anew belongs to the old one.
        let _ = self.watcher.unwatch(folder);
        let watched = self.watcher.watch(folder, RecursiveMode::NonRecursive);
        watched.map_err(|source| NoNotifications { folder: folder.display().to_string(), source })
    }
}

fn hints(event: &Event) -> Vec<Hint> {
    if event.need_rescan() {
        tracing::info!("Notifications were lost: every folder is looked at instead");
        return vec![Hint::Lost];
    }
    // What is written under such a name is moved to its own when it is finished; what we clear goes by way of one.
    let is_finished =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_none_or(|name| !is_unfinished_name(name));
    let paths = event.paths.iter().cloned();
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => paths.filter(is_finished).map(Hint::Closed).collect(),
        // A rename within the folder tells both names; the second is the one that is there now.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => {
            paths.skip(1).filter(is_finished).map(Hint::Closed).collect()
        }
        EventKind::Create(_) | EventKind::Remove(_) => paths.map(Hint::Stirred).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_close_and_a_move_in_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let (tell, told) = mpsc::channel();
        let mut noticing = Noticing::start(move |hint| drop(tell.send(hint))).unwrap();
        noticing.watch(dir.path()).unwrap();
        std::fs::write(dir.path().join("a"), "x").unwrap();
        std::fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        let mut wanted = vec![Hint::Closed(dir.path().join("a")), Hint::Closed(dir.path().join("b"))];
        while !wanted.is_empty() {
            let hint = told.recv_timeout(Duration::from_secs(10)).expect("the kernel tells both");
            wanted.retain(|want| *want != hint);
        }
    }
}
