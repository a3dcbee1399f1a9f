//! What a proof or evidence is about.

use std::fmt;
use std::str::FromStr;

use crate::domain::ledger::Entry;
use crate::domain::{ConsignmentId, SubmissionKey};

/// A transfer, a return, or one entry of whatever kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Everything about one transfer.
    Transfer(ConsignmentId),
    /// Everything about one return.
    Return(SubmissionKey),
    /// One entry.
    Entry(u64),
}

/// The text names nothing that an entry could be about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a transfer's id (32 hexadecimal digits) nor a return's key (as shbe/12302/2020-04)")]
pub struct NotATopic(String);

/// How an entry is named.
const ENTRY: &str = "entry ";

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Transfer(id) => id.fmt(f),
            Topic::Return(key) => key.fmt(f),
            Topic::Entry(seq) => write!(f, "{ENTRY}{seq}"),
        }
    }
}

impl FromStr for Topic {
    type Err = NotATopic;

    fn from_str(text: &str) -> Result<Self, NotATopic> {
        let bad = || NotATopic(text.to_owned());
        if let Some(seq) = text.strip_prefix(ENTRY) {
            return seq.parse().map(Topic::Entry).map_err(|_| bad());
        }
        if text.contains('/') {
            return text.parse().map(Topic::Return).map_err(|_| bad());
        }
        text.parse().map(Topic::Transfer).map_err(|_| bad())
    }
}

impl Topic {
    /// Whether the entry is about it.
    pub fn holds(&self, entry: &Entry) -> bool {
        match self {
            Topic::Transfer(id) => entry.facts.transfer == Some(*id),
            Topic::Return(key) => entry.facts.submission.as_deref() == Some(&key.to_string()),
            Topic::Entry(seq) => entry.seq == *seq,
        }
    }
}
