//! `hbcourier timetable simulate`: what would happen in a year, if the service were down then and there, files came when
//! they come, and a certificate expired.
//!
//! In:  authorities of a timetable, outages, when files are left, when a key expires; the hours of a configuration.
//! Out: what happens, in order, as JSON or text.
//! The way: [`plan`] says what happens to the service, [`installation`] is the service, [`play`](mod@play) lets the year go by,
//! [`account`] tells it.
//! Holds: the scheduler is the real one, with its store, its seals and its courier, below a temporary folder; nothing else
//! is written, and nothing of the installation is read but its configuration.

mod account;
mod asked;
mod installation;
mod plan;
mod play;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::cli::output::{CliError, Exit, Output, Table, Text, moment};
use crate::config::settings::AuthoritySettings;
use crate::domain::timetable::Timetables;
use crate::domain::{LaNumber, Stage, Submission, TimetableYear};

use account::Happened;
pub use asked::{Files, Outage};
use plan::Plan;
use play::{Played, play};

/// Play a year with the real scheduler on a clock of its own: what is sent, held, missed, and when
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateArgs {
    /// The LA number of an authority; again for each further one
    #[arg(long, value_name = "NUMBER", required = true)]
    pub authority: Vec<LaNumber>,
    /// The timetable's year, such as 2020-21
    #[arg(long, value_name = "YEAR")]
    pub year: TimetableYear,
    /// The service is down from the first moment of FROM until the first moment of TO; again for each further outage
    #[arg(long, value_name = "FROM..TO")]
    pub outage: Vec<Outage>,
    /// When officers leave the files, at nine in the morning: `ready` (an SHBE the day after its earliest extraction date,
    /// an HBMS MI return a week before its transfer date), `never`, or `after-extraction:N` (an SHBE N days after that date)
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub files: Files,
    /// DWP's certificate expires as this day begins
    #[arg(long, value_name = "DATE")]
    pub key_expires: Option<Date>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

use SimulateArgs as Args;

#[derive(Serialize)]
struct Document<'a> {
    year: TimetableYear,
    from: Date,
    until: Date,
    warnings: &'a [String],
    events: &'a [Happened],
}

/// Plays the year. `configured` are the authorities of the configuration, whose hours of sending count.
pub fn simulate(
    args: &SimulateArgs,
    timetables: &Timetables,
    configured: &[AuthoritySettings],
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let plan = Plan::new(args, timetables, configured)?;
    let played = play(&plan)?;
    let document = Document {
        year: args.year,
        from: plan.first_day,
        until: plan.last_day,
        warnings: &plan.warnings,
        events: &played.happened,
    };
    out.answer(args.json, &document, |text| write_text(&plan, &played, text))?;
    Ok(Exit::Yes)
}

fn write_text(plan: &Plan, played: &Played, text: &mut Text) {
    let mut table = Table::new(["At", "LA number", "Return", "Month", "Event", "Code", "What happens"]);
    // That each month is owed is said once, below.
    for one in played.happened.iter().filter(|one| one.event != "scheduled") {
        let word = |word: Option<String>| word.unwrap_or_default();
        table.row([
            moment(one.at),
            word(one.authority.as_ref().map(ToString::to_string)),
            word(one.kind.map(|kind| kind.to_string())),
            word(one.relevant_month.map(|month| month.to_string())),
            one.event.clone(),
            word(one.code.clone()),
            one.says.clone(),
        ]);
    }
    text.table(&table);
    text.gap();
    for line in summary(&played.returns) {
        text.line(line);
    }
    if played.returns.is_empty() {
        text.line("At the end the service does not run, so nothing is said of where the returns stand.");
    }
    for warning in &plan.warnings {
        text.line(format!("Note: {warning}"));
    }
    text.line("Nothing was sent: all of it was in a temporary folder, with keys and files made for it.");
}

/// For each authority's return: how many there were, and which were not sent.
fn summary(returns: &[Submission]) -> Vec<String> {
    let mut by_return = BTreeMap::new();
    for one in returns {
        by_return.entry((&one.key.authority, one.key.kind)).or_insert_with(Vec::new).push(one);
    }
    let line = |((authority, kind), months): ((&LaNumber, _), Vec<&Submission>)| {
        let unsent: Vec<_> = months.iter().filter(|one| !matches!(one.stage, Stage::Sent { .. })).collect();
        let sent = months.len() - unsent.len();
        let named: Vec<_> = unsent.iter().map(|one| format!("{} ({})", one.key.month, one.stage.word())).collect();
        let rest = if named.is_empty() { String::new() } else { format!("; not sent: {}", named.join(", ")) };
        format!("{kind} of LA {authority}: {sent} of {} sent{rest}.", months.len())
    };
    by_return.into_iter().map(line).collect()
}

fn could_not(doing: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::new(
        Exit::CouldNot,
        format!("The simulation could not {doing}: {error}."),
        "See that the folder for temporary files (TMPDIR, else /tmp) has some space and may be written, and run it again.",
    )
}
