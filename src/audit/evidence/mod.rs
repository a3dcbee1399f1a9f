//! Evidence: one ZIP about a transfer or a return, for a file, a complaint or a court.
//!
//! In:  a proof with its context. Out: the archive: facts, a page for people, the proof, the checkpoint, the key.
//! Holds: nothing stands in it that is not worked out from entries which the proof proves, so that the signed checkpoint
//! is the signature on all of it; checking works everything out again. No names of files, subjects or senders.

mod archive;
mod page;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::entries::read_entry;
use super::proof::{Proof, Proven};
use super::{AuditFault, Topic};
use crate::domain::ledger::{Entry, Event, PartFacts};
use crate::domain::{Actor, Digest, FileKind, Fingerprint};
use crate::effects::clock::london;

pub use archive::{Found, open, pack};

/// What evidence calls itself.
const FORM: &str = "hbcourier-evidence/1";

/// What the entries of a proof say about one transfer or return. Others that the ledger may have are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    form: &'static str,
    /// The program that worked it out.
    pub made_by: String,
    /// A transfer's id, a return's key, or an entry.
    pub about: String,
    /// The ledger, its length and root as they were signed.
    pub ledger: Ledger,
    /// Whose it is.
    pub authority: Option<String>,
    /// How it came, if it did.
    pub received: Option<Received>,
    /// The certificate whose signature was accepted.
    pub signer: Option<Fingerprint>,
    /// What was staged for delivery.
    pub parts: Vec<Part>,
    /// What was owed, sealed and sent, if it is a return.
    pub returned: Option<Returned>,
    /// What became of it: its last entry.
    pub outcome: Step,
    /// Who ordered what.
    pub people: Vec<Person>,
    /// The program and the settings that were in force.
    pub in_force: Vec<InForce>,
    /// What happened, in order, as far as these entries go.
    pub steps: Vec<Step>,
}

/// The ledger as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Its name.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// How something came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// When it was collected.
    pub at: Timestamp,
    /// From which source.
    pub source: Option<String>,
    /// SHA-256 of what came.
    pub sealed: Option<Digest>,
    /// Its length.
    pub bytes: Option<u64>,
}

/// A part of what came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is.
    pub kind: FileKind,
    /// SHA-256 of it.
    pub content: Digest,
    /// Its length.
    pub bytes: u64,
    /// Where it went.
    pub to: String,
    /// It is a copy in another layout.
    pub derived: bool,
}

/// What was owed to DWP, and what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Returned {
    /// The earliest day of extraction.
    pub extract_from: Option<Date>,
    /// The day on which it must be sent.
    pub transfer_on: Option<Date>,
    /// SHA-256 of the file that was picked up.
    pub content: Option<Digest>,
    /// SHA-256 of what was sealed.
    pub sealed: Option<Digest>,
    /// The certificate it was sealed to, as far as the ledger tells.
    pub fingerprint: Option<Fingerprint>,
    /// Claims in an extract.
    pub live_claims: Option<u64>,
    /// The message's id.
    pub message_id: Option<String>,
    /// When it was last found to be sent.
    pub sent_at: Option<Timestamp>,
    /// What the other side answered.
    pub reply: Option<String>,
    /// Whether it was sent on its day or before; `None` as long as it was not sent.
    pub in_time: Option<bool>,
}

/// A person's doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// The account.
    pub account: String,
    /// Its number.
    pub uid: u32,
    /// The reason that was given.
    pub why: Option<String>,
}

/// What was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// The entry of the service's start.
    pub seq: u64,
    /// When.
    pub from: Timestamp,
    /// The program's version.
    pub version: Option<String>,
    /// SHA-256 of the settings.
    pub config: Option<Digest>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// The code of the reason.
    pub code: Option<String>,
}

impl Evidence {
    /// Works it out from a proof. Whether that is good is for [`Proof::check`] to say.
    pub fn of(proof: &Proof, ledger: Ledger, made_by: &str) -> Result<Evidence, AuditFault> {
        let entries = read_all(&proof.entries)?;
        let step =
            |entry: &Entry| Step { seq: entry.seq, at: entry.at, event: entry.event, code: entry.facts.code.clone() };
        let outcome = entries.last().map(step).ok_or_else(|| AuditFault::Nothing(proof.about.clone()))?;
        let collected = |entry: &&Entry| matches!(entry.event, Event::Collected | Event::CollectedRecovered);
        let received = entries.iter().find(collected).map(|entry| Received {
            at: entry.at,
            source: entry.facts.source.as_ref().map(ToString::to_string),
            sealed: entry.facts.sealed,
            bytes: entry.facts.bytes,
        });
        let staged = entries.iter().rfind(|entry| !entry.facts.parts.is_empty());
        let is_return = matches!(proof.about.parse(), Ok(Topic::Return(_)));
        let in_force = read_all(&proof.context)?.into_iter().map(|entry| InForce {
            seq: entry.seq,
            from: entry.at,
            version: entry.facts.version,
            config: entry.facts.config,
        });
        Ok(Evidence {
            form: FORM,
            made_by: made_by.to_owned(),
            about: proof.about.clone(),
            ledger,
            authority: whose(proof, &entries),
            received,
            signer: staged.and_then(|entry| entry.facts.fingerprint.clone()),
            parts: staged.map(|entry| entry.facts.parts.iter().map(part).collect()).unwrap_or_default(),
            returned: is_return.then(|| returned(&entries)),
            outcome,
            people: entries.iter().filter_map(person).collect(),
            in_force: in_force.collect(),
            steps: entries.iter().map(step).collect(),
        })
    }

    /// As JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, AuditFault> {
        let mut json = serde_json::to_vec_pretty(self).map_err(AuditFault::form)?;
        json.push(b'\n');
        Ok(json)
    }
}

fn read_all(entries: &[Proven]) -> Result<Vec<Entry>, AuditFault> {
    entries.iter().map(|entry| read_entry(entry.seq, entry.line.as_bytes())).collect()
}

fn whose(proof: &Proof, entries: &[Entry]) -> Option<String> {
    let of_return = match proof.about.parse() {
        Ok(Topic::Return(key)) => Some(key.authority.to_string()),
        _ => None,
    };
    // What is staged belongs to whom its content names, whosever source it came by.
    of_return.or_else(|| entries.iter().rev().find_map(|entry| Some(entry.facts.authority.as_ref()?.to_string())))
}

fn part(facts: &PartFacts) -> Part {
    Part {
        kind: facts.kind,
        content: facts.content,
        bytes: facts.bytes,
        to: facts.to.to_string(),
        derived: facts.derived,
    }
}

fn returned(entries: &[Entry]) -> Returned {
    let mut returned = Returned::default();
    for Entry { at, event, facts, .. } in entries {
        let keep = &mut returned;
        keep.extract_from = keep.extract_from.or(facts.extract_from);
        keep.transfer_on = keep.transfer_on.or(facts.transfer_on);
        match event {
            Event::Sealed => {
                (keep.content, keep.sealed, keep.live_claims) = (facts.content, facts.sealed, facts.live_claims);
                (keep.fingerprint, keep.message_id) = (facts.fingerprint.clone(), facts.message_id.clone());
            }
            Event::Sent | Event::SentRecovered => {
                keep.sent_at = Some(*at);
                keep.reply = facts.reply.clone().or(keep.reply.take());
                let day = at.to_zoned(london()).date();
                keep.in_time = keep.transfer_on.map(|transfer_on| day <= transfer_on);
            }
            _ => {}
        }
    }
    returned
}

fn person(entry: &Entry) -> Option<Person> {
    let Actor::Account { uid, name } = &entry.actor else { return None };
    Some(Person {
        seq: entry.seq,
        at: entry.at,
        event: entry.event,
        account: name.clone(),
        uid: *uid,
        why: entry.facts.why.clone(),
    })
}
