//! A growing tree beside the checkpoints that were signed of it.
//!
//! In:  leaves, one after the other. Out: how far it is what was signed, and the first checkpoint it is not.

use super::Mark;
use crate::domain::Digest;
use crate::domain::merkle::Frontier;

/// How the tree stands to the checkpoints so far.
#[derive(Clone, Debug)]
pub struct Agreement<'a> {
    marks: &'a [Mark],
    next: usize,
    tree: Frontier,
    proven: (u64, Digest),
    anchored: u64,
    wrong: Option<&'a Mark>,
    own_is_wrong: bool,
}

/// How a whole tree stands to the checkpoints.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The largest checkpoint that it agrees with, and no smaller one contradicts: its size.
    pub proven: u64,
    /// And its root.
    pub root: Digest,
    /// As `proven`, of those only that were kept elsewhere: whoever has the key can sign the others anew.
    pub anchored: u64,
    /// The smallest checkpoint that it is not the tree of, also if it does not reach so far.
    pub wrong: Option<&'a Mark>,
    /// Whether any such checkpoint came with the ledger; otherwise all of them were kept apart from it.
    pub own_is_wrong: bool,
}

impl<'a> Agreement<'a> {
    /// No leaves yet. `marks` are sorted by size.
    pub fn new(marks: &'a [Mark]) -> Agreement<'a> {
        let tree = Frontier::default();
        let proven = (0, tree.root());
        let mut agreement = Agreement { marks, next: 0, tree, proven, anchored: 0, wrong: None, own_is_wrong: false };
        agreement.compare();
        agreement
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Digest) {
        self.tree.push(leaf);
        self.compare();
    }

    /// The checkpoints of just this size.
    fn compare(&mut self) {
        let size = self.tree.size();
        let reached = self.marks[self.next..].iter().take_while(|mark| mark.size == size).count();
        if reached == 0 {
            return;
        }
        let (root, reached) = (self.tree.root(), &self.marks[self.next..self.next + reached]);
        self.next += reached.len();
        for mark in reached.iter().filter(|mark| mark.root != root) {
            self.wrong = self.wrong.or(Some(mark));
            self.own_is_wrong |= !mark.anchor;
        }
        if self.wrong.is_none() {
            self.proven = (size, root);
            if reached.iter().any(|mark| mark.anchor) {
                self.anchored = size;
            }
        }
    }

    /// How it stands, if nothing more comes.
    pub fn end(&self) -> Standing<'a> {
        let beyond = &self.marks[self.next..];
        let (proven, root) = self.proven;
        let own_is_wrong = self.own_is_wrong || beyond.iter().any(|mark| !mark.anchor);
        Standing { proven, root, anchored: self.anchored, wrong: self.wrong.or(beyond.first()), own_is_wrong }
    }
}
