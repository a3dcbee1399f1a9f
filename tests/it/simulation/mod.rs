//! Deterministic simulation: the product's own steps of collecting, delivering and sending, on a machine that a seed plays.
//!
//! A history is a seed. `tests/simulation --seed N --count 1` plays one again and tells it step by step.
//! Real: `inbound`, `outbound`, the store, the spool, folders and the courier by folder, down to the calls of the kernel.
//! Made up: the kernel's answers ([`disk`], [`ground`]), the time, OpenPGP ([`sealed`]), a courier like mail, and everybody
//! outside ([`world`]). One thing at a time is done; several carriers at once are for the other campaigns.

mod chance;
mod disk;
mod ground;
mod history;
mod mail;
pub mod mutations;
mod reckoning;
mod sealed;
mod service;
mod store;
mod world;

use std::ops::Range;

pub use history::{Tally, play};
use mutations::Mutation;

/// Plays these seeds. The first one that violates something is told, with the command that plays it again.
pub fn campaign(seeds: Range<u64>) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for seed in seeds {
        let told = play(seed, Mutation::None, false);
        if !told.violations.is_empty() {
            let not_twice = |telling: String| format!("{telling}\nnot twice, but once: {:?}", told.violations);
            return Err(telling(seed).map_or_else(|violated| violated, not_twice));
        }
        tally.add(&told.tally);
    }
    Ok(tally)
}

/// The history of this seed, step by step; an error if it violates something.
pub fn telling(seed: u64) -> Result<String, String> {
    let told = play(seed, Mutation::None, true);
    let (trace, violations) = (told.trace.join("\n"), told.violations.join("\n"));
    let again = format!("The same once more: tests/simulation --seed {seed} --count 1");
    let telling = format!("{trace}\n\nseed {seed}:\n{violations}\n{again}");
    if told.violations.is_empty() { Ok(telling) } else { Err(telling) }
}

/// The first of these seeds by which this mutation is found, and what is found.
pub fn found(mutation: Mutation, mut within: Range<u64>) -> Option<(u64, String)> {
    within.find_map(|seed| {
        let told = play(seed, mutation, false);
        told.violations.into_iter().next().map(|violation| (seed, violation))
    })
}

#[cfg(test)]
mod tests {
    use super::mutations::MUTATIONS;
    use super::*;

    /// How many histories an ordinary run plays in each of the eight tests.
    const HISTORIES: u64 = 12_500;

    fn eighth(number: u64) {
        match campaign(number * HISTORIES..(number + 1) * HISTORIES) {
            Ok(tally) => println!("{}", tally.row()),
            Err(told) => panic!("{told}"),
        }
    }

    #[test]
    fn histories_1() {
        eighth(0);
    }

    #[test]
    fn histories_2() {
        eighth(1);
    }

    #[test]
    fn histories_3() {
        eighth(2);
    }

    #[test]
    fn histories_4() {
        eighth(3);
    }

    #[test]
    fn histories_5() {
        eighth(4);
    }

    #[test]
    fn histories_6() {
        eighth(5);
    }

    #[test]
    fn histories_7() {
        eighth(6);
    }

    #[test]
    fn histories_8() {
        eighth(7);
    }

    /// What longer runs found once, beyond those of an ordinary one.
    #[test]
    fn histories_that_once_violated_something() {
        for seed in [707_863, 823_049] {
            if let Err(told) = telling(seed) {
                panic!("{told}");
            }
        }
    }

    #[test]
    fn a_seed_is_a_history() {
        for seed in 0..100 {
            let (one, other) = (play(seed, Mutation::None, true), play(seed, Mutation::None, true));
            assert_eq!(one.trace, other.trace, "seed {seed}");
        }
    }

    #[test]
    fn each_mutation_is_found() {
        let mut missed = Vec::new();
        for (mutation, within) in MUTATIONS {
            match found(mutation, within) {
                Some((seed, violation)) => println!("| {mutation} | {seed} | {violation} |"),
                None => missed.push(mutation.to_string()),
            }
        }
        assert!(missed.is_empty(), "not found: {missed:?}");
    }
}
