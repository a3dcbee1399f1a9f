//! Waiting for news: IDLE, said and heard here.
//!
//! In:  a session. Out: whether the server agreed to tell, that it has told something, the end of it.
//! Holds: a server that refuses is only one that tells no news; the library's own IDLE waits for ever after NO, and panics
//! after a BAD without words.
// RFC 2177, RFC 9051 §6.3.13

use async_imap::Session;
use async_imap::error::Error;
use async_imap::imap_proto::{RequestId, Response, Status};

use super::connection::Stream;
use super::trouble::{Doing, MailboxError, imap};

/// Asks for news. `None`: the server refuses.
pub(super) async fn ask_for_news(session: &mut Session<Stream>) -> Result<Option<RequestId>, MailboxError> {
    let ours = imap(Doing::Wait, session.run_command("IDLE").await)?;
    loop {
        let answer = imap(Doing::Wait, session.read_response().await.map_err(Error::Io))?;
        match answer.ok_or_else(MailboxError::gone)?.parsed() {
            Response::Continue { .. } => return Ok(Some(ours)),
            Response::Done { tag, .. } if *tag == ours => return Ok(None),
            Response::Data { status: Status::Bye, .. } => return Err(MailboxError::gone()),
            _ => {}
        }
    }
}

/// Waits until the server tells of anything but that it is still there.
pub(super) async fn news(session: &mut Session<Stream>) -> Result<(), MailboxError> {
    loop {
        let answer = imap(Doing::Wait, session.read_response().await.map_err(Error::Io))?;
        match answer.ok_or_else(MailboxError::gone)?.parsed() {
            Response::Data { status: Status::Bye, .. } | Response::Done { .. } => return Err(MailboxError::gone()),
            Response::Data { .. } => {}
            _ => return Ok(()),
        }
    }
}

/// Asks for no more.
pub(super) async fn end_news(session: &mut Session<Stream>, ours: &RequestId) -> Result<(), MailboxError> {
    imap(Doing::Wait, session.run_command_untagged("DONE").await)?;
    loop {
        let answer = imap(Doing::Wait, session.read_response().await.map_err(Error::Io))?;
        match answer.ok_or_else(MailboxError::gone)?.parsed() {
            Response::Done { tag, status: Status::Ok, .. } if tag == ours => return Ok(()),
            Response::Done { .. } | Response::Data { status: Status::Bye, .. } => return Err(MailboxError::gone()),
            _ => {}
        }
    }
}
