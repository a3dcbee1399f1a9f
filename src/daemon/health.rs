//! What the running service says of itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::stop::Stop;
use crate::config::Settings;
use crate::config::settings::{SourceSettings, SourceWay};
use crate::domain::SourceName;
use crate::sandbox::Confinement;

/// The running service, as `hbcourier status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its process.
    pub pid: u32,
    /// Since when it runs.
    pub since: Timestamp,
    /// The program's version.
    pub version: String,
    /// Every source.
    pub sources: Vec<SourceStatus>,
    /// What is being done now, without personal data.
    pub in_flight: Vec<String>,
    /// How far its process is confined.
    #[serde(default)]
    pub sandbox: Confinement,
}

/// One source, as the service last saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: SourceName,
    /// The last successful look.
    pub last_look: Option<Timestamp>,
    /// Whether the last look succeeded.
    pub ok: bool,
    /// Files that have not been collected yet.
    pub waiting: usize,
    /// Files since the start that the sweep found although the kernel should have told of them.
    #[serde(default)]
    pub missed: u64,
}

/// Gathers what the workers see.
pub struct Health {
    since: Timestamp,
    sandbox: Confinement,
    sources: Mutex<BTreeMap<SourceName, SourceStatus>>,
}

impl Health {
    /// From the service's start on.
    pub fn new(since: Timestamp, sandbox: Confinement) -> Health {
        Health { since, sandbox, sources: Mutex::default() }
    }

    /// A look at a source.
    pub fn looked(&self, name: &SourceName, at: Timestamp, ok: bool, waiting: usize) {
        self.change(name, |status| {
            status.last_look = if ok { Some(at) } else { status.last_look };
            (status.ok, status.waiting) = (ok, waiting);
        });
    }

    /// Files of a source that were found by looking alone, though the kernel should have told of them.
    pub fn missed(&self, name: &SourceName, files: u64) {
        if files > 0 {
            self.change(name, |status| status.missed += files);
        }
    }

    fn change(&self, name: &SourceName, change: impl FnOnce(&mut SourceStatus)) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let unseen = || SourceStatus { name: name.clone(), last_look: None, ok: false, waiting: 0, missed: 0 };
        change(sources.entry(name.clone()).or_insert_with(unseen));
    }

    /// All of it.
    pub fn status(&self, stop: &Stop) -> ServiceStatus {
        ServiceStatus {
            pid: std::process::id(),
            since: self.since,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sources: self.sources.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect(),
            in_flight: stop.labels(),
            sandbox: self.sandbox,
        }
    }
}

/// How old the last look at a source may be.
pub fn look_is_due_within(settings: &Settings, source: SourceSettings<'_>) -> Duration {
    late_after(match source.way {
        SourceWay::Folder(_) | SourceWay::Maildir(_) => settings.service.sweep_every,
        SourceWay::Mailbox(mailbox) => mailbox.poll,
    })
}

fn late_after(every: Duration) -> Duration {
    every * 4 + Duration::from_secs(60)
}
