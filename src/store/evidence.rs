//! One consistent view of the whole store, for whoever checks it against itself.
//!
//! What comes from here is as it lies in the store, not parsed: it is to be judged, and may have been altered.

use std::fmt;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::queries::{Head, KeptCheckpoint, Queries, QueryError};
use crate::domain::release::Recorded;
use crate::domain::submission::Sealed;
use crate::domain::{Answer, Digest, KeyStep, Waiver};

/// A reader that can stand still: what it then sees is one state, however much is written meanwhile.
pub trait Auditable: Queries {
    /// The state at this moment.
    fn snapshot(&self) -> Result<Box<dyn Evidence + '_>, QueryError>;
}

/// Called for one thing after the other, until it breaks off.
pub type Visit<'a, T> = &'a mut dyn FnMut(T) -> Result<ControlFlow<()>, QueryError>;

/// One state of the store. Streams: memory does not grow with the store.
pub trait Evidence {
    /// Size and root of the ledger's tree, as stored.
    fn head(&self) -> Result<Head, QueryError>;
    /// Every entry, by sequence number.
    fn each_entry(&self, visit: Visit<'_, KeptEntry>) -> Result<(), QueryError>;
    /// How many roots of subtrees are kept.
    fn nodes(&self) -> Result<u64, QueryError>;
    /// The line of one entry.
    fn line(&self, seq: u64) -> Result<Option<Vec<u8>>, QueryError>;
    /// The row of one transfer or return.
    fn row(&self, subject: &Subject) -> Result<Option<Row>, QueryError>;
    /// The row of every transfer, with what hangs on it, and of every return. Answers with a part, claim or volume of a
    /// transfer that there is not, if there is one.
    fn each_row(&self, visit: Visit<'_, Row>) -> Result<Option<String>, QueryError>;
    /// Every MI workbook.
    fn each_workbook(&self, visit: Visit<'_, KeptWorkbook>) -> Result<(), QueryError>;
    /// Every alarm that is raised.
    fn each_alarm(&self, visit: Visit<'_, KeptAlarm>) -> Result<(), QueryError>;
    /// Every answer about a return.
    fn each_answer(&self, visit: Visit<'_, KeptAnswer>) -> Result<(), QueryError>;
    /// Every authority that is in service, and since which transfer date.
    fn each_in_service(&self, visit: Visit<'_, (String, String)>) -> Result<(), QueryError>;
    /// Every timetable that was ever put into force, the earliest first.
    fn each_timetable(&self, visit: Visit<'_, KeptTimetable>) -> Result<(), QueryError>;
    /// Every decision about keys.
    fn each_key_step(&self, visit: Visit<'_, KeptKeyStep>) -> Result<(), QueryError>;
    /// Every use of an exception: which, by what transfer, and the entry that tells of it.
    fn each_exception_use(&self, visit: Visit<'_, (u64, String, u64)>) -> Result<(), QueryError>;
    /// Every checkpoint, the earliest first.
    fn each_checkpoint(&self, visit: Visit<'_, KeptCheckpoint>) -> Result<(), QueryError>;
    /// Every leaving of a checkpoint: to whom, over how many entries it is, when, and the entry that tells of it.
    fn each_left(&self, visit: Visit<'_, KeptLeft>) -> Result<(), QueryError>;
    /// The root that the tree had with so many entries, by the inner nodes and the last line.
    fn root_of(&self, size: u64) -> Result<Option<Digest>, QueryError>;
    /// Every approval of a release, with its transfer; `None` if it cannot be read.
    fn each_approval(&self, visit: Visit<'_, (String, Option<Recorded>)>) -> Result<(), QueryError>;
    /// Every release that a transfer carries: the transfer, what is set aside, unless that cannot be read, and the entry.
    fn each_release(&self, visit: Visit<'_, (String, Option<Waiver>, u64)>) -> Result<(), QueryError>;
    /// Every transfer whose names were erased.
    fn each_names_erased(&self, visit: Visit<'_, KeptErasure>) -> Result<(), QueryError>;
    /// Every transfer and return whose original was erased.
    fn each_original_erased(&self, visit: Visit<'_, KeptErasure>) -> Result<(), QueryError>;
    /// Every legal hold that stands.
    fn each_legal_hold(&self, visit: Visit<'_, KeptHold>) -> Result<(), QueryError>;
    /// Every name that was not erased.
    fn each_name(&self, visit: Visit<'_, KeptName>) -> Result<(), QueryError>;
}

/// An entry as it lies in the store.
#[derive(Clone, Debug)]
pub struct KeptEntry {
    /// Its place.
    pub seq: u64,
    /// Its bytes.
    pub line: Vec<u8>,
    /// Its hash, as it was noted beside it.
    pub hash: Digest,
    /// The roots of the subtrees that became complete with it, the smallest first, each with its place among all.
    pub nodes: Vec<(u64, Vec<u8>)>,
}

/// What an entry can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A consignment, by its id.
    Transfer(String),
    /// A submission, by its key.
    Return(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Transfer(id) => write!(f, "transfer {id}"),
            Subject::Return(key) => write!(f, "return {key}"),
        }
    }
}

/// The state of a transfer or return as it lies in the store.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose.
    pub subject: Subject,
    /// The word that lists and filters go by.
    pub listed: String,
    /// The word of the full state; `None` if that cannot be read.
    pub word: Option<&'static str>,
    /// The code under which a consignment waits or was refused, by the full state.
    pub code: Option<&'static str>,
    /// The entry that is said to have brought it there.
    pub entry: u64,
    /// What a consignment was collected as.
    pub origin: Option<Origin>,
    /// What a return was owed and sealed as.
    pub owed: Option<Owed>,
    /// What hangs on a transfer, where every row is asked for.
    pub hangs: Hanging,
}

/// What hangs on a transfer.
#[derive(Clone, Debug, Default)]
pub struct Hanging {
    /// Its parts, by their place in it.
    pub parts: Vec<KeptPart>,
    /// The contents that it has claimed as accepted for its authority.
    pub claims: Vec<Vec<u8>>,
    /// How much of what it brought.
    pub volumes: Vec<KeptVolume>,
}

/// What a return was owed and sealed as.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The earliest day of extraction.
    pub extract_from: Option<String>,
    /// The transfer date.
    pub transfer_on: String,
    /// What was sealed; `None` also if that cannot be read.
    pub sealed: Option<Sealed>,
    /// The content by which it is found again.
    pub content: Option<Vec<u8>>,
    /// When it was last ordered to be sent.
    pub ordered: Option<Timestamp>,
    /// When the policy decided that it be sent once more.
    pub resent: Option<Timestamp>,
    /// When it was last found to be sent.
    pub sent: Option<Timestamp>,
}

/// A part as it lies in the store.
#[derive(Clone, Debug)]
pub struct KeptPart {
    /// Its delivery.
    pub delivery: String,
    /// What it is.
    pub kind: String,
    /// SHA-256 of its content.
    pub content: Vec<u8>,
    /// Its length.
    pub bytes: u64,
    /// Where it goes.
    pub to: String,
    /// Its final name, without the folder.
    pub name: String,
    /// The word for who chose that name, if it is noted.
    pub naming: Option<String>,
}

/// How much of one thing a part holds, as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeptVolume {
    /// Which part.
    pub part: u32,
    /// Of what.
    pub of: String,
    /// How many.
    pub count: Option<u64>,
}

/// An MI workbook as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptWorkbook {
    /// Whose.
    pub authority: String,
    /// The month it goes by.
    pub month: String,
    /// The transfer it came with.
    pub transfer: String,
    /// Its delivery.
    pub delivery: String,
    /// When it was opened; `None` if that is no time.
    pub opened: Option<Timestamp>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

/// An alarm as it lies in the store.
#[derive(Clone, Debug)]
pub struct KeptAlarm {
    /// What it is about.
    pub about: String,
    /// Its code.
    pub code: String,
    /// Since when; `None` if that is no time.
    pub since: Option<Timestamp>,
}

/// An answer about a return as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The mail.
    pub transfer: String,
    /// The return.
    pub key: String,
    /// What it tells; `None` if that cannot be read.
    pub answer: Option<Answer>,
    /// The report's status code.
    pub status: Option<String>,
    /// It is about an attempt before the last one.
    pub earlier: bool,
    /// The entry it came with.
    pub entry: u64,
}

/// That a checkpoint left, as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeptLeft {
    /// To whom.
    pub recipient: String,
    /// How many entries it is over.
    pub size: u64,
    /// When; `None` if that is no time.
    pub at: Option<Timestamp>,
    /// The entry that tells of it.
    pub entry: u64,
}

/// A timetable as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTimetable {
    /// The year it is for.
    pub year: String,
    /// SHA-256 of its text, as it was noted.
    pub digest: Vec<u8>,
    /// Its text.
    pub text: String,
    /// The entry that put it into force.
    pub entry: u64,
}

/// A decision about keys as it lies in the store.
#[derive(Clone, Debug)]
pub struct KeptKeyStep {
    /// The entry that tells of it.
    pub entry: u64,
    /// When it was made; `None` if that is no time.
    pub at: Option<Timestamp>,
    /// What was decided; `None` if that cannot be read.
    pub step: Option<KeyStep>,
    /// The entry it concludes.
    pub concludes: Option<u64>,
    /// The bytes of a certificate that is proposed.
    pub certificate: Option<Vec<u8>>,
}

/// An erasure as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptErasure {
    /// Of which transfer or return.
    pub about: String,
    /// The entry that tells of it.
    pub entry: u64,
}

/// A legal hold as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHold {
    /// On what.
    pub about: String,
    /// Since when; `None` if that is no time.
    pub since: Option<Timestamp>,
    /// The entry that placed it.
    pub entry: u64,
}

/// What a consignment was collected as.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The source.
    pub source: String,
    /// Whose it is now.
    pub authority: String,
    /// SHA-256 of the sealed bytes.
    pub sealed: Vec<u8>,
    /// Their number.
    pub bytes: u64,
    /// The commitment to its name.
    pub name: Vec<u8>,
    /// Whose signature was accepted.
    pub signer: Option<String>,
}

/// A name as it lies in the side table.
#[derive(Clone, Debug)]
pub struct KeptName {
    /// The commitment it is filed under.
    pub commitment: Vec<u8>,
    /// The salt.
    pub salt: Vec<u8>,
    /// The name.
    pub clear: String,
    /// The entry it came with.
    pub entry: u64,
    /// The transfer with which it is erased.
    pub transfer: Option<String>,
}
