//! `hbcourier audit log`: the ledger's entries, those that are asked for.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::{Installation, ended};
use crate::audit::log::{Filter, choose};
use crate::audit::table::EntryTable;
use crate::audit::{AuditFault, Entries, Exported, Stored};
use crate::cli::output::{CliError, Exit};
use crate::cli::reading::{beginning_of, end_of};
use crate::domain::ledger::{Entry, Event, Facts};
use crate::domain::merkle::leaf;
use crate::domain::{Actor, ConsignmentId, Digest, FileKind, LaNumber, SubmissionKey};
use crate::effects::clock::london;

/// List the ledger's entries, oldest first
///
/// All that is asked must hold. `--authority` and `--kind` choose transfers and returns, and list everything about them; a
/// transfer that was never opened has no kind.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    /// Print a table for spreadsheets
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// The entries of this export, which needs no configuration. Verify it first
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
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
    /// Only entries about this return, such as shbe/12302/2020-04
    #[arg(long = "return", value_name = "KEY")]
    submission: Option<SubmissionKey>,
    /// Only entries about what is this authority's
    #[arg(long, value_name = "NUMBER")]
    authority: Option<LaNumber>,
    /// Only entries about what is of this kind, such as `hbms-pack`
    #[arg(long, value_name = "KIND")]
    kind: Option<FileKind>,
    /// Only entries with this code, such as CN-104
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only entries by this account, by its name or number, or by the `service`
    #[arg(long, value_name = "ACCOUNT")]
    actor: Option<String>,
}

fn parse_event(text: &str) -> Result<Event, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

impl Args {
    /// Whether it is about the installation's own ledger.
    pub(super) fn reads_the_installation(&self) -> bool {
        self.export.is_none()
    }
}

pub(super) fn run(args: &Args, installation: &dyn Installation, out: &mut dyn Write) -> Result<Exit, CliError> {
    let filter = Filter {
        from: args.from,
        since: args.since.map(beginning_of).transpose()?,
        before: args.until.map(end_of).transpose()?,
        events: args.events.clone(),
        transfer: args.transfer,
        submission: args.submission.clone(),
        code: args.code.clone(),
        actor: args.actor.clone(),
        authority: args.authority.clone(),
        kind: args.kind,
    };
    match &args.export {
        Some(folder) => ended(show(args, &filter, &Exported::in_folder(folder), out)),
        None => {
            let ledger = installation.ledger()?;
            let stored = Stored::now(&*ledger)?;
            ended(show(args, &filter, &stored, out))
        }
    }
}

fn show(args: &Args, filter: &Filter, entries: &dyn Entries, out: &mut dyn Write) -> Result<Exit, AuditFault> {
    if args.csv {
        let mut table = EntryTable::new(out)?;
        choose(filter, entries, &mut |entry, line| table.entry(&entry, &leaf(line)))?;
        table.end()?;
        return Ok(Exit::Yes);
    }
    choose(filter, entries, &mut |entry, line| match args.json {
        true => show_json(entry, leaf(line), out),
        false => show_text(entry, out),
    })?;
    Ok(Exit::Yes)
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

fn show_json(entry: Entry, leaf: Digest, out: &mut dyn Write) -> Result<(), AuditFault> {
    let Entry { seq, at, boot, actor, event, mut facts } = entry;
    // Taken out of the facts, so that each key comes once.
    let (transfer, submission, code) = (facts.transfer.take(), facts.submission.take(), facts.code.take());
    let shown = Shown { seq, at, boot, event, actor, transfer, submission, code, leaf, facts };
    let line = serde_json::to_string(&shown).map_err(|error| AuditFault::Form(error.into()))?;
    Ok(writeln!(out, "{line}")?)
}

fn show_text(entry: Entry, out: &mut dyn Write) -> Result<(), AuditFault> {
    let Entry { seq, at, actor, event, facts, .. } = entry;
    let when = at.to_zoned(london()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    let who = match actor {
        Actor::Service => "service".to_owned(),
        Actor::Account { uid, name } => format!("{name} ({uid})"),
    };
    let about = facts.transfer.map(|id| id.to_string()).or(facts.submission).or(facts.about).unwrap_or_default();
    let line = format!(
        "{seq:>8}  {when:<23}  {:<20}  {who:<16}  {about:<32}  {}",
        event.to_string(),
        facts.code.unwrap_or_default()
    );
    Ok(writeln!(out, "{}", line.trim_end())?)
}
