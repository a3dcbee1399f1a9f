//! Erasing: an entry, then the removal; the entry of names and their removal are one.
//!
//! In:  what is due. Out: originals gone from the disk, names from the store's files.
//! Holds: while a restored backup is not settled nothing is erased anew; killed anywhere, the next look goes on; what only failed is told and tried again.

use std::collections::HashMap;
use std::io;

use jiff::Timestamp;

use super::keeps::{Keeps, Rule, is_held, over, returned};
use super::{Critical, Looked, PAGE, Retention};
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{
    ConsignmentId, Digest, Keep, LegalHold, Original, SourceName, Standing, Submission, SubmissionKey,
};
use crate::durable::step;
use crate::store::{RecordError, Settled, StateChange, SubmissionFilter};

/// What one look has done so far, and what stood in its way first.
struct Progress {
    erased_max: usize,
    looked: Looked,
    trouble: Option<String>,
}

impl Progress {
    fn is_full(&self) -> bool {
        self.looked.originals + self.looked.names >= self.erased_max
    }

    fn met(&mut self, done: Result<(), io::Error>) {
        if let Err(error) = done {
            self.trouble.get_or_insert_with(|| error.to_string());
        }
    }
}

impl Retention {
    pub(super) fn erase_what_is_due(&self) -> Result<(Looked, Option<String>), Critical> {
        let mut progress = Progress { erased_max: self.erased_max, looked: Looked::default(), trouble: None };
        progress.met(self.remove_what_is_recorded()?);
        if self.is_restored_and_open()? {
            return Ok((progress.looked, progress.trouble));
        }
        let (keeps, holds, now) = (Keeps::of(&self.settings), self.queries.legal_holds()?, self.clock.now());
        let mut last: Option<(Timestamp, _)> = None;
        while !progress.is_full() {
            let page = self.queries.settled(last.as_ref(), PAGE)?;
            let Some(end) = page.last() else { break };
            last = Some((end.consignment.received_at, end.consignment.id));
            for settled in &page {
                if progress.is_full() {
                    break;
                }
                self.transfer(settled, &keeps, &holds, now, &mut progress)?;
            }
        }
        for submission in self.queries.submissions(&SubmissionFilter::default())? {
            if progress.is_full() {
                break;
            }
            self.submission(&submission, &keeps.sealed(), &holds, now, &mut progress)?;
        }
        progress.looked.more = progress.is_full();
        if progress.looked.originals > 0 {
            progress.met(self.spool.sync_removals().and_then(|()| step("erase.directory-synced")));
        }
        // Also what an earlier look erased, if it was ended before this.
        progress.met(self.recorder.rewrite().map_err(io::Error::other));
        Ok((progress.looked, progress.trouble))
    }

    /// Whether the state is a backup that nobody has compared yet: a legal hold that was placed after it is not in it.
    fn is_restored_and_open(&self) -> Result<bool, Critical> {
        let code = AlarmReason::Restored.notice("").code;
        Ok(self.queries.alarms()?.iter().any(|alarm| alarm.code == code))
    }

    fn transfer(
        &self,
        settled: &Settled,
        keeps: &Keeps<'_>,
        holds: &[LegalHold],
        now: Timestamp,
        progress: &mut Progress,
    ) -> Result<(), Critical> {
        let consignment = &settled.consignment;
        let (Some(since), original) = (over(consignment), Original::Transfer(consignment.id)) else {
            return Ok(());
        };
        if is_held(holds, &original, &consignment.authority) {
            return Ok(());
        }
        let is_due = |keep: Keep| keep.until(since).is_some_and(|until| until <= now);
        let rule = keeps.original(settled);
        if settled.has_original && is_due(rule.keep) {
            let (sealed, bytes) = (Some(consignment.sealed_digest), Some(consignment.sealed_bytes));
            if self.record_erased(&original, Facts { sealed, bytes, ..Facts::default() }, &rule)? {
                progress.looked.originals += 1;
                let place = match &consignment.standing {
                    Standing::Rejected { .. } => Place::Collected(consignment.source.clone(), consignment.id),
                    _ => Place::Archived(consignment.id),
                };
                progress.met(self.remove_recorded(&place));
            }
        }
        let rule = keeps.names(settled);
        if settled.has_names && !settled.workbook_is_open && is_due(rule.keep) {
            let names = self.queries.names_to_erase(&consignment.id)?;
            let facts = Facts { rule: Some(rule.text()), ..Facts::default() };
            let state = StateChange::EraseNames { id: consignment.id, names };
            if self.recorded(self.record(Event::NamesErased, facts, state))? {
                progress.looked.names += 1;
            }
        }
        Ok(())
    }

    fn submission(
        &self,
        submission: &Submission,
        rule: &Rule<'_>,
        holds: &[LegalHold],
        now: Timestamp,
        progress: &mut Progress,
    ) -> Result<(), Critical> {
        let (Some(sealed), Some(since)) = (&submission.sealed, returned(submission)) else { return Ok(()) };
        let original = Original::Return(submission.key.clone());
        let is_due = rule.keep.until(since).is_some_and(|until| until <= now);
        if !is_due
            || is_held(holds, &original, &submission.key.authority)
            || self.queries.original_erased(&original)?.is_some()
        {
            return Ok(());
        }
        let facts = Facts { sealed: Some(sealed.sealed), bytes: Some(sealed.bytes), ..Facts::default() };
        if self.record_erased(&original, facts, rule)? {
            progress.looked.originals += 1;
            progress.met(self.remove_recorded(&Place::Sealed(sealed.sealed)));
        }
        Ok(())
    }

    /// Whether the entry was made, so that the bytes may go.
    fn record_erased(&self, original: &Original, facts: Facts, rule: &Rule<'_>) -> Result<bool, Critical> {
        let facts = Facts { rule: Some(rule.text()), ..facts };
        let state = StateChange::EraseOriginal { original: original.clone() };
        self.recorded(self.record(Event::OriginalErased, facts, state))
    }

    /// What ends in between is finished by the next look.
    fn remove_recorded(&self, place: &Place) -> io::Result<()> {
        step("erase.recorded")?;
        self.remove(place)?;
        step("erase.removed")
    }

    /// A hold that was placed meanwhile, or a return that moved on, keeps it.
    fn recorded(&self, done: Result<(), RecordError>) -> Result<bool, Critical> {
        match done {
            Ok(()) => Ok(true),
            Err(RecordError::Stale { .. } | RecordError::Exists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what an entry says is erased and a crash, or a fault, left on the disk.
    fn remove_what_is_recorded(&self) -> Result<io::Result<()>, Critical> {
        let places = match self.places() {
            Ok(places) => places,
            Err(error) => return Ok(Err(error)),
        };
        let returns = self.queries.submissions(&SubmissionFilter::default())?;
        let sealed = returns.into_iter().filter_map(|one| Some((one.sealed?.sealed, one.key)));
        let sealed: HashMap<Digest, SubmissionKey> = sealed.collect();
        let mut left = Vec::new();
        for place in places {
            let original = match &place {
                Place::Archived(id) | Place::Collected(_, id) => Some(Original::Transfer(*id)),
                Place::Sealed(digest) => sealed.get(digest).cloned().map(Original::Return),
            };
            let Some(original) = original else { continue };
            if self.queries.original_erased(&original)?.is_some() {
                left.push(place);
            }
        }
        let removed = left.iter().try_for_each(|place| self.remove(place));
        Ok(if left.is_empty() { Ok(()) } else { removed.and_then(|()| self.spool.sync_removals()) })
    }

    /// Where originals lie now.
    fn places(&self) -> io::Result<Vec<Place>> {
        let archived = self.spool.archived()?.into_iter().map(Place::Archived);
        let collected = self.spool.collected()?.into_iter().map(|(source, id)| Place::Collected(source, id));
        let sealed = self.spool.all_sealed()?.into_iter().map(Place::Sealed);
        Ok(archived.chain(collected).chain(sealed).collect())
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        match place {
            Place::Archived(id) => self.spool.remove_archived(id),
            Place::Collected(source, id) => self.spool.remove_collected(source, id),
            Place::Sealed(digest) => self.spool.remove_sealed(digest),
        }
    }
}

/// Where an original lies.
enum Place {
    Archived(ConsignmentId),
    Collected(SourceName, ConsignmentId),
    Sealed(Digest),
}
