//! Power cuts at every named step, single and while recovering.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use hbcourier::durable::step::STEPS;

use super::images::FileSystem;
use super::story::{Cut, Ground, Layout, PATIENCE, Told};
use crate::crash::length;

/// The sums of a campaign, which must all be nothing but the first and what is told.
#[derive(Default)]
struct Sums {
    cuts: usize,
    flagged: usize,
    uncertain: usize,
    faults: Vec<String>,
}

impl Sums {
    fn adds(&mut self, what: &str, told: Told) {
        self.cuts += told.cuts;
        self.flagged += told.flagged;
        self.uncertain += told.uncertain;
        println!("{what}: {} cuts, {} faults", told.cuts, told.faults.len());
        for fault in told.faults {
            println!("  {fault}");
            self.faults.push(format!("{what}: {fault}"));
        }
    }

    /// A row of the README's table.
    fn tells(&self, workflow: &str, kind: FileSystem, ground: &Ground) {
        let of = |word: &str| self.faults.iter().filter(|fault| fault.contains(&format!(": {word}: "))).count();
        println!(
            "| {workflow} | {} | {} | {} | {} | {} | {} | {} | {} |",
            kind.name(),
            self.cuts,
            of("lost"),
            of("duplicated"),
            of("half-written"),
            if of("ledger") == 0 { "intact" } else { "NOT INTACT" },
            self.flagged,
            self.uncertain
        );
        assert!(self.faults.is_empty(), "{:#?}\n{}", self.faults, ground.scene.council.log());
    }
}

/// The file systems of this run: ext4, and in the long form all that can be made here.
fn file_systems() -> Vec<FileSystem> {
    let all = FileSystem::ALL.into_iter().filter(|kind| kind.is_here());
    all.take(length("HBCOURIER_POWER_SYSTEMS", 1)).collect()
}

fn once(kind: FileSystem, layout: Layout, every: usize) {
    let mut ground = Ground::on(kind, layout);
    let mut sums = Sums::default();
    for (at, step) in STEPS.into_iter().enumerate().step_by(every) {
        // Every other time somebody has just synced a file beside ours; in the long form both ways at every step.
        for neighbour in if every == 1 { vec![false, true] } else { vec![(at / every) % 2 == 1] } {
            let what = format!("{} {layout:?}, {step}, neighbour {neighbour}", kind.name());
            let told = ground.tells(&[Cut { step, neighbour }], None, PATIENCE);
            assert_eq!(told.cuts, 1, "{step} is not passed: {:?}", told.faults);
            sums.adds(&what, told);
        }
    }
    let workflow = format!("one cut, {}", layout.says());
    sums.tells(&workflow, kind, &ground);
}

#[test]
fn once_each_folder_on_its_own() {
    let every = length("HBCOURIER_POWER_EVERY", 7);
    file_systems().into_iter().for_each(|kind| once(kind, Layout::Apart, every));
}

/// In the long form only.
#[test]
fn once_everything_on_one() {
    if length("HBCOURIER_POWER_SYSTEMS", 0) > 0 {
        file_systems().into_iter().for_each(|kind| once(kind, Layout::Together, 1));
    }
}

/// Pairs of steps, drawn with a seed that is printed.
#[test]
fn again_while_recovering() {
    let seed = std::env::var("HBCOURIER_CRASH_SEED").ok().map(|text| text.parse().unwrap());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("HBCOURIER_CRASH_SEED={seed}");
    let mut draw = StdRng::seed_from_u64(seed);
    let pairs = length("HBCOURIER_POWER_PAIRS", 1);
    for kind in file_systems() {
        let mut ground = Ground::on(kind, Layout::Apart);
        let mut sums = Sums::default();
        for _ in 0..pairs {
            let first = draw.random_range(0..STEPS.len());
            // Mostly what recovery passes again: the step itself and those that follow it.
            let second = (first + draw.random_range(0..STEPS.len() / 2)) % STEPS.len();
            let cuts = [first, second].map(|at| Cut { step: STEPS[at], neighbour: draw.random() });
            let told = ground.tells(&cuts, None, PATIENCE);
            sums.adds(&format!("{} {cuts:?}", kind.name()), told);
        }
        sums.tells(&format!("{pairs} pairs of cuts, seed {seed}"), kind, &ground);
    }
}
