//! The worker that looks whether this process may write to the folders of the configuration at all.
//!
//! A unit that closes the file system keeps folders read-only that were configured later, and only the service's own
//! process sees that: a command that somebody runs by hand finds them writable.
//! Holds: a share that hangs keeps nobody waiting; what was known of it stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::alarms::rest;
use super::stop::Stop;
use crate::domain::AlarmReason;
use crate::durable::Directory;
use crate::effects::thread::asked::Asked;
use crate::inbound::{Critical, Inbound};

/// Looks until told to stop.
pub(super) struct FolderWatch {
    pub inbound: Arc<Inbound>,
    pub stop: Arc<Stop>,
    pub folders: Vec<PathBuf>,
    pub pause: Duration,
}

impl FolderWatch {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let asked = Asked::default();
        while !self.stop.is_requested() {
            for (folder, read_only) in asked.ask(&self.folders, is_read_only) {
                let Some(read_only) = read_only else { continue };
                let about = folder.display().to_string();
                self.inbound.alarm(&about, read_only.then_some(AlarmReason::ReadOnlyFolder))?;
            }
            rest(&self.stop, self.pause);
        }
        Ok(())
    }
}

/// One that cannot be opened is told of by whoever needs it.
fn is_read_only(folder: &Path) -> bool {
    Directory::open(folder).and_then(|directory| directory.is_read_only()).unwrap_or(false)
}
