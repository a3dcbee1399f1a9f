//! Staging: every part complete beside its final name, hidden; then one record for all of them.
//!
//! In:  [`Scanned`] content. Out: the consignment at Staged.
//! Holds: all or nothing; what is already at a final name is never touched; the same content is accepted once for an
//! authority.

use std::io::{self, Write};

use super::check::Routed;
use super::identify::{Part, open_archive};
use super::scan::Scanned;
use super::{Failure, Inbound};
use crate::domain::ledger::{Event, Facts, PartFacts, VolumeFacts};
use crate::domain::reason::Became;
use crate::domain::{
    Consequence, Consignment, ConsignmentId, DeferCause, Delivery, HoldReason, KeyStep, LaNumber, Release, Resume,
    Revision, Standing, Waiver,
};
use crate::durable::{PrivateContent, step};
use crate::effects::destination::{Access, Content, Part as Staging};
use crate::effects::pgp::Verdict;
use crate::store::{Change, Named, QueryError, RecordError, Recorded, StateChange};

impl Inbound {
    pub(super) fn stage(
        &self,
        consignment: &mut Consignment,
        scanned: Scanned,
        release: Option<&Release>,
    ) -> Result<Vec<Delivery>, Failure> {
        let Scanned { routed: Routed { authority, mut opened, mut parts }, by } = scanned;
        self.recall_published(consignment, &mut parts)?;
        let mut unrecorded = Unrecorded { inbound: self, deliveries: Vec::new(), recorded: false };
        for (part, delivery, access) in &mut parts {
            unrecorded.deliveries.push(delivery.clone());
            if !delivery.published {
                self.before_staging(delivery)?;
                let opened = opened.get_mut(part.content).ok_or_else(nothing_opened)?;
                delivery.place = Some(self.stage_part(&mut opened.content, part, delivery, *access)?);
            }
        }
        let volumes = parts.iter().flat_map(|(part, delivery, _)| volumes_of(part, delivery)).collect();
        let derived: Vec<bool> = parts.iter().map(|(part, _, _)| part.derived.is_some()).collect();
        let deliveries: Vec<Delivery> = parts.into_iter().map(|(_, delivery, _)| delivery).collect();
        self.synced(&deliveries, "sync.stage.directory")?;
        super::passed(step("stage.directory-synced"))?;
        let standing = Standing::Staged { at: self.clock.now(), boot: self.boot.clone() };
        let verdicts: Vec<&Verdict> = opened.iter().map(|opened| &opened.verdict).collect();
        let signer = verdicts.first().ok_or_else(nothing_opened)?.signer.clone();
        self.note_exceptions(consignment, &verdicts)?;
        let mut change = self.staged(consignment, &authority, standing.clone(), (&deliveries, &derived), &verdicts);
        change.facts.volumes = volumes;
        change.facts.scanned = by;
        change.facts.release = release.map(|release| release.entry);
        match self.record_staged(change, release) {
            Ok(recorded) => consignment.revision = recorded.revision,
            Err(RecordError::AcceptedBefore { first, .. }) => {
                let detail = format!("the same content is transfer {first}");
                return Err(Failure::of(Consequence::Hold(self.repeat_of(first)?), detail));
            }
            Err(error) => {
                // Staged may be on the disk in spite of the error, and without the parts that would mean that they
                // were published and taken. The next start replaces them if it is not.
                unrecorded.recorded = true;
                return Err(Failure::Critical(error.into()));
            }
        }
        unrecorded.recorded = true;
        consignment.standing = standing;
        consignment.authority = authority;
        consignment.signer = signer;
        super::passed(step("stage.recorded"))?;
        drop(unrecorded);
        Ok(deliveries)
    }

    /// Tells of each exception without which this would not be delivered, once a transfer.
    fn note_exceptions(&self, consignment: &Consignment, verdicts: &[&Verdict]) -> Result<(), Failure> {
        for verdict in verdicts {
            for exception in &verdict.exceptions {
                let step = KeyStep::ExceptionUsed { exception: *exception, transfer: consignment.id };
                let about = verdict.partner.as_ref().map(ToString::to_string);
                let facts = Facts { about, ..Facts::default() };
                let state = StateChange::Key { step, certificate: None };
                match self.recorder.record(self.change(Event::ExceptionUsed, facts, state)) {
                    Ok(_) | Err(RecordError::Exists { .. }) => {}
                    Err(error) => return Err(Failure::Critical(error.into())),
                }
            }
        }
        Ok(())
    }

    /// Records the change. What came as another transfer before stays that one's, and is accepted once more only where
    /// just that is set aside.
    fn record_staged(&self, mut change: Change, release: Option<&Release>) -> Result<Recorded, RecordError> {
        loop {
            let refused = match self.recorder.record(change.clone()) {
                Err(refused) => refused,
                recorded => return recorded,
            };
            let (RecordError::AcceptedBefore { first, content }, Some(release)) = (&refused, release) else {
                return Err(refused);
            };
            let StateChange::Consignment { accepts, .. } = &mut change.state else { return Err(refused) };
            let claimed = accepts.len();
            if release.waives == (Waiver::Repeat { first: *first }) {
                accepts.retain(|accepted| accepted != content);
            }
            if accepts.len() == claimed {
                return Err(refused);
            }
        }
    }

    /// What is told of a file whose content came before.
    fn repeat_of(&self, first: ConsignmentId) -> Result<HoldReason, Failure> {
        let Some((known, _)) = self.queries.consignment(&first)? else {
            return Err(Failure::of(
                Consequence::Defer(DeferCause::StoreUnreadable),
                "the first transfer is not there",
            ));
        };
        let became = match known.standing {
            Standing::Delivered { .. } | Standing::Closed { .. } => Became::Delivered,
            Standing::Held { .. } => Became::Held,
            Standing::Collected { .. }
            | Standing::Staged { .. }
            | Standing::Deferred { .. }
            | Standing::Matched { .. }
            | Standing::Rejected { .. } => Became::UnderWay,
        };
        Ok(HoldReason::Repeat { first, received: known.received_at, became })
    }

    /// Recalls the parts that an earlier attempt, since sent back to the start, had already published; they may have
    /// been taken, or be due elsewhere by now. Anything else at a final name is somebody else's: we never publish
    /// before Staged. After a backup was restored the published part is the only record of such an attempt, and what was
    /// not found may have been taken.
    fn recall_published(
        &self,
        consignment: &Consignment,
        parts: &mut [(Part, Delivery, Access)],
    ) -> Result<(), Failure> {
        let earlier = self.staged_before(consignment)?;
        let looking_up = matches!(consignment.standing, Standing::Deferred { resume: Resume::LookingUp, .. });
        for (_, delivery, _) in parts {
            let known = earlier.iter().find(|known| known.part == delivery.part && known.digest == delivery.digest);
            if let Some(known) = known.filter(|known| known.published) {
                delivery.clone_from(known);
                continue;
            }
            if let Some(known) = known.filter(|known| known.id != delivery.id) {
                // It may have a part under the other id, which nobody would know once this one is recorded.
                self.discard(std::slice::from_ref(known));
            }
            let at = |error| Failure::at_destination(&delivery.destination, &error);
            let is_free = self.destinations.is_free(delivery).map_err(at)?;
            if is_free && looking_up {
                let detail = "the state was restored, and a part is not at its destination";
                return Err(Failure::of(Consequence::Hold(HoldReason::Restored), detail));
            }
            if is_free {
                continue;
            }
            // An earlier version gave the same delivery another id.
            let is_same = |known: &Delivery| known.destination == delivery.destination && known.path == delivery.path;
            let named_so = known.is_some_and(is_same);
            let ours =
                (named_so || looking_up) && self.destinations.find(delivery).map_err(at)?.published == Content::Same;
            if !ours {
                let detail = format!("a final name at {} is taken", delivery.destination);
                return Err(Failure::of(Consequence::Hold(HoldReason::NameConflict), detail));
            }
            delivery.published = true;
        }
        Ok(())
    }

    /// What an earlier attempt has staged.
    pub(super) fn staged_before(&self, consignment: &Consignment) -> Result<Vec<Delivery>, QueryError> {
        // What has only just come was never staged.
        if consignment.revision == Revision(0) { Ok(Vec::new()) } else { self.queries.deliveries(&consignment.id) }
    }

    /// Which directory it lies in.
    fn stage_part(
        &self,
        content: &mut PrivateContent,
        part: &Part,
        delivery: &Delivery,
        access: Access,
    ) -> Result<String, Failure> {
        let at = |error| Failure::at_destination(&delivery.destination, &error);
        if let Some(layout) = &part.derived {
            // It was measured before: the same content in the same layout gives the same bytes.
            let mut copy = self.spool.private_content();
            self.derive_into(content, part.member, layout, &mut copy)?;
            return self.destinations.stage(delivery, access, Staging::Whole(copy.whole())).map_err(at);
        }
        let Some(member) = part.member else {
            return self.destinations.stage(delivery, access, Staging::Whole(content.whole())).map_err(at);
        };
        let mut pack = open_archive(content, &self.terms.archive)?;
        let mut write = |into: &mut dyn Write| -> io::Result<()> {
            let bytes = pack.extract(member, into).map_err(|error| match error.into_write_error() {
                Ok(written) => written,
                Err(other) => io::Error::other(other),
            })?;
            // The member was measured before; unpacking is a function of the same bytes.
            if bytes == part.bytes { Ok(()) } else { Err(io::Error::other("a member unpacked differently")) }
        };
        self.destinations.stage(delivery, access, Staging::Written(&mut write)).map_err(at)
    }

    pub(super) fn synced(&self, deliveries: &[Delivery], name: &'static str) -> Result<(), Failure> {
        let Some(first) = deliveries.first() else { return Ok(()) };
        self.destinations.sync(deliveries, name).map_err(|error| Failure::at_destination(&first.destination, &error))
    }

    fn staged(
        &self,
        consignment: &Consignment,
        authority: &LaNumber,
        standing: Standing,
        (deliveries, derived): (&[Delivery], &[bool]),
        verdicts: &[&Verdict],
    ) -> Change {
        let mut names = Vec::with_capacity(deliveries.len());
        let mut parts = Vec::with_capacity(deliveries.len());
        for (delivery, derived) in deliveries.iter().zip(derived) {
            let named = Named::new(delivery.path.file_name().unwrap_or_default().to_string_lossy());
            parts.push(PartFacts {
                delivery: delivery.id,
                kind: delivery.kind,
                content: delivery.digest,
                bytes: delivery.bytes,
                to: delivery.destination.clone(),
                name: named.commitment(),
                naming: Some(delivery.naming),
                derived: *derived,
            });
            names.push(named);
        }
        let facts = Facts {
            transfer: Some(consignment.id),
            bytes: Some(verdicts.iter().map(|verdict| verdict.bytes).sum()),
            parts,
            ..Facts::default()
        };
        let state = StateChange::Consignment {
            id: consignment.id,
            expect: consignment.revision,
            standing,
            deliveries: Some(deliveries.to_vec()),
            authority: Some(authority.clone()),
            accepts: verdicts.iter().map(|verdict| verdict.content).collect(),
            // All of one mail are signed by the same.
            signer: verdicts.first().and_then(|verdict| verdict.signer.clone()),
        };
        Change { names, ..self.change(Event::Staged, facts, state) }
    }
}

fn volumes_of(part: &Part, delivery: &Delivery) -> Vec<VolumeFacts> {
    let told = part.volumes.iter();
    told.map(|(of, count)| VolumeFacts { part: delivery.part, of: of.clone(), count: *count }).collect()
}

fn nothing_opened() -> Failure {
    Failure::of(Consequence::Defer(DeferCause::WorkerFault), "nothing was opened")
}

/// Parts that no record names yet: dropped, they are removed again.
struct Unrecorded<'a> {
    inbound: &'a Inbound,
    deliveries: Vec<Delivery>,
    /// Or possibly so.
    recorded: bool,
}

impl Drop for Unrecorded<'_> {
    fn drop(&mut self) {
        if !self.recorded {
            self.inbound.discard(&self.deliveries);
        }
    }
}

impl Inbound {
    /// Removes our hidden parts. One that cannot be removed is named in the log; nothing depends on it.
    pub(super) fn discard(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            if let Err(error) = self.destinations.discard(delivery) {
                let cause = DeferCause::DestinationFault.says();
                tracing::warn!(destination = %delivery.destination, %error, "A hidden part may be left: {cause}");
            }
        }
    }
}
