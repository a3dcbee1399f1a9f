//! `hbcourier timetable activate`: the order that puts a timetable into force.
//!
//! In:  a timetable file, what is in force, the findings that a person has ruled on. Out: what is odd in it, what it
//! changes, and what came of the order.
//! Holds: no order is given while an error stands against it that nobody has ruled on.

use std::path::PathBuf;

use serde::Serialize;

use super::{changes, file, findings, quoted};
use crate::catalogue::circular::{Terms, TimetableFinding};
use crate::cli::order::give;
use crate::cli::output::{CliError, Exit, Output, Text};
use crate::config::Settings;
use crate::config::timetable::read;
use crate::domain::authorities::Authorities;
use crate::domain::timetable::{Difference, Timetables};
use crate::domain::working_days::BankHolidays;
use crate::operator::{Order, Ruling, RulingFault, judge, unruled};

/// Put a timetable into force, in place of any other for its year
///
/// It is held against the rules of `timetable lint` first. Returns that are recorded already keep their dates; the answer says
/// where that makes a difference. Exit status 0: it is in force; 1: something stands against it.
#[derive(Clone, Debug, clap::Args)]
pub struct ActivateArgs {
    /// The timetable, written as TOML: the draft that `timetable import` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Take what this finding is about as right, such as interval:45; CODE alone where it names no line
    #[arg(long, value_name = "CODE:LINE")]
    pub accept: Vec<Ruling>,
    /// On whose behalf; the account that gives the order is recorded in any case
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why, for the ledger; without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    says: String,
    findings: Vec<TimetableFinding>,
    diff: Option<Difference>,
    next: Option<String>,
}

/// Judges the timetable, and gives the order if nothing stands against it.
pub fn activate(
    args: &ActivateArgs,
    settings: &Settings,
    in_force: &Timetables,
    (authorities, bank_holidays): (&Authorities, &BankHolidays),
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let text = String::from_utf8(file::read(&args.file)?).map_err(|_| {
        let says = format!("{} is not a timetable written as TOML: it is not text.", args.file.display());
        CliError::new(Exit::No, says, "Make one of the circular with `hbcourier timetable import`.")
    })?;
    let mut document = Document { says: String::new(), findings: Vec::new(), diff: None, next: None };
    // What is not a timetable at all, the order refuses, and that is recorded.
    if let Ok(timetable) = read(&args.file, &text) {
        let terms = Terms { year: timetable.year(), authorities, bank_holidays };
        document.findings = judge(&timetable, &args.file.display().to_string(), &text, &terms, in_force);
        document.diff = Some(changes::against(&timetable, in_force));
        let open: Vec<Ruling> = open(&document.findings, &args.accept)?;
        if !open.is_empty() {
            let count = open.len();
            document.says =
                format!("Not put into force. Findings at the level of an error that nobody has ruled on: {count}.");
            let rulings: Vec<Ruling> = args.accept.iter().cloned().chain(open).collect();
            document.next = Some(format!(
                "Mend the file at the lines named, or, where DWP confirms what it says: {}",
                command(&args.file.display().to_string(), &rulings, &args.reason)
            ));
            out.answer(args.json, &document, |text| write_text(&document, text))?;
            return Ok(Exit::No);
        }
    }
    let (by, reason) = (args.by.clone(), args.reason.clone());
    // The order knows the text by no name.
    let accept = args.accept.iter().map(Ruling::without_file).collect();
    let done = give(settings, Order::ActivateTimetable { text, accept, by, reason })?;
    document.says = done.says;
    out.answer(args.json, &document, |text| write_text(&document, text))?;
    Ok(Exit::Yes)
}

/// The rulings that are wanting.
fn open(findings: &[TimetableFinding], accept: &[Ruling]) -> Result<Vec<Ruling>, CliError> {
    let open = unruled(findings, accept).map_err(|fault| fault_of(&fault))?;
    Ok(open.into_iter().map(Ruling::on).collect())
}

pub(super) fn fault_of(fault: &RulingFault) -> CliError {
    let next = match fault {
        RulingFault::NoFinding(_) => "Run it without `--accept` to see the findings.",
        RulingFault::SeveralFiles { .. } => "Say which file it is in: `--accept FILE:CODE:LINE`.",
    };
    CliError::new(Exit::Usage, format!("Nothing was done: {fault}."), next)
}

/// The command that puts the file into force with these rulings.
pub(super) fn command(file: &str, rulings: &[Ruling], reason: &str) -> String {
    let accept: String = rulings.iter().map(|ruling| format!("--accept {} ", quoted(&ruling.to_string()))).collect();
    format!("hbcourier timetable activate {} {accept}--reason {}", quoted(file), quoted(reason))
}

fn write_text(document: &Document, text: &mut Text) {
    findings::write(&document.findings, text);
    if let Some(diff) = &document.diff {
        text.gap();
        changes::write(diff, text);
    }
    text.gap();
    text.line(&document.says);
    if let Some(next) = &document.next {
        text.line(format_args!("Next: {next}"));
    }
}
