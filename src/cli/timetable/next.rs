//! `hbcourier timetable next`: what one authority owes next, and what DWP owes it.
//!
//! In:  the timetables, the returns that are recorded, what came, today's date.
//! Out: for each return the next transfer that is not settled and every recorded earlier one that is not, the returns of
//! earlier workbooks too; of what DWP owes the next that has not come and everything overdue or held.
//! Holds: a recorded return is told with the dates that are recorded, because the service keeps those; where the timetable in
//! force differs, that is said.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::civil::Date;
use serde::Serialize;

use super::table::Table;
use super::{CliFault, day_and_date, unknown_authority, write_json};
use crate::domain::expectation::{Expectation, Outlook, State, Terms, outlook};
use crate::domain::timetable::{Obligation, Timetables};
use crate::domain::{Authority, FileKind, LaNumber, RelevantMonth, ReturnKind, Submission, SubmissionKey};
use crate::operator::differing;
use crate::store::QueryError;

/// Show what one authority owes next, and what DWP owes it
#[derive(Clone, Debug, clap::Args)]
pub struct NextArgs {
    /// The authority's LA number
    #[arg(long, value_name = "NUMBER")]
    pub authority: LaNumber,
    /// Look ahead from this day instead of today
    #[arg(long, value_name = "DATE")]
    pub on: Option<Date>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    obligations: Vec<Owed>,
    expectations: Vec<Expected>,
}

#[derive(Serialize)]
struct Owed {
    #[serde(rename = "return")]
    kind: ReturnKind,
    relevant_month: RelevantMonth,
    /// The month of the earlier workbook that is returned once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    workbook: Option<RelevantMonth>,
    extract_from: Option<Date>,
    transfer_on: Date,
    state: &'static str,
    /// What the timetable in force says of these dates, if that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<String>,
    #[serde(skip)]
    period: String,
}

/// The returns that the store knows.
pub type Recorded = BTreeMap<SubmissionKey, Submission>;

#[derive(Serialize)]
struct Expected {
    kind: FileKind,
    relevant_month: RelevantMonth,
    due_by: Date,
    state: &'static str,
}

/// What DWP owes an authority, as of a day.
pub type Outlooks<'a> = dyn Fn(&LaNumber, Date) -> Result<Outlook, QueryError> + 'a;

/// What DWP owes an authority by the timetables alone: where nobody looked, nothing is called overdue.
pub fn unseen(timetables: &Timetables, number: &LaNumber, on: Date) -> Outlook {
    let mut outlook = outlook(timetables, number, &[], on, &Terms::default(), None);
    outlook.expectations.retain(|one| one.due_by >= on);
    outlook
}

/// Stages after which nobody has to do anything about a submission.
const SETTLED: [&str; 3] = ["sent", "acknowledged", "waived"];

/// Writes what is next for one authority. `outlook` is asked about this authority alone.
pub fn next(
    args: &NextArgs,
    timetables: &Timetables,
    recorded: &Recorded,
    outlook: &Outlooks<'_>,
    today: Date,
    out: &mut dyn Write,
) -> Result<(), CliFault> {
    let number = &args.authority;
    let authority = timetables.authority(number).ok_or_else(|| unknown_authority(number, timetables))?;
    let from = args.on.unwrap_or(today);
    let mut obligations = Vec::new();
    for kind in ReturnKind::ALL {
        let series = |key: &SubmissionKey| key.authority == *number && key.kind == kind;
        let known: Vec<&Submission> = recorded.values().filter(|one| series(&one.key)).collect();
        let unsettled = known.iter().filter(|one| !SETTLED.contains(&one.stage.word()));
        // An earlier one that was never recorded fell due before the service was there.
        let is_ahead = |one: &&&Submission| one.key.workbook.is_none() && one.transfer_on >= from;
        let (ahead, shown): (Vec<_>, Vec<_>) = unsettled.partition(is_ahead);
        obligations.extend(shown.into_iter().map(|one| recorded_as(one, timetables)));
        let unrecorded =
            timetables.obligations(number, kind).into_iter().filter(|owed| !recorded.contains_key(&owed.key));
        let unrecorded = unrecorded.filter(|owed| owed.transfer_on >= from).map(|owed| not_recorded(owed, today));
        let ahead = ahead.into_iter().map(|one| recorded_as(one, timetables)).chain(unrecorded);
        obligations.extend(ahead.min_by_key(|owed| owed.transfer_on));
    }
    obligations.sort_by_key(|owed| (owed.transfer_on, owed.kind, owed.workbook));
    let outlook = outlook(number, from).map_err(CliFault::Store)?;
    let document = Document { obligations, expectations: expected(&outlook) };
    if args.json {
        return write_json(&document, out);
    }
    write_text(authority, from, &document, timetables.coverage_ends(number), out).map_err(CliFault::Write)
}

fn recorded_as(submission: &Submission, timetables: &Timetables) -> Owed {
    let Submission { key, extract_from, transfer_on, stage, .. } = submission;
    Owed {
        kind: key.kind,
        relevant_month: key.month,
        workbook: key.workbook,
        extract_from: *extract_from,
        transfer_on: *transfer_on,
        state: stage.word(),
        differs: differing(submission, timetables),
        period: key.period(),
    }
}

fn not_recorded(obligation: Obligation, today: Date) -> Owed {
    let Obligation { key, extract_from, transfer_on } = obligation;
    Owed {
        kind: key.kind,
        relevant_month: key.month,
        workbook: key.workbook,
        extract_from,
        transfer_on,
        // A day that has passed unrecorded is not a plan any more: the service was not there to see it.
        state: if transfer_on < today { "not-recorded" } else { "scheduled" },
        differs: None,
        period: key.period(),
    }
}

/// Of each kind the next that has not come; and whatever is overdue, or held.
fn expected(outlook: &Outlook) -> Vec<Expected> {
    let is_open = |one: &&Expectation| matches!(one.state, State::Red | State::Held(_));
    let is_ahead = |one: &&Expectation| matches!(one.state, State::Awaited | State::Amber);
    let all = || outlook.expectations.iter();
    let first = |kind| all().filter(is_ahead).find(move |one| one.kind == kind);
    let ahead = [FileKind::HbmsPack, FileKind::CaseloadRisk].into_iter().filter_map(first);
    let shown = all().filter(is_open).chain(ahead).map(|one| Expected {
        kind: one.kind,
        relevant_month: one.month,
        due_by: one.due_by,
        state: one.state.word(),
    });
    shown.collect()
}

fn write_text(
    authority: &Authority,
    from: Date,
    document: &Document,
    coverage_ends: Option<Date>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Authority { number, name } = authority;
    writeln!(out, "{name} ({number}), from {}\n", day_and_date(from))?;
    if document.obligations.is_empty() {
        writeln!(out, "  No return is due on or after that day in any timetable in force.")?;
    } else {
        let mut table = Table::new(["Return", "Month", "Extract from", "Transfer on", "State"]);
        for owed in &document.obligations {
            table.row([
                owed.kind.to_string(),
                owed.period.clone(),
                owed.extract_from.map_or_else(|| "-".to_owned(), day_and_date),
                day_and_date(owed.transfer_on),
                owed.state.to_owned(),
            ]);
        }
        table.write(out)?;
        for owed in &document.obligations {
            if let Some(differs) = &owed.differs {
                let Owed { kind, period, .. } = owed;
                writeln!(out, "\n{kind} {period} keeps the dates that are recorded; {differs}.")?;
            }
        }
    }
    if !document.expectations.is_empty() {
        writeln!(out, "\nExpected from DWP\n")?;
        let mut table = Table::new(["Kind", "Month", "Due by", "State"]);
        for expected in &document.expectations {
            table.row([
                expected.kind.to_string(),
                expected.relevant_month.to_string(),
                day_and_date(expected.due_by),
                expected.state.to_owned(),
            ]);
        }
        table.write(out)?;
    }
    if let Some(end) = coverage_ends.filter(|&end| end < from) {
        writeln!(out, "\nThe timetables in force end for {name} on {}.", day_and_date(end))?;
        writeln!(out, "Put the next year's into force with `hbcourier timetable activate`, or name its file in a")?;
        writeln!(out, "`[[timetable]]` table of the configuration.")?;
    }
    Ok(())
}
