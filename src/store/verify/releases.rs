//! What the ledger says of releases: who approved what, and whether two different people did.
//!
//! In:  every entry in its order, then the tables. Out: a release that nobody, or one person alone, approved; parts that
//! were staged without a signer and without a release; and what the tables say otherwise.
//! Holds: only what is held or on its way now is kept in mind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::Fault;
use crate::domain::Waiver;
use crate::domain::ledger::{Entry, Event};
use crate::domain::release::{Approval, Recorded};
use crate::store::QueryError;
use crate::store::agreement::Leads;
use crate::store::evidence::Evidence;

/// What was told so far.
#[derive(Default)]
pub(super) struct Releases {
    /// By transfer, the approvals since it is held, one for each account.
    approvals: BTreeMap<String, Vec<Recorded>>,
    /// By transfer, the entry of the release that it carries, and what that sets aside.
    carried: BTreeMap<String, (u64, Option<Waiver>)>,
    faults: Vec<Fault>,
}

impl Releases {
    pub(super) fn hear(&mut self, entry: &Entry) {
        let Some(transfer) = entry.facts.transfer.map(|id| id.to_string()) else { return };
        match entry.event {
            Event::ReleaseApproved => match Approval::told_by(entry) {
                Some((_, approval)) => {
                    let given = self.approvals.entry(transfer).or_default();
                    given.retain(|one| one.approval.uid != approval.uid);
                    given.push(Recorded { approval, entry: entry.seq });
                }
                None => self.fault(entry.seq, format!("Entry {} approves something by nobody.", entry.seq)),
            },
            Event::Released => {
                let given = self.approvals.remove(&transfer).unwrap_or_default();
                let second = Approval::told_by(entry).map(|(_, second)| second);
                let agrees = |one: &Recorded| {
                    let second = second.as_ref();
                    Some(one.entry) == entry.facts.approved && second.is_some_and(|two| one.approval.agrees_with(two))
                };
                if !given.iter().any(agrees) {
                    let says = format!(
                        "Entry {} released transfer {transfer}, but the ledger tells of no two different people who \
                         approved that.",
                        entry.seq
                    );
                    self.fault(entry.seq, says);
                }
                self.carried.insert(transfer, (entry.seq, entry.facts.waives.clone()));
            }
            Event::Staged | Event::Delivered | Event::DeliveredRecovered | Event::DeliveredTaken => {
                self.under_way(entry, &transfer);
                self.approvals.remove(&transfer);
                if entry.event != Event::Staged {
                    self.carried.remove(&transfer);
                }
            }
            Event::Deferred => drop(self.approvals.remove(&transfer)),
            // A remark, which moves nothing.
            Event::PossibleRepublish => {}
            event if matches!(Leads::to(event), Leads::Transfer(_)) => {
                self.approvals.remove(&transfer);
                self.carried.remove(&transfer);
            }
            _ => {}
        }
    }

    /// What is staged or delivered tells of the release that it carries, and of no other.
    fn under_way(&mut self, entry: &Entry, transfer: &str) {
        let (seq, told) = (entry.seq, entry.facts.release);
        let carried = self.carried.get(transfer).map(|(seq, _)| *seq);
        if told != carried {
            let says = format!("Entry {seq} tells of another release of transfer {transfer} than the ledger does.");
            self.fault(seq, says);
        }
        if entry.event == Event::Staged && entry.facts.fingerprint.is_none() && carried.is_none() {
            let says = format!("Entry {seq} staged transfer {transfer}, which nobody signed and nobody released.");
            self.fault(seq, says);
        }
    }

    fn fault(&mut self, seq: u64, says: String) {
        self.faults.push(Fault { at: Some(seq), says });
    }

    /// Call it last.
    pub(super) fn rest(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let Releases { approvals, carried, faults } = self;
        let mut faults = std::mem::take(faults);
        view.each_approval(&mut |(transfer, kept)| {
            let told = approvals.get_mut(&transfer);
            let known = told.and_then(|told| {
                let at = told.iter().position(|one| Some(one) == kept.as_ref())?;
                Some(told.swap_remove(at))
            });
            if known.is_none() {
                let at = kept.map(|kept| kept.entry);
                let says =
                    format!("The store has an approval of transfer {transfer} that the ledger does not tell of.");
                faults.push(Fault { at, says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        view.each_release(&mut |(transfer, waives, entry)| {
            if carried.remove(&transfer).is_none_or(|(told, of)| told != entry || of != waives) {
                let says = format!("The store has transfer {transfer} released otherwise than the ledger tells.");
                faults.push(Fault { at: Some(entry), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(approvals.iter().flat_map(|(transfer, told)| {
            told.iter().map(move |told| {
                let says = format!(
                    "Entry {} approved the release of transfer {transfer}, but the store has that otherwise.",
                    told.entry
                );
                Fault { at: Some(told.entry), says }
            })
        }));
        faults.extend(carried.iter().map(|(transfer, (seq, _))| {
            let says = format!("Entry {seq} released transfer {transfer}, but the store has it without its release.");
            Fault { at: Some(*seq), says }
        }));
        Ok(faults)
    }
}
