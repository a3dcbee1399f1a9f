//! `hbcourier audit`: read the ledger, and verify it.
//!
//! In:  the store, also while the service runs. Out: entries or a verdict, for people or as JSON.

use std::io::{self, Write};

use clap::Subcommand;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::audit_checkpoint::{CheckpointArgs, VkeyArgs};
use crate::domain::ledger::{Entry, Event, Facts};
use crate::domain::merkle::leaf;
use crate::domain::{Actor, ConsignmentId, Digest};
use crate::store::{Auditable, QueryError, Verification, verify};

/// Entries read at a time.
const PAGE: usize = 1024;

/// Read the ledger of everything that was done, and check that nobody altered it
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the ledger's entries, oldest first
    Log(LogArgs),
    /// Sign the ledger as it stands, and take that to those who keep checkpoints elsewhere
    ///
    /// The service does so by itself each day, and whenever something leaves or a key changes. Exit status 0: it was signed;
    /// 3: it was not, or not taken away.
    Checkpoint(CheckpointArgs),
    /// Print the key with which auditors check checkpoints
    Vkey(VkeyArgs),
    /// Check that no entry was altered, removed, added or moved, and that the state agrees with the ledger
    ///
    /// Also while the service runs. Exit status 0: all is as it was recorded; 1: it is not; 3: it could not be read.
    Verify {
        /// Print the verdict as one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Which entries to list, and how
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    /// Only entries of this day and later (Europe/London)
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
    /// Only entries up to the end of this day (Europe/London)
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// Only this kind of event, such as `held`; may be given several times
    #[arg(long = "event", value_name = "EVENT", value_parser = parse_event)]
    events: Vec<Event>,
    /// Start at this entry instead of the first
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    from: u64,
    /// Only entries about this transfer
    #[arg(long, value_name = "ID")]
    transfer: Option<ConsignmentId>,
}

/// Why the ledger could not be shown. Exit status 3.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store could not be read.
    #[error("could not read the ledger")]
    Store(#[from] QueryError),
    /// A line is no entry.
    #[error("entry {seq} of the ledger cannot be read: run `hbcourier audit verify`")]
    Entry {
        /// Its place.
        seq: u64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The day does not exist in this time zone's calendar.
    #[error("could not find the beginning of the day {day} in Europe/London")]
    Day {
        /// The day.
        day: Date,
        /// What failed.
        #[source]
        source: jiff::Error,
    },
    /// The answer could not be written as JSON.
    #[error("could not put the answer into JSON")]
    Json(#[source] serde_json::Error),
    /// Nobody takes the answer.
    #[error("could not write the answer")]
    Write(#[from] io::Error),
}

/// Does it. `false` if the answer is no: exit status 1.
pub fn run(args: &Args, store: &dyn Auditable, out: &mut dyn Write) -> Result<bool, AuditError> {
    match &args.command {
        Command::Log(log) => show_log(log, store, out).map(|()| true),
        // An order, or a key: nothing is asked of the ledger.
        Command::Checkpoint(_) | Command::Vkey(_) => Ok(true),
        Command::Verify { json } => {
            let verdict = verify(store)?;
            show_verdict(&verdict, *json, out)?;
            Ok(verdict.ok)
        }
    }
}

fn parse_event(text: &str) -> Result<Event, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

fn show_verdict(verdict: &Verification, json: bool, out: &mut dyn Write) -> Result<(), AuditError> {
    if json {
        serde_json::to_writer(&mut *out, verdict).map_err(AuditError::Json)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{}", verdict.says)?;
    writeln!(out, "Entries  {}", verdict.entries)?;
    writeln!(out, "Root     {}", verdict.root)?;
    if !verdict.ok {
        writeln!(
            out,
            "Stop the service, keep a copy of the state folder as evidence, and compare with the last good backup."
        )?;
    }
    Ok(())
}

/// The times between which entries are shown: from the first on, before the second.
struct Window {
    since: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Window {
    fn of(log: &LogArgs) -> Result<Window, AuditError> {
        let next_day = |day: Date| day.checked_add(1.day()).map_err(|source| AuditError::Day { day, source });
        let since = log.since.map(beginning_of).transpose()?;
        let before = log.until.map(|day| next_day(day).and_then(beginning_of)).transpose()?;
        Ok(Window { since, before })
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.before.is_none_or(|before| at < before)
    }
}

fn london() -> Result<TimeZone, jiff::Error> {
    TimeZone::get("Europe/London")
}

fn beginning_of(day: Date) -> Result<Timestamp, AuditError> {
    let beginning = london().and_then(|zone| day.to_zoned(zone)).map(|zoned| zoned.timestamp());
    beginning.map_err(|source| AuditError::Day { day, source })
}

fn show_log(log: &LogArgs, store: &dyn Auditable, out: &mut dyn Write) -> Result<(), AuditError> {
    let window = Window::of(log)?;
    // Entries that are added while we read belong to the next look.
    let end = store.head()?.entries;
    let mut next = log.from;
    while next < end {
        let page = store.ledger(next, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        next = last + 1;
        for (seq, line) in page.into_iter().filter(|(seq, _)| *seq < end) {
            let entry = Entry::read(&line).map_err(|source| AuditError::Entry { seq, source })?;
            // The clock may have been set back, so a later entry can bear an earlier time: no early end.
            let wanted = window.holds(entry.at)
                && (log.events.is_empty() || log.events.contains(&entry.event))
                && log.transfer.is_none_or(|id| entry.facts.transfer == Some(id));
            if wanted {
                show_entry(entry, leaf(&line), log.json, out)?;
            }
        }
    }
    Ok(())
}

/// An entry for scripts: the same keys in every line, and its facts as far as it has them.
#[derive(Serialize)]
struct Shown {
    seq: u64,
    at: Timestamp,
    boot: String,
    event: Event,
    actor: Actor,
    transfer: Option<ConsignmentId>,
    #[serde(rename = "return")]
    submission: Option<String>,
    code: Option<String>,
    leaf: Digest,
    #[serde(flatten)]
    facts: Facts,
}

fn show_entry(entry: Entry, leaf: Digest, json: bool, out: &mut dyn Write) -> Result<(), AuditError> {
    let Entry { seq, at, boot, actor, event, mut facts } = entry;
    // Taken out of the facts, so that each key comes once.
    let (transfer, submission, code) = (facts.transfer.take(), facts.submission.take(), facts.code.take());
    if json {
        let shown = Shown { seq, at, boot, event, actor, transfer, submission, code, leaf, facts };
        serde_json::to_writer(&mut *out, &shown).map_err(AuditError::Json)?;
        writeln!(out)?;
        return Ok(());
    }
    let when = match london() {
        Ok(zone) => at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        Err(_) => at.to_string(),
    };
    let who = match actor {
        Actor::Service => "service".to_owned(),
        Actor::Account { uid, name } => format!("{name} ({uid})"),
    };
    let about = transfer.map(|id| id.to_string()).or(submission).or(facts.about).unwrap_or_default();
    let line = format!(
        "{seq:>8}  {when:<23}  {:<20}  {who:<16}  {about:<32}  {}",
        event.to_string(),
        code.unwrap_or_default()
    );
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

#[cfg(test)]
mod tests;
