//! `hbcourier transfers names`: the names that others gave to a transfer's files, in clear. An order: it is recorded before
//! anything is shown.

use serde::Serialize;

use crate::cli::for_others;
use crate::cli::order::give;
use crate::cli::output::{CliError, Exit, Output, Text};
use crate::config::Settings;
use crate::operator::{Order, TransferNames};

/// Show the names that others gave to a transfer's files; that you read them is recorded first
#[derive(Clone, Debug, clap::Args)]
pub struct NamesArgs {
    /// The transfer's id, or as much of its beginning as no other has
    #[arg(value_name = "ID")]
    pub id: String,
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
struct Document<'a> {
    says: &'a str,
    #[serde(flatten)]
    names: &'a TransferNames,
}

/// Orders that the names be shown, and shows them.
pub fn names(args: &NamesArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let transfer = for_others::consignment(&args.id, settings)?;
    let order = Order::ReadNames { transfer, by: args.by.clone(), reason: args.reason.clone() };
    let done = give(settings, order)?;
    let Some(names) = &done.names else {
        let says = format!("The service answered without the names of transfer {transfer}.");
        return Err(CliError::new(Exit::CouldNot, says, "Restart the service: it may be of another version."));
    };
    out.answer(args.json, &Document { says: &done.says, names }, |text| write_text(names, &done.says, text))?;
    Ok(Exit::Yes)
}

fn write_text(names: &TransferNames, says: &str, text: &mut Text) {
    text.facts([("Transfer", Some(names.transfer.to_string())), ("Name", names.at_source.clone())]);
    for part in &names.parts {
        text.gap();
        text.facts([
            ("Part", Some(part.part.to_string())),
            ("Kind", Some(part.kind.to_string())),
            ("Delivered to", Some(part.path.clone())),
        ]);
    }
    text.gap();
    text.line(says);
}
