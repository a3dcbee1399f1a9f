//! A council for tests of the reading commands: real folders, settings, store and keys in a temporary directory.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::cli::output::{CliError, Exit, Output};
use crate::cli::reading::Reading;
use crate::config::{Settings, load_with_env};
use crate::daemon::health::{ServiceStatus, SourceStatus};
use crate::domain::ledger::Facts;
use crate::domain::timetable::Timetables;
use crate::effects::pgp::{KeyAlgorithm, KeyRing};
use crate::sandbox::Confinement;
use crate::store::{Change, Recorder, SqliteQueries, SqliteStore, StateChange};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

pub(crate) struct Council {
    pub dir: tempfile::TempDir,
    pub settings: Settings,
    pub keys: KeyRing,
    pub timetables: Timetables,
    pub service: Option<ServiceStatus>,
    pub now: Timestamp,
    store: SqliteStore,
    queries: SqliteQueries,
    printed: RefCell<Vec<u8>>,
}

impl Council {
    /// The minimal configuration, below a temporary directory, on 27 April 2020; the service runs.
    pub fn new() -> Council {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let folders =
            ["state", "drop/12302", "backoffice/12302/laid", "backoffice/12302/hbms", "backoffice/12302/risk"];
        let more = ["returns/12302/shbe", "returns/12302/hbms-mi", "outgoing/12302"];
        for folder in folders.iter().chain(&more) {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::set_permissions(root.join(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        let text = include_str!("../../config/hbcourier.minimal.toml");
        let text = text.replace("/var/lib/hbcourier", &root.join("state").display().to_string());
        let config = root.join("hbcourier.toml");
        fs::write(&config, text.replace("/srv/hbcourier", &root.display().to_string())).unwrap();
        let mut settings = load_with_env(&config, []).unwrap();
        // The machine that runs the tests may be nearly full.
        settings.service.limits.free_bytes_min = 1;
        let store = SqliteStore::open(&settings.service.state).unwrap();
        let now = "2020-04-27T16:00:00Z".parse().unwrap();
        let source =
            SourceStatus { name: "drop-12302".parse().unwrap(), last_look: Some(now), ok: true, waiting: 0, missed: 0 };
        let service = ServiceStatus {
            pid: 4711,
            since: now,
            version: "0.0.0".to_owned(),
            sources: vec![source],
            in_flight: Vec::new(),
            sandbox: Confinement { landlock: 6, system_calls: true },
        };
        Council {
            keys: KeyRing::at(&settings.service.state),
            timetables: crate::config::timetable::bundled().unwrap(),
            service: Some(service),
            now,
            queries: store.queries(),
            store,
            settings,
            dir,
            printed: RefCell::default(),
        }
    }

    /// As [`Council::new`], with keys of its own and DWP's, good for `years` from the beginning of 2020.
    pub fn with_keys(years: u32) -> Council {
        let council = Council::new();
        council.make_keys(years, 2);
        council
    }

    /// Own keys good for so many years, and DWP's.
    pub fn make_keys(&self, own_years: u32, dwp_years: u32) {
        let at = "2020-01-01T00:00:00Z".parse().unwrap();
        self.keys.generate("council", KeyAlgorithm::Curve25519, at, YEAR * own_years).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let dwp = KeyRing::at(elsewhere.path());
        dwp.generate("dwp", KeyAlgorithm::Curve25519, at, YEAR * dwp_years).unwrap();
        let certificate = dwp.export_own().unwrap();
        self.keys.trust(&"dwp".parse().unwrap(), &certificate, None, self.now).unwrap();
    }

    pub fn reading(&self) -> Reading<'_> {
        Reading {
            settings: &self.settings,
            queries: &self.queries,
            keys: &self.keys,
            timetables: &self.timetables,
            service: self.service.as_ref(),
            now: self.now,
        }
    }

    pub fn queries(&self) -> &SqliteQueries {
        &self.queries
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(path)
    }

    /// Records it, with the transfer or return it is about.
    pub fn record(&self, mut change: Change) {
        let (transfer, submission) = match &change.state {
            StateChange::Collect(new) => (Some(new.consignment.id), None),
            StateChange::Consignment { id, .. } | StateChange::Approve { id, .. } | StateChange::Release { id, .. } => {
                (Some(*id), None)
            }
            StateChange::Answer { id, key, .. } => (Some(*id), Some(key.to_string())),
            StateChange::Submission { key, .. } | StateChange::Owe { key, .. } => (None, Some(key.to_string())),
            StateChange::OpenWorkbook { transfer, .. } => (Some(*transfer), None),
            StateChange::None
            | StateChange::Alarm { .. }
            | StateChange::InService { .. }
            | StateChange::EraseNames { .. }
            | StateChange::EraseOriginal { .. }
            | StateChange::PlaceHold { .. }
            | StateChange::LiftHold { .. }
            | StateChange::CloseWorkbook { .. }
            | StateChange::Key { .. }
            | StateChange::Checkpoint { .. }
            | StateChange::CheckpointLeft { .. }
            | StateChange::ActivateTimetable { .. } => (None, None),
        };
        change.facts = Facts { transfer, submission, ..change.facts };
        self.store.recorder().record(change).unwrap();
    }

    /// What the command printed as JSON, and how it ended.
    pub fn json(&self, command: impl FnOnce(&mut Output<'_>) -> Result<Exit, CliError>) -> (Exit, Value) {
        let (exit, printed) = self.text(command);
        (exit, serde_json::from_str(&printed).unwrap())
    }

    /// What the command printed, and how it ended.
    pub fn text(&self, command: impl FnOnce(&mut Output<'_>) -> Result<Exit, CliError>) -> (Exit, String) {
        let mut printed = self.printed.borrow_mut();
        printed.clear();
        let exit = command(&mut Output::to(&mut *printed)).unwrap();
        (exit, String::from_utf8(printed.clone()).unwrap())
    }
}

/// A file with this content there.
pub(crate) fn put(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
}
