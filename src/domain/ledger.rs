//! What the ledger says: one entry a line, stored as the exact bytes it was hashed as.
//!
//! No personal data: names that a sender chose are salted commitments; see [`Commitment`].

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::answer::Answer;
use super::authority::LaNumber;
use super::checkpoint::Vkey;
use super::consignment::Naming;
use super::digest::{Digest, Digester};
use super::ids::{ConsignmentId, DeliveryId};
use super::key_rules::KeyStep;
use super::kind::FileKind;
use super::naming::{DestinationName, SourceName};
use super::partner::Fingerprint;
use super::period::{RelevantMonth, TimetableYear};
use super::release::Waiver;
use super::return_order::ReturnOrder;
use super::volume::VolumeOf;

/// What happened. The names are stable: scripts filter by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The returns of an authority became this service's business, from a date on.
    TakenIntoService,
    /// The service started, with this version and these settings.
    ServiceStarted,
    /// The service stopped in good order.
    ServiceStopped,
    /// The running service went over to other settings.
    ConfigurationReloaded,
    /// Other settings were there, and the running service kept those it has.
    ConfigurationRefused,
    /// A store of an earlier release was brought up to date.
    StoreMigrated,
    /// A person made a backup.
    BackedUp,
    /// A person put a backup in the place of the state: what was recorded after it is lost.
    Restored,
    /// A person has seen what a restored state may be missing.
    RestoreSettled,
    /// A consignment became ours.
    Collected,
    /// The same file, by name, inode, times and content, lay in its folder again, and was cleared again.
    SourceClearedAgain,
    /// A spooled file without a record was found after a crash, and recorded.
    CollectedRecovered,
    /// All parts lie complete at their destinations, not yet visible.
    Staged,
    /// All parts are visible under their final names.
    Delivered,
    /// As Delivered, found so after a crash.
    DeliveredRecovered,
    /// Published and already taken by the back office before it could be recorded.
    DeliveredTaken,
    /// Published a second time after a reboot, because the first may have been undone.
    PossibleRepublish,
    /// A mail was found to be about a return that was sent, and tells this of it.
    Answered,
    /// The original was archived and nothing of it is left in the spool.
    Closed,
    /// To be tried again.
    Deferred,
    /// A person decides.
    Held,
    /// Never to be delivered.
    Rejected,
    /// A person ordered a held item to be tried again.
    RetryOrdered,
    /// A person wants an exception for a partner; a second one must agree.
    ExceptionProposed,
    /// A partner was excepted from the rules about algorithms, for a time.
    ExceptionGranted,
    /// An exception was ended before its time.
    ExceptionEnded,
    /// A person approved the release of a held item; a second one must agree.
    ReleaseApproved,
    /// A second person approved it too: it is delivered although this one thing was found.
    Released,
    /// A dated exception was used to accept something.
    ExceptionUsed,
    /// A return became owed.
    Scheduled,
    /// A return's file was found wanting.
    ReturnHeld,
    /// What was found wanting was taken out of its folder.
    HoldEnded,
    /// A return was sealed.
    Sealed,
    /// A return's sending passed the point after which only evidence tells.
    Sending,
    /// A return was sent.
    Sent,
    /// As Sent, established by evidence after a crash.
    SentRecovered,
    /// A return's sending failed and will be tried again.
    SendDeferred,
    /// A return was refused for good.
    SendFailed,
    /// Whether a return arrived is not known.
    Uncertain,
    /// A return of which it is not known whether it arrived is to be sent once more, by the policy in the configuration.
    ResentByPolicy,
    /// A transfer date passed without the return.
    Missed,
    /// An MI workbook was delivered: it is returned each month until it is closed.
    WorkbookOpened,
    /// A person ordered that an MI workbook be returned no more.
    WorkbookClosed,
    /// A person ordered something about a return.
    ReturnOrdered,
    /// A person put a timetable into force.
    TimetableActivated,
    /// A person ordered that a partner's certificate be trusted.
    TrustOrdered,
    /// A person wants a partner's certificate to be trusted; a second one must agree.
    KeyProposed,
    /// A partner's certificate was trusted.
    KeyTrusted,
    /// A certificate, a partner's or our own, counts no longer.
    KeyRetired,
    /// Own keys were made. Recorded before they are kept.
    KeyGenerated,
    /// An own key that was made elsewhere was taken in. Recorded before it is kept.
    KeyImported,
    /// A source, destination or other thing needs attention.
    AlarmRaised,
    /// What an alarm was about is well again.
    AlarmCleared,
    /// A person read the names that others gave a transfer's files.
    NamesRead,
    /// Those names were erased.
    NamesErased,
    /// The sealed original of a transfer or a return was erased.
    OriginalErased,
    /// A person ordered that nothing of a transfer, a return or an authority be erased.
    LegalHoldPlaced,
    /// A person ended that.
    LegalHoldLifted,
    /// An order was refused.
    OrderRefused,
    /// The ledger's head was signed.
    CheckpointMade,
    /// A checkpoint left to somebody who keeps it elsewhere.
    CheckpointLeft,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => f.write_str(&word),
            _ => fmt::Debug::fmt(self, f),
        }
    }
}

/// SHA-256 over a random salt and a name somebody else chose. Salt and name live in a side table that can be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(pub Digest);

impl Commitment {
    /// Commits to `clear` under `salt`.
    pub fn to(salt: &[u8; 16], clear: &str) -> Commitment {
        let mut digester = Digester::new();
        digester.update(salt);
        digester.update(clear.as_bytes());
        Commitment(digester.finish())
    }
}

/// The facts of an event, as far as it has them. Absent ones are left out of the line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The consignment concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<ConsignmentId>,
    /// The return concerned, as `shbe/12302/2020-04`.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    pub submission: Option<String>,
    /// The source concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// Whose a consignment is: by its source when it is collected, by its content when it is staged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<LaNumber>,
    /// Commitment to the name the file had at its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Commitment>,
    /// SHA-256 of the sealed bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Digest>,
    /// SHA-256 of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
    /// SHA-256 of each content, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Digest>,
    /// Length in bytes of what `sealed`, `content` or `contents` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many entries a checkpoint is over; `content` is then the root over them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The key that signed a checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vkey: Option<Vkey>,
    /// The certificate whose signature was accepted, or which was trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The parts staged or delivered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartFacts>,
    /// The code of the reason, such as `CN-104`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The D records of an extract that was sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_claims: Option<u64>,
    /// The message's id, for a return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Which attempt, counting from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u8>,
    /// A report's status code, such as `5.1.1`.
    // RFC 3463
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The courier's reply, or what was found out in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// What a mail tells of a return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// What an alarm is about, by configured names only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// SHA-256 of the settings in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Digest>,
    /// The program's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How much of what a transfer's parts hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<VolumeFacts>,
    /// The workbook concerned, by its month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workbook: Option<RelevantMonth>,
    /// The delivery concerned, where it is not among the parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryId>,
    /// What was ordered about a return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<ReturnOrder>,
    /// The earliest day of a return's extraction, when it becomes owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract_from: Option<Date>,
    /// The day on which a return must be sent, when it becomes owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_on: Option<Date>,
    /// The year of a timetable that was put into force; `content` is the SHA-256 of its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<TimetableYear>,
    /// The finding that a release sets aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waives: Option<Waiver>,
    /// Of a release, the entry of the first person's approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<u64>,
    /// The entry of the release under which parts are staged or delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<u64>,
    /// Of what was staged, the virus scanner that found nothing in any of its parts, with its signatures; none, if nothing
    /// was scanned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanned: Option<String>,
    /// What the virus scanner found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infection: Option<String>,
    /// Of a restored state, how many entries the latest head was over of which a signature is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<u64>,
    /// How many names were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<u64>,
    /// By which rule something was erased: the key of the configuration, its value, and the route if it is one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// A person's reason for an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What was decided about keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyStep>,
}

/// What the entry about taking an authority's returns into service is about.
pub fn in_service_about(authority: &LaNumber, from: Date) -> String {
    format!("returns-{authority}-from-{from}")
}

/// How much of one thing a part holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeFacts {
    /// Which part, counting from 0.
    pub part: u32,
    /// Of what.
    pub of: VolumeOf,
    /// How many; `None` where it is there and cannot be counted.
    pub count: Option<u64>,
}

/// One part, as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFacts {
    /// Its delivery.
    pub delivery: DeliveryId,
    /// What it is.
    pub kind: FileKind,
    /// SHA-256 of its content.
    pub content: Digest,
    /// Its length.
    pub bytes: u64,
    /// Where it goes.
    pub to: DestinationName,
    /// Commitment to its final name.
    pub name: Commitment,
    /// Who chose that name. Entries of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naming: Option<Naming>,
    /// It is no file that was signed, but a copy of one in a layout of the authority's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

/// One entry. Serialised once; the line's bytes are what is stored, hashed, exported and verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 0, without gaps: the leaf's index in the tree.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The kernel's boot id.
    pub boot: String,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
    /// The facts.
    #[serde(flatten)]
    pub facts: Facts,
}

/// An entry without its facts.
#[derive(Deserialize)]
struct Bare {
    seq: u64,
    at: Timestamp,
    boot: String,
    actor: Actor,
    event: Event,
}

impl Entry {
    /// The entry in a stored line. Reads the line twice, which is still much quicker than what `flatten` does.
    pub fn read(line: &[u8]) -> serde_json::Result<Entry> {
        let Bare { seq, at, boot, actor, event } = serde_json::from_slice(line)?;
        Ok(Entry { seq, at, boot, actor, event, facts: serde_json::from_slice(line)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line_without_empty_facts_and_reads_back() {
        let entry = Entry {
            seq: 7,
            at: Timestamp::UNIX_EPOCH,
            boot: "b".into(),
            actor: Actor::Service,
            event: Event::AlarmRaised,
            facts: Facts { about: Some("drop-12302".into()), ..Facts::default() },
        };
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            line,
            r#"{"seq":7,"at":"1970-01-01T00:00:00Z","boot":"b","actor":"service","event":"alarm-raised","about":"drop-12302"}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
        assert_eq!(Entry::read(line.as_bytes()).unwrap(), entry);
        assert!(Entry::read(&line.as_bytes()[..40]).is_err());
    }
}
