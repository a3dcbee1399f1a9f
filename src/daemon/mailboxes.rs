//! One thread for each mailbox: looks into it, hands its mails in, and moves away what is ours.
//!
//! Holds: a mail is moved only when it is recorded; what the server tells makes the thread prompt, looking makes it right;
//! a server that is away or says no is asked ever less often.

use std::sync::Arc;
use std::time::Duration;

use super::alarms::rest;
use super::carriers::{Job, Queue};
use super::health::Health;
use super::stop::Stop;
use crate::domain::AlarmReason;
use crate::domain::retry::pause;
use crate::effects::mailbox::{Cleared, ImapServer, Mail, Mailbox, MailboxError};
use crate::inbound::{Critical, HandedIn, Inbound, Source};

/// Failures in a row after which a person should know, where it may well pass.
const FAILURES_QUIET: u8 = 3;

/// Reads one mailbox.
pub(super) struct Postman {
    pub inbound: Arc<Inbound>,
    pub queue: Arc<Queue>,
    pub stop: Arc<Stop>,
    pub health: Arc<Health>,
    /// Index into the sources.
    pub source: usize,
    pub server: Arc<ImapServer>,
    pub poll: Duration,
}

/// Why a visit ended.
pub(super) enum Trouble {
    Mailbox(MailboxError),
    Critical(Critical),
}

impl From<MailboxError> for Trouble {
    fn from(error: MailboxError) -> Trouble {
        Trouble::Mailbox(error)
    }
}

impl From<Critical> for Trouble {
    fn from(critical: Critical) -> Trouble {
        Trouble::Critical(critical)
    }
}

impl Postman {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let mut failures = 0;
        while !self.stop.is_requested() {
            match self.visit(&mut failures) {
                Ok(()) => {}
                Err(Trouble::Critical(critical)) => return Err(critical),
                Err(Trouble::Mailbox(error)) => {
                    failures = failures.saturating_add(1);
                    self.tell(&error, failures)?;
                    rest(
                        &self.stop,
                        pause(failures, self.inbound.terms.retry_after, self.inbound.terms.retry_after_max),
                    );
                }
            }
        }
        Ok(())
    }

    /// Looks once, hands in what is there, and leaves again.
    pub(super) fn once(&self) -> Result<(), Trouble> {
        let visited = Mailbox::open(self.server.clone()).map_err(Trouble::from).and_then(|mut mailbox| {
            self.empty(&mut mailbox)?;
            mailbox.close();
            Ok(())
        });
        if let Err(Trouble::Mailbox(error)) = &visited {
            self.tell(error, FAILURES_QUIET)?;
        }
        visited
    }

    /// Stays until the conversation ends, or the service does.
    fn visit(&self, failures: &mut u8) -> Result<(), Trouble> {
        let mut mailbox = Mailbox::open(self.server.clone())?;
        while !self.stop.is_requested() {
            self.empty(&mut mailbox)?;
            *failures = 0;
            mailbox.wait(self.poll, &|| self.stop.is_requested())?;
        }
        mailbox.close();
        Ok(())
    }

    fn source(&self) -> &Source {
        &self.inbound.sources[self.source]
    }

    /// Hands in every mail that is there.
    fn empty(&self, mailbox: &mut Mailbox) -> Result<(), Trouble> {
        let (mut waiting, mut left) = (0, None);
        for mail in mailbox.look()? {
            let Some(_busy) = self.stop.begin(format!("a mail from {}", self.source().name)) else { return Ok(()) };
            match self.take(mailbox, mail)? {
                Taken::Ours => {}
                Taken::Stays => waiting += 1,
                Taken::Left(reason) => {
                    waiting += 1;
                    left = Some(reason);
                }
            }
        }
        self.health.looked(&self.source().name, self.inbound.clock.now(), true, waiting);
        Ok(self.inbound.alarm(self.source().name.as_str(), left)?)
    }

    fn take(&self, mailbox: &mut Mailbox, mail: Mail) -> Result<Taken, Trouble> {
        let source = self.source();
        let native = format!("{}/{}/{}", self.server.folder, mailbox.uid_validity(), mail.uid);
        let mut bytes = mailbox.read(mail);
        let handed_in = self.inbound.hand_in(source, &native, mail.bytes, &mut bytes)?;
        let trouble = bytes.into_trouble();
        match handed_in {
            HandedIn::Ours(consignment) => {
                let moved = mailbox.clear(mail.uid);
                // It is ours, whatever became of the mail.
                self.queue.offer(Job::Advance(consignment.id));
                Ok(if moved? == Cleared::Moved { Taken::Ours } else { Taken::Stays })
            }
            HandedIn::Known(_) if !mailbox.can_clear() => Ok(Taken::Stays),
            HandedIn::Known(consignment) => {
                self.inbound.note_moved_away(source, &consignment)?;
                mailbox.clear(mail.uid)?;
                Ok(Taken::Ours)
            }
            // A mail that somebody has taken away is no trouble; a conversation that broke is.
            HandedIn::Unread => trouble.map_or(Ok(Taken::Stays), |error| Err(error.into())),
            HandedIn::Left(reason) => Ok(Taken::Left(reason)),
        }
    }

    fn tell(&self, error: &MailboxError, failures: u8) -> Result<(), Critical> {
        let name = &self.source().name;
        tracing::warn!(source = %name, %error, "The mailbox {name} could not be read: {error}");
        self.health.looked(name, self.inbound.clock.now(), false, 0);
        match error {
            MailboxError::Closed(_) => self.inbound.alarm(name.as_str(), Some(AlarmReason::MailboxClosed)),
            MailboxError::Unreachable(_) if failures >= FAILURES_QUIET => {
                self.inbound.alarm(name.as_str(), Some(AlarmReason::MailboxUnreachable))
            }
            MailboxError::Unreachable(_) => Ok(()),
        }
    }
}

/// What became of a mail.
enum Taken {
    /// It is ours, and moved away.
    Ours,
    /// It is still there.
    Stays,
    /// It is still there, and a person should know why.
    Left(AlarmReason),
}
