//! Power cuts at every named step, single and while recovering.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use hbcourier::durable::step::STEPS;

use super::images::FileSystem;
use super::reckoning::Fault;
use super::story::{Cut, Given, Ground, Layout, PATIENCE, Told};
use crate::crash::length;

/// The sums of a campaign, which must all be nothing but the first and what is told.
#[derive(Default)]
struct Sums {
    cuts: usize,
    flagged: usize,
    uncertain: usize,
    faults: Vec<Fault>,
}

impl Sums {
    fn adds(&mut self, what: &str, told: Told) {
        self.cuts += told.cuts;
        self.flagged += told.flagged;
        self.uncertain += told.uncertain;
        println!("{what}: {} cuts, {} faults", told.cuts, told.faults.len());
        told.faults.iter().for_each(|fault| println!("  {fault}"));
        self.faults.extend(told.faults);
    }

    /// A row of the README's table.
    fn tells(&self, workflow: &str, kind: FileSystem) {
        let of = |word: &str| self.faults.iter().filter(|fault| fault.word() == word).count();
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
    }
}

/// The file systems of this run: ext4, and in the long form all that can be made here.
fn file_systems() -> Vec<FileSystem> {
    let all = FileSystem::ALL.into_iter().filter(|kind| kind.is_here());
    all.take(length("HBCOURIER_POWER_SYSTEMS", 1)).collect()
}

/// Every other time somebody has just synced a file beside ours; which times, is another matter on the next file system.
fn once(number: usize, kind: FileSystem, layout: Layout, every: usize) -> usize {
    let mut ground = Ground::on(kind, layout);
    let mut sums = Sums::default();
    for (at, step) in STEPS.into_iter().enumerate().step_by(every) {
        let neighbour = (at + number) % 2 == 1;
        let what = format!("{} {layout:?}, {step}, neighbour {neighbour}", kind.name());
        let told = ground.tells(Given::Everything, &[Cut { step, neighbour }], None, PATIENCE);
        assert_eq!(told.cuts, 1, "{step} is not passed: {:?}", told.faults);
        sums.adds(&what, told);
    }
    sums.tells(&format!("one cut, {}", layout.says()), kind);
    sums.faults.len()
}

/// In an ordinary run every ninth step, in a long one (`HBCOURIER_POWER_EVERY=1`) each.
#[test]
fn once_each_folder_on_its_own() {
    let every = length("HBCOURIER_POWER_EVERY", 9);
    let all = file_systems().into_iter().enumerate();
    let faults: usize = all.map(|(number, kind)| once(number, kind, Layout::Apart, every)).sum();
    assert_eq!(faults, 0, "they are told above");
}

#[test]
#[ignore = "long: `tests/crash --power`"]
fn once_everything_on_one() {
    let all = file_systems().into_iter().enumerate();
    let faults: usize = all.map(|(number, kind)| once(number + 1, kind, Layout::Together, 1)).sum();
    assert_eq!(faults, 0, "they are told above");
}

/// Pairs of steps, drawn with a seed that is printed.
#[test]
fn again_while_recovering() {
    let seed = std::env::var("HBCOURIER_CRASH_SEED").ok().map(|text| text.parse().unwrap());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("HBCOURIER_CRASH_SEED={seed}");
    let mut draw = StdRng::seed_from_u64(seed);
    let pairs = length("HBCOURIER_POWER_PAIRS", 1);
    let mut faults = 0;
    for kind in file_systems() {
        let mut ground = Ground::on(kind, Layout::Apart);
        let mut sums = Sums::default();
        for _ in 0..pairs {
            let first = draw.random_range(0..STEPS.len());
            // Mostly what recovery passes again: the step itself and those that follow it.
            let second = (first + draw.random_range(0..STEPS.len() / 2)) % STEPS.len();
            let cuts = [first, second].map(|at| Cut { step: STEPS[at], neighbour: draw.random() });
            let told = ground.tells(Given::Everything, &cuts, None, PATIENCE);
            sums.adds(&format!("{} {cuts:?}", kind.name()), told);
        }
        sums.tells(&format!("{pairs} pairs of steps, seed {seed}"), kind);
        faults += sums.faults.len();
    }
    assert_eq!(faults, 0, "they are told above");
}
