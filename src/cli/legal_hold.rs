//! `hbcourier legal-hold`: what nobody may erase, however old it is.
//!
//! In:  the store; for orders the running service. Out: one JSON document, or text for people.

use serde::Serialize;

use super::for_others;
use super::order::give;
use super::output::{CliError, Exit, Output, Table, moment};
use super::reading::Reading;
use crate::config::Settings;
use crate::domain::{HeldSubject, LaNumber, LegalHold};
use crate::operator::Order;

/// Keep something from being erased, or let it be erased again
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done about legal holds.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List the legal holds that stand
    List(ListArgs),
    /// Order that nothing of a transfer, a return or an authority be erased
    Place(OrderArgs),
    /// Order that it be erased again when its time has come
    Lift(OrderArgs),
}

/// List the legal holds that stand
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What a legal hold is on, and why
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("subject").required(true).args(["id", "authority"]))]
pub struct OrderArgs {
    /// A transfer's id, or as much of its beginning as no other has; or a return's key, such as shbe/12302/2020-04
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Everything of this authority, by its LA number, also what is still to come
    #[arg(long, value_name = "NUMBER")]
    pub authority: Option<LaNumber>,
    /// Why, for the ledger; without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// On whose behalf; the account that gives the order is recorded in any case
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    legal_holds: Vec<LegalHold>,
}

/// Places or lifts one.
pub fn order(
    args: &OrderArgs,
    settings: &Settings,
    order: fn(HeldSubject, Option<String>, String) -> Order,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let done = give(settings, order(subject(args, settings)?, args.by.clone(), args.reason.clone()))?;
    out.answer(args.json, &done, |text| text.line(&done.says))?;
    Ok(Exit::Yes)
}

/// Lists those that stand.
pub fn list(args: &ListArgs, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let document = Document { legal_holds: reading.queries.legal_holds()? };
    out.answer(args.json, &document, |text| {
        if document.legal_holds.is_empty() {
            return text.line("No legal hold stands.");
        }
        text.table(&table(&document.legal_holds));
    })?;
    Ok(Exit::Yes)
}

/// Legal holds for people.
pub(super) fn table(holds: &[LegalHold]) -> Table<3> {
    let mut table = Table::new(["Legal hold on", "Since", "Entry"]);
    for hold in holds {
        table.row([hold.on.to_string(), moment(hold.since), hold.entry.to_string()]);
    }
    table
}

fn subject(args: &OrderArgs, settings: &Settings) -> Result<HeldSubject, CliError> {
    if let Some(number) = &args.authority {
        return Ok(HeldSubject::Authority(number.clone()));
    }
    let id = args.id.as_deref().unwrap_or_default();
    match id.parse() {
        Ok(key) => Ok(HeldSubject::Return(key)),
        Err(_) => for_others::consignment(id, settings).map(HeldSubject::Transfer),
    }
}
