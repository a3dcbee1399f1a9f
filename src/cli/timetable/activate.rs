//! `hbcourier timetable activate`: the order that puts a timetable into force.

use std::path::PathBuf;

use super::file;
use crate::cli::order::give;
use crate::cli::output::{CliError, Exit, Output};
use crate::config::Settings;
use crate::operator::Order;

/// Put a timetable into force, in place of any other for its year
///
/// Returns that are recorded already keep their dates; the answer says where that makes a difference.
#[derive(Clone, Debug, clap::Args)]
pub struct ActivateArgs {
    /// The timetable, written as TOML: the draft that `timetable import` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
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

/// Gives the order.
pub fn activate(args: &ActivateArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    // The order is refused, and that is recorded, for what is not a timetable; this is only what no order can carry.
    let text = String::from_utf8(file::read(&args.file)?).map_err(|_| {
        let says = format!("{} is not a timetable written as TOML: it is not text.", args.file.display());
        CliError::new(Exit::No, says, "Make one of the circular with `hbcourier timetable import`.")
    })?;
    let order = Order::ActivateTimetable { text, by: args.by.clone(), reason: args.reason.clone() };
    let done = give(settings, order)?;
    out.answer(args.json, &done, |text| text.line(&done.says))?;
    Ok(Exit::Yes)
}
