//! Proofs about the ledger's tree: that an entry is in it, and that it only grew.
//!
//! In:  the hashes of complete subtrees, from wherever they are kept. Out: the hashes of a proof, in the RFC's order; and
//! for whoever has one, whether it proves what it is said to.
//! Checking needs nothing but the proof and roots that somebody vouches for.
// RFC 6962 §2.1.1, §2.1.2; checking by RFC 9162 §2.1.3.2, §2.1.4.2

use super::node;
use crate::domain::Digest;

/// The hashes of a tree's complete subtrees.
pub trait Subtrees {
    /// Why one could not be had.
    type Error;

    /// The hash over the `2^level` leaves from `index * 2^level` on. Asked only for subtrees that are complete.
    fn subtree(&self, level: u32, index: u64) -> Result<Digest, Self::Error>;
}

/// The leaves themselves, level 0; everything above is computed. For trees that fit into memory.
impl Subtrees for [Digest] {
    type Error = std::convert::Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Digest, Self::Error> {
        match level.checked_sub(1) {
            // An index beyond the leaves is a fault of the caller's; it gets a hash that proves nothing.
            None => Ok(usize::try_from(index).ok().and_then(|at| self.get(at)).copied().unwrap_or(Digest::of(b""))),
            Some(below) => Ok(node(&self.subtree(below, index * 2)?, &self.subtree(below, index * 2 + 1)?)),
        }
    }
}

/// The root over the first `size` leaves.
pub fn root<S: Subtrees + ?Sized>(tree: &S, size: u64) -> Result<Digest, S::Error> {
    if size == 0 { Ok(Digest::of(b"")) } else { range(tree, 0, size) }
}

/// The proof that leaf `index` is in the tree of `size` leaves: the hash beside each step from the leaf to the root.
/// Empty unless `index < size`.
pub fn inclusion<S: Subtrees + ?Sized>(tree: &S, index: u64, size: u64) -> Result<Vec<Digest>, S::Error> {
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, size);
    while index < high && high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(range(tree, middle, high)?);
            high = middle;
        } else {
            proof.push(range(tree, low, middle)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `size` leaves begins with the tree of its first `from` leaves. Empty unless `0 < from < size`.
pub fn consistency<S: Subtrees + ?Sized>(tree: &S, from: u64, size: u64) -> Result<Vec<Digest>, S::Error> {
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, size);
    if from == 0 || from >= size {
        return Ok(proof);
    }
    while from < high {
        let middle = low + split(high - low);
        if from <= middle {
            proof.push(range(tree, middle, high)?);
            high = middle;
        } else {
            proof.push(range(tree, low, middle)?);
            low = middle;
        }
    }
    // What is left is the last complete subtree of the smaller tree; where that is the whole of it, its root is known.
    if low > 0 {
        proof.push(range(tree, low, high)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `proof` shows that the leaf with this hash is number `index` in the tree of `size` leaves with this root.
pub fn includes(index: u64, size: u64, leaf: &Digest, proof: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = node(beside, &hash);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node(&hash, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `size` leaves with root `new` begins with that of `from` leaves with root `old`.
/// Of a tree of no leaves every other is a continuation.
pub fn continues(from: u64, old: &Digest, size: u64, new: &Digest, proof: &[Digest]) -> bool {
    if from > size {
        return false;
    }
    if from == size {
        return proof.is_empty() && old == new;
    }
    if from == 0 {
        return proof.is_empty() && *old == Digest::of(b"");
    }
    // A complete smaller tree is itself the first hash, which the proof then leaves out.
    let (first, rest) = match (from.is_power_of_two(), proof) {
        (true, rest) => (old, rest),
        (false, [first, rest @ ..]) => (first, rest),
        (false, []) => return false,
    };
    let (mut at, mut last) = (from - 1, size - 1);
    while at % 2 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut smaller, mut larger) = (*first, *first);
    for beside in rest {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            (smaller, larger) = (node(beside, &smaller), node(beside, &larger));
            while at % 2 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            larger = node(&larger, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && smaller == *old && larger == *new
}

/// The largest power of two below `leaves`, of which there are at least two.
fn split(leaves: u64) -> u64 {
    1 << (63 - (leaves - 1).leading_zeros())
}

/// The hash over leaves `low..high`, not empty, where `low` is a multiple of the power of two that holds them.
fn range<S: Subtrees + ?Sized>(tree: &S, low: u64, high: u64) -> Result<Digest, S::Error> {
    let leaves = high - low;
    if leaves.is_power_of_two() {
        let level = leaves.trailing_zeros();
        return tree.subtree(level, low >> level);
    }
    let middle = low + split(leaves);
    Ok(node(&range(tree, low, middle)?, &range(tree, middle, high)?))
}

#[cfg(test)]
mod tests;
