//! The worker that looks whether the folders of the configuration are there, and whether this process may write to them.
//!
//! A unit that closes the file system keeps folders read-only that were configured later, and only the service's own
//! process sees that: a command that somebody runs by hand finds them writable.
//! Holds: a destination, a courier's folder or a returns folder that is gone is told before anything is due there; a share
//! that hangs is told as such (CN-574), from whoever met it, and keeps nobody waiting, this worker included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::alarms::rest;
use super::secrets::Secrets;
use super::stop::Stop;
use crate::config::Settings;
use crate::config::settings::CourierWay;
use crate::domain::{AlarmReason, SourceName};
use crate::durable::{Directory, mounted};
use crate::effects::thread::asked::{Asked, not_answering};
use crate::inbound::{Critical, Inbound};
use crate::progress::{self, HANGS_AFTER};

/// Beyond the time after which a folder is known to hang.
const MORE: Duration = Duration::from_millis(500);
/// How often every folder is asked, at the least: whether one hangs is known so much later than it could be.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Of one process, like the threads that folders keep which hang.
static READ_ONLY: LazyLock<Asked<Option<bool>>> = LazyLock::new(Asked::default);

/// Looks until told to stop.
pub(super) struct FolderWatch {
    pub inbound: Arc<Inbound>,
    pub stop: Arc<Stop>,
    /// Each with what to tell if it is gone; nothing where its reader tells that.
    pub folders: BTreeMap<PathBuf, Option<AlarmReason>>,
    pub pause: Duration,
    /// The sources, each with its folder.
    pub sources: Vec<(SourceName, PathBuf)>,
    /// Secrets that the settings name, which may be missing too.
    pub secrets: Secrets,
}

impl FolderWatch {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let paths: Vec<PathBuf> = self.folders.keys().cloned().collect();
        while !self.stop.is_requested() {
            self.secrets.look(&self.inbound)?;
            let answers = READ_ONLY.ask(&paths, is_read_only);
            let waiting = progress::waiting();
            for (folder, gone) in &self.folders {
                let about = folder.display().to_string();
                // A Maildir hangs where one of its parts does.
                let held = waiting.iter().filter(|one| one.place.starts_with(folder)).map(|one| one.waited).max();
                if let Some(waited) = held {
                    self.tell_hanging(folder, waited)?;
                    continue;
                }
                let reason = match answers.get(folder).copied().flatten() {
                    // Not yet: it is told once it is known to hang.
                    None => continue,
                    Some(Some(true)) => Some(AlarmReason::ReadOnlyFolder),
                    Some(Some(false)) => None,
                    Some(None) => *gone,
                };
                self.inbound.alarm(&about, reason)?;
            }
            rest(&self.stop, self.pause.min(ASK_EVERY));
        }
        Ok(())
    }

    /// Of the source too, if it is one's folder: that alarm ends with the next look into it.
    fn tell_hanging(&self, folder: &Path, waited: Duration) -> Result<(), Critical> {
        let now = self.inbound.clock.now();
        let since = now.checked_sub(waited).unwrap_or(now);
        let path = folder.display().to_string();
        let notice = AlarmReason::hangs_since(&path, since);
        for (source, _) in self.sources.iter().filter(|(_, of)| of == folder) {
            self.inbound.alarm_in_words(source.as_str(), Some(notice.clone()))?;
        }
        self.inbound.alarm_in_words(&path, Some(notice))
    }
}

/// Nothing of one that cannot be opened, or is what an unmounted share has left.
fn is_read_only(folder: &Path) -> Option<bool> {
    mounted::identity(folder).and_then(|_| Directory::open(folder)).and_then(|directory| directory.is_read_only()).ok()
}

/// Asks every folder of the settings, and gives each that does not answer the time after which it is known to hang: so nobody
/// who begins then is kept by one that hangs already.
pub(super) fn wait_for_folders(settings: &Settings) {
    let folders: Vec<PathBuf> = settings.folders().into_iter().map(Path::to_owned).collect();
    for folder in not_answering(HANGS_AFTER + MORE, &folders) {
        tracing::warn!("{} does not answer; what it is for waits, and all else begins", folder.display());
    }
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
