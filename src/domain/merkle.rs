//! The tree over the ledger's entries.
// RFC 6962 §2.1

pub mod proof;

use super::digest::{Digest, Digester};

/// The hash of one entry's exact bytes.
pub fn leaf(line: &[u8]) -> Digest {
    let mut digester = Digester::new();
    digester.update(&[0x00]);
    digester.update(line);
    digester.finish()
}

fn node(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    Digest::of(&bytes)
}

/// A tree that only grows, kept as the roots of its complete subtrees, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The frontier that was stored as `size` and `peaks`; `None` if they cannot belong together.
    pub fn restore(size: u64, peaks: Vec<Digest>) -> Option<Frontier> {
        (peaks.len() == size.count_ones() as usize).then_some(Frontier { size, peaks })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Digest) {
        self.push_with(leaf, |_| ());
    }

    /// Adds a leaf, and tells the root of each subtree that is complete with it, the smallest first.
    pub fn push_with(&mut self, leaf: Digest, mut complete: impl FnMut(&Digest)) {
        let mut subtree = leaf;
        // Every trailing one-bit of the size is a complete subtree as large as the one being added.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                subtree = node(&left, &subtree);
                complete(&subtree);
            }
        }
        self.peaks.push(subtree);
        self.size += 1;
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Digest::of(b""),
            Some(last) => peaks.fold(*last, |right, left| node(left, &right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1, by its own recursive definition.
    fn root_by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                node(&root_by_definition(&many[..split]), &root_by_definition(&many[split..]))
            }
        }
    }

    #[test]
    fn growing_agrees_with_the_definition() {
        let leaves: Vec<Digest> = (0..70u32).map(|n| leaf(&n.to_be_bytes())).collect();
        let mut frontier = Frontier::default();
        assert_eq!(frontier.root(), root_by_definition(&[]));
        for count in 1..=leaves.len() {
            frontier.push(leaves[count - 1]);
            assert_eq!(frontier.root(), root_by_definition(&leaves[..count]), "{count} leaves");
            let stored = Frontier::restore(frontier.size(), frontier.peaks().to_vec());
            assert_eq!(stored, Some(frontier.clone()));
        }
    }

    #[test]
    fn known_answers() {
        // The test vectors of the Certificate Transparency implementations.
        let inputs: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
        let mut frontier = Frontier::default();
        inputs.iter().for_each(|input| frontier.push(leaf(input)));
        assert_eq!(frontier.root().to_string(), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
    }
}
