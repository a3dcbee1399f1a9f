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
        } else if entry.event == Event::Staged && entry.facts.fingerprint.is_none() && carried.is_none() {
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

#[cfg(test)]
mod tampered;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::Facts;
    use crate::domain::{Actor, ConsignmentId, Digest};

    fn entry(seq: u64, event: Event, uid: u32, facts: Facts) -> Entry {
        let transfer = ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &Digest::of(b"sealed"));
        let facts = Facts {
            transfer: Some(transfer),
            sealed: Some(Digest::of(b"sealed")),
            waives: Some(Waiver::Unsigned),
            config: facts.config.or(Some(Digest::of(b"settings"))),
            ..facts
        };
        let (at, actor) = (jiff::Timestamp::UNIX_EPOCH, Actor::Account { uid, name: String::new() });
        Entry { seq, at, boot: String::new(), actor, event, facts }
    }

    /// The places of the faults that these entries have.
    fn faults(entries: Vec<Entry>) -> Vec<u64> {
        let mut releases = Releases::default();
        entries.iter().for_each(|entry| releases.hear(entry));
        releases.faults.iter().filter_map(|fault| fault.at).collect()
    }

    #[test]
    fn a_release_without_two_peoples_entries_is_found_whatever_the_tables_say() {
        let none = Facts::default;
        let after = |seq| Facts { approved: Some(seq), ..Facts::default() };
        let approved = |seq, uid| entry(seq, Event::ReleaseApproved, uid, none());
        let released = |seq, uid, first| entry(seq, Event::Released, uid, after(first));
        assert_eq!(faults(vec![approved(1, 1001), released(2, 1002, 1)]), [0; 0]);
        assert_eq!(faults(vec![released(2, 1002, 1)]), [2], "nobody's");
        assert_eq!(faults(vec![approved(1, 1001), released(2, 1001, 1)]), [2], "one person's");
        assert_eq!(faults(vec![approved(1, 1001), released(2, 1002, 0)]), [2], "another entry's");
        let held = entry(2, Event::Held, 0, none());
        assert_eq!(faults(vec![approved(1, 1001), held, released(3, 1002, 1)]), [3], "of what it was held for before");
        let other = Facts { config: Some(Digest::of(b"other settings")), ..after(1) };
        assert_eq!(faults(vec![approved(1, 1001), entry(2, Event::Released, 1002, other)]), [2]);
    }

    #[test]
    fn what_is_staged_has_a_signer_or_tells_of_its_release() {
        let under = |seq| Facts { release: Some(seq), ..Facts::default() };
        let begun = || {
            let after = Facts { approved: Some(1), ..Facts::default() };
            vec![entry(1, Event::ReleaseApproved, 1001, Facts::default()), entry(2, Event::Released, 1002, after)]
        };
        let then = |event, facts| [begun(), vec![entry(3, event, 0, facts)]].concat();
        assert_eq!(faults(then(Event::Staged, under(2))), [0; 0]);
        assert_eq!(faults(then(Event::Staged, Facts::default())), [3], "it does not tell");
        assert_eq!(faults(then(Event::Staged, under(1))), [3], "of another");
        assert_eq!(faults(vec![entry(3, Event::Staged, 0, Facts::default())]), [3], "neither signed nor released");
        let twice = [then(Event::Delivered, under(2)), vec![entry(4, Event::Staged, 0, under(2))]].concat();
        assert_eq!(faults(twice), [4], "used once");
    }
}
