//! One thread for each mailbox: looks into it, hands its mails in, and moves away what is ours.
//!
//! Holds: a mail is moved only when it is recorded; what the server tells makes the thread prompt, looking makes it right;
//! a server that is away or says no is asked ever less often; a mail that cannot be had keeps no other waiting.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::alarms::rest;
use super::carriers::{Job, Queue};
use super::health::Health;
use super::stop::Stop;
use crate::domain::retry::pause;
use crate::domain::{AlarmReason, ConsignmentId};
use crate::effects::mailbox::{Cleared, ImapServer, Mail, Mailbox, MailboxError};
use crate::inbound::{Critical, HandedIn, Inbound, Source};

/// Failures in a row after which a person should know, where it may well pass.
const FAILURES_QUIET: u8 = 3;

/// Looks at which a mail may be listed and be gone, where another client moves mails.
const ABSENT_MAX: u8 = 3;

/// Shortest time between two looks, however much news there is.
const LOOK_AFTER: Duration = Duration::from_secs(1);

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

/// What a thread remembers of its mailbox, to be quicker and quieter: nothing is lost with it.
#[derive(Default)]
struct Memory {
    /// Failures in a row.
    failures: u8,
    /// Mails at which the conversation broke, by number: they are tried last.
    broke: HashMap<u32, u32>,
    /// Looks in a row at which a mail was listed and not there to be read, by number.
    absent: HashMap<u32, u8>,
    /// Mails that are ours and lie there yet, by number, for this conversation.
    ours: HashSet<u32>,
    /// Mails, by number, of which it was said that they are moved away later, and what they are.
    noted: HashSet<(u32, ConsignmentId)>,
}

impl Postman {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let mut memory = Memory::default();
        while !self.stop.is_requested() {
            match self.visit(&mut memory) {
                Ok(()) => {}
                Err(Trouble::Critical(critical)) => return Err(critical),
                Err(Trouble::Mailbox(error)) => {
                    memory.failures = memory.failures.saturating_add(1);
                    self.tell(&error, memory.failures)?;
                    let terms = &self.inbound.terms;
                    rest(&self.stop, pause(memory.failures, terms.retry_after, terms.retry_after_max));
                }
            }
        }
        Ok(())
    }

    /// Looks once, hands in what is there, and leaves again.
    pub(super) fn once(&self) -> Result<(), Trouble> {
        let visited = Mailbox::open(self.server.clone()).map_err(Trouble::from).and_then(|mut mailbox| {
            self.empty(&mut mailbox, &mut Memory::default())?;
            mailbox.close();
            Ok(())
        });
        if let Err(Trouble::Mailbox(error)) = &visited {
            self.tell(error, FAILURES_QUIET)?;
        }
        visited
    }

    /// Stays until the conversation ends, or the service does.
    fn visit(&self, memory: &mut Memory) -> Result<(), Trouble> {
        let mut mailbox = Mailbox::open(self.server.clone())?;
        memory.ours.clear();
        while !self.stop.is_requested() {
            let looked = Instant::now();
            self.empty(&mut mailbox, memory)?;
            mailbox.wait(self.poll, &|| self.stop.is_requested())?;
            memory.failures = 0;
            rest(&self.stop, LOOK_AFTER.saturating_sub(looked.elapsed()));
        }
        mailbox.close();
        Ok(())
    }

    fn source(&self) -> &Source {
        &self.inbound.sources[self.source]
    }

    /// Hands in every mail that is there. One that the server does not give or move keeps no other back.
    fn empty(&self, mailbox: &mut Mailbox, memory: &mut Memory) -> Result<(), Trouble> {
        let mut mails = mailbox.look()?;
        let here: HashSet<u32> = mails.iter().map(|mail| mail.uid).collect();
        memory.ours.retain(|uid| here.contains(uid));
        memory.broke.retain(|uid, _| here.contains(uid));
        memory.absent.retain(|uid, _| here.contains(uid));
        memory.noted.retain(|(uid, _)| here.contains(uid));
        mails.sort_by_key(|mail| memory.broke.get(&mail.uid).copied());
        let (mut waiting, mut left, mut refused) = (0, None, None);
        for mail in mails {
            let Some(_busy) = self.stop.begin(format!("a mail from {}", self.source().name)) else { return Ok(()) };
            match self.take(mailbox, mail, memory) {
                Ok(Taken::Ours) => {}
                Ok(Taken::Stays) => waiting += 1,
                Ok(Taken::Left(reason)) => {
                    waiting += 1;
                    left = Some(reason);
                }
                Err(Trouble::Mailbox(error)) if error.needs_a_person() => {
                    // The conversation goes on: others are told of, and this one is tried at the next look.
                    waiting += 1;
                    self.warn(&error);
                    refused = Some(AlarmReason::MailboxClosed);
                }
                Err(trouble) => {
                    *memory.broke.entry(mail.uid).or_default() += 1;
                    return Err(trouble);
                }
            }
        }
        self.health.looked(&self.source().name, self.inbound.clock.now(), true, waiting);
        Ok(self.inbound.alarm(self.source().name.as_str(), left.or(refused))?)
    }

    fn take(&self, mailbox: &mut Mailbox, mail: Mail, memory: &mut Memory) -> Result<Taken, Trouble> {
        let source = self.source();
        if memory.ours.contains(&mail.uid) {
            return Ok(Taken::Stays);
        }
        let ImapServer { account, host, folder, .. } = &*self.server;
        let native = format!("{account}@{host}/{folder}/{}/{}", mailbox.uid_validity(), mail.uid);
        let mut bytes = mailbox.read(mail);
        let handed_in = self.inbound.hand_in(source, &native, mail.bytes, &mut bytes)?;
        let trouble = bytes.into_trouble();
        match handed_in {
            HandedIn::Ours(consignment) => {
                let moved = mailbox.clear(mail.uid);
                // It is ours, whatever became of the mail.
                self.queue.offer(Job::Advance(consignment.id));
                Ok(memory.after(mail, moved?))
            }
            HandedIn::Known(_) if !mailbox.can_clear() => Ok(memory.after(mail, Cleared::Left)),
            HandedIn::Known(consignment) => {
                if memory.noted.insert((mail.uid, consignment.id)) {
                    self.inbound.note_moved_away(source, &consignment)?;
                }
                Ok(memory.after(mail, mailbox.clear(mail.uid)?))
            }
            HandedIn::Unread(_) => memory.unread(mail, trouble),
            HandedIn::Left(reason) => Ok(Taken::Left(reason)),
        }
    }

    fn warn(&self, error: &MailboxError) {
        let name = &self.source().name;
        tracing::warn!(source = %name, %error, "The mailbox {name} could not be read: {error}");
    }

    fn tell(&self, error: &MailboxError, failures: u8) -> Result<(), Critical> {
        let name = &self.source().name;
        self.warn(error);
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

impl Memory {
    /// A conversation that broke is trouble. A mail that somebody has taken away is none, unless it stays listed.
    fn unread(&mut self, mail: Mail, trouble: Option<MailboxError>) -> Result<Taken, Trouble> {
        if let Some(error) = trouble {
            return Err(error.into());
        }
        let looks = self.absent.entry(mail.uid).or_default();
        *looks = looks.saturating_add(1);
        if *looks < ABSENT_MAX {
            return Ok(Taken::Stays);
        }
        Err(MailboxError::Closed("the server lists a mail that it does not give".to_owned()).into())
    }

    fn after(&mut self, mail: Mail, cleared: Cleared) -> Taken {
        match cleared {
            Cleared::Moved => Taken::Ours,
            Cleared::Left => {
                self.ours.insert(mail.uid);
                Taken::Stays
            }
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
