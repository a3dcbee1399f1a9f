//! One consistent view of the whole store, for whoever checks it against itself.
//!
//! What comes from here is as it lies in the store, not parsed: it is to be judged, and may have been altered.

use std::fmt;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::contract::{Head, Queries, QueryError};
use crate::domain::ledger::Commitment;
use crate::domain::submission::Sealed;
use crate::domain::{Answer, Digest};

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
    /// The line of one entry.
    fn line(&self, seq: u64) -> Result<Option<Vec<u8>>, QueryError>;
    /// The row of one transfer or return.
    fn row(&self, subject: &Subject) -> Result<Option<Row>, QueryError>;
    /// The row of every transfer and every return.
    fn each_row(&self, visit: Visit<'_, Row>) -> Result<(), QueryError>;
    /// The parts of one transfer.
    fn parts(&self, transfer: &str) -> Result<Vec<KeptPart>, QueryError>;
    /// The contents that one transfer has claimed as accepted.
    fn claims(&self, transfer: &str) -> Result<Vec<Vec<u8>>, QueryError>;
    /// How much of what one transfer brought.
    fn volumes(&self, transfer: &str) -> Result<Vec<KeptVolume>, QueryError>;
    /// Every MI workbook.
    fn each_workbook(&self, visit: Visit<'_, KeptWorkbook>) -> Result<(), QueryError>;
    /// The name that was committed to so, unless it was erased.
    fn name(&self, commitment: &Commitment) -> Result<Option<String>, QueryError>;
    /// A part or claim of a transfer that there is not.
    fn stray(&self) -> Result<Option<String>, QueryError>;
    /// Every alarm that is raised.
    fn each_alarm(&self, visit: Visit<'_, KeptAlarm>) -> Result<(), QueryError>;
    /// Every answer about a return.
    fn each_answer(&self, visit: Visit<'_, KeptAnswer>) -> Result<(), QueryError>;
    /// Every authority that is in service, and since which transfer date.
    fn each_in_service(&self, visit: Visit<'_, (String, String)>) -> Result<(), QueryError>;
    /// Every timetable that was ever put into force, the earliest first.
    fn each_timetable(&self, visit: Visit<'_, KeptTimetable>) -> Result<(), QueryError>;
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
    /// The root that the tree had with this entry as its last.
    pub root: Digest,
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
    /// The entry that is said to have brought it there.
    pub entry: u64,
    /// What a consignment was collected as.
    pub origin: Option<Origin>,
    /// What a return was owed and sealed as.
    pub owed: Option<Owed>,
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
}
