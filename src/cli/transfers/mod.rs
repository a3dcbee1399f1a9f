//! `hbcourier transfers`: what came and went, where it stands, and why.
//!
//! In:  the store; for `why` also the settings, the keys and the file system.
//! Out: one JSON document, or text for people.
//! Holds: reads only, but for the one order to show names; everything else withholds them.

mod answers;
pub mod entries;
pub mod find;
mod list;
mod names;
pub(crate) mod released;
pub(crate) mod show;
#[cfg(test)]
mod tests;
pub mod transfer;
pub mod why;

pub use list::{Direction, ListArgs};
pub use names::{NamesArgs, names};
pub use show::ShowArgs;
pub use transfer::Transfer;
pub use why::WhyArgs;

use crate::cli::output::{CliError, Exit, Output};
use crate::cli::reading::Reading;

/// See what came and went, where it stands, and why
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to ask
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of the transfers.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List transfers, the newest last
    List(ListArgs),
    /// Show one transfer with its ledger entries
    Show(ShowArgs),
    /// Say which rule decided where a transfer or a file is
    Why(WhyArgs),
    /// Show the names that others gave to a transfer's files; that you read them is recorded first
    Names(NamesArgs),
}

/// Answers.
pub fn run(args: &Args, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    match &args.command {
        Command::List(args) => list::list(args, reading.queries, out),
        Command::Show(args) => show::show(args, reading.queries, out),
        Command::Why(args) => why::why(args, reading, out),
        // An order, which needs no reading: `names`.
        Command::Names(args) => names(args, reading.settings, out),
    }
}
