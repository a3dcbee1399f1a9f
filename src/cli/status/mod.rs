//! `hbcourier status`: is all well, and what comes next?
//!
//! In:  the store, the settings, the keys, the timetables, and what the running service says of itself.
//! Out: one JSON document, or a page whose first line answers.
//! Holds: reads only; no personal data.

mod attention;
mod facilities;
mod page;
mod queues;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::held::{HeldItem, Now, held};
use crate::cli::output::{CliError, Exit, Output, moment};
use crate::cli::reading::Reading;
use crate::daemon::health::ServiceStatus;
use crate::domain::LegalHold;
use crate::foresight::keys::{ahead, ends_before};
use crate::foresight::{Owed, owed};
use crate::store::{Alarm, SubmissionFilter};

use attention::Attention;
use facilities::{KeysUntil, Space, Vouched};
use queues::{Expected, Queues};

/// How many obligations ahead are shown.
const NEXT_MAX: usize = 5;

/// See whether all is well, and what comes next
///
/// The first line answers. Exit status 0; with `--fail-if-attention`, 1 if the first line says that anything needs
/// attention.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// End with exit status 1 if anything needs attention
    #[arg(long)]
    pub fail_if_attention: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// How things stand.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Status {
    /// Nothing needs attention.
    pub well: bool,
    /// What does.
    pub attention: Vec<Attention>,
    /// The running service; nothing if none is.
    pub service: Option<ServiceStatus>,
    /// How many transfers and returns stand where.
    pub queues: Queues,
    /// What is owed next.
    pub next: Vec<Owed>,
    /// What should have been sent.
    pub overdue: Vec<Owed>,
    /// What a partner should have sent.
    pub overdue_from_partners: Vec<Expected>,
    /// How many items wait for a person.
    pub held: usize,
    /// What is raised now.
    pub alarms: Vec<Alarm>,
    /// What nobody may erase.
    pub legal_holds: Vec<LegalHold>,
    /// Until when keys can be used.
    pub keys: Vec<KeysUntil>,
    /// What room there is.
    pub space: Vec<Space>,
    /// How far the ledger is vouched for.
    pub ledger: Vouched,
    /// Where the virus scanner is asked; nothing, if nothing is scanned.
    pub scanner: Option<String>,
    /// When this was so.
    #[serde(rename = "at")]
    pub now: Timestamp,
}

/// Prints how things stand.
pub fn run(args: &Args, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let status = status(reading)?;
    out.answer(args.json, &status, |text| page::write(&status, text))?;
    Ok(if args.fail_if_attention && !status.well { Exit::No } else { Exit::Yes })
}

/// What can be said although the settings cannot be read: whether the service runs all the same.
pub(super) fn without_settings(fault: CliError, service: Option<&ServiceStatus>) -> CliError {
    let Some(service) = service else { return fault };
    let sources = service.sources.iter().map(|source| match source.last_look {
        _ if !source.ok => format!("{} (failing)", source.name),
        None => format!("{} (not yet)", source.name),
        Some(last) => format!("{} (at {})", source.name, moment(last)),
    });
    let sources: Vec<String> = sources.collect();
    let says = format!(
        "The service runs, by the settings it had, since {}; it last looked into: {}. It would not start again:\n{}",
        moment(service.since),
        sources.join(", "),
        fault.says
    );
    CliError { says, ..fault }
}

pub(crate) fn status(reading: &Reading<'_>) -> Result<Status, CliError> {
    let submissions = reading.queries.submissions(&SubmissionFilter::default())?;
    let mut owed = owed(reading.settings, reading.timetables, &submissions, reading.now);
    owed.next.truncate(NEXT_MAX);
    let overdue_from_partners = queues::expected(reading)?;
    let held: Vec<HeldItem> = held(None, reading.queries, Now { at: reading.now, policy: reading.settings.digest })?;
    let alarms = reading.queries.alarms()?;
    let keys = reading.keys.list(reading.now);
    let ends = ends_before(reading.keys, reading.now, &ahead(reading.settings, reading.timetables, reading.today()));
    let mut attention = attention::of_service(reading);
    attention.extend(attention::of_held(&held));
    attention.extend(attention::of_alarms(&alarms));
    attention.extend(attention::of_overdue(&owed.overdue, &held, &overdue_from_partners, &alarms));
    attention.extend(attention::of_key_files(reading.settings, &keys));
    attention.extend(attention::of_keys(&ends, &alarms));
    attention.extend(attention::of_timetables(reading, &alarms));
    Ok(Status {
        well: attention.is_empty(),
        attention,
        service: reading.service.cloned(),
        queues: queues::count(reading.queries)?,
        next: owed.next,
        overdue: owed.overdue,
        overdue_from_partners,
        held: held.len(),
        alarms,
        legal_holds: reading.queries.legal_holds()?,
        keys: facilities::keys(reading, &keys),
        space: facilities::space(reading),
        ledger: facilities::vouched(reading)?,
        scanner: reading.settings.scan.clamd.as_ref().map(ToString::to_string),
        now: reading.now,
    })
}
