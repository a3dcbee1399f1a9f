//! The worker that looks whether the folders of the configuration are there, and whether this process may write to them.
//!
//! A unit that closes the file system keeps folders read-only that were configured later, and only the service's own
//! process sees that: a command that somebody runs by hand finds them writable.
//! Holds: a destination, a courier's folder or a returns folder that is gone is told before anything is due there; a share
//! that hangs counts as gone and keeps nobody waiting, this worker included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::alarms::rest;
use super::secrets::Secrets;
use super::stop::Stop;
use crate::config::Settings;
use crate::config::settings::CourierWay;
use crate::domain::AlarmReason;
use crate::durable::Directory;
use crate::effects::thread::asked::Asked;
use crate::inbound::{Critical, Inbound};

/// Looks until told to stop.
pub(super) struct FolderWatch {
    pub inbound: Arc<Inbound>,
    pub stop: Arc<Stop>,
    /// Each with what to tell if it is gone; nothing where its reader tells that.
    pub folders: BTreeMap<PathBuf, Option<AlarmReason>>,
    pub pause: Duration,
    /// Secrets that the settings name, which may be missing too.
    pub secrets: Secrets,
}

impl FolderWatch {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let asked = Asked::default();
        let paths: Vec<PathBuf> = self.folders.keys().cloned().collect();
        while !self.stop.is_requested() {
            self.secrets.look(&self.inbound)?;
            let answers = asked.ask(&paths, is_read_only);
            for (folder, gone) in &self.folders {
                let about = folder.display().to_string();
                let reason = match answers.get(folder).copied().flatten().flatten() {
                    Some(true) => Some(AlarmReason::ReadOnlyFolder),
                    Some(false) => None,
                    None => *gone,
                };
                self.inbound.alarm(&about, reason)?;
            }
            rest(&self.stop, self.pause);
        }
        Ok(())
    }
}

/// Nothing of one that cannot be opened.
fn is_read_only(folder: &Path) -> Option<bool> {
    Directory::open(folder).and_then(|directory| directory.is_read_only()).ok()
}

/// Every folder of the settings, and what to tell if it is gone.
pub(super) fn watched(settings: &Settings) -> BTreeMap<PathBuf, Option<AlarmReason>> {
    let mut all: BTreeMap<PathBuf, Option<AlarmReason>> =
        settings.folders().into_iter().map(|folder| (folder.to_owned(), None)).collect();
    let mut tell = |folder: &Path, reason| {
        all.insert(folder.to_owned(), Some(reason));
    };
    for authority in &settings.authorities {
        for route in &authority.routes {
            tell(&route.folder, AlarmReason::DestinationFault);
            route.derived.iter().for_each(|derived| tell(&derived.folder, AlarmReason::DestinationFault));
        }
        authority.returns.iter().for_each(|owed| tell(&owed.pick_up, AlarmReason::PickUpMissing));
    }
    for courier in &settings.couriers {
        if let CourierWay::Folder { folder } = &courier.way {
            tell(folder, AlarmReason::CourierFault);
        }
    }
    all
}
