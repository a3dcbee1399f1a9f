//! One consistent view of the whole store, for whoever checks it against itself.
//!
//! What comes from here is as it lies in the store, not parsed: it is to be judged, and may have been altered.

use std::fmt;
use std::ops::ControlFlow;

use super::contract::{Head, Queries, QueryError};
use crate::domain::Digest;

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
}

/// What a consignment was collected as.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The source.
    pub source: String,
    /// SHA-256 of the sealed bytes.
    pub sealed: Vec<u8>,
    /// The commitment to its name.
    pub name: Vec<u8>,
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
