//! What the ledger says of one transfer.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::output::{CliError, Exit, Table, Text, moment};
use crate::domain::ledger::{Entry, Event};
use crate::domain::{Actor, Digest, Fingerprint, Waiver};
use crate::store::Queries;

/// Ledger lines read at a time.
const PAGE: usize = 1024;

/// One ledger entry, as far as a person asks for it.
#[derive(Clone, Debug, Serialize)]
pub struct Happened {
    /// Its place in the ledger.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// Who caused it.
    pub actor: Actor,
    /// The code of the reason, if there was one.
    pub code: Option<String>,
    /// SHA-256 of the content concerned, if one was.
    pub sha256: Option<Digest>,
    /// The certificate concerned, if one was.
    pub fingerprint: Option<Fingerprint>,
    /// Which attempt.
    pub attempt: Option<u8>,
    /// The courier's reply.
    pub reply: Option<String>,
    /// A person's reason.
    pub why: Option<String>,
    /// The entry of the release under which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<u64>,
    /// The virus scanner that found nothing in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanned: Option<String>,
    /// What the virus scanner found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infection: Option<String>,
    /// Of a release, the entry of the first person's approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<u64>,
    /// What a release sets aside.
    #[serde(skip)]
    pub waives: Option<Waiver>,
}

/// Every entry about the transfer of this id, or the return of this key, oldest first.
pub fn about(id: &str, queries: &dyn Queries) -> Result<Vec<Happened>, CliError> {
    let (mut happened, mut from) = (Vec::new(), 0);
    loop {
        let lines = queries.ledger(from, PAGE)?;
        let Some((last, _)) = lines.last() else { return Ok(happened) };
        from = last + 1;
        for (seq, line) in &lines {
            // Parsing a line costs far more than looking for the id in it.
            if !line.windows(id.len()).any(|window| window == id.as_bytes()) {
                continue;
            }
            let entry: Entry = serde_json::from_slice(line).map_err(|error| unreadable(*seq, &error))?;
            let transfer = entry.facts.transfer.map(|transfer| transfer.to_string());
            if transfer.as_deref() == Some(id) || entry.facts.submission.as_deref() == Some(id) {
                happened.push(Happened::from(entry));
            }
        }
    }
}

impl From<Entry> for Happened {
    fn from(entry: Entry) -> Happened {
        let facts = entry.facts;
        Happened {
            seq: entry.seq,
            at: entry.at,
            event: entry.event,
            actor: entry.actor,
            code: facts.code,
            sha256: facts.content.or(facts.sealed),
            fingerprint: facts.fingerprint,
            attempt: facts.attempt,
            reply: facts.reply,
            why: facts.why,
            release: facts.release,
            scanned: facts.scanned,
            infection: facts.infection,
            approved: facts.approved,
            waives: facts.waives,
        }
    }
}

fn unreadable(seq: u64, error: &serde_json::Error) -> CliError {
    CliError::new(
        Exit::CouldNot,
        format!("Could not read entry {seq} of the ledger: {error}."),
        "Run `hbcourier audit verify`, and treat what it says as an incident.",
    )
}

/// Writes the entries for people.
pub fn write(entries: &[Happened], text: &mut Text) {
    let mut table = Table::new(["Entry", "At", "Event", "By", "Remark"]);
    for entry in entries {
        let by = match &entry.actor {
            Actor::Service => "service".to_owned(),
            Actor::Account { name, .. } => name.clone(),
        };
        let attempt = entry.attempt.map(|attempt| format!("attempt {attempt}"));
        let release = entry.release.map(|seq| format!("released by entry {seq}"));
        let scanned = entry.scanned.as_ref().map(|by| format!("found clean by {by}"));
        let remarks = [
            entry.code.clone(),
            entry.infection.clone(),
            attempt,
            release,
            scanned,
            entry.reply.clone(),
            entry.why.clone(),
        ];
        let remarks: Vec<String> = remarks.into_iter().flatten().collect();
        table.row([entry.seq.to_string(), moment(entry.at), entry.event.to_string(), by, remarks.join("; ")]);
    }
    text.line("Ledger");
    text.table(&table);
}
