//! `audit verify`: whether the ledger is whole, and whether the store's state is the one the ledger tells of.
//!
//! In:  a reader, also while the service runs. Out: a verdict, with the first bad entry.
//! Looks at one state and streams it; what the ledger says of the other tables is in [`tables`]. Beside
//! every entry lies its hash, so that a line that was altered, removed or moved is found at its own place; whoever rewrites all of them and the head is found out by checkpoints
//! kept elsewhere, and by nothing in here.

use std::ops::ControlFlow;

use serde::Serialize;

mod checkpoints;
mod keys;
mod privacy;
mod releases;
mod tables;
mod transfers;

use super::agreement::{Leads, ordered_word, subject_of};
use super::evidence::{Auditable, Evidence, KeptEntry, KeptName, Row, Subject};
use super::queries::{Head, QueryError};
use crate::domain::Digest;
use crate::domain::ledger::{Commitment, Entry, Event};
use crate::domain::merkle::{Frontier, leaf};
use checkpoints::Signed;
use tables::Told;

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether all is as it was recorded.
    pub ok: bool,
    /// The number of entries the head counts.
    pub entries: u64,
    /// The root recomputed from the lines, as far as they were read.
    pub root: Digest,
    /// The checkpoints it was compared with.
    pub checkpoints: Vec<String>,
    /// The first entry that is not as it was recorded, or that the state contradicts.
    pub first_bad: Option<u64>,
    /// The verdict, in one sentence.
    pub says: String,
}

/// Something that is not as it was recorded.
struct Fault {
    /// The entry, where it is one.
    at: Option<u64>,
    says: String,
}

/// Checks the whole store. A fault of the ledger is reported before one of the state, which is judged by the ledger.
pub fn verify(queries: &dyn Auditable) -> Result<Verification, QueryError> {
    let view = queries.snapshot()?;
    let head = view.head()?;
    let (tree, told, signed) = (Frontier::default(), Told::default(), Signed::default());
    let mut walk = Walk { view: &*view, tree, nodes: 0, told, signed, ledger: None, state: None };
    view.each_entry(&mut |kept| walk.entry(&kept))?;
    walk.end(&head, view.nodes()?);
    if walk.ledger.is_none() {
        let stray = view.each_row(&mut |row| walk.row(&row))?;
        view.each_name(&mut |name| Ok(walk.name(&name)))?;
        for Fault { at, says } in walk.told.rest(stray, &*view)?.into_iter().chain(walk.signed.rest(&*view)?) {
            walk.contradicted(at, says);
        }
    }
    let checkpoints = walk.signed.compared();
    let (root, fault) = (walk.tree.root(), walk.ledger.or(walk.state));
    let says = match &fault {
        None => format!("All {} entries are as they were recorded, and the state agrees with them.", head.entries),
        Some(fault) => fault.says.clone(),
    };
    let first_bad = fault.as_ref().and_then(|fault| fault.at);
    Ok(Verification { ok: fault.is_none(), entries: head.entries, root, checkpoints, first_bad, says })
}

struct Walk<'a> {
    view: &'a dyn Evidence,
    tree: Frontier,
    /// Complete subtrees so far.
    nodes: u64,
    told: Told,
    signed: Signed,
    /// The first fault of the ledger itself.
    ledger: Option<Fault>,
    /// The fault of the state that concerns the earliest entry.
    state: Option<Fault>,
}

impl Walk<'_> {
    fn entry(&mut self, kept: &KeptEntry) -> Result<ControlFlow<()>, QueryError> {
        let place = self.tree.size();
        let entry = match read_entry(place, kept) {
            Ok(entry) => entry,
            Err(says) => {
                self.broken(place, says);
                return Ok(ControlFlow::Break(()));
            }
        };
        let hash = leaf(&kept.line);
        if hash != kept.hash {
            self.broken(place, format!("Entry {place} is not the one that was recorded: it was altered or replaced."));
            return Ok(ControlFlow::Break(()));
        }
        let (mut kept_nodes, mut as_kept) = (kept.nodes.iter(), true);
        self.tree.push_with(hash, |root| {
            as_kept &= kept_nodes.next().is_some_and(|(at, kept)| *at == self.nodes && kept[..] == root.as_bytes()[..]);
            self.nodes += 1;
        });
        if !as_kept || kept_nodes.next().is_some() {
            let says = "the one before it, or the tree above them, is not what was recorded.";
            self.broken(place, format!("Entry {place}, {says}"));
            return Ok(ControlFlow::Break(()));
        }
        self.told(&entry)?;
        Ok(ControlFlow::Continue(()))
    }

    fn broken(&mut self, at: u64, says: String) {
        self.ledger = Some(Fault { at: Some(at), says });
    }

    /// The row of a return must not stand where an earlier entry left it; those of transfers, of which there are many,
    /// are looked at once, after every entry.
    fn told(&mut self, entry: &Entry) -> Result<(), QueryError> {
        self.told.hear(entry);
        self.signed.hear(entry);
        let Some(subject @ Subject::Return(_)) = subject_of(entry.event, &entry.facts) else { return Ok(()) };
        let seq = entry.seq;
        let Some(row) = self.view.row(&subject)? else {
            self.contradicted(seq, format!("Entry {seq} tells of {subject}, but the store has none."));
            return Ok(());
        };
        if row.entry < seq {
            let (event, since) = (entry.event, row.entry);
            self.contradicted(
                seq,
                format!("Entry {seq} says `{event}` of {subject}, but the store has it as entry {since} left it."),
            );
        }
        if let Some(says) = row.owed.as_ref().and_then(|owed| tables::contradiction(entry, owed)) {
            self.contradicted(seq, says);
        }
        Ok(())
    }

    fn end(&mut self, head: &Head, nodes: u64) {
        if self.ledger.is_some() {
            return;
        }
        let (found, counted) = (self.tree.size(), head.entries);
        if found < counted {
            self.broken(found, format!("Entry {found} is missing: the ledger was cut off, its head counts {counted}."));
        } else if found > counted {
            self.broken(counted, format!("Entry {counted} was added: the ledger's head counts only {counted}."));
        } else if self.tree.root() != head.root {
            let says = "Every entry is as it was recorded, but the ledger's head was altered.".to_owned();
            self.ledger = Some(Fault { at: None, says });
        } else if nodes != self.nodes {
            let says = "Every entry is as it was recorded, but the tree above them has more: entries were taken away, or \
                        nodes were added.";
            self.contradicted(None, says.to_owned());
        }
    }

    /// The row must stand where its entry left it.
    fn row(&mut self, row: &Row) -> Result<ControlFlow<()>, QueryError> {
        let (subject, seq) = (&row.subject, row.entry);
        for Fault { at, says } in self.told.row(row, self.view)? {
            self.contradicted(at, says);
        }
        match (self.moved_by(row)?, row.word) {
            (None, _) => {
                self.contradicted(seq, format!("The store has {subject} by entry {seq}, which is not about it."))
            }
            (Some(_), None) => self.contradicted(seq, format!("The state of {subject} cannot be read.")),
            (Some((event, ordered)), Some(word)) => {
                let as_ordered = ordered.is_none_or(|ordered| ordered == word);
                if row.listed != word || !as_ordered || !Leads::to(event).agrees(subject, word) {
                    let listed = &row.listed;
                    self.contradicted(
                        seq,
                        format!(
                            "Entry {seq} says `{event}` of {subject}, but the store has `{word}`, listed as `{listed}`."
                        ),
                    );
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What happened in the entry that the row says it was moved by, and the word that a person ordered in it; `None` if
    /// that entry is not about it.
    fn moved_by(&self, row: &Row) -> Result<Option<(Event, Option<&'static str>)>, QueryError> {
        if let Subject::Transfer(id) = &row.subject
            && let Some(event) = self.told.transfers.moved_by(id, row.entry)
        {
            return Ok(Some((event, None)));
        }
        let entry = self.view.line(row.entry)?.and_then(|line| Entry::read(&line).ok());
        let entry = entry.filter(|entry| subject_of(entry.event, &entry.facts).as_ref() == Some(&row.subject));
        Ok(entry.map(|entry| (entry.event, ordered_word(&entry.facts))))
    }

    fn name(&mut self, name: &KeptName) -> ControlFlow<()> {
        let salt = <&[u8; 16]>::try_from(name.salt.as_slice());
        let holds = salt.is_ok_and(|salt| Commitment::to(salt, &name.clear).0.as_bytes()[..] == name.commitment);
        if !holds {
            let seq = name.entry;
            self.contradicted(seq, format!("A name that came with entry {seq} is not the one it committed to."));
        }
        if let Some(Fault { at, says }) = self.told.transfers.name(name) {
            self.contradicted(at, says);
        }
        ControlFlow::Continue(())
    }

    fn contradicted(&mut self, at: impl Into<Option<u64>>, says: String) {
        // What concerns no entry is told last.
        let (at, place) = (at.into(), |at: Option<u64>| at.unwrap_or(u64::MAX));
        if self.state.as_ref().is_none_or(|fault| place(at) < place(fault.at)) {
            self.state = Some(Fault { at, says });
        }
    }
}

fn read_entry(place: u64, kept: &KeptEntry) -> Result<Entry, String> {
    if kept.seq != place {
        return Err(format!("Entry {place} is missing."));
    }
    let entry =
        Entry::read(&kept.line).map_err(|_| format!("Entry {place} cannot be read as an entry: it was altered."))?;
    if entry.seq != place {
        return Err(format!("At the place of entry {place} lies entry {}: entries were moved or removed.", entry.seq));
    }
    Ok(entry)
}

#[cfg(test)]
mod tests;
