//! At every start: whether each line is the one that was recorded, and the ledger the one that its key signed.
//!
//! In:  a reader; the key's public half; what the key signed last, as it was remembered apart from the store.
//! Out: the ledger's head, or in one sentence what is wrong and where.
//! Hashes every line once and looks at no other state: seconds for a million entries. `audit verify` looks at everything.
//! Holds: streams; of each checkpoint a size and a root are kept in mind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::evidence::{Auditable, Evidence, KeptEntry};
use super::queries::{Head, KeptCheckpoint, QueryError};
use crate::domain::Digest;
use crate::domain::checkpoint::{Checkpoint, Vkey};
use crate::domain::merkle::{Frontier, leaf};

/// The ledger's head, or what is wrong with it.
pub type Held = Result<Head, String>;

/// Holds the ledger against its own tree, and both against every checkpoint and the last signed head.
pub fn holds(queries: &dyn Auditable, vkey: &Vkey, last: Option<&Checkpoint>) -> Result<Held, QueryError> {
    let view = queries.snapshot()?;
    let head = view.head()?;
    let marks = match marks(&*view, vkey, last)? {
        Ok(marks) => marks,
        Err(says) => return Ok(Err(says)),
    };
    let mut walk = Walk { tree: Frontier::default(), nodes: 0, agreed: 0, marks, fault: None };
    view.each_entry(&mut |kept| Ok(walk.entry(&kept)))?;
    walk.end(&head, view.nodes()?);
    Ok(walk.fault.map_or(Ok(head), Err))
}

/// What roots were signed, by size.
type Marks = BTreeMap<u64, Digest>;

fn marks(view: &dyn Evidence, vkey: &Vkey, last: Option<&Checkpoint>) -> Result<Result<Marks, String>, QueryError> {
    let (mut marks, mut latest, mut altered) = (Marks::new(), None::<KeptCheckpoint>, None);
    view.each_checkpoint(&mut |kept| {
        if !kept.agrees() && altered.is_none() {
            altered = Some(kept.size);
        }
        marks.insert(kept.size, kept.root);
        latest = Some(kept);
        Ok(ControlFlow::Continue(()))
    })?;
    if let Some(size) = altered {
        return Ok(Err(format!("the checkpoint over {size} entries in the store was altered")));
    }
    // One of an earlier name of the ledger is held against its tree only.
    let is_ours = |kept: &KeptCheckpoint| kept.note.split('\n').next() == Some(vkey.name());
    if let Some(kept) = latest.filter(is_ours)
        && let Err(fault) = vkey.verify(&kept.note)
    {
        let size = kept.size;
        return Ok(Err(format!("the checkpoint over {size} entries in the store is not good: {fault}")));
    }
    if let Some(last) = last
        && marks.insert(last.size, last.root).is_some_and(|kept| kept != last.root)
    {
        let size = last.size;
        return Ok(Err(format!("the checkpoint over {size} entries in the store is not the one that was signed")));
    }
    Ok(Ok(marks))
}

struct Walk {
    tree: Frontier,
    /// Complete subtrees so far.
    nodes: u64,
    /// The size at which a signed root last agreed.
    agreed: u64,
    /// Roots that are still to come.
    marks: Marks,
    fault: Option<String>,
}

impl Walk {
    fn entry(&mut self, kept: &KeptEntry) -> ControlFlow<()> {
        let (place, mut nodes, mut as_kept) = (self.tree.size(), kept.nodes.iter(), true);
        if kept.seq != place {
            return self.broken(format!("entry {place} of the ledger is missing"));
        }
        let (hash, node_at) = (leaf(&kept.line), &mut self.nodes);
        if hash != kept.hash {
            return self.broken(format!("entry {place} of the ledger was altered or replaced"));
        }
        self.tree.push_with(hash, |root| {
            as_kept &= nodes.next().is_some_and(|(at, kept)| *at == *node_at && kept[..] == root.as_bytes()[..]);
            *node_at += 1;
        });
        if !as_kept || nodes.next().is_some() {
            return self.broken(format!(
                "entry {place} of the ledger, the one before it, or the tree above them, was altered"
            ));
        }
        let size = place + 1;
        match self.marks.remove(&size) {
            Some(signed) if signed != self.tree.root() => {
                let first = self.agreed;
                self.broken(format!(
                    "the ledger was rewritten: an entry from {first} to {place} is not the one that was there when the checkpoint over {size} entries was signed"
                ))
            }
            Some(_) => {
                self.agreed = size;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn end(&mut self, head: &Head, nodes: u64) {
        let (found, counted) = (self.tree.size(), head.entries);
        if self.fault.is_some() {
            return;
        }
        if let Some((signed, _)) = self.marks.last_key_value() {
            self.fault = Some(format!(
                "the ledger has {found} entries, but a checkpoint over {signed} was signed: entries were taken away, or the store is an older copy"
            ));
        } else if found != counted {
            self.fault = Some(format!("the ledger has {found} entries, but its head counts {counted}"));
        } else if self.tree.root() != head.root {
            self.fault = Some("the ledger's head was altered".to_owned());
        } else if nodes != self.nodes {
            self.fault = Some("the tree above the ledger's entries has more than belongs to them".to_owned());
        }
    }

    fn broken(&mut self, says: String) -> ControlFlow<()> {
        self.fault = Some(says);
        ControlFlow::Break(())
    }
}

#[cfg(test)]
mod tests;
