//! `hbcourier held`: what waits for a person.
//!
//! In:  the store. Out: one JSON document, or text for people.
//! Holds: reading changes nothing; an order is only described here, and carried out by the service.

mod list;
mod release;
#[cfg(test)]
mod tests;

pub use list::{HeldItem, ListArgs, held};
pub use release::{INSTEAD, Now, no_return};

use crate::cli::output::{CliError, Exit, Output};
use crate::cli::transfers::find::{Found, find};
use crate::cli::transfers::show::{self, Shown};
use crate::domain::Digest;
use crate::store::Queries;
use release::ReleaseState;
use serde::Serialize;

/// See what waits for a person, and decide about it
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done about held items.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List what waits for a person, the longest waiting first
    List(ListArgs),
    /// Show one held item with its ledger entries
    Show(ShowArgs),
    /// Order that a held item be tried again
    Retry(OrderArgs),
    /// Approve the release of a held item; it takes two different people within 72 hours
    Approve(ApproveArgs),
    /// Order that a held item is never delivered
    Reject(OrderArgs),
}

/// Show one held item with its ledger entries
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The transfer's id, or as much of its beginning as no other has; or a return's key, such as shbe/12302/2020-04
    #[arg(value_name = "ID")]
    pub id: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// An order about one held item
#[derive(Clone, Debug, clap::Args)]
pub struct OrderArgs {
    /// The transfer's id, or as much of its beginning as no other has
    #[arg(value_name = "ID")]
    pub id: String,
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

/// Approve the release of a held item
#[derive(Clone, Debug, clap::Args)]
pub struct ApproveArgs {
    /// Which item, and why
    #[command(flatten)]
    pub order: OrderArgs,
    /// SHA-256 of the sealed file, as `hbcourier held show` printed it; taken from the record if left out
    #[arg(long, value_name = "DIGEST")]
    pub sha256: Option<Digest>,
    /// The code for which it was shown to be held; taken from the record if left out
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
}

/// A held item, and what stands between it and its release.
#[derive(Serialize)]
struct HeldShown {
    #[serde(flatten)]
    shown: Shown,
    release: ReleaseState,
}

/// Lists what is held.
pub fn list(args: &ListArgs, queries: &dyn Queries, now: Now, out: &mut Output<'_>) -> Result<Exit, CliError> {
    list::list(args, queries, now, out)
}

/// Shows one held item.
pub fn show(args: &ShowArgs, queries: &dyn Queries, now: Now, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let found = find(&args.id, queries)?;
    let is_held = match &found {
        Found::In(consignment, _) => list::is_held(consignment),
        Found::Out(submission) => list::waits(submission),
    };
    let shown = show::shown(&found, queries)?;
    if !is_held {
        let says = format!("{} waits for nobody: it stands at {}.", shown.transfer.id, shown.transfer.state);
        return Err(CliError::none(says, "`hbcourier transfers show` tells all about it."));
    }
    let release = match &found {
        Found::In(consignment, _) => release::of_transfer(consignment, queries, now)?,
        Found::Out(submission) => release::of_return(&submission.key),
    };
    let held = HeldShown { shown, release };
    out.answer(args.json, &held, |text| {
        show::write_text(&held.shown, text);
        release::write(&held.release, text);
    })?;
    Ok(Exit::Yes)
}
