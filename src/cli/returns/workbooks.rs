//! MI workbooks, and what became of their returns month by month.
//!
//! In:  the workbooks that came, and every return. Out: a row for each workbook, as people and as scripts see it.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    ConsignmentId, LaNumber, RelevantMonth, ReturnKind, Stage, Submission, SubmissionKey, TimetableYear, Workbook,
};
use crate::outbound::due::london_date;

/// One workbook, for scripts.
#[derive(Serialize)]
pub(super) struct WorkbookRow<'a> {
    /// As `returns close` takes it.
    workbook: String,
    authority: &'a LaNumber,
    month: RelevantMonth,
    transfer: ConsignmentId,
    file_name: &'a str,
    received_at: Timestamp,
    /// `null`: it is still open.
    closed_at: Option<Timestamp>,
    returns: Vec<Returned>,
}

#[derive(Serialize)]
struct Returned {
    relevant_month: RelevantMonth,
    stage: &'static str,
}

impl WorkbookRow<'_> {
    pub(super) fn of<'a>(workbook: &'a Workbook, submissions: &[Submission]) -> WorkbookRow<'a> {
        let mut returns: Vec<Returned> = of_workbook(workbook, submissions)
            .map(|one| Returned { relevant_month: one.key.month, stage: one.stage.word() })
            .collect();
        returns.sort_by_key(|one| one.relevant_month);
        WorkbookRow {
            workbook: workbook.name().to_string(),
            authority: &workbook.authority,
            month: workbook.month,
            transfer: workbook.transfer,
            file_name: workbook.told_name(),
            received_at: workbook.received_at,
            closed_at: workbook.closed_at,
            returns,
        }
    }
}

/// Its returns: the usual one of the month after it came, and its own from then on.
fn of_workbook<'a>(workbook: &Workbook, submissions: &'a [Submission]) -> impl Iterator<Item = &'a Submission> {
    let first = SubmissionKey {
        kind: ReturnKind::HbmsMi,
        authority: workbook.authority.clone(),
        month: workbook.first_returned_for(),
        workbook: None,
    };
    let (series, received) = (workbook.series(), london_date(workbook.received_at));
    // One that was due before the workbook came was another's.
    let is_its = move |one: &&Submission| one.key == first && received < one.transfer_on || one.key.series() == series;
    submissions.iter().filter(is_its)
}

/// The workbooks that were due in this year, each with its twelve months.
pub(super) fn table(
    workbooks: &[&Workbook],
    submissions: &[Submission],
    year: TimetableYear,
    out: &mut dyn Write,
) -> io::Result<()> {
    let months = months_of(year);
    let is_due = |workbook: &&&Workbook| {
        workbook.is_open() || of_workbook(workbook, submissions).any(|one| months.contains(&one.key.month))
    };
    let mut due = workbooks.iter().filter(is_due).peekable();
    if due.peek().is_none() {
        return Ok(());
    }
    let heading: String = months.iter().map(|month| format!(" {:<6}", month.to_string()[2..].to_owned())).collect();
    writeln!(out, "    {:<14} {:<10} {:<10}{heading} file", "workbook", "received", "closed")?;
    for workbook in due {
        let cells: String = months.iter().map(|month| format!(" {:<6}", cell(workbook, *month, submissions))).collect();
        let day = |at: Timestamp| london_date(at).to_string();
        let closed = workbook.closed_at.map_or_else(|| "open".to_owned(), day);
        let (name, received) = (workbook.name().to_string(), day(workbook.received_at));
        writeln!(out, "    {name:<14} {received:<10} {closed:<10}{cells} {}", workbook.told_name())?;
    }
    Ok(())
}

fn cell(workbook: &Workbook, month: RelevantMonth, submissions: &[Submission]) -> &'static str {
    let found = of_workbook(workbook, submissions).find(|one| one.key.month == month);
    found.map_or("-", |one| in_short(&one.stage))
}

/// In at most six letters.
fn in_short(stage: &Stage) -> &'static str {
    match stage {
        Stage::Scheduled => "owed",
        Stage::Held { .. } => "held",
        Stage::Sealed => "ready",
        Stage::Deferred { .. } | Stage::Sending { .. } => "goes",
        Stage::Sent { .. } => "sent",
        Stage::Acknowledged { .. } => "ack",
        Stage::Uncertain { .. } => "UNSURE",
        Stage::Failed { .. } => "FAILED",
        Stage::Missed { .. } => "MISSED",
        Stage::Waived { .. } => "waived",
    }
}

/// April to March.
pub(super) fn months_of(year: TimetableYear) -> Vec<RelevantMonth> {
    let april = RelevantMonth::new(year.first_calendar_year(), 4);
    std::iter::successors(april, |month| Some(month.next())).take(12).collect()
}
