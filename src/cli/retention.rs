//! `hbcourier retention`: what will be erased when, by which rule, and what a legal hold keeps.
//!
//! In:  the store and the settings. Out: one JSON document, or text for people.
//! Holds: erases nothing; the running service does, and `hbcourier run --once`.

use super::legal_hold;
use super::output::{CliError, Exit, Output, Table, Text, moment};
use super::reading::Reading;
use crate::retention::{Erasable, Outlook, outlook};

/// See what will be erased when, by which rule; erases nothing itself
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Prints what will be erased when.
pub fn run(args: &Args, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let outlook = outlook(reading.queries, reading.settings, reading.now)?;
    out.answer(args.json, &outlook, |text| write_text(&outlook, text))?;
    Ok(Exit::Yes)
}

fn write_text(outlook: &Outlook, text: &mut Text) {
    let mut table = Table::new(["Erased from", "Authority", "What", "Of", "By"]);
    for due in &outlook.due {
        let route = due.route.as_ref().map(|route| format!(" of route {route}")).unwrap_or_default();
        table.row([
            due.on.map_or_else(|| "never".to_owned(), |day| day.to_string()),
            due.authority.to_string(),
            what(due.what).to_owned(),
            due.count.to_string(),
            format!("{}{route}", due.rule),
        ]);
    }
    if table.is_empty() {
        text.line("Nothing is over that could be erased.");
    } else {
        text.table(&table);
    }
    text.gap();
    text.facts([
        ("Next look", Some(moment(outlook.next_look))),
        ("Kept by legal holds", Some(outlook.under_hold.to_string())),
        ("Kept for open workbooks", Some(outlook.open_workbooks.to_string())),
    ]);
    if !outlook.legal_holds.is_empty() {
        text.gap();
        text.table(&legal_hold::table(&outlook.legal_holds));
    }
}

fn what(what: Erasable) -> &'static str {
    match what {
        Erasable::Originals => "originals",
        Erasable::Names => "names",
        Erasable::Sealed => "sealed returns",
    }
}
