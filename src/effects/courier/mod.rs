//! Couriers: how a sealed return leaves.
//!
//! An attempt has two steps, so that Sending can be recorded between them: [`Courier::prepare`] goes as far as can be
//! undone by doing nothing, [`Ready::commit`] passes the point after which only evidence tells.

pub mod folder;
pub mod mime;
pub mod smtp;

use std::fmt;

use jiff::Timestamp;

use crate::domain::{DeferCause, Digest};
use crate::durable::File;

/// One sealed return on its way. The same for every attempt.
pub struct Parcel<'a> {
    /// The sealed bytes, positioned at their start.
    pub sealed: File,
    /// Their length.
    pub bytes: u64,
    /// Their SHA-256.
    pub digest: Digest,
    /// The name they go by.
    pub file_name: &'a str,
    /// Message-ID without angle brackets; unique to the return and its period.
    pub message_id: &'a str,
    /// The message's Date: when it was sealed.
    pub date: Timestamp,
    /// The message's Subject: no personal data.
    pub subject: &'a str,
    /// The partner's addresses.
    pub to: &'a [String],
}

/// A way for sealed returns to leave.
pub trait Courier: Send + Sync {
    /// What the content must be before it is sealed for this courier.
    fn form(&self) -> Form;
    /// Goes up to, but not past, the point of no return.
    fn prepare<'a>(&'a self, parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, CourierError>;
    /// After a crash in Sending: did the attempt arrive?
    fn evidence(&self, parcel: &Parcel<'_>, interrupted: &Interrupted<'_>) -> Evidence;
    /// Whether what [`Courier::evidence`] looks at answers.
    fn answers(&self) -> bool {
        true
    }
    /// Can it be used now? For `hbcourier check`.
    fn probe(&self) -> Result<String, CourierError>;
}

/// The form in which content is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The file itself, as a binary OpenPGP message.
    Bare,
    /// A MIME entity with the file as its attachment, as an armoured OpenPGP message.
    // RFC 3156 §4, §6.2
    MimeEntity,
}

/// An attempt just before the point of no return. Dropped, it undoes itself.
pub trait Ready {
    /// Where it will be placed, for [`Interrupted::place`]. `None` where nothing can be looked at afterwards.
    fn place(&self) -> Option<String> {
        None
    }
    /// Passes it, and waits for the answer.
    fn commit(self: Box<Self>) -> Reply;
}

/// The answer to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The courier took responsibility; its own words, without personal data.
    Accepted(String),
    /// It certainly did not arrive, and may be tried again.
    TryLater(DeferCause, String),
    /// Refused for good.
    Refused(String),
    /// No answer: it may or may not have arrived.
    Silence(String),
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Accepted(words) => write!(f, "accepted: {words}"),
            Reply::TryLater(_, words) => write!(f, "not now: {words}"),
            Reply::Refused(words) => write!(f, "refused: {words}"),
            Reply::Silence(words) => write!(f, "no answer: {words}"),
        }
    }
}

/// What was recorded of an interrupted attempt.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted<'a> {
    /// The machine restarted since.
    pub rebooted: bool,
    /// What [`Ready::place`] told before the attempt.
    pub place: Option<&'a str>,
}

/// What can be found out about an interrupted attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It arrived.
    Arrived(String),
    /// It certainly did not.
    NotArrived,
    /// Nothing tells.
    Unknown,
}

/// Why an attempt ended before the point of no return.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// To be tried again.
    #[error("{says}")]
    TryLater {
        /// Why, for records.
        cause: DeferCause,
        /// What happened to what, for people.
        says: String,
    },
    /// The courier was offered this very return and refused it for good; nothing of it was sent. Whatever stands in the
    /// way before that, a person can mend: it is [`CourierError::TryLater`].
    #[error("{says}")]
    Refused {
        /// The courier's own words.
        says: String,
    },
}
