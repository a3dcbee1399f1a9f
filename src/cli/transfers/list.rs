//! `hbcourier transfers list`: what came and went, the newest last.

use clap::ValueEnum;
use jiff::civil::Date;
use serde::Serialize;

use super::transfer::Transfer;
use crate::cli::output::{CliError, Exit, Output, Table, Text, moment};
use crate::cli::reading::{beginning_of, end_of};
use crate::domain::LaNumber;
use crate::store::{ConsignmentFilter, Queries, SubmissionFilter};

/// List transfers, the newest last
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ListArgs {
    /// Only what came in, or only what goes out
    #[arg(long)]
    pub direction: Option<Direction>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    pub state: Option<String>,
    /// Only this authority's, by its LA number
    #[arg(long, value_name = "NUMBER")]
    pub authority: Option<LaNumber>,
    /// Only those received on this day or later (Europe/London)
    #[arg(long, value_name = "DATE")]
    pub since: Option<Date>,
    /// Only those received up to the end of this day (Europe/London)
    #[arg(long, value_name = "DATE")]
    pub until: Option<Date>,
    /// Only the newest so many
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<usize>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Which way a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a partner to the authority
    In,
    /// From the authority to a partner
    Out,
}

/// Every word of a standing or a stage that a transfer can have.
pub(super) const STATES: [&str; 16] = [
    "collected",
    "staged",
    "deferred",
    "held",
    "delivered",
    "matched",
    "closed",
    "rejected",
    "sealed",
    "sending",
    "sent",
    "acknowledged",
    "uncertain",
    "failed",
    "missed",
    "waived",
];

#[derive(Serialize)]
struct Document {
    transfers: Vec<Transfer>,
}

pub(super) fn list(args: &ListArgs, queries: &dyn Queries, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let mut transfers = Vec::new();
    if args.direction != Some(Direction::Out) {
        transfers.extend(inbound(args, queries)?);
    }
    if args.direction != Some(Direction::In) {
        transfers.extend(outbound(args, queries)?);
    }
    transfers.sort_by_key(|transfer| transfer.received_at);
    if let Some(limit) = args.limit {
        transfers.drain(..transfers.len().saturating_sub(limit));
    }
    let document = Document { transfers };
    out.answer(args.json, &document, |text| write_text(&document, text))?;
    Ok(Exit::Yes)
}

fn inbound(args: &ListArgs, queries: &dyn Queries) -> Result<Vec<Transfer>, CliError> {
    let filter = ConsignmentFilter {
        due: None,
        word: args.state.clone(),
        authority: args.authority.clone(),
        since: args.since.map(beginning_of).transpose()?,
        until: args.until.map(end_of).transpose()?,
        signer: None,
        after: None,
        limit: None,
    };
    let consignments = queries.consignments(&filter)?;
    // Of the others not even the parts are asked for.
    let shown = args.limit.map_or(consignments.len(), |limit| limit.min(consignments.len()));
    let newest = &consignments[consignments.len() - shown..];
    let transfer = |consignment| Ok(Transfer::inbound(consignment, &queries.deliveries(&consignment.id)?));
    newest.iter().map(transfer).collect()
}

fn outbound(args: &ListArgs, queries: &dyn Queries) -> Result<Vec<Transfer>, CliError> {
    let (since, until) = (args.since.map(beginning_of).transpose()?, args.until.map(end_of).transpose()?);
    let filter = SubmissionFilter { authority: args.authority.clone(), ..SubmissionFilter::default() };
    let sealed = queries.submissions(&filter)?.into_iter().filter(|submission| {
        let state = args.state.as_ref().is_none_or(|state| state == submission.stage.word());
        let at = submission.sealed.as_ref().map(|sealed| sealed.at);
        state && at.is_some_and(|at| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until))
    });
    Ok(sealed.map(|submission| Transfer::outbound(&submission)).collect())
}

fn write_text(document: &Document, text: &mut Text) {
    let mut table = Table::new(["Id", "", "Received", "Authority", "Kind", "State", "Code"]);
    for transfer in &document.transfers {
        let direction = match transfer.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        table.row([
            transfer.id.clone(),
            direction.to_owned(),
            transfer.received_at.map_or_else(|| "-".to_owned(), moment),
            transfer.authority.to_string(),
            transfer.kind.to_string(),
            transfer.state.to_owned(),
            transfer.code.unwrap_or_default().to_owned(),
        ]);
    }
    if table.is_empty() {
        return text.line("No transfers.");
    }
    text.table(&table);
    text.gap();
    text.line("`hbcourier transfers show ID` tells all about one, `hbcourier transfers why ID` why it is there.");
}
