//! The release that a consignment carries: which finding two people have set aside.
//!
//! In:  the consignment. Out: its [`Release`], proved by the ledger; or it is held, because it is not.
//! Holds: what the table says counts only with the entries of two different people behind it, and only once.

use super::{Failure, Inbound};
use crate::domain::ledger::Entry;
use crate::domain::release::{is_ended_by, is_proven};
use crate::domain::{Consequence, Consignment, HoldReason, Release, Revision, Waiver};
use crate::store::QueryError;

/// Ledger lines read at a time.
const PAGE: usize = 1024;

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
        if proven && !self.is_used_up(&release, consignment)? {
            return Ok(Some(release));
        }
        let detail = format!("entry {} does not prove the release in the store, or was used already", release.entry);
        Err(Failure::of(Consequence::Hold(HoldReason::ReleaseUnproven), detail))
    }

    /// Whether the ledger tells of something since that ended it.
    fn is_used_up(&self, release: &Release, consignment: &Consignment) -> Result<bool, QueryError> {
        let id = consignment.id.to_string();
        let mut from = release.entry + 1;
        loop {
            let lines = self.queries.ledger(from, PAGE)?;
            let Some((last, _)) = lines.last() else { return Ok(false) };
            from = last + 1;
            // Parsing a line costs far more than looking for the id in it.
            let about = lines.iter().filter(|(_, line)| line.windows(id.len()).any(|window| window == id.as_bytes()));
            for (_, line) in about {
                let entry = serde_json::from_slice::<Entry>(line).ok();
                if entry.is_some_and(|entry| entry.facts.transfer == Some(consignment.id) && is_ended_by(entry.event)) {
                    return Ok(true);
                }
            }
        }
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
