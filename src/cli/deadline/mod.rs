//! `hbcourier deadline`: what must not be missed, told also while the service is down. For a timer of its own.
//!
//! In:  the store, the settings, whether the service gives a sign of life. Out: one JSON document or a page, and a mail to
//! whom the service's alarms go.
//! Holds: the store is only read. A matter is mailed once a day, and not at all while the service tells of it itself, but
//! for a deadline that was missed, which is told until somebody has dealt with it. Where settings or store cannot be read,
//! that is mailed by the last way that is known.

mod blind;
mod kept;
mod life;
mod matters;
mod memory;
mod telling;
pub(super) mod verification;
mod way;

use std::path::Path;

use serde::Serialize;

use super::output::{CliError, Exit, Output, Text, Tone};
use super::reading::Reading;
use crate::config::Settings;
use crate::effects::clock::{Clock, MachineClock};
use crate::store::Alarm;
use life::Life;
use matters::Matter;
use telling::Told;
use way::Way;

/// Tell what must not be missed: returns, packs, keys, checkpoints, verifications, and whether the service is alive
///
/// For a timer, beside the service. Exit status 1 if anything needs attention.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    well: bool,
    service: Life,
    matters: &'a [Matter],
    mail: &'a Told,
}

/// Looks, tells, and prints what it told.
pub(super) fn run(args: &Args, reading: &Reading<'_>, way: &Way, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let life = life::of(reading.settings, reading.now);
    let looked = matters::all(reading, life).and_then(|matters| Ok((matters, reading.queries.alarms()?)));
    let (matters, alarms) = match looked {
        Ok(looked) => looked,
        Err(fault) => return blind::tell(args, Some(way), fault, reading.now, out),
    };
    let mail = telling::tell(way, &matters, |matter| tells_itself(&alarms, life, matter), reading.now);
    let document = Document { well: matters.is_empty(), service: life, matters: &matters, mail: &mail };
    out.answer(args.json, &document, |text| write(&document, text))?;
    Ok(if document.well && mail.is_well() { Exit::Yes } else { Exit::No })
}

/// Notes down by which way these settings tell people, for the day on which they cannot be read.
pub(super) fn keep_way(settings: &Settings) -> Way {
    let way = Way::of(settings);
    if let Err(error) = way.keep() {
        // Before the first start there is no state directory, and what cannot be written then is told of elsewhere.
        tracing::debug!(%error, "The way to tell people could not be noted down: {error}");
    }
    way
}

/// Tells that there are no settings, by the way that was noted down last.
pub(super) fn without_settings(
    args: &Args,
    config: &Path,
    fault: CliError,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    blind::tell(args, Way::last(config).as_ref(), fault, MachineClock.now(), out)
}

/// Tells that the store cannot be read.
pub(super) fn without_store(args: &Args, way: &Way, fault: CliError, out: &mut Output<'_>) -> Result<Exit, CliError> {
    blind::tell(args, Some(way), fault, MachineClock.now(), out)
}

/// Whether the running service has mailed this, or will.
fn tells_itself(alarms: &[Alarm], life: Life, matter: &Matter) -> bool {
    let is_raised = alarms.iter().any(|alarm| alarm.about == matter.about && alarm.code == matter.code);
    life == Life::Alive && is_raised && !matter.is_missed()
}

fn write(document: &Document<'_>, text: &mut Text) {
    match document.matters.len() {
        0 if !document.well => text.toned(Tone::Bad, "Not looked at", ", because that could not be read."),
        0 => text.toned(Tone::Good, "Nothing is about to be missed", ", and the service is alive."),
        count => text.toned(Tone::Bad, "Needs attention", format_args!(": {count}.")),
    }
    for Matter { about, code, says, next } in document.matters {
        text.line(format_args!("{code} about {about}: {says} Next: {next}"));
    }
    if let Some(line) = document.mail.line() {
        text.line(line);
    }
}
