//! Choosing entries from a list.
//!
//! In:  entries, from the store or an export, and what is asked. Out: the entries asked for, in order.
//! Most entries about a transfer do not tell whose it is and what it is of. Where that is asked, all entries are read twice:
//! first for the transfers that are meant, then for what happened to them. What is kept is an id for each of them.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::entries::read_entry;
use super::{AuditFault, Entries};
use crate::domain::ledger::{Entry, Event};
use crate::domain::{Actor, ConsignmentId, FileKind, LaNumber, SubmissionKey};

/// Which entries. What is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// From this one on.
    pub from: u64,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub before: Option<Timestamp>,
    /// One of these.
    pub events: Vec<Event>,
    /// About this transfer.
    pub transfer: Option<ConsignmentId>,
    /// About this return.
    pub submission: Option<SubmissionKey>,
    /// With this code.
    pub code: Option<String>,
    /// By this account (its name or number), or by the `service`.
    pub actor: Option<String>,
    /// About what is this authority's.
    pub authority: Option<LaNumber>,
    /// About what is of this kind.
    pub kind: Option<FileKind>,
}

/// Called for one entry after the other, with its line.
pub type EachEntry<'a> = &'a mut dyn FnMut(Entry, &[u8]) -> Result<(), AuditFault>;

/// Each of them, with its line.
pub fn choose(filter: &Filter, entries: &dyn Entries, each: EachEntry<'_>) -> Result<(), AuditFault> {
    let meant = if filter.asks_whose() { transfers_meant(filter, entries)? } else { HashSet::new() };
    let submission = filter.submission.as_ref().map(ToString::to_string);
    entries.each(filter.from, &mut |seq, line| {
        let entry = read_entry(seq, line)?;
        let of_return = submission.is_none() || entry.facts.submission == submission;
        if of_return && filter.wants(&entry, &meant) {
            each(entry, line)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn transfers_meant(filter: &Filter, entries: &dyn Entries) -> Result<HashSet<ConsignmentId>, AuditFault> {
    let (mut whose, mut what) = (HashSet::new(), HashSet::new());
    entries.each(0, &mut |seq, line| {
        let facts = read_entry(seq, line)?.facts;
        if let Some(transfer) = facts.transfer {
            if filter.authority.is_some() && facts.authority == filter.authority {
                whose.insert(transfer);
            }
            if facts.parts.iter().any(|part| Some(part.kind) == filter.kind) {
                what.insert(transfer);
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(match (&filter.authority, filter.kind) {
        (Some(_), Some(_)) => &whose & &what,
        (Some(_), None) => whose,
        (None, _) => what,
    })
}

impl Filter {
    fn asks_whose(&self) -> bool {
        self.authority.is_some() || self.kind.is_some()
    }

    fn wants(&self, entry: &Entry, meant: &HashSet<ConsignmentId>) -> bool {
        // The clock may have been set back, so a later entry can bear an earlier time.
        let in_time =
            self.since.is_none_or(|since| entry.at >= since) && self.before.is_none_or(|before| entry.at < before);
        in_time
            && (self.events.is_empty() || self.events.contains(&entry.event))
            && self.transfer.is_none_or(|id| entry.facts.transfer == Some(id))
            && self.code.as_ref().is_none_or(|code| entry.facts.code.as_ref() == Some(code))
            && self.actor.as_ref().is_none_or(|who| is_by(&entry.actor, who))
            && (!self.asks_whose() || self.is_meant(entry, meant))
    }

    fn is_meant(&self, entry: &Entry, meant: &HashSet<ConsignmentId>) -> bool {
        if entry.facts.transfer.is_some_and(|id| meant.contains(&id)) {
            return true;
        }
        let key = entry.facts.submission.as_ref().and_then(|key| key.parse::<SubmissionKey>().ok());
        let (authority, kind) = match &key {
            Some(key) => (Some(&key.authority), Some(key.kind.as_str())),
            None if entry.facts.transfer.is_some() => return false,
            None => (entry.facts.authority.as_ref(), None),
        };
        self.authority.as_ref().is_none_or(|asked| authority == Some(asked))
            && self.kind.is_none_or(|asked| kind == Some(asked.as_str()))
    }
}

fn is_by(actor: &Actor, who: &str) -> bool {
    match actor {
        Actor::Service => who == "service",
        Actor::Account { uid, name } => who == name || who == uid.to_string(),
    }
}
