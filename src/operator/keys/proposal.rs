//! Two people: one proposes, another agrees within three days.
//!
//! In:  who asks, what waits. Out: the proposal that is agreed to, or why this person cannot.
//! Holds: a person is the account that called. Root and the service's own account are anybody, so they are nobody here; a
//! name that somebody typed proves nothing.

use super::{Operator, Refused};
use crate::domain::key_rules::{PROPOSAL_HOURS_MAX, Proposal};
use crate::domain::ledger::Entry;
use crate::domain::{Actor, KeyStep, Role};

/// Proposals that may wait at once.
const PROPOSALS_MAX: usize = 32;

impl Operator {
    /// Whether this order takes two people, as it does once there is a group of keymasters; then the caller's number, if it is a person's.
    pub(super) fn person(&self, actor: &Actor) -> Result<Option<u32>, Refused> {
        if !self.people.roles().is_named(Role::Keymaster) {
            return Ok(None);
        }
        match actor {
            Actor::Account { uid, .. } if !self.people.is_anybody_with_sudo(*uid) => Ok(Some(*uid)),
            Actor::Account { .. } | Actor::Service => Err(Refused::Unfit(
                "this takes two people, and root and the service's own account are neither; give it from your own account"
                    .to_owned(),
            )),
        }
    }

    /// The proposals that fit and still wait, the latest first, each with the number of who made it.
    pub(super) fn waiting(&self, fits: impl Fn(&KeyStep) -> bool) -> Result<Vec<(Proposal, u32)>, Refused> {
        let rules = self.keys.rules();
        let mut waiting = Vec::new();
        for proposal in rules.waiting(self.clock.now()).filter(|proposal| fits(&proposal.step)) {
            let line = self.queries.ledger(proposal.entry, 1)?.pop();
            let entry = line.and_then(|(_, line)| serde_json::from_slice::<Entry>(&line).ok());
            // What the ledger does not tell of the same way is no proposal.
            let told = entry.filter(|entry| entry.facts.key.as_ref() == Some(&proposal.step));
            if let Some(Entry { actor: Actor::Account { uid, .. }, .. }) = told {
                waiting.push((proposal.clone(), uid));
            }
        }
        waiting.reverse();
        Ok(waiting)
    }

    /// Of these the one that somebody else made.
    pub(super) fn by_another(waiting: Vec<(Proposal, u32)>, person: u32) -> Option<Proposal> {
        waiting.into_iter().find(|(_, by)| *by != person).map(|(proposal, _)| proposal)
    }

    /// Refuses a proposal that waits already, and more of them than anybody can look at.
    pub(super) fn may_propose(&self, alike: &[(Proposal, u32)]) -> Result<(), Refused> {
        if let Some((proposal, _)) = alike.first() {
            return Err(Refused::Unfit(format!(
                "the same was proposed by ledger entry {} and waits for a second person until {}",
                proposal.entry,
                proposal.until()
            )));
        }
        if self.keys.rules().waiting(self.clock.now()).count() >= PROPOSALS_MAX {
            return Err(Refused::Unfit(format!(
                "{PROPOSALS_MAX} proposals wait already; they lapse after {PROPOSAL_HOURS_MAX} hours"
            )));
        }
        Ok(())
    }
}
