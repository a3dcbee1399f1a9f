//! Entries as a table for spreadsheets: CSV, UTF-8, a row of names first.
//!
//! Cells that a spreadsheet would take for formulas get an apostrophe before them.

use std::io::{self, Write};

use crate::catalogue::caseload_risk::begins_as_formula;
use crate::domain::ledger::Entry;
use crate::domain::{Actor, Digest};

use super::AuditFault;

/// The names of the columns.
const COLUMNS: [&str; 18] = [
    "seq",
    "at",
    "event",
    "actor",
    "uid",
    "authority",
    "transfer",
    "return",
    "kinds",
    "code",
    "about",
    "why",
    "sealed",
    "content",
    "fingerprint",
    "message_id",
    "reply",
    "leaf",
];

/// A table in the making.
pub struct EntryTable<W: Write> {
    rows: csv::Writer<W>,
}

impl<W: Write> EntryTable<W> {
    /// With its row of names.
    pub fn new(into: W) -> Result<EntryTable<W>, AuditFault> {
        let mut rows = csv::Writer::from_writer(into);
        rows.write_record(COLUMNS).map_err(written)?;
        Ok(EntryTable { rows })
    }

    /// Adds an entry.
    pub fn entry(&mut self, entry: &Entry, leaf: &Digest) -> Result<(), AuditFault> {
        let facts = &entry.facts;
        let (actor, uid) = match &entry.actor {
            Actor::Service => ("service".to_owned(), String::new()),
            Actor::Account { uid, name } => (name.clone(), uid.to_string()),
        };
        let mut kinds: Vec<&str> = facts.parts.iter().map(|part| part.kind.as_str()).collect();
        kinds.dedup();
        let shown = |value: Option<String>| value.unwrap_or_default();
        let cells = [
            entry.seq.to_string(),
            entry.at.to_string(),
            entry.event.to_string(),
            actor,
            uid,
            shown(facts.authority.as_ref().map(ToString::to_string)),
            shown(facts.transfer.map(|id| id.to_string())),
            shown(facts.submission.clone()),
            kinds.join(" "),
            shown(facts.code.clone()),
            shown(facts.about.clone()),
            shown(facts.why.clone()),
            shown(facts.sealed.map(|digest| digest.to_string())),
            shown(facts.content.map(|digest| digest.to_string())),
            shown(facts.fingerprint.as_ref().map(ToString::to_string)),
            shown(facts.message_id.clone()),
            shown(facts.reply.clone()),
            leaf.to_string(),
        ];
        self.rows.write_record(cells.map(defused)).map_err(written)
    }

    /// Writes what is left.
    pub fn end(mut self) -> Result<(), AuditFault> {
        Ok(self.rows.flush()?)
    }
}

fn defused(cell: String) -> String {
    if begins_as_formula(&cell) { format!("'{cell}") } else { cell }
}

fn written(error: csv::Error) -> AuditFault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => AuditFault::Answer(error),
        other => AuditFault::form(io::Error::other(format!("{other:?}"))),
    }
}
