//! Whether the checkpoints that the store keeps are those that the ledger tells of, over its own tree, signed by the key
//! it names.
//!
//! In:  every entry in its order, then the rows. Out: what contradicts an entry, with its number where there is one.
//! Holds: of each checkpoint a size, a root and a key are kept in mind, of each leaving a row.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::Fault;
use crate::domain::Digest;
use crate::domain::checkpoint::Vkey;
use crate::domain::ledger::{Entry, Event};
use crate::store::evidence::{Evidence, KeptLeft};
use crate::store::{KeptCheckpoint, QueryError};

/// What was told so far.
#[derive(Default)]
pub(super) struct Signed {
    /// By how many entries they are over.
    made: BTreeMap<u64, Told>,
    left: BTreeSet<KeptLeft>,
    compared: Vec<String>,
}

struct Told {
    seq: u64,
    root: Option<Digest>,
    vkey: Option<Vkey>,
}

impl Signed {
    pub(super) fn hear(&mut self, entry: &Entry) {
        let (seq, facts, size) = (entry.seq, &entry.facts, entry.facts.size.unwrap_or_default());
        match entry.event {
            Event::CheckpointMade => {
                self.made.insert(size, Told { seq, root: facts.content, vkey: facts.vkey.clone() });
            }
            Event::CheckpointLeft => {
                let recipient = facts.about.clone().unwrap_or_default();
                self.left.insert(KeptLeft { recipient, size, at: Some(entry.at), entry: seq });
            }
            _ => {}
        }
    }

    /// The checkpoints that were found good, by their names as files.
    pub(super) fn compared(&self) -> Vec<String> {
        self.compared.clone()
    }

    /// The rows. Call it last.
    pub(super) fn rest(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let mut faults = Vec::new();
        view.each_checkpoint(&mut |kept| {
            let told = self.made.remove(&kept.size);
            match judge(&kept, told.as_ref(), view.root_of(kept.size)?) {
                None => self.compared.push(kept.stem()),
                Some(wrong) => {
                    let says = format!("The checkpoint over {} entries in the store {wrong}.", kept.size);
                    faults.push(Fault { at: told.map(|told| told.seq).or(Some(kept.entry)), says });
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(self.made.iter().map(|(size, Told { seq, .. })| {
            let says = format!("Entry {seq} tells of a checkpoint over {size} entries, but the store has none.");
            Fault { at: Some(*seq), says }
        }));
        view.each_left(&mut |kept| {
            if !self.left.remove(&kept) {
                let KeptLeft { recipient, size, entry, .. } = kept;
                let says = format!(
                    "The store has it that the checkpoint over {size} entries left to {recipient}; the ledger tells it otherwise."
                );
                faults.push(Fault { at: Some(entry), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(self.left.iter().map(|KeptLeft { recipient, size, entry, .. }| {
            let says = format!(
                "Entry {entry} tells that the checkpoint over {size} entries left to {recipient}, but the store does not."
            );
            Fault { at: Some(*entry), says }
        }));
        Ok(faults)
    }
}

/// What is wrong with it, if anything.
fn judge(kept: &KeptCheckpoint, told: Option<&Told>, root: Option<Digest>) -> Option<&'static str> {
    let Some(told) = told.filter(|told| told.seq == kept.entry) else {
        return Some("is none that the ledger tells of");
    };
    if told.root != Some(kept.root) || !kept.agrees() {
        return Some("was altered: it has another root, or another note, than the ledger tells of");
    }
    if root != Some(kept.root) {
        return Some("is not over the ledger's own entries");
    }
    let signed = told.vkey.as_ref().is_some_and(|vkey| vkey.verify(&kept.note).is_ok());
    (!signed).then_some("was altered: its signature is not by the key that the ledger names")
}
