//! Handing in: a mail that somebody reads from a mailbox or a Maildir becomes ours.
//!
//! In:  what its source calls it, and its bytes as they come.
//! Out: a consignment at Collected; only then may the mail be moved away.
//! Holds: the same bytes from one source are one consignment, whatever number they have there, and nothing but its bytes
//! makes a mail known: a mailbox that is built anew numbers its mails anew.

use std::io::{self, Read};

use super::collect::{Stopped, passed, spool_fault};
use super::{Critical, Inbound, Source};
use crate::domain::{AlarmReason, Consignment, Digest};
use crate::durable::{CopyError, step};

/// What became of a mail.
#[derive(Debug)]
pub enum HandedIn {
    /// It is ours now.
    Ours(Box<Consignment>),
    /// It was ours before.
    Known(Box<Consignment>),
    /// It could not be read to its end.
    Unread(io::Error),
    /// It stays where it is, for this reason.
    Left(AlarmReason),
}

impl Inbound {
    /// Takes a mail into the spool and records it, unless its bytes are ours. `native` is what it is called at its source.
    pub fn hand_in(
        &self,
        source: &Source,
        native: &str,
        bytes: u64,
        mail: &mut dyn Read,
    ) -> Result<HandedIn, Critical> {
        match self.take_mail(source, native, bytes, mail) {
            Ok(handed_in) => {
                if let HandedIn::Unread(error) = &handed_in {
                    tracing::warn!(source = %source.name, %error, "A mail could not be read to its end: {error}");
                }
                Ok(handed_in)
            }
            Err(Stopped::Critical(critical)) => Err(critical),
            Err(Stopped::Left(reason, error)) => {
                tracing::warn!(source = %source.name, %error, "Left a mail where it is: {error}");
                Ok(HandedIn::Left(reason))
            }
        }
    }

    /// As [`Inbound::hand_in`]; whoever calls says what was left, and why.
    pub(super) fn take_mail(
        &self,
        source: &Source,
        native: &str,
        bytes: u64,
        mail: &mut dyn Read,
    ) -> Result<HandedIn, Stopped> {
        self.has_room(bytes)?;
        let received_at = self.clock.now();
        let incoming = match self.spool.take(mail, self.terms.ciphertext_bytes_max) {
            Ok(incoming) => incoming,
            Err(CopyError::Read(error)) => return Ok(HandedIn::Unread(error)),
            Err(CopyError::TooLarge(_)) => return Ok(HandedIn::Left(AlarmReason::TooLarge)),
            Err(CopyError::Write(error)) => return Err(spool_fault(error)),
        };
        let digest = incoming.copied.digest;
        if let Some(known) = self.queries.collected_bytes(&source.name, &digest).map_err(Critical::from)? {
            return Ok(HandedIn::Known(Box::new(known)));
        }
        let consignment = self.taken_as(source, native, &incoming.copied, received_at);
        let _within = tracing::info_span!("transfer", transfer = %consignment.id).entered();
        // Before the record: from then on the sweep may find it due.
        let Some(_claim) = self.claims.claim(&consignment.id) else {
            return Ok(HandedIn::Unread(io::Error::other("it is being worked on")));
        };
        self.spool.keep(incoming, &source.name, &consignment.id).map_err(spool_fault)?;
        // A mail has no file name, and its subject is nobody's business here.
        let (consignment, _) = self.record_collected(consignment, Digest::of(native.as_bytes()), "")?;
        passed(step("collect.recorded"))?;
        Ok(HandedIn::Ours(Box::new(consignment)))
    }

    /// A mail that was ours before is moved away at a later look: with an entry first.
    pub fn note_moved_away(&self, source: &Source, known: &Consignment) -> Result<(), Critical> {
        self.note_cleared_again(source, known)
    }
}
