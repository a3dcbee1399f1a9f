//! Campaigns over a workflow: it is killed or failed at its calls, one after the other, and reckoned each time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use nix::errno::Errno;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::length;
use super::super::zeros::Outcome;
use super::kinds::{CHANGING, ERRORS, Kind, Kinds};
use super::table::{Row, Table};
use super::traced::{self, End, Fault, What};

/// Something the service does from beginning to end.
pub trait Workflow {
    /// How a table names it.
    fn name(&self) -> &'static str;
    /// Everything lies ready, and nothing is done.
    fn sets_back(&mut self);
    /// What does it, as far as it can be done at once.
    fn command(&self) -> Command;
    /// Does it, as far as it comes under this fault.
    fn runs(&self, fault: Option<Fault>) -> End {
        traced::runs(&self.command(), fault)
    }
    /// Whether nothing is left to do.
    fn rests(&self) -> bool;
    /// Has it done without faults, until nothing is left to do.
    fn completes(&mut self);
    /// Whether a kill can leave it so that nobody can tell whether a return arrived.
    fn may_be_uncertain(&self) -> bool {
        false
    }
    /// What became of everything. Fails if something lies about, or is told twice. `what` befell it.
    fn reckons(&mut self, what: &str) -> Outcome;
}

/// Killed once, at calls that change something: at so many of each kind in an ordinary run, at every one in a long one
/// (`HBCOURIER_CRASH_CALLS=0`).
pub fn kills(workflow: &mut dyn Workflow, usual: usize) -> Table {
    let spread = length("HBCOURIER_CRASH_CALLS", usual);
    let mut table = Table::new(workflow.name(), "killed");
    let counts = undisturbed(workflow);
    for kind in CHANGING {
        let Some(count) = counts.get(&kind) else { continue };
        let mut row = Row::new(format!("killed at {}", kind.name()), kind.name());
        for nth in chosen(*count, spread) {
            let fault = Fault { kinds: Kinds::of(&[kind]), nth, what: What::Kill };
            let end = meets(workflow, &fault, &mut row);
            // The threads do not share the work in the same way each time.
            if spread == 0 && nth >= *count && !end.hit {
                break;
            }
        }
        assert!(row.hits > 0, "{}: no {} was met", workflow.name(), kind.name());
        table.rows.push(row);
    }
    leaves_no_doubt(workflow, table)
}

/// Killed, and again while it recovers, at calls that a seed picks.
pub fn kills_twice(workflow: &mut dyn Workflow) -> Table {
    let seed = seed();
    let mut table = Table::new(workflow.name(), "killed, and again while recovering");
    let mut row = Row::new(format!("killed twice, seed {seed}"), format!("seed {seed}, kills"));
    println!("{}: {}", workflow.name(), row.what);
    let mut random = StdRng::seed_from_u64(seed);
    let counts = undisturbed(workflow);
    let kinds: Vec<Kind> = CHANGING.into_iter().filter(|kind| counts.contains_key(kind)).collect();
    let mut pick = || {
        let kind = kinds[random.random_range(0..kinds.len())];
        Fault { kinds: Kinds::of(&[kind]), nth: random.random_range(1..=counts[&kind]), what: What::Kill }
    };
    for _ in 0..length("HBCOURIER_CRASH_CALL_PAIRS", 5) {
        let (first, second) = (pick(), pick());
        workflow.sets_back();
        if !workflow.runs(Some(first)).hit {
            workflow.completes();
            continue;
        }
        let again = workflow.runs(Some(second));
        row.hits += 1 + usize::from(again.hit);
        row.reckons(workflow, &format!("{first:?}, then {second:?}"));
    }
    table.rows.push(row);
    leaves_no_doubt(workflow, table)
}

/// Failed at calls of every kind, by every error it can meet, once, and from then on to the end of the run. In an ordinary
/// run each kind of call meets one error in one of the two ways.
pub fn errors(workflow: &mut dyn Workflow) -> Table {
    let mut table = Table::new(workflow.name(), "failed");
    let counts = undisturbed(workflow);
    let spread = length("HBCOURIER_CRASH_CALL_ERRORS", 1);
    let all = ERRORS.into_iter().flat_map(|(errno, kinds)| kinds.iter().map(move |kind| (errno, *kind)));
    let mut all: Vec<(Errno, Kind)> = all.filter(|(_, kind)| counts.contains_key(kind)).collect();
    if spread == 1 {
        all = CHANGING.into_iter().enumerate().filter_map(|(at, kind)| nth_error(&all, kind, at)).collect();
    }
    for (at, (errno, kind)) in all.into_iter().enumerate() {
        let mut row = Row::new(format!("{errno:?} from {}", kind.name()), format!("{errno:?}"));
        let ways = [What::Once(errno), What::FromThenOn(errno)];
        let ways = match errno {
            // One who is interrupted for ever never comes to an end.
            Errno::EINTR => &ways[..1],
            _ if spread == 1 => &ways[at % 2..=at % 2],
            _ => &ways,
        };
        for nth in chosen(counts[&kind], spread) {
            for what in ways {
                meets(workflow, &Fault { kinds: Kinds::of(&[kind]), nth, what: *what }, &mut row);
            }
        }
        table.rows.push(row);
    }
    table
}

/// Killed once, at calls that change something, of whatever kind and thread, spread over the whole run by a seed. Each is a
/// sample: threads that share the work in another way each time make other calls the nth.
pub fn kills_samples(workflow: &mut dyn Workflow, usual: usize) -> Table {
    let (samples, seed) = (length("HBCOURIER_CRASH_CALL_SAMPLES", usual), seed());
    let mut table = Table::new(workflow.name(), "killed, a sample");
    let mut row = Row::new(format!("killed at changing calls, seed {seed}"), format!("seed {seed}, kills"));
    println!("{}: {}", workflow.name(), row.what);
    let mut random = StdRng::seed_from_u64(seed);
    let counts = undisturbed(workflow);
    let count: usize = CHANGING.iter().filter_map(|kind| counts.get(kind)).sum();
    let piece = count.div_ceil(samples);
    for sample in 0..samples {
        let nth = 1 + sample * piece + random.random_range(0..piece);
        meets(workflow, &Fault { kinds: Kinds::of(&CHANGING), nth, what: What::Kill }, &mut row);
    }
    assert!(row.hits > 0, "{}: no call was met", workflow.name());
    table.rows.push(row);
    leaves_no_doubt(workflow, table)
}

/// Failed at every K-th of the calls that can meet an error (`HBCOURIER_CRASH_CALL_EVERY`), of whatever kind, once; and,
/// each time anew, at that and every later one to the end of the run.
pub fn errors_everywhere(workflow: &mut dyn Workflow) -> [Table; 2] {
    let every = length("HBCOURIER_CRASH_CALL_EVERY", 1_000);
    let mut once = Table::new(workflow.name(), format!("failed at every {every}th call"));
    let mut from_then_on = Table::new(workflow.name(), format!("failed from every {every}th call on"));
    let counts = undisturbed(workflow);
    for (at, (errno, kinds)) in ERRORS.into_iter().enumerate() {
        let count: usize = kinds.iter().filter_map(|kind| counts.get(kind)).sum();
        // Not all errors at the same calls.
        let first = 1 + at * every / ERRORS.len();
        let ways = [(&mut once, What::Once(errno)), (&mut from_then_on, What::FromThenOn(errno))];
        // One who is interrupted for ever never comes to an end.
        for (table, what) in ways.into_iter().take(if errno == Errno::EINTR { 1 } else { 2 }) {
            let mut row = Row::new(format!("{errno:?}"), format!("{errno:?}"));
            for nth in (first..=count).step_by(every) {
                meets(workflow, &Fault { kinds: Kinds::of(kinds), nth, what }, &mut row);
            }
            table.rows.push(row);
        }
    }
    for table in [&once, &from_then_on] {
        assert!(table.rows.iter().any(|row| row.hits > 0), "{}: no call was failed", workflow.name());
    }
    [once, from_then_on]
}

/// A kill leaves a return that nobody can tell of only where it goes to a mail server.
fn leaves_no_doubt(workflow: &dyn Workflow, table: Table) -> Table {
    let uncertain: usize = table.rows.iter().map(|row| row.uncertain).sum();
    assert!(uncertain == 0 || workflow.may_be_uncertain(), "{}: {uncertain} times uncertain", workflow.name());
    table
}

/// That of an earlier run, or a new one.
fn seed() -> u64 {
    length("HBCOURIER_CRASH_SEED", rand::rng().random_range(0..1_000_000)) as u64
}

/// One of the errors a kind of call can meet, another for each kind.
fn nth_error(all: &[(Errno, Kind)], kind: Kind, at: usize) -> Option<(Errno, Kind)> {
    let its_own: Vec<_> = all.iter().filter(|(_, one)| *one == kind).collect();
    its_own.get(at % its_own.len().max(1)).map(|one| **one)
}

/// How many calls of each kind it makes when nothing befalls it, which must come out well.
fn undisturbed(workflow: &mut dyn Workflow) -> BTreeMap<Kind, usize> {
    workflow.sets_back();
    let end = workflow.runs(None);
    workflow.completes();
    let outcome = workflow.reckons("nothing");
    let is_well = outcome.is_well() && outcome.uncertain == 0;
    assert!(is_well, "{}: {outcome}\n{}", workflow.name(), end.says);
    end.calls
}

/// From the beginning, with this fault, to the end without it.
fn meets(workflow: &mut dyn Workflow, fault: &Fault, row: &mut Row) -> End {
    workflow.sets_back();
    let end = workflow.runs(Some(*fault));
    row.hits += usize::from(end.hit);
    let what = format!("{fault:?}");
    if let Some(against) = misbehaved(workflow, fault, &end) {
        row.violations.push(format!("{what}: {against}\n{}", end.says));
    }
    row.reckons(workflow, &what);
    end
}

/// What is to be said against how a run ended. One that was failed ends by itself, and whatever it left undone is said.
fn misbehaved(workflow: &dyn Workflow, fault: &Fault, end: &End) -> Option<&'static str> {
    let killed = end.code.is_none();
    match fault.what {
        What::Kill => (killed != end.hit).then_some("it ended otherwise than by being killed there"),
        What::Once(_) | What::FromThenOn(_) if killed => Some("a signal ended it"),
        What::Once(_) | What::FromThenOn(_) if end.says.contains("panicked") => Some("it panicked"),
        What::Once(_) | What::FromThenOn(_) => {
            let told = ["Deferred: ", "Alarm ", " WARN ", " ERROR "].iter().any(|word| end.says.contains(word));
            let silent = end.code == Some(0) && !told && !workflow.rests();
            silent.then_some("something was left undone, and nothing says so")
        }
    }
}

/// So many of so many calls, the first and the last among them; 0: each, and what may come after the last.
fn chosen(count: usize, spread: usize) -> Vec<usize> {
    match spread {
        0 => (1..=count + 3).collect(),
        1 => vec![count.div_ceil(2)],
        _ => {
            let mut chosen: Vec<usize> = (0..spread).map(|at| 1 + at * (count - 1) / (spread - 1)).collect();
            chosen.dedup();
            chosen
        }
    }
}

impl Row {
    /// Has everything done that is left, and adds what became of it.
    fn reckons(&mut self, workflow: &mut dyn Workflow, what: &str) {
        let reckoned = catch_unwind(AssertUnwindSafe(|| {
            workflow.completes();
            workflow.reckons(what)
        }));
        match reckoned {
            Ok(outcome) => self.adds(&outcome, what),
            Err(panic) => {
                let says = panic.downcast_ref::<String>().cloned();
                let says = says.or(panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
                self.violations.push(format!("{what}: {says}"));
            }
        }
    }
}
