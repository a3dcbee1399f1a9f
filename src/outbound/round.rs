//! One tick: every step for everything that is owed.
//!
//! Holds: each step reads the store anew; one return that cannot go on does not keep the others.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use tracing::warn;

use super::OutboundParts;
use super::alarm::{ATTEMPTS_QUIET, Wanted, about_return, is_ours, notice_of};
use super::critical::Critical;
use super::due::{Hours, NextStep, later, london_date, next_step, wakes};
use super::hand_in::SeenByReturn;
use super::message_id::MessageIds;
use super::owed::Owed;
use super::record::Move;
use super::taken::Notes;
use crate::config::settings::{ReturnSettings, Window};
use crate::domain::ledger::{Event, Facts};
use crate::domain::{LaNumber, Stage, Submission, SubmissionKey};
use crate::store::SubmissionFilter;

/// A return that is owed and no longer configured is never sent; that its day passes is still said.
const NO_WINDOW: Window = Window { from: Time::constant(0, 0, 0, 0), until: Time::constant(0, 0, 0, 0) };

/// What is remembered between ticks. All of it can be lost.
#[derive(Default)]
pub(super) struct Memory {
    /// `None` before the first tick.
    owed: Option<Owed>,
    pub(super) seen: SeenByReturn,
    pub(super) message_ids: Option<MessageIds>,
    pub(super) notes: Option<Notes>,
}

/// One tick.
pub(super) struct Round<'a> {
    pub(super) parts: &'a OutboundParts,
    pub(super) memory: &'a mut Memory,
    stop: &'a dyn Fn() -> bool,
    /// The alarms about folders and partners that hold.
    pub(super) wanted: Wanted,
    /// When something that is not a date asks for another look.
    again: Option<Timestamp>,
}

impl<'a> Round<'a> {
    pub(super) fn new(parts: &'a OutboundParts, memory: &'a mut Memory, stop: &'a dyn Fn() -> bool) -> Round<'a> {
        Round { parts, memory, stop, wanted: Wanted::new(), again: None }
    }

    pub(super) fn walk(&mut self) -> Result<Option<Timestamp>, Critical> {
        self.owe()?;
        self.settle_attempts_and_days()?;
        self.pick_up_all()?;
        self.send_all()?;
        if !(self.stop)() {
            self.tell()?;
        }
        self.next_look()
    }

    /// Asks for another look in a while.
    pub(super) fn look_again(&mut self, at: Timestamp) {
        self.again = Some(self.again.map_or(at, |known| known.min(at)));
    }

    fn owe(&mut self) -> Result<(), Critical> {
        let mut owed = match self.memory.owed.take() {
            Some(owed) => owed,
            None => {
                let all = self.submissions(false)?;
                self.forget_unrecorded(&all);
                Owed::from_store(&all)
            }
        };
        let today = self.today();
        for authority in &self.parts.authorities {
            owed.record(self.parts, authority, today, self.stop)?;
        }
        self.memory.owed = Some(owed);
        Ok(())
    }

    /// What was sealed and not recorded is sealed again; nothing names the old bytes.
    pub(super) fn forget_unrecorded(&self, all: &[Submission]) {
        let named = all.iter().filter_map(|submission| submission.sealed.as_ref());
        let sealed: BTreeSet<_> = named.map(|sealed| sealed.sealed).collect();
        if let Err(error) = self.parts.spool.forget_sealed(|digest| sealed.contains(digest)) {
            warn!("Could not remove sealed files that nothing names: {error}");
        }
    }

    pub(super) fn submissions(&self, open: bool) -> Result<Vec<Submission>, Critical> {
        let filter = SubmissionFilter { open, ..SubmissionFilter::default() };
        self.parts.queries.submissions(&filter).map_err(Critical::reading("the returns"))
    }

    /// Every return of an authority, also those that are done with.
    pub(super) fn submissions_of(&self, authority: &LaNumber) -> Result<Vec<Submission>, Critical> {
        let filter = SubmissionFilter { authority: Some(authority.clone()), ..SubmissionFilter::default() };
        self.parts.queries.submissions(&filter).map_err(Critical::reading("the returns of an authority"))
    }

    pub(super) fn submission(&self, key: &SubmissionKey) -> Result<Option<Submission>, Critical> {
        let filter = SubmissionFilter { key: Some(key.clone()), ..SubmissionFilter::default() };
        let found = self.parts.queries.submissions(&filter).map_err(Critical::reading("a return"))?;
        Ok(found.into_iter().next())
    }

    fn settings(&self, key: &SubmissionKey) -> Option<&'a ReturnSettings> {
        let authority = self.parts.authorities.iter().find(|authority| authority.number == key.authority)?;
        authority.returns.iter().find(|settings| settings.kind == key.kind)
    }

    fn hours(&self, submission: &Submission) -> Hours {
        let window = self.settings(&submission.key).map_or(NO_WINDOW, |settings| settings.window);
        Hours::of(submission.transfer_on, window)
    }

    fn next_step(&self, submission: &Submission) -> NextStep {
        let now = self.parts.clock.now();
        next_step(&submission.stage, &self.hours(submission), self.parts.retry_after_max, now)
    }

    /// Nobody is sending now, so whatever stands at Sending was interrupted.
    fn settle_attempts_and_days(&mut self) -> Result<(), Critical> {
        for submission in self.submissions(true)? {
            if (self.stop)() {
                return Ok(());
            }
            match self.next_step(&submission) {
                NextStep::Recover => self.parts.recover(&submission, self.settings(&submission.key))?,
                NextStep::Miss => self.miss(&submission)?,
                NextStep::Send | NextStep::Wait => {}
            }
        }
        Ok(())
    }

    fn miss(&self, submission: &Submission) -> Result<(), Critical> {
        self.hand_on_hold(submission)?;
        let stage = Stage::Missed { since: self.parts.clock.now() };
        let to = Move { event: Event::Missed, stage, sealed: None, facts: Facts::default() };
        self.parts.record_move(submission, to)?;
        Ok(())
    }

    fn send_all(&mut self) -> Result<(), Critical> {
        for submission in self.submissions(true)? {
            if (self.stop)() {
                return Ok(());
            }
            let Some(settings) = self.settings(&submission.key) else { continue };
            if self.next_step(&submission) == NextStep::Send {
                self.parts.send(&submission, settings)?;
            }
        }
        Ok(())
    }

    /// Raises what holds and is not raised, clears what is raised and no longer holds.
    ///
    /// Every return is looked at each time: a crash may have come between a move and its alarm.
    fn tell(&mut self) -> Result<(), Critical> {
        let now = self.parts.clock.now();
        let raised = self.parts.queries.alarms().map_err(Critical::reading("the alarms"))?;
        let quiet = ATTEMPTS_QUIET.min(self.parts.attempts_max.max(1));
        let mut wanted = std::mem::take(&mut self.wanted);
        for submission in &self.submissions(false)? {
            if let Some(notice) = notice_of(submission, &self.hours(submission), quiet, now) {
                wanted.insert(about_return(&submission.key), notice);
            }
        }
        for (about, notice) in &wanted {
            if !raised.iter().any(|alarm| alarm.about == *about && alarm.code == notice.code) {
                self.parts.record_alarm(about, Some(notice))?;
            }
        }
        for alarm in raised.iter().filter(|alarm| is_ours(&alarm.about) && !wanted.contains_key(&alarm.about)) {
            self.parts.record_alarm(&alarm.about, None)?;
        }
        Ok(())
    }

    fn next_look(&self) -> Result<Option<Timestamp>, Critical> {
        let now = self.parts.clock.now();
        let submissions = self.submissions(true)?;
        let dated = submissions.iter().filter_map(|submission| wakes(submission, &self.hours(submission), now));
        Ok(dated.chain(self.again).min())
    }

    pub(super) fn is_stopped(&self) -> bool {
        (self.stop)()
    }

    /// Another look after the usual pause: something was in the way.
    pub(super) fn retry(&mut self) {
        self.look_again(later(self.parts.clock.now(), self.parts.retry_after));
    }

    pub(super) fn today(&self) -> Date {
        london_date(self.parts.clock.now())
    }
}
