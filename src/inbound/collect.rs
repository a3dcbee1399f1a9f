//! Collecting: taking a settled file from a drop folder into the spool.
//!
//! In:  a [`Sighting`] that has settled.
//! Out: a consignment standing at Collected, and the folder cleared of it.
//! Order matters: spool, then record, then clear. See "What a crash leaves" in ARCHITECTURE.md.
//! Holds: never clears a source whose ledger entry has not committed.

use std::io::{self, Seek};

use jiff::Timestamp;

use super::claims::Claim;
use super::open::Opened;
use super::withdrawn::tell_given_back;
use super::{Critical, Inbound, Source};
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Consignment, ConsignmentId, Digest, Revision, Standing};
use crate::durable::{Copied, CopyError, File, Stamp, Through, Withdrawn, copy_and_digest, step};
use crate::effects::drop_folder::Sighting;
use crate::effects::spool::Incoming;
use crate::store::{Change, Named, NewConsignment, RecordError, StateChange};

/// From this size on a file on the spool's own file system gets a second name instead of a copy.
const ADOPT_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// What became of a sighting.
#[derive(Debug)]
pub enum Collecting {
    /// It is ours now, or was already.
    Ours,
    /// It changed or vanished meanwhile; the folder will be looked at again.
    Changed,
    /// It stays where it is, for this reason.
    Left(AlarmReason),
}

impl Inbound {
    /// Takes the file into the spool, records it, clears it from the folder, and takes it on from there.
    pub fn carry(&self, source: &Source, sighting: &Sighting) -> Result<Collecting, Critical> {
        match self.collect(source, sighting) {
            Ok((collecting, None)) => Ok(collecting),
            Ok((collecting, Some((claim, just)))) => {
                self.advance_claimed(&claim, just)?;
                Ok(collecting)
            }
            Err(Stopped::Critical(critical)) => Err(critical),
            Err(Stopped::Left(reason, error)) => {
                self.tell_left(source, &sighting.name, &sighting.stamp, reason, &error);
                Ok(Collecting::Left(reason))
            }
        }
    }

    /// Says that a file of the source stays where it is; the same again is hardly worth a line.
    pub(super) fn tell_left(&self, source: &Source, name: &str, stamp: &Stamp, reason: AlarmReason, error: &io::Error) {
        if self.left.is_news(&source.name, name, stamp, reason) {
            tracing::warn!(source = %source.name, error = %error, "Left a file in {}: {error}", source.name);
        } else {
            tracing::debug!(source = %source.name, error = %error, "A file still lies in {}", source.name);
        }
    }

    /// Whether there is too little space to collect this many bytes. Finishing what was collected goes on regardless.
    pub fn space_is_low(&self, bytes: u64) -> bool {
        let wanted = self.terms.free_bytes_min.saturating_add(bytes);
        self.spool.free_bytes().is_ok_and(|free| free < wanted)
    }

    fn collect(&self, source: &Source, sighting: &Sighting) -> Result<(Collecting, Option<Collected<'_>>), Stopped> {
        let native = Digest::of(sighting.native().as_bytes());
        if let Some(consignment) = self.queries.collected(&source.name, &native).map_err(Critical::from)? {
            return Ok((self.clear_again(source, sighting, consignment)?, None));
        }
        self.has_room(sighting.stamp.bytes)?;
        let received_at = self.clock.now();
        let Some((incoming, ahead)) = self.take(source, sighting, received_at)? else {
            return Ok((Collecting::Changed, None));
        };
        let consignment = self.taken_as(source, &sighting.native(), &incoming.copied, received_at);
        let _within = tracing::info_span!("transfer", transfer = %consignment.id).entered();
        // Before the record: from then on the sweep may find it due.
        let Some(claim) = self.claims.claim(&consignment.id) else { return Ok((Collecting::Changed, None)) };
        let kept = self.spool.keep(incoming, &source.name, &consignment.id);
        kept.map_err(spool_fault)?;
        let (consignment, recording) = self.record_collected(consignment, native, &sighting.name)?;
        passed(step("collect.recorded"))?;
        self.clear(source, sighting, &consignment.id)?;
        passed(step("collect.cleared"))?;
        let is_new = recording == Recording::Now;
        let just = is_new.then(|| JustCollected { consignment, name: sighting.name.clone(), ahead });
        Ok((Collecting::Ours, Some((claim, just))))
    }

    /// Whether so many bytes may be collected now.
    pub(super) fn has_room(&self, bytes: u64) -> Result<(), Stopped> {
        if bytes > self.terms.ciphertext_bytes_max {
            let words = "it is larger than service.limits.ciphertext_bytes_max";
            return Err(Stopped::Left(AlarmReason::TooLarge, io::Error::other(words)));
        }
        if self.space_is_low(bytes) {
            let words = "there is too little space below the state directory";
            return Err(Stopped::Left(AlarmReason::SpaceLow, io::Error::other(words)));
        }
        Ok(())
    }

    /// What was taken, as the consignment that it becomes.
    pub(super) fn taken_as(
        &self,
        source: &Source,
        native: &str,
        taken: &Copied,
        received_at: Timestamp,
    ) -> Consignment {
        Consignment {
            id: ConsignmentId::derive(&source.name, native, &taken.digest),
            source: source.name.clone(),
            authority: source.authority.clone(),
            received_at,
            sealed_digest: taken.digest,
            sealed_bytes: taken.bytes,
            revision: Revision(0),
            standing: Standing::Collected { at: self.clock.now() },
            signer: None,
        }
    }

    /// The bytes of the file, as they were from its opening to the end of the copy; `None` if they changed. A large file
    /// that need not be copied is opened while it is read.
    fn take(
        &self,
        source: &Source,
        sighting: &Sighting,
        received_at: Timestamp,
    ) -> Result<Option<(Incoming<'_>, Option<Opened>)>, Stopped> {
        let fault = |error| Stopped::Left(AlarmReason::SourceFault, error);
        let folder = source.folder().map_err(fault)?;
        let directory = folder.directory().map_err(fault)?;
        let Some(mut file) = folder.open(sighting).map_err(fault)? else { return Ok(None) };
        if sighting.stamp.links > 1 && !self.spool.holds(&sighting.stamp).map_err(fault)? {
            return Err(Stopped::Left(AlarmReason::Uncollectable, io::Error::other("the file has a second name")));
        }
        let bytes_max = self.terms.ciphertext_bytes_max;
        let large = sighting.stamp.bytes >= ADOPT_BYTES_MIN && self.spool.shares_file_system(&directory);
        let mut ahead = None;
        let mut digest = |file: &File| match self.open_ahead(source, file, received_at) {
            Some(opened) => {
                let copied = Copied { digest: opened.verdict.sealed, bytes: opened.sealed_bytes };
                ahead = Some(opened);
                Ok(copied)
            }
            None => digest_of(file, bytes_max),
        };
        let adopted = large.then(|| self.spool.adopt(&directory, &sighting.name, &mut digest));
        let taken = match adopted {
            // The kernel refuses a second name for somebody else's file, or the file has too many: a copy does.
            None | Some(Err(CopyError::Write(_))) => {
                self.spool.take(&mut Through { file: &mut file, place: folder.path() }, bytes_max)
            }
            Some(taken) => taken,
        };
        let incoming = match taken {
            Ok(incoming) => incoming,
            Err(CopyError::TooLarge(_)) => return Ok(None),
            Err(CopyError::Read(error)) => return Err(fault(error)),
            Err(CopyError::Write(error)) => return Err(spool_fault(error)),
        };
        Ok(folder.is_still(sighting).map_err(fault)?.then_some((incoming, ahead)))
    }

    /// Records it, unless it is on record. As it stands there, and which of the two it was.
    pub(super) fn record_collected(
        &self,
        consignment: Consignment,
        native: Digest,
        name: &str,
    ) -> Result<(Consignment, Recording), Stopped> {
        let named = Named::new(name);
        let facts = Facts {
            transfer: Some(consignment.id),
            source: Some(consignment.source.clone()),
            name: Some(named.commitment()),
            sealed: Some(consignment.sealed_digest),
            bytes: Some(consignment.sealed_bytes),
            ..Facts::default()
        };
        let new = NewConsignment { consignment: consignment.clone(), native, name: named.commitment() };
        let change = self.change(Event::Collected, facts, StateChange::Collect(Box::new(new)));
        match self.recorder.record(Change { names: vec![named], ..change }) {
            Ok(_) => {
                let Consignment { id, source, .. } = &consignment;
                tracing::info!(transfer = %id, %source, "Collected transfer {id} from {source}");
                Ok((consignment, Recording::Now))
            }
            // Recorded before a crash, or as an orphan after it: that record stands.
            Err(RecordError::Exists { .. }) => {
                let known = self.queries.consignment(&consignment.id).map_err(Critical::from)?;
                let known = known.map_or(consignment, |(known, _)| known);
                self.discard_second_copy(&known);
                Ok((known, Recording::Before))
            }
            Err(error) => Err(Stopped::Critical(error.into())),
        }
    }

    /// What was delivered while its source could not be looked into has its original in the archive: what was spooled now is
    /// one copy too many.
    fn discard_second_copy(&self, known: &Consignment) {
        if !matches!(known.standing, Standing::Closed { .. }) {
            return;
        }
        let removed = self.spool.remove_collected(&known.source, &known.id).and_then(|()| self.spool.sync_removals());
        if let Err(error) = removed {
            tracing::warn!(transfer = %known.id, %error, "A second copy of {} may be left in the spool: {error}", known.id);
        }
    }

    /// The file was collected before, but a crash came before the folder was cleared.
    fn clear_again(&self, source: &Source, sighting: &Sighting, known: Consignment) -> Result<Collecting, Stopped> {
        // Being cleared just now, or worked on.
        let Some(_claim) = self.claims.claim(&known.id) else { return Ok(Collecting::Changed) };
        let fault = |error| Stopped::Left(AlarmReason::SourceFault, error);
        let before = self.left.is_collected(&source.name, &sighting.name, &sighting.stamp);
        let is_collected = match before {
            Some(is_collected) => is_collected,
            None => {
                let folder = source.folder().map_err(fault)?;
                let Some(file) = folder.open(sighting).map_err(fault)? else { return Ok(Collecting::Changed) };
                let mut file = Through { file, place: folder.path() };
                let bytes = copy_and_digest(&mut file, &mut io::sink(), u64::MAX);
                bytes.map_err(|error| fault(io::Error::other(error)))?.digest == known.sealed_digest
            }
        };
        if !is_collected {
            self.left.compared(&source.name, &sighting.name, &sighting.stamp, false);
            let words = "it was replaced by other content with the same times";
            return Err(fault(io::Error::other(words)));
        }
        if before.is_none() {
            self.note_cleared_again(source, &known)?;
            self.left.compared(&source.name, &sighting.name, &sighting.stamp, true);
        }
        self.clear(source, sighting, &known.id)?;
        Ok(Collecting::Ours)
    }

    /// Before a file that was collected is cleared at a later look.
    pub(super) fn note_cleared_again(&self, source: &Source, known: &Consignment) -> Result<(), Critical> {
        // No name leaves a folder without an entry, and nobody can tell here whether a crash or the partner put it there.
        let facts = Facts {
            transfer: Some(known.id),
            source: Some(source.name.clone()),
            sealed: Some(known.sealed_digest),
            ..Facts::default()
        };
        let noted = self.recorder.record(self.change(Event::SourceClearedAgain, facts, StateChange::None));
        Ok(noted.map(drop)?)
    }

    fn clear(&self, source: &Source, sighting: &Sighting, transfer: &ConsignmentId) -> Result<(), Stopped> {
        let cleared = source.folder().and_then(|folder| folder.clear(sighting, transfer));
        if let Withdrawn::GivenBack(back) = cleared.map_err(|error| Stopped::Left(AlarmReason::SourceFault, error))? {
            tell_given_back(source, transfer, back);
        }
        Ok(())
    }
}

/// A consignment that was recorded a moment ago and that nobody else works on: the store need not be asked for it.
pub(super) struct JustCollected {
    /// As it is recorded.
    pub consignment: Consignment,
    /// The name it had in its folder.
    pub name: String,
    /// Its content, if it was opened while it was collected.
    pub ahead: Option<Opened>,
}

/// When a consignment was recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Recording {
    Now,
    /// Before a crash, or as an orphan after it.
    Before,
}

/// The claim on a consignment that is ours, and all of it if it was not on record before.
type Collected<'a> = (Claim<'a>, Option<JustCollected>);

fn digest_of(mut file: &File, bytes_max: u64) -> Result<Copied, CopyError> {
    file.rewind().map_err(CopyError::Read)?;
    copy_and_digest(&mut file, &mut io::sink(), bytes_max)
}

pub(super) enum Stopped {
    Left(AlarmReason, io::Error),
    Critical(Critical),
}

impl From<Critical> for Stopped {
    fn from(critical: Critical) -> Stopped {
        Stopped::Critical(critical)
    }
}

pub(super) fn spool_fault(error: io::Error) -> Stopped {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    Stopped::Left(if full { AlarmReason::SpaceLow } else { AlarmReason::SpoolFault }, error)
}

pub(super) fn passed(step: io::Result<()>) -> Result<(), Stopped> {
    step.map_err(|error| Stopped::Left(AlarmReason::SourceFault, error))
}
