//! `hbcourier risk`: what a month's Caseload Risk Data hold, and which of their columns mean what.
//!
//! In:  files that have been opened already (not encrypted). Out: counts, rows and columns by number; never a value.

mod earlier;
mod learn;
mod report;

use std::fs::File;
use std::io;
use std::path::Path;

use clap::Subcommand;

use super::output::{CliError, Exit, Output};
use crate::domain::{LaNumber, MonthVolume, RiskProfile};

pub use earlier::earlier;

/// Look into Caseload Risk Data (AOBWR627_LAID_RISK.csv), without showing anybody's
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Report(report::Args),
    Learn(learn::Args),
}

/// What earlier months are told from, where they are asked for by an authority.
pub type Received<'a> = &'a dyn Fn(&LaNumber, &Path) -> Result<Vec<MonthVolume>, CliError>;

/// Answers from the file. The profile is the configuration's, if it has one.
pub fn run(
    args: &Args,
    profile: Option<&RiskProfile>,
    received: Received<'_>,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    match &args.command {
        Command::Report(args) => report::run(args, profile, received, out),
        Command::Learn(args) => learn::run(args, out),
    }
}

/// What `read` makes of the file.
pub(in crate::cli) fn read_file<T>(path: &Path, read: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, CliError> {
    let failed = |doing: &str, error: io::Error, next: &str| {
        CliError::new(Exit::CouldNot, format!("Could not {doing} {}: {error}.", path.display()), next)
    };
    let mut file =
        File::open(path).map_err(|error| failed("open", error, "Check the path, and that you may read the file."))?;
    if file.metadata().is_ok_and(|about| !about.is_file()) {
        let says = format!("Could not read {}: it is no file.", path.display());
        return Err(CliError::new(Exit::CouldNot, says, "Name the file of risk data itself."));
    }
    // What the library that reads workbooks panics over is a finding; its words might quote the file.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let answer = read(&mut file);
    std::panic::set_hook(hook);
    answer.map_err(|error| failed("read", error, "Check the disk it is on, and try again."))
}
