//! `hbcourier returns`: what the authorities owe DWP, and what became of it.
//!
//! In:  the store, read-only, and today's date. Out: one JSON document, or tables for people.
//! Holds: reading changes nothing, and an order is only described here. The first line of each table answers "which of
//! our twelve returns is missing?".

mod row;
mod text;
mod workbooks;

pub mod compliance;

use std::io::{self, Write};

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::{LaNumber, Stage, Submission, SubmissionKey, WorkbookName};
use crate::store::{Queries, QueryError, SubmissionFilter};

pub use compliance::{ComplianceArgs, compliance};
use row::Row;
use workbooks::WorkbookRow;

/// Ask what is owed to DWP and what became of it, and decide about what waits for a person
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to ask or order
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked and ordered.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List every return that is or was owed, and say which are missing
    List(ListArgs),
    /// Show all that is known of one return
    Show(ShowArgs),
    /// Record that a return arrived, by evidence that the service cannot have
    Confirm(OrderArgs),
    /// Send a return after all: what was sealed as it is, or else the next file in its folder
    Resend(OrderArgs),
    /// End a return without sending it
    Waive(OrderArgs),
    /// End the returns of an MI workbook: all of its cases have an outcome, and DWP has it
    Close(CloseArgs),
    /// Show one year on one page: packs received, workbooks open, returns made on time or late
    Compliance(ComplianceArgs),
}

/// `returns close`
#[derive(Clone, Debug, clap::Args)]
pub struct CloseArgs {
    /// Which workbook, written as 12302/2020-04: LA number and the month it goes by
    #[arg(value_name = "WORKBOOK")]
    pub workbook: WorkbookName,
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

/// `returns confirm`, `resend` and `waive`
#[derive(Clone, Debug, clap::Args)]
pub struct OrderArgs {
    /// Which return, written as shbe/12302/2020-04
    #[arg(value_name = "RETURN")]
    pub key: SubmissionKey,
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

/// `returns list`
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ListArgs {
    /// Only this authority's
    #[arg(long, value_name = "NUMBER")]
    pub authority: Option<LaNumber>,
    /// Only those that are not sent, acknowledged or waived
    #[arg(long)]
    pub open: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `returns show`
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// Which return, written as shbe/12302/2020-04
    #[arg(value_name = "RETURN")]
    pub key: SubmissionKey,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Why the returns were not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReturnsFault {
    /// Nothing is recorded under this key.
    #[error("no return {0} is recorded; `hbcourier returns list` shows those that are")]
    Unknown(SubmissionKey),
    /// The store did not answer.
    #[error("could not read the returns from the store; `hbcourier check` names what to mend")]
    Store(#[source] QueryError),
    /// The answer could not be written.
    #[error("could not write the returns to standard output")]
    Write(#[source] io::Error),
}

impl ReturnsFault {
    /// The exit status that says the same.
    pub fn exit_status(&self) -> u8 {
        match self {
            ReturnsFault::Unknown(_) => 2,
            ReturnsFault::Store(_) | ReturnsFault::Write(_) => 3,
        }
    }
}

#[derive(Serialize)]
struct Listing<'a> {
    returns: Vec<Row<'a>>,
    workbooks: Vec<WorkbookRow<'a>>,
}

/// `hbcourier returns list`
pub fn list(args: &ListArgs, queries: &dyn Queries, today: Date, out: &mut dyn Write) -> Result<(), ReturnsFault> {
    let filter = SubmissionFilter { authority: args.authority.clone(), ..SubmissionFilter::default() };
    let mut submissions = queries.submissions(&filter).map_err(ReturnsFault::Store)?;
    let mut workbooks = queries.workbooks(args.authority.as_ref()).map_err(ReturnsFault::Store)?;
    workbooks.retain(|workbook| !args.open || workbook.is_open());
    let of_workbooks = workbooks.iter().map(|workbook| WorkbookRow::of(workbook, &submissions)).collect();
    if args.json {
        let is_listed = |submission: &&Submission| !args.open || is_unfinished(&submission.stage);
        let returns = submissions.iter().filter(is_listed).map(Row::of).collect();
        return json(&Listing { returns, workbooks: of_workbooks }, out);
    }
    submissions.retain(|submission| !args.open || is_unfinished(&submission.stage));
    text::tables(&submissions, &workbooks, today, out).map_err(ReturnsFault::Write)
}

/// `hbcourier returns show`
pub fn show(args: &ShowArgs, queries: &dyn Queries, today: Date, out: &mut dyn Write) -> Result<(), ReturnsFault> {
    let filter = SubmissionFilter { key: Some(args.key.clone()), ..SubmissionFilter::default() };
    let found = queries.submissions(&filter).map_err(ReturnsFault::Store)?;
    let submission: &Submission = found.first().ok_or_else(|| ReturnsFault::Unknown(args.key.clone()))?;
    if args.json {
        return json(&Row::of(submission), out);
    }
    text::all_of(submission, today, out).map_err(ReturnsFault::Write)
}

fn is_unfinished(stage: &Stage) -> bool {
    !matches!(stage, Stage::Sent { .. } | Stage::Acknowledged { .. } | Stage::Waived { .. })
}

fn json(document: &impl Serialize, out: &mut dyn Write) -> Result<(), ReturnsFault> {
    serde_json::to_writer(&mut *out, document).map_err(|error| ReturnsFault::Write(error.into()))?;
    writeln!(out).map_err(ReturnsFault::Write)
}

#[cfg(test)]
mod tests;
