//! Every proof about every tree of up to 40 leaves, and that nothing else passes for one.

use super::*;
use crate::domain::merkle::{Frontier, leaf};

const LEAVES: u64 = 40;

fn leaves() -> Vec<Digest> {
    (0..LEAVES).map(|n| leaf(&n.to_be_bytes())).collect()
}

fn root_of(leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

fn spoilt(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let other = Digest::of(b"other");
    let mut spoilt: Vec<Vec<Digest>> = (0..proof.len())
        .map(|at| proof.iter().enumerate().map(|(n, hash)| if n == at { other } else { *hash }).collect())
        .collect();
    spoilt.push([proof, &[other]].concat());
    spoilt.extend(proof.split_last().map(|(_, shorter)| shorter.to_vec()));
    spoilt.extend(proof.split_first().map(|(_, shorter)| shorter.to_vec()));
    spoilt
}

#[test]
fn roots_agree_with_the_growing_tree() {
    let leaves = leaves();
    for size in 0..=leaves.len() {
        assert_eq!(root(leaves.as_slice(), size as u64).unwrap(), root_of(&leaves[..size]), "{size}");
    }
}

#[test]
fn each_leaf_is_proved_at_its_place_and_at_no_other() {
    let leaves = leaves();
    for size in 1..=LEAVES {
        let whole = root_of(&leaves[..size as usize]);
        for index in 0..size {
            let hash = &leaves[index as usize];
            let proof = inclusion(leaves.as_slice(), index, size).unwrap();
            assert!(includes(index, size, hash, &proof, &whole), "{index} of {size}");
            for other in (0..=size).filter(|other| *other != index) {
                assert!(!includes(other, size, hash, &proof, &whole), "{index} of {size} passes for {other}");
            }
            assert!(!includes(index, size, &Digest::of(b"other"), &proof, &whole));
            for proof in spoilt(&proof) {
                assert!(!includes(index, size, hash, &proof, &whole), "{index} of {size}");
            }
        }
    }
}

#[test]
fn each_tree_continues_its_beginnings_and_nothing_else() {
    let leaves = leaves();
    for size in 0..=LEAVES {
        let new = root_of(&leaves[..size as usize]);
        for from in 0..=size {
            let old = root_of(&leaves[..from as usize]);
            let proof = consistency(leaves.as_slice(), from, size).unwrap();
            assert!(continues(from, &old, size, &new, &proof), "{from} to {size}");
            assert!(!continues(from, &Digest::of(b"other"), size, &new, &proof), "{from} to {size}");
            assert!(from == 0 || !continues(from, &old, size, &Digest::of(b"other"), &proof), "{from} to {size}");
            for proof in spoilt(&proof) {
                assert!(!continues(from, &old, size, &new, &proof), "{from} to {size}");
            }
        }
        assert!(!continues(size + 1, &new, size, &new, &[]), "a tree does not shrink");
    }
}

// RFC 6962 §2.1.3 has seven leaves with these proofs, by the names of its nodes.
#[test]
fn the_example_of_the_rfc() {
    let d = &leaves()[..7];
    let [a, b, c, _, e, f, j] = d else { panic!("seven leaves") };
    let (g, h, i) = (node(a, b), node(c, &d[3]), node(e, f));
    let (k, l) = (node(&g, &h), node(&i, j));
    let inclusion = |m| inclusion(d, m, 7).unwrap();
    assert_eq!(inclusion(0), [*b, h, l]);
    assert_eq!(inclusion(3), [*c, g, l]);
    assert_eq!(inclusion(4), [*f, *j, k]);
    assert_eq!(inclusion(6), [i, k]);
    let consistency = |m| consistency(d, m, 7).unwrap();
    assert_eq!(consistency(3), [*c, d[3], g, l]);
    assert_eq!(consistency(4), [l]);
    assert_eq!(consistency(6), [i, *j, k]);
}
