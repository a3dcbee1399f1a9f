//! `hbcourier timetable`: DWP's timetable of returns, asked by people and scripts.
//!
//! In:  the timetables in force; for `next` also what the store knows, and today's date.
//! Out: one JSON document, or an aligned table.
//! Holds: questions read only; no clock and no store of its own. A new timetable comes in by [`import`](fn@import), is judged by
//! [`lint`](fn@lint) and comes into force by [`activate`](fn@activate). A simulation has a clock and a store below
//! a temporary folder.

pub mod activate;
mod changes;
pub mod export;
mod file;
mod findings;
pub mod import;
pub mod lint;
pub mod list;
pub mod next;
pub mod show;
pub mod simulate;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::authorities::Authorities;
use crate::domain::timetable::Timetables;
use crate::domain::{Authority, LaNumber, TimetableYear};
use crate::store::QueryError;

pub use activate::{ActivateArgs, activate};
pub use export::{ExportArgs, export};
pub use import::{ImportArgs, import};
pub use lint::{LintArgs, lint};
pub use list::{ListArgs, list};
pub use next::{NextArgs, Outlooks, Recorded, next, unseen};
pub use show::{ShowArgs, show};
pub use simulate::{SimulateArgs, simulate};

/// Ask DWP's timetable of returns, or bring in a new year's
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to ask or do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of the timetable, and done about it.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    #[command(flatten)]
    #[doc = "A question."]
    Ask(Question),
    /// Write an authority's dates for a calendar program
    Export(ExportArgs),
    /// Read DWP's printed timetable, say what is odd in it, and write a draft
    Import(ImportArgs),
    /// Say what is odd in a timetable: a circular, or a file written as TOML
    Lint(LintArgs),
    /// Put a timetable into force, in place of any other for its year
    Activate(ActivateArgs),
    /// Play a year with the real scheduler on a clock of its own: what is sent, held, missed, and when
    Simulate(SimulateArgs),
}

/// What can be asked of the timetables in force.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Question {
    /// List the timetables in force and the authorities in them
    List(ListArgs),
    /// Show every date of one authority's year
    Show(ShowArgs),
    /// Show what one authority owes next, and what DWP owes it
    Next(NextArgs),
}

/// Why the timetable did not answer.
#[derive(Debug, thiserror::Error)]
pub enum CliFault {
    /// No timetable has this authority.
    #[error(
        "LA number {number} is in no timetable in force ({}){}. \
         Run `hbcourier timetable list` to see every authority and its number",
        years(in_force),
        similar_numbers(similar)
    )]
    UnknownAuthority {
        /// The number asked for.
        number: LaNumber,
        /// The years there are timetables for.
        in_force: Vec<TimetableYear>,
        /// Authorities whose numbers are nearly the one asked for.
        similar: Vec<Authority>,
    },
    /// The authority is there, but not in the year asked for.
    #[error(
        "LA number {number} ({name}) is not in a timetable for {year}; it is in {}. \
         Ask for one of these, or put that of {year} into force with `hbcourier timetable activate`, \
         or name its file in a `[[timetable]]` table of the configuration",
        years(in_force)
    )]
    NotInYear {
        /// The number asked for.
        number: LaNumber,
        /// Its name.
        name: String,
        /// The year asked for.
        year: TimetableYear,
        /// The years that have it.
        in_force: Vec<TimetableYear>,
    },
    /// There is no timetable for the year asked for.
    #[error(
        "there is no timetable for {year}; in force are {}. \
         Ask for one of these, or put that of {year} into force with `hbcourier timetable activate`, \
         or name its file in a `[[timetable]]` table of the configuration",
        years(in_force)
    )]
    UnknownYear {
        /// The year asked for.
        year: TimetableYear,
        /// The years there are timetables for.
        in_force: Vec<TimetableYear>,
    },
    /// The store did not tell what came.
    #[error("could not read from the store what has come; `hbcourier check` names what to mend")]
    Store(#[source] QueryError),
    /// A file could not be written.
    #[error("could not write the calendar {}: it must be a new file, in a folder that this account may write to; `--ics -` writes to standard output", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The answer could not be written.
    #[error("could not write the timetable to standard output")]
    Write(#[source] io::Error),
}

impl CliFault {
    /// The exit status that says the same.
    pub fn exit_status(&self) -> u8 {
        match self {
            CliFault::UnknownAuthority { .. } | CliFault::NotInYear { .. } | CliFault::UnknownYear { .. } => 2,
            CliFault::Store(_) | CliFault::Write(_) | CliFault::Export { .. } => 3,
        }
    }
}

/// Answers one question. `recorded` are the returns that the store knows; `outlook` is what DWP owes an authority, as of a day.
pub fn run(
    question: &Question,
    timetables: &Timetables,
    authorities: &Authorities,
    recorded: &Recorded,
    outlook: &Outlooks<'_>,
    today: Date,
    out: &mut dyn Write,
) -> Result<(), CliFault> {
    match question {
        Question::List(args) => list(args, timetables, authorities, today, out),
        Question::Show(args) => show(args, timetables, out),
        Question::Next(args) => next(args, timetables, recorded, outlook, today, out),
    }
}

fn unknown_year(year: TimetableYear, timetables: &Timetables) -> CliFault {
    CliFault::UnknownYear { year, in_force: timetables.iter().map(|timetable| timetable.year()).collect() }
}

fn unknown_authority(number: &LaNumber, timetables: &Timetables) -> CliFault {
    let mut similar: BTreeMap<&LaNumber, &Authority> = BTreeMap::new();
    for authority in timetables.iter().flat_map(|timetable| timetable.authorities()) {
        if is_slip(authority.number.as_str(), number.as_str()) {
            similar.insert(&authority.number, authority);
        }
    }
    CliFault::UnknownAuthority {
        number: number.clone(),
        in_force: timetables.iter().map(|timetable| timetable.year()).collect(),
        similar: similar.into_values().take(SIMILAR_MAX).cloned().collect(),
    }
}

/// Most authorities that an error suggests.
const SIMILAR_MAX: usize = 5;

/// Whether one slip of the finger makes one of the other: a digit left out, put in, or two neighbours exchanged.
///
/// A digit mistyped is not among them: the numbers run on, so that would suggest half the county.
fn is_slip(right: &str, typed: &str) -> bool {
    let (right, typed) = (right.as_bytes(), typed.as_bytes());
    lacks_one(right, typed) || lacks_one(typed, right) || (1..right.len()).any(|at| exchanged(right, at) == typed)
}

/// Whether `short` is `long` with one digit left out.
fn lacks_one(long: &[u8], short: &[u8]) -> bool {
    long.len() == short.len() + 1 && (0..long.len()).any(|at| [&long[..at], &long[at + 1..]].concat() == short)
}

/// `digits` with the one at `at` and the one before it exchanged.
fn exchanged(digits: &[u8], at: usize) -> Vec<u8> {
    let mut digits = digits.to_vec();
    digits.swap(at - 1, at);
    digits
}

fn years(years: &[TimetableYear]) -> String {
    if years.is_empty() {
        return "none".to_owned();
    }
    years.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn similar_numbers(similar: &[Authority]) -> String {
    if similar.is_empty() {
        return String::new();
    }
    let named: Vec<_> = similar.iter().map(|authority| format!("{} ({})", authority.number, authority.name)).collect();
    format!("; similar: {}", named.join(", "))
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Writes one JSON document.
fn write_json(document: &impl Serialize, out: &mut dyn Write) -> Result<(), CliFault> {
    serde_json::to_writer(&mut *out, document).map_err(|error| CliFault::Write(error.into()))?;
    writeln!(out).map_err(CliFault::Write)
}

/// A date with its day, because Monday groups do not always transfer on a Monday.
fn day_and_date(date: Date) -> String {
    date.strftime("%a %Y-%m-%d").to_string()
}
