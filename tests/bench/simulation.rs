//! Many histories of the deterministic simulation, on every core: `tests/simulation` starts this.
//!
//! In:  how many, and the first seed. Out: one row of figures; or the first history that violates something, told.

// What a test stands on fails loudly; and it is the world around the product.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]
// The tests beside it are the integration tests' own.
#![allow(dead_code, unused_imports)]

#[path = "../it/simulation/mod.rs"]
mod simulation;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use simulation::mutations::MUTATIONS;
use simulation::{Tally, campaign, found, telling};

/// Seeds that are played between two looks at the others.
const BATCH: u64 = 250;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).and_then(|value| value.parse::<u64>().ok())
    };
    if arguments.iter().any(|argument| argument == "--mutations") {
        return mutations();
    }
    let (count, seed) = (value("--count").unwrap_or(1_000_000), value("--seed").unwrap_or(0));
    if count == 1 {
        let told = telling(seed);
        println!("{}", told.as_ref().unwrap_or_else(|violated| violated));
        return if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    many(seed, count)
}

fn many(seed: u64, count: u64) -> ExitCode {
    let (began, next, stop) = (Instant::now(), AtomicU64::new(seed), AtomicBool::new(false));
    let end = seed + count;
    let worker = || {
        let mut tally = Tally::default();
        while !stop.load(Ordering::SeqCst) {
            let first = next.fetch_add(BATCH, Ordering::SeqCst);
            if first >= end {
                break;
            }
            match campaign(first..(first + BATCH).min(end)) {
                Ok(played) => tally.add(&played),
                Err(told) => {
                    stop.store(true, Ordering::SeqCst);
                    println!("{told}");
                    return None;
                }
            }
        }
        Some(tally)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let tallies: Vec<Option<Tally>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut all = Tally::default();
    for tally in &tallies {
        let Some(tally) = tally else { return ExitCode::FAILURE };
        all.add(tally);
    }
    println!("{}", all.row());
    println!("from seed {seed}, in {} s on {cores} cores; nothing violated", began.elapsed().as_secs());
    ExitCode::SUCCESS
}

fn mutations() -> ExitCode {
    let mut missed = false;
    for (mutation, within) in MUTATIONS {
        match found(mutation, 0..within.end) {
            Some((seed, violation)) => println!("| {mutation} | {} | {violation} |", seed + 1),
            None => {
                missed = true;
                println!("| {mutation} | NOT FOUND | in {} |", within.end);
            }
        }
    }
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
