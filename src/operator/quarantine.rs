//! Orders about what is held: try it again, refuse it for good, approve its release.
//!
//! In:  a person's order about one held transfer, with a reason. Out: the transfer moved, or an approval kept; on record.
//! Holds: one person alone releases nothing, however often and under whatever name; what is approved are the bytes that lie
//! in the spool at that moment, for the finding and under the settings of that moment.

use super::{Done, NO_REASON, Operator, Refused};
use crate::domain::causes::with_causes;
use crate::domain::ledger::{Event, Facts};
use crate::domain::release::{Approval, Approved, Step, step};
use crate::domain::{Actor, Consignment, ConsignmentId, Digest, HoldReason, RejectReason, Standing, Waiver};
use crate::store::{Change, StateChange};

/// What a person has approved, as it was shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub transfer: &'a ConsignmentId,
    pub digest: &'a Digest,
    pub code: &'a str,
}

impl Operator {
    pub(super) fn retry(
        &self,
        actor: &Actor,
        id: &ConsignmentId,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        let (consignment, _) = self.held(id, "retry")?;
        let facts = reasoned(id, by, reason)?;
        let standing = consignment.standing.let_go(self.clock.now());
        let says = format!("Transfer {id} is tried again from the start.{}", looked_up(&standing));
        self.record(actor, Event::RetryOrdered, facts, moved(&consignment, standing))?;
        Ok(Done::saying(says))
    }

    pub(super) fn reject(
        &self,
        actor: &Actor,
        id: &ConsignmentId,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        let (consignment, _) = self.held(id, "reject")?;
        let rejected = RejectReason::ByOrder;
        let facts = Facts { code: Some(rejected.notice().code.to_owned()), ..reasoned(id, by, reason)? };
        let standing = Standing::Rejected { at: self.clock.now(), reason: rejected };
        self.record(actor, Event::Rejected, facts, moved(&consignment, standing))?;
        let says = format!("Transfer {id} is rejected: it is never delivered. Its partner may send the same again.");
        Ok(Done::saying(says))
    }

    pub(super) fn approve(
        &self,
        actor: &Actor,
        shown: Shown<'_>,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        let id = shown.transfer;
        let (consignment, held_for) = self.held(id, "approve")?;
        let Actor::Account { uid, name } = actor else {
            return Err(Refused::Unfit("only a person can approve a release".to_owned()));
        };
        let facts = reasoned(id, by, reason)?;
        let waives = fits(shown, &consignment, &held_for)?;
        let Some(policy) = self.policy else {
            return Err(Refused::Unfit("there are no settings yet under which anything could be released".to_owned()));
        };
        self.is_what_was_collected(&consignment)?;
        let of = Approved { sealed: consignment.sealed_digest, waives, policy };
        let approval = Approval { uid: *uid, name: name.clone(), at: self.clock.now(), of };
        let facts = Facts { code: Some(shown.code.to_owned()), ..facts };
        match step(&self.queries.approvals(id)?, &approval) {
            Step::Twice { at } => Err(Refused::Unfit(format!(
                "{name} approved the release of transfer {id} already, on {}; it takes a second, different person, until {}",
                at.strftime("%-d %B %Y at %H:%M UTC"),
                Approval { at, ..approval }.until().strftime("%-d %B %Y at %H:%M UTC"),
            ))),
            Step::First => self.first(actor, &consignment, approval, facts),
            Step::Second { first } => {
                let standing = consignment.standing.let_go(approval.at);
                let says = format!(
                    "Transfer {id} is released by {} and {name}, although {}: it is opened again and delivered, unless \
                     anything else is found.{}",
                    first.approval.name,
                    approval.of.waives,
                    looked_up(&standing)
                );
                let state = StateChange::Release {
                    id: *id,
                    expect: consignment.revision,
                    of: approval.of,
                    first: first.entry,
                    standing,
                };
                self.record_at(approval.at, actor, Event::Released, facts, state)?;
                Ok(Done::saying(says))
            }
        }
    }

    fn first(
        &self,
        actor: &Actor,
        consignment: &Consignment,
        approval: Approval,
        facts: Facts,
    ) -> Result<Done, Refused> {
        let (id, at, until) = (consignment.id, approval.at, approval.until());
        let state = StateChange::Approve { id, expect: consignment.revision, of: approval.of };
        self.record_at(at, actor, Event::ReleaseApproved, facts, state)?;
        let says = format!(
            "Your approval is recorded; nothing is released yet. A second, different person must approve the same file \
             until {}: `hbcourier held approve {id} --reason TEXT`.",
            until.strftime("%-d %B %Y at %H:%M UTC")
        );
        Ok(Done::saying(says))
    }

    /// The held consignment, and why it is held.
    fn held(&self, id: &ConsignmentId, to: &str) -> Result<(Consignment, HoldReason), Refused> {
        let Some((consignment, _)) = self.queries.consignment(id)? else {
            return Err(Refused::Unfit(format!("there is no transfer {id}; `hbcourier held list` shows what waits")));
        };
        let Standing::Held { reason, .. } = &consignment.standing else {
            let word = consignment.standing.word();
            return Err(Refused::Unfit(format!("transfer {id} is {word}, not held; there is nothing to {to}")));
        };
        let reason = reason.clone();
        Ok((consignment, reason))
    }

    /// Reads the spooled bytes. If they are others by now, the consignment is held for that from now on.
    fn is_what_was_collected(&self, consignment: &Consignment) -> Result<(), Refused> {
        let id = consignment.id;
        let now = self.spool.collected_digest(&consignment.source, &id).map_err(|error| {
            Refused::Unreadable(format!("the spooled file of transfer {id} could not be read: {}", with_causes(&error)))
        })?;
        if now.digest == consignment.sealed_digest {
            return Ok(());
        }
        let (at, reason) = (self.clock.now(), HoldReason::SpoolChanged);
        let code = reason.notice().code;
        let facts = Facts { code: Some(code.to_owned()), ..Facts::default() };
        let restored = matches!(consignment.standing, Standing::Held { restored: true, .. });
        let standing = Standing::Held { since: at, reason, restored };
        self.record_at(at, &Actor::Service, Event::Held, facts, moved(consignment, standing))?;
        Err(Refused::Unfit(format!(
            "the spooled file of transfer {id} is no longer the one that was collected; it is held for that now ({code})"
        )))
    }

    fn record_at(
        &self,
        at: jiff::Timestamp,
        actor: &Actor,
        event: Event,
        facts: Facts,
        state: StateChange,
    ) -> Result<(), Refused> {
        let change = Change { at, actor: actor.clone(), event, facts, names: Vec::new(), state };
        self.recorder.record(change)?;
        Ok(())
    }
}

/// What else is told where it goes.
fn looked_up(standing: &Standing) -> &'static str {
    match standing {
        Standing::Deferred { .. } => {
            " The state was restored since it was held, so it is looked up at its destination first; what is not found there may \
             have been delivered before, and is held once more (CN-569)."
        }
        _ => "",
    }
}

/// The finding that a release would set aside, if what was shown is what is there.
fn fits(shown: Shown<'_>, consignment: &Consignment, held_for: &HoldReason) -> Result<Waiver, Refused> {
    let (id, notice) = (consignment.id, held_for.notice());
    if *shown.digest != consignment.sealed_digest {
        let is = consignment.sealed_digest;
        return Err(Refused::Unfit(format!(
            "what is held as transfer {id} has the SHA-256 {is}, not {}",
            shown.digest
        )));
    }
    if shown.code != notice.code {
        let says = format!(
            "transfer {id} is held as {}, not as {}: look at it again (`hbcourier held show {id}`)",
            notice.code, shown.code
        );
        return Err(Refused::Unfit(says));
    }
    Waiver::of(held_for).ok_or_else(|| {
        let next = notice.next.trim_end_matches('.');
        Refused::Unfit(format!("what is held as {} is never released. {} {next}", notice.code, notice.says))
    })
}

fn reasoned(id: &ConsignmentId, by: Option<&str>, reason: &str) -> Result<Facts, Refused> {
    if reason.trim().is_empty() {
        return Err(Refused::Unfit(NO_REASON.to_owned()));
    }
    let (about, why) = (by.map(str::to_owned), Some(reason.to_owned()));
    Ok(Facts { transfer: Some(*id), about, why, ..Facts::default() })
}

fn moved(consignment: &Consignment, standing: Standing) -> StateChange {
    StateChange::Consignment {
        id: consignment.id,
        expect: consignment.revision,
        standing,
        deliveries: None,
        authority: None,
        accepts: Vec::new(),
        signer: None,
    }
}
