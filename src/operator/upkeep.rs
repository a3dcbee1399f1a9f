//! Orders about backups: one that was made is recorded, and a person ends the alarm of one that was restored.

use super::{Done, NO_REASON, Operator, Refused};
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Actor, Digest};
use crate::store::StateChange;

/// What a backup holds.
pub(super) struct Backup<'a> {
    pub manifest: &'a Digest,
    pub entries: u64,
    pub root: &'a Digest,
}

impl Operator {
    /// Records that it was made. Nothing is known of it here but what the command says.
    pub(super) fn backed_up(
        &self,
        actor: &Actor,
        backup: Backup<'_>,
        by: Option<&str>,
        why: Option<&str>,
    ) -> Result<Done, Refused> {
        let Backup { manifest, entries, root } = backup;
        let facts = Facts {
            about: Some(by.map_or_else(|| format!("backup {manifest}"), |by| format!("backup {manifest} for {by}"))),
            size: Some(entries),
            content: Some(*root),
            why: why.map(str::to_owned),
            ..Facts::default()
        };
        self.record(actor, Event::BackedUp, facts, StateChange::None)?;
        Ok(Done::saying(format!("The state of {entries} ledger entries is backed up.")))
    }

    pub(super) fn settle_restore(&self, actor: &Actor, by: Option<&str>, reason: &str) -> Result<Done, Refused> {
        if reason.trim().is_empty() {
            return Err(Refused::Unfit(NO_REASON.to_owned()));
        }
        let code = AlarmReason::Restored.notice("").code;
        let raised: Vec<String> =
            self.queries.alarms()?.into_iter().filter(|alarm| alarm.code == code).map(|alarm| alarm.about).collect();
        if raised.is_empty() {
            return Err(Refused::Unfit("no restored backup waits for anybody to see to it".to_owned()));
        }
        let (about, why) = (by.map(str::to_owned), Some(reason.to_owned()));
        self.record(actor, Event::RestoreSettled, Facts { about, why, ..Facts::default() }, StateChange::None)?;
        for about in raised {
            let facts = Facts { about: Some(about.clone()), ..Facts::default() };
            self.record(actor, Event::AlarmCleared, facts, StateChange::Alarm { about, notice: None })?;
        }
        Ok(Done::saying("What the restored backup left open is settled; its alarm is ended.".to_owned()))
    }
}
