//! One thread for each Maildir: looks into it, has its mails collected one after the other, and passes them on.
//!
//! Holds: hints make it prompt, looking makes it right; a mail that must stay keeps no other waiting, and is told of.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::alarms::rest;
use super::carriers::{Job, Queue};
use super::ear::Ear;
use super::health::Health;
use super::lookout::{LeftFiles, is_of_state};
use super::stop::Stop;
use crate::domain::AlarmReason;
use crate::effects::maildir::{Look, Maildir};
use crate::inbound::{Carried, Critical, Inbound, Source};

/// After a look that met a mail in the middle of a change.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The least time between two looks; as long as the last one took, if that is more.
const REST_MIN: Duration = Duration::from_millis(100);
/// So many looks one pass makes for such mails.
const LOOKS_MAX: u8 = 4;

/// Reads one Maildir.
pub(super) struct MaildirReader {
    pub inbound: Arc<Inbound>,
    pub queue: Arc<Queue>,
    pub stop: Arc<Stop>,
    pub health: Arc<Health>,
    /// What had to be left anywhere: the lookout tells of what is the state directory's trouble.
    pub left: Arc<LeftFiles>,
    /// Index into the sources.
    pub source: usize,
    pub sweep_every: Duration,
    /// Hears of new mail; `None` where nothing can be heard.
    pub ear: Option<Ear>,
}

impl MaildirReader {
    /// Works until told to stop.
    pub(super) fn run(mut self) -> Result<(), Critical> {
        while !self.stop.is_requested() {
            let began = Instant::now();
            let is_unsettled = self.look()?;
            let looked = began.elapsed();
            let pause = if is_unsettled { LOOK_AGAIN.min(self.sweep_every) } else { self.sweep_every };
            match &self.ear {
                Some(ear) => ear.listen(&self.stop, pause),
                None => rest(&self.stop, pause),
            }
            // Other programs' changes of many mails are heard one by one.
            rest(&self.stop, REST_MIN.max(looked.min(pause)));
        }
        Ok(())
    }

    /// Looks as often as mails are in the middle of a change, but not for ever.
    pub(super) fn once(mut self) -> Result<(), Critical> {
        for _ in 0..LOOKS_MAX {
            if !self.look()? {
                break;
            }
            rest(&self.stop, LOOK_AGAIN);
        }
        Ok(())
    }

    fn source(&self) -> &Source {
        &self.inbound.sources[self.source]
    }

    /// Has every mail that is there collected. Whether another look should come soon.
    fn look(&mut self) -> Result<bool, Critical> {
        let source = &self.inbound.sources[self.source];
        let hangs = || source.maildir().is_ok_and(Maildir::hangs);
        let hung = hangs();
        // First the ear, then the eye: what comes between the two is heard.
        if let (Some(ear), Ok(maildir), false) = (&mut self.ear, source.maildir(), hung) {
            ear.arm(&source.name, maildir);
        }
        let look = match source.maildir().and_then(|maildir| maildir.look()) {
            Ok(look) => look,
            Err(error) => {
                tracing::debug!(source = %source.name, %error, "The Maildir {} cannot be looked into", source.name);
                self.health.looked(&source.name, self.inbound.clock.now(), false, 0);
                if hung || hangs() {
                    // Whoever watches all folders tells of that.
                    return Ok(false);
                }
                self.inbound.alarm(source.name.as_str(), Some(AlarmReason::SourceMissing))?;
                self.remember(BTreeMap::new());
                return Ok(false);
            }
        };
        self.inbound.left.retain(&source.name, look.mails.iter().map(|mail| mail.place()));
        let (mut waiting, mut is_unsettled, mut left) = (0, false, BTreeMap::new());
        for mail in &look.mails {
            let Some(_busy) = self.stop.begin(format!("a mail from {}", source.name)) else { return Ok(false) };
            match self.inbound.carry_mail(source, mail)? {
                Carried::Ours(transfer) => self.queue.offer(Job::Advance(transfer)),
                Carried::Moved => {}
                Carried::Changed => {
                    waiting += 1;
                    is_unsettled = true;
                }
                Carried::Left(reason) => {
                    waiting += 1;
                    left.insert(mail.place(), reason);
                }
            }
        }
        self.health.looked(&source.name, self.inbound.clock.now(), true, waiting);
        self.inbound.alarm(source.name.as_str(), self.attention(&look, &left))?;
        self.remember(left);
        Ok(is_unsettled)
    }

    /// What about this Maildir needs attention.
    fn attention(&self, look: &Look, left: &BTreeMap<String, AlarmReason>) -> Option<AlarmReason> {
        let of_mail = left.values().copied().find(|reason| !is_of_state(*reason));
        let of_folder = (look.uncollectable > 0).then_some(AlarmReason::Uncollectable);
        let is_deaf = self.ear.as_ref().is_some_and(Ear::is_deaf);
        of_mail.or(of_folder).or(is_deaf.then_some(AlarmReason::NotificationsOff))
    }

    fn remember(&self, left: BTreeMap<String, AlarmReason>) {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(source, _), _| *source != self.source);
        all.extend(left.into_iter().map(|(place, reason)| ((self.source, place), reason)));
    }

    /// What its thread is called.
    pub(super) fn name(&self) -> String {
        format!("maildir {}", self.source().name)
    }
}
