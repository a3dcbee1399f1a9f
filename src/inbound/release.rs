//! The release that a consignment carries: which finding two people have set aside.
//!
//! In:  the consignment. Out: its [`Release`], proved by the ledger; or it is held, because it is not.
//! Holds: what the table says counts only with the entries of two different people behind it.

use super::{Failure, Inbound};
use crate::domain::ledger::Entry;
use crate::domain::release::is_proven;
use crate::domain::{Consequence, Consignment, HoldReason, Release, Revision, Waiver};
use crate::store::QueryError;

impl Inbound {
    /// What this consignment is released as, if it is.
    pub(super) fn release_of(&self, consignment: &Consignment) -> Result<Option<Release>, Failure> {
        // What has only just come was never held.
        if consignment.revision == Revision(0) {
            return Ok(None);
        }
        let Some(release) = self.queries.release(&consignment.id)? else { return Ok(None) };
        let second = self.entry(release.entry)?;
        let first = match second.as_ref().and_then(|second| second.facts.approved) {
            Some(seq) => self.entry(seq)?,
            None => None,
        };
        let proven = first.zip(second).is_some_and(|(first, second)| {
            second.facts.waives.as_ref() == Some(&release.waives)
                && is_proven(&first, &second, &consignment.id, &consignment.sealed_digest)
        });
        if proven {
            return Ok(Some(release));
        }
        let detail = format!("entry {} does not prove the release in the store", release.entry);
        Err(Failure::of(Consequence::Hold(HoldReason::ReleaseUnproven), detail))
    }

    fn entry(&self, seq: u64) -> Result<Option<Entry>, QueryError> {
        let lines = self.queries.ledger(seq, 1)?;
        let line = lines.first().filter(|(found, _)| *found == seq);
        Ok(line.and_then(|(_, line)| serde_json::from_slice(line).ok()))
    }
}

/// Stops what was found, unless it is the one thing that is set aside.
pub(super) fn unless_waived(waived: Option<&Waiver>, reason: HoldReason, detail: impl ToString) -> Result<(), Failure> {
    if waived.is_some_and(|waiver| waiver.covers(&reason)) {
        return Ok(());
    }
    Err(Failure::of(Consequence::Hold(reason), detail))
}
