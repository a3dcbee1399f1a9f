//! `hbcourier shbe`: an extract, before it leaves and against what came in.
//!
//! Holds: both commands work on a file by hand, with or without a configuration, and print nothing that stands in it.

mod check;
mod column;
mod earlier;
mod page;
mod reconcile;

use std::path::Path;

use clap::Subcommand;

use crate::cli::output::{CliError, Exit, Output};
use crate::domain::timetable::Timetables;
use crate::domain::{RiskProfile, ShbePolicy};
use crate::store::Queries;

/// Check an extract (SHBE) before it leaves
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Reconcile(reconcile::Args),
}

/// What the configuration and the store tell; without either, what is built in.
pub struct Setting<'a> {
    /// How much each rule weighs.
    pub policy: ShbePolicy,
    /// The timetables in force.
    pub timetables: Timetables,
    /// What the columns of risk files mean, where the configuration says it.
    pub risk: Option<&'a RiskProfile>,
    /// What was sealed for other months.
    pub store: Option<&'a dyn Queries>,
}

/// Does what was asked.
pub fn run(args: &Args, setting: &Setting<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    match &args.command {
        Command::Check(args) => check::run(args, setting, out),
        Command::Reconcile(args) => reconcile::run(args, out),
    }
}

fn could_not_read(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        Exit::CouldNot,
        format!("Could not read {}: {error}.", path.display()),
        "See that the path is right and that this account may read it.",
    )
}
