//! Checkpoints put together from the settings, and the worker that makes them when they are due and takes them
//! to whoever keeps them elsewhere.
//!
//! Holds: a ledger that its key will not sign ends the service; a recipient that cannot be reached does not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::alarms::rest;
use super::build::{StartFault, smtp_courier};
use super::stop::Stop;
use crate::checkpoints::{Checkpoints, Ordered, Recipient, Unmade, Watch, Way};
use crate::config::Settings;
use crate::config::settings::{RecipientSettings, RecipientWay, SecretReference};
use crate::domain::retry::pause;
use crate::effects::audit_folder::AuditFolder;
use crate::effects::clock::Clock;
use crate::effects::ledger_key::{KEY_FILE, LedgerKey};
use crate::store::SqliteStore;

/// How often is looked whether anything was recorded that matters.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What checkpoints of this store are made by, and where they go. A key is made if none is configured and none is there.
/// The caller holds the instance lock.
pub fn checkpoints_of(
    settings: &Settings,
    store: &SqliteStore,
    clock: Arc<dyn Clock>,
) -> Result<Checkpoints, StartFault> {
    let recipients = settings.audit.recipients.iter().map(|one| recipient(settings, one)).collect::<Option<Vec<_>>>();
    Ok(Checkpoints {
        recorder: Arc::new(store.recorder()),
        queries: Arc::new(store.queries()),
        key: ledger_key(settings)?,
        clock,
        // Each names a courier that is there and mails, or it would not have loaded.
        recipients: recipients.unwrap_or_default(),
        making: Mutex::default(),
    })
}

/// The ledger's key as it is configured.
pub fn ledger_key(settings: &Settings) -> Result<LedgerKey, StartFault> {
    let (state, name) = (&settings.service.state, &settings.audit.name);
    let reference = match &settings.audit.key {
        Some(reference) => reference.clone(),
        None => {
            LedgerKey::make(state, name)?;
            SecretReference::File(state.join(KEY_FILE))
        }
    };
    Ok(LedgerKey::open(state, name, &reference.read()?)?)
}

fn recipient(settings: &Settings, one: &RecipientSettings) -> Option<Recipient> {
    let way = match &one.way {
        RecipientWay::Folder(folder) => Way::Folder(AuditFolder::new(folder.clone())),
        RecipientWay::Mail { courier, address } => {
            Way::Mail(Box::new(smtp_courier(settings, courier)?), address.clone())
        }
    };
    Some(Recipient { name: one.name.clone(), way })
}

/// Makes checkpoints and takes them away.
pub(super) struct Notary {
    pub checkpoints: Arc<Checkpoints>,
    pub stop: Arc<Stop>,
    /// Between attempts at a recipient that could not be reached: the first and the longest.
    pub retry_after: Duration,
    pub retry_after_max: Duration,
}

impl Notary {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), String> {
        let (mut watch, mut failures, mut next) = (Watch::default(), 0u8, Duration::ZERO);
        while !self.stop.is_requested() {
            let news = make_if_due(&self.checkpoints, &mut watch)?;
            let now = self.checkpoints.clock.since_boot();
            if news || now >= next {
                let all = self.checkpoints.leave_to_all().map_err(|error| error.to_string())?;
                failures = if all { 0 } else { failures.saturating_add(1) };
                next = if all { now } else { now + pause(failures, self.retry_after, self.retry_after_max) };
            }
            rest(&self.stop, LOOK_EVERY);
        }
        Ok(())
    }
}

/// What `run --once` does of it.
pub(super) fn once(checkpoints: &Checkpoints) -> Result<(), String> {
    make_if_due(checkpoints, &mut Watch::default())?;
    checkpoints.leave_to_all().map(drop).map_err(|error| error.to_string())
}

/// Makes one if one is due. Whether it did.
fn make_if_due(checkpoints: &Checkpoints, watch: &mut Watch) -> Result<bool, String> {
    if !checkpoints.is_due(watch).map_err(|error| error.to_string())? {
        return Ok(false);
    }
    let can = match checkpoints.make(&Ordered::BY_ITSELF) {
        Ok(_) => true,
        Err(unmade) if unmade.is_critical() => return Err(unmade.to_string()),
        Err(Unmade::Empty) => return Ok(false),
        Err(unmade) => {
            tracing::warn!(error = %unmade, "No checkpoint was made: {unmade}");
            false
        }
    };
    checkpoints.can_be_made(can).map_err(|error| error.to_string())?;
    Ok(can)
}
