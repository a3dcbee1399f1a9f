//! `hbcourier check`: after the configuration has loaded, probes for real what the service will need.
//!
//! In:  the settings, the keys, the couriers, the timetables.
//! Out: a list of [`Probe`]s; exit status 1 if one is a problem.
//! Holds: leaves nothing behind but what was there; a probe file is hidden, empty, and removed at once.

mod audit;
mod authorities;
mod couriers;
mod file_system;
mod folders;
pub(super) mod keys;
mod machine;
mod mailboxes;
mod people;
mod scan;
#[cfg(test)]
mod tests;
mod timetables;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::cli::output::{CliError, Exit, Output, Text, Tone};
use crate::config::{Problem, Problems, Settings};
use crate::domain::CourierName;
use crate::domain::authorities::Authorities;
use crate::domain::timetable::Timetables;
use crate::effects::clock::london;
use crate::effects::courier::Courier;
use crate::effects::pgp::KeyRing;
use crate::store::Queries;

/// Read the configuration, then try everything the service will need
///
/// Exit status 0: it will work; 1: something will not. Run it as the service's own account.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What is tried.
pub struct Subjects<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// Own keys and trusted certificates.
    pub keys: &'a KeyRing,
    /// The couriers, as the service would build them.
    pub couriers: &'a Couriers,
    /// The timetables in force.
    pub timetables: &'a Timetables,
    /// The LA numbers that are known.
    pub authorities: &'a Authorities,
    /// The store, if there is one yet.
    pub queries: Option<&'a dyn Queries>,
    /// Now.
    pub now: Timestamp,
}

impl Subjects<'_> {
    fn today(&self) -> Date {
        self.now.to_zoned(london()).date()
    }
}

/// Every courier by its name.
pub type Couriers = BTreeMap<CourierName, Arc<dyn Courier>>;

/// What was tried, and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// What kind of thing was tried, such as `folder`.
    pub probe: &'static str,
    /// On what.
    pub about: String,
    /// How it went.
    pub outcome: Outcome,
    /// What was found.
    pub says: String,
    /// What to do; nothing if all is well.
    pub next: Option<String>,
}

/// How a probe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, but.
    Warning,
    /// It will not work.
    Problem,
}

impl Probe {
    pub(super) fn ok(probe: &'static str, about: impl ToString, says: impl Into<String>) -> Probe {
        Probe { probe, about: about.to_string(), outcome: Outcome::Ok, says: says.into(), next: None }
    }

    pub(super) fn warning(
        probe: &'static str,
        about: impl ToString,
        says: impl Into<String>,
        next: impl Into<String>,
    ) -> Probe {
        let (says, next) = (says.into(), Some(next.into()));
        Probe { probe, about: about.to_string(), outcome: Outcome::Warning, says, next }
    }

    pub(super) fn problem(
        probe: &'static str,
        about: impl ToString,
        says: impl Into<String>,
        next: impl Into<String>,
    ) -> Probe {
        Probe { outcome: Outcome::Problem, ..Probe::warning(probe, about, says, next) }
    }
}

/// A mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file as it was given, or `$HBCOURIER__…`.
    pub file: String,
    /// Its line, counted from 1.
    pub line: Option<usize>,
    /// Which key; empty if the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub says: String,
    /// What to do.
    pub next: String,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    /// What is wrong with the configuration; then nothing was probed.
    problems: &'a [Mistake],
    probes: &'a [Probe],
}

/// Prints what is wrong with the configuration, for scripts.
pub fn refuse(problems: &Problems, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let mistake = |problem: &Problem| Mistake {
        file: problem.origin.file.clone(),
        line: problem.origin.line,
        key: problem.key.clone(),
        says: problem.wrong.clone(),
        next: problem.next.clone(),
    };
    let problems: Vec<Mistake> = problems.iter().map(mistake).collect();
    out.answer(true, &Document { ok: false, problems: &problems, probes: &[] }, |_| ())?;
    Ok(Exit::Config)
}

/// Probes everything and prints what was found.
pub fn run(args: &Args, subjects: &Subjects<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let probes = probe(subjects);
    let ok = probes.iter().all(|probe| probe.outcome < Outcome::Problem);
    out.answer(args.json, &Document { ok, problems: &[], probes: &probes }, |text| write_text(&probes, text))?;
    Ok(if ok { Exit::Yes } else { Exit::No })
}

/// Everything the service will need, tried.
pub fn probe(subjects: &Subjects<'_>) -> Vec<Probe> {
    let mut probes = folders::probe(subjects.settings);
    probes.extend(keys::probe(subjects));
    probes.extend(mailboxes::probe(subjects.settings));
    probes.extend(couriers::probe(subjects.settings, subjects.couriers));
    probes.extend(audit::probe(subjects.settings, subjects.couriers));
    probes.extend(machine::probe(subjects));
    probes.extend(watch::probe(subjects.settings));
    probes.push(scan::probe(subjects.settings));
    probes.extend(people::probe(subjects));
    probes.extend(timetables::probe(subjects));
    probes.extend(authorities::probe(subjects));
    probes
}

fn write_text(probes: &[Probe], text: &mut Text) {
    let width = |of: fn(&Probe) -> usize| probes.iter().map(of).max().unwrap_or(0);
    let (kind, about) = (width(|probe| probe.probe.len()), width(|probe| probe.about.chars().count()));
    for Probe { probe, about: what, outcome, says, next } in probes {
        let (tone, word) = match outcome {
            Outcome::Ok => (Tone::Good, "ok     "),
            Outcome::Warning => (Tone::Warning, "warning"),
            Outcome::Problem => (Tone::Bad, "problem"),
        };
        text.toned(tone, word, format_args!("  {probe:<kind$}  {what:<about$}  {says}"));
        if let Some(next) = next {
            text.line(format_args!("         {:kind$}  {:about$}  Next: {next}", "", ""));
        }
    }
    let count = |outcome| probes.iter().filter(|probe| probe.outcome == outcome).count();
    let (problems, warnings) = (count(Outcome::Problem), count(Outcome::Warning));
    text.gap();
    match problems {
        0 => text.toned(Tone::Good, "It will work.", format_args!(" Problems: 0, warnings: {warnings}.")),
        _ => text.toned(
            Tone::Bad,
            "Something will not work.",
            format_args!(" Problems: {problems}, warnings: {warnings}."),
        ),
    }
}
