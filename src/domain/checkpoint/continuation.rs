//! The proof that goes with a checkpoint: that its tree begins with the tree of an earlier one.
//!
//! As text: two sizes and the hashes of RFC 6962's consistency proof in base64, each on a line of its own; lines that begin
//! with `#` are for people.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Checkpoint, NOTE_BYTES_MAX};
use crate::domain::Digest;
use crate::domain::merkle::proof::continues;

/// That a tree of so many leaves begins with an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// Leaves of the earlier tree; 0 if there was none.
    pub from: u64,
    /// Leaves of the later one.
    pub size: u64,
    /// The proof.
    pub hashes: Vec<Digest>,
}

/// The text is no such proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a consistency proof: two sizes and base64 hashes, each on a line of its own")]
pub struct NotAContinuation;

impl Continuation {
    /// Whether it shows that `later` continues `earlier`.
    pub fn shows(&self, earlier: &Checkpoint, later: &Checkpoint) -> bool {
        (self.from, self.size) == (earlier.size, later.size)
            && earlier.origin == later.origin
            && continues(earlier.size, &earlier.root, later.size, &later.root, &self.hashes)
    }
}

impl fmt::Display for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.from, self.size)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash.as_bytes())))
    }
}

impl FromStr for Continuation {
    type Err = NotAContinuation;

    fn from_str(text: &str) -> Result<Self, NotAContinuation> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(NotAContinuation);
        }
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut size = || lines.next().and_then(|line| line.parse().ok()).ok_or(NotAContinuation);
        let (from, size) = (size()?, size()?);
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok().map(Digest::from_bytes);
        let hashes = lines.map(|line| hash(line).ok_or(NotAContinuation)).collect::<Result<_, _>>()?;
        Ok(Continuation { from, size, hashes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merkle::leaf;
    use crate::domain::merkle::proof::{consistency, root};

    #[test]
    fn text_and_back_and_what_it_shows() {
        let leaves: Vec<Digest> = (0..21u32).map(|n| leaf(&n.to_be_bytes())).collect();
        let tree = leaves.as_slice();
        let at = |size| Checkpoint { origin: "hbcourier/12302".to_owned(), size, root: root(tree, size).unwrap() };
        for (from, size) in [(1, 2), (7, 21), (8, 21), (20, 21), (21, 21)] {
            let proof = Continuation { from, size, hashes: consistency(tree, from, size).unwrap() };
            let read: Continuation = format!("# a sentence\n{proof}").parse().unwrap();
            assert_eq!(read, proof);
            assert!(read.shows(&at(from), &at(size)));
            let other = Checkpoint { root: leaf(b"other"), ..at(from) };
            assert!(!read.shows(&other, &at(size)), "{from} to {size}");
            let elsewhere = Checkpoint { origin: "hbcourier/13501".to_owned(), ..at(from) };
            assert!(!read.shows(&elsewhere, &at(size)));
        }
        for text in ["", "1\n", "1\n2\nAAAA\n", "one\n2\n", "1\n2\n\n"] {
            assert_eq!(text.parse::<Continuation>(), Err(NotAContinuation), "{text:?}");
        }
    }
}
