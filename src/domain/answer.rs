//! What comes back about a return that was sent by mail.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::ConsignmentId;
use super::naming::SourceName;
use super::submission::{Stage, SubmissionKey};

/// What a mail tells of a return whose Message-ID it names.
///
/// Message-IDs are made with a key that never leaves the state directory, so whoever names one has seen the message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The message itself, with the very bytes that were sealed, as a journal mailbox receives it.
    Copy,
    /// A report that it reached a recipient's mailbox, or a mail system that reports no further.
    // RFC 3464 §2.3.3: delivered, relayed, expanded
    Delivered,
    /// Somebody, or something, replied to it. What it says only a person can tell: it may say that nothing came.
    Reply,
    /// A report that it waits in a mail system.
    // RFC 3464 §2.3.3: delayed
    Delayed,
    /// A report that it did not reach a recipient.
    // RFC 3464 §2.3.3: failed
    Failed,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Answer; 5] = [Answer::Copy, Answer::Delivered, Answer::Reply, Answer::Delayed, Answer::Failed];

    /// What it says, to complete "transfer X ...".
    pub fn says(self) -> &'static str {
        match self {
            Answer::Copy => "is the message itself, as the journal received it",
            Answer::Delivered => "reports that it was delivered",
            Answer::Reply => "is a reply to it",
            Answer::Delayed => "reports that it waits",
            Answer::Failed => "reports that it was not delivered",
        }
    }

    /// Whether it proves that the courier took responsibility for the message.
    pub fn proves_sent(self) -> bool {
        matches!(self, Answer::Copy | Answer::Delivered | Answer::Delayed)
    }

    /// Whether it changes what is known of a return at this stage.
    pub fn bears_on(self, stage: &Stage) -> bool {
        match stage {
            Stage::Uncertain { .. } => self.proves_sent() || self == Answer::Failed,
            Stage::Sent { .. } => self == Answer::Failed,
            // It waits to be sent again, or was not sent in time: then it need not be.
            Stage::Sealed | Stage::Deferred { .. } | Stage::Missed { .. } => self.proves_sent(),
            _ => false,
        }
    }
}

/// An answer, and the mail it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The return it is about.
    pub key: SubmissionKey,
    /// The mail, as it was collected.
    pub transfer: ConsignmentId,
    /// Where it was collected.
    pub source: SourceName,
    /// What it tells.
    pub answer: Answer,
    /// The report's status code, such as `5.1.1`.
    // RFC 3463
    pub status: Option<String>,
    /// It is about an attempt before the last one.
    pub earlier: bool,
    /// When it was collected.
    pub at: Timestamp,
}
