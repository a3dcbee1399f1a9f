//! One command and its answers, each looked at as it comes and then forgotten.
//!
//! Holds: a command has succeeded only when the server says so of this very command: the library's own FETCH, STORE and
//! EXPUNGE take a refusal for an empty answer.

use async_imap::imap_proto::{AttributeValue, Response, Status};
use async_imap::{Session, error::Error};

use super::connection::Stream;
use super::trouble::{Doing, MailboxError, imap};

/// What a server tells of one mail: a FETCH answer's attributes.
pub(super) type Attributes<'a> = [AttributeValue<'a>];

/// Says `command` and gives each mail's attributes to `each`, until the server ends its answer.
// RFC 9051 §7: anything may come before the tagged answer; BYE ends the conversation.
pub(super) async fn ask(
    session: &mut Session<Stream>,
    doing: Doing,
    command: &str,
    mut each: impl FnMut(&Attributes<'_>) -> Result<(), MailboxError>,
) -> Result<(), MailboxError> {
    let ours = imap(doing, session.run_command(command).await)?;
    loop {
        let answer = imap(doing, session.read_response().await.map_err(Error::Io))?.ok_or_else(MailboxError::gone)?;
        match answer.parsed() {
            Response::Fetch(_, attributes) => each(attributes)?,
            Response::Data { status: Status::Bye, .. } => return Err(MailboxError::gone()),
            Response::Done { tag, status, outcome } if *tag == ours => {
                let words = || outcome.information.as_deref().unwrap_or_default().to_owned();
                return match status {
                    Status::Ok => Ok(()),
                    Status::No => imap(doing, Err(Error::No(words()))),
                    _ => imap(doing, Err(Error::Bad(words()))),
                };
            }
            _ => {}
        }
    }
}

/// The number of the mail that it is about.
pub(super) fn uid_of(attributes: &Attributes<'_>) -> Option<u32> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })
}

pub(super) fn size_of(attributes: &Attributes<'_>) -> Option<u64> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Rfc822Size(bytes) => Some(u64::from(*bytes)),
        _ => None,
    })
}

/// A piece of a whole mail, as it was told.
pub(super) struct Told<'a> {
    index: Option<u32>,
    data: Option<&'a [u8]>,
}

impl<'a> Told<'a> {
    /// Its bytes, if it is the one from there on. NIL is no piece, and a whole mail no answer to the question for one.
    pub(super) fn at(self, from: u64) -> Option<&'a [u8]> {
        self.data.filter(|_| self.index.is_some_and(|index| u64::from(index) == from))
    }
}

/// The piece that it tells; `None` if it is about something else.
pub(super) fn piece_of<'a>(attributes: &'a Attributes<'_>) -> Option<Told<'a>> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection { section: None, index, data } => {
            Some(Told { index: *index, data: data.as_deref() })
        }
        _ => None,
    })
}
