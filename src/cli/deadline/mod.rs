//! `hbcourier deadline`: what must not be missed, told also while the service is down. For a timer of its own.
//!
//! In:  the store, the settings, whether the service gives a sign of life. Out: one JSON document or a page, and a mail to
//! whom the service's alarms go.
//! Holds: the store is only read. A matter is mailed once a day, and not at all while the service tells of it itself, but
//! for a deadline that was missed, which is told until somebody has dealt with it.

mod life;
mod matters;
mod memory;
mod telling;

use serde::Serialize;

use super::output::{CliError, Exit, Output, Text, Tone};
use super::reading::Reading;
use life::Life;
use matters::Matter;
use telling::Told;

/// Tell what must not be missed: returns, packs, keys, checkpoints, and whether the service is alive
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
pub fn run(args: &Args, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let life = life::of(reading.settings, reading.now);
    let matters = matters::all(reading, life)?;
    let mail = telling::tell(reading, life, &matters)?;
    let document = Document { well: matters.is_empty(), service: life, matters: &matters, mail: &mail };
    out.answer(args.json, &document, |text| write(&document, text))?;
    Ok(if document.well && mail.is_well() { Exit::Yes } else { Exit::No })
}

fn write(document: &Document<'_>, text: &mut Text) {
    match document.matters.len() {
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
