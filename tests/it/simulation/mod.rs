//! Deterministic simulation: the product's own steps of collecting, delivering and sending, on a machine that a seed plays.
//!
//! A history is a seed. `tests/simulation --seed N --count 1` plays one again and tells it step by step.

mod chance;
mod disk;
mod ground;
mod history;
mod mail;
mod mutations;
mod reckoning;
mod sealed;
mod service;
mod store;
mod world;

use history::{Tally, play};
use mutations::Mutation;

/// Plays these seeds; the first one that violates something is told.
fn campaign(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let told = play(seed, Mutation::None, false);
        if !told.violations.is_empty() {
            let again = play(seed, Mutation::None, true);
            println!("{}", again.trace.join("\n"));
            panic!("seed {seed}: {:#?}\nThe same once more: tests/simulation --seed {seed} --count 1", told.violations);
        }
        tally.add(&told.tally);
    }
    tally
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn trial() {
    let (from, count) = (number("HBCOURIER_SEED", 1), number("HBCOURIER_SEEDS", 1000));
    let began = std::time::Instant::now();
    let tally = campaign(from..from + count);
    println!("{tally:#?} in {:?}", began.elapsed());
}
