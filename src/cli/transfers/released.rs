//! By whom a transfer was released, and although what, as its entries tell.

use jiff::Timestamp;
use serde::Serialize;

use super::entries::Happened;
use crate::cli::output::moment;
use crate::domain::ledger::Event;
use crate::domain::{Actor, Waiver};

/// A release by two people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Released {
    /// The code of what is set aside.
    pub code: Option<String>,
    /// The same in words.
    pub says: String,
    /// What is set aside.
    #[serde(skip)]
    pub waives: Waiver,
    /// Who approved it, the first first.
    pub by: Vec<Person>,
    /// The entry that tells of it.
    pub entry: u64,
    /// It was held or rejected since: the release is used up.
    pub ended: bool,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Whose account.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The last release that these entries tell of.
pub fn released(entries: &[Happened]) -> Option<Released> {
    let place = entries.iter().rposition(|entry| entry.event == Event::Released)?;
    let second = &entries[place];
    let first = entries.iter().find(|entry| Some(entry.seq) == second.approved);
    let waives = second.waives.clone()?;
    let by = first.into_iter().chain([second]).filter_map(person).collect();
    let ends = |event| matches!(event, Event::Held | Event::Rejected | Event::Answered);
    let ended = entries[place + 1..].iter().any(|entry| ends(entry.event));
    Some(Released { code: second.code.clone(), says: waives.says().to_owned(), waives, by, entry: second.seq, ended })
}

fn person(entry: &Happened) -> Option<Person> {
    match &entry.actor {
        Actor::Account { name, .. } => Some(Person { by: name.clone(), at: entry.at }),
        Actor::Service => None,
    }
}

impl Released {
    /// In one sentence.
    pub fn sentence(&self) -> String {
        let people: Vec<String> = self.by.iter().map(|one| format!("{} ({})", one.by, moment(one.at))).collect();
        let code = self.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
        let ended = if self.ended { " It was held anew or rejected since, and that release is used up." } else { "" };
        format!("by {}, although {}{code}.{ended}", people.join(" and "), self.says)
    }
}
