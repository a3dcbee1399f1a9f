//! One tick: every step for everything that is owed.
//!
//! Holds: each step reads the store anew; one return that cannot go on does not keep the others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use tracing::warn;

use super::OutboundParts;
use super::alarm::{ATTEMPTS_QUIET, Wanted, about_return, is_ours, notice_of};
use super::attempts::{Attempts, Ended};
use super::critical::Critical;
use super::due::{Hours, NextStep, later, london_date, next_step, wakes};
use super::hand_in::SeenBySeries;
use super::message_id::MessageIds;
use super::owed::Owed;
use super::record::{Move, within};
use super::taken::Notes;
use crate::config::settings::{ReturnSettings, Window};
use crate::domain::ledger::{Event, Facts};
use crate::domain::{LaNumber, Notice, Stage, Submission, SubmissionKey};
use crate::store::{Alarm, SubmissionFilter};

/// A return that is owed and no longer configured is never sent; that its day passes is still said.
const NO_WINDOW: Window = Window { from: Time::constant(0, 0, 0, 0), until: Time::constant(0, 0, 0, 0) };

/// How often is looked whether a courier answers that did not.
const COURIER_HANGS_PAUSE: Duration = Duration::from_secs(5);

/// What is remembered between ticks. All of it can be lost.
#[derive(Default)]
pub(super) struct Memory {
    /// `None` before the first tick.
    owed: Option<Owed>,
    pub(super) seen: SeenBySeries,
    pub(super) message_ids: Option<MessageIds>,
    pub(super) notes: Option<Notes>,
    /// When the first tick was.
    pub(super) since: Option<Timestamp>,
}

/// What is done about the answers to what is sent.
pub(super) enum Answers<'a> {
    /// They are waited for.
    Awaited,
    /// Each is told of when it has come.
    Told(&'a Ended),
}

/// One tick.
pub(super) struct Round<'a> {
    pub(super) parts: &'a Arc<OutboundParts>,
    attempts: &'a Arc<Attempts>,
    answers: Answers<'a>,
    pub(super) memory: &'a mut Memory,
    stop: &'a dyn Fn() -> bool,
    /// The alarms about folders and partners that hold.
    pub(super) wanted: Wanted,
    /// When something that is not a date asks for another look.
    again: Option<Timestamp>,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        parts: &'a Arc<OutboundParts>,
        memory: &'a mut Memory,
        stop: &'a dyn Fn() -> bool,
        attempts: &'a Arc<Attempts>,
        answers: Answers<'a>,
    ) -> Round<'a> {
        Round { parts, attempts, answers, memory, stop, wanted: Wanted::new(), again: None }
    }

    pub(super) fn walk(&mut self) -> Result<Option<Timestamp>, Critical> {
        self.memory.since.get_or_insert_with(|| self.parts.clock.now());
        self.attempts.trouble()?;
        self.owe()?;
        self.settle_attempts_and_days()?;
        self.weigh_answers()?;
        self.resend_by_policy()?;
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
        self.parts.open_workbooks()?;
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

    pub(super) fn settings(&self, key: &SubmissionKey) -> Option<&'a ReturnSettings> {
        let authority = self.parts.authorities.iter().find(|authority| authority.number == key.authority)?;
        authority.returns.iter().find(|settings| settings.kind == key.kind)
    }

    fn hours(&self, submission: &Submission) -> Hours {
        if let Some(at) = submission.ordered {
            return Hours::ordered(at);
        }
        let window = self.settings(&submission.key).map_or(NO_WINDOW, |settings| settings.window);
        Hours::of(submission.transfer_on, window)
    }

    fn next_step(&self, submission: &Submission) -> NextStep {
        let now = self.parts.clock.now();
        next_step(&submission.stage, &self.hours(submission), self.parts.retry_after_max, now)
    }

    /// What stands at Sending and nobody is sending was interrupted.
    fn settle_attempts_and_days(&mut self) -> Result<(), Critical> {
        let flying = self.attempts.keys();
        for submission in self.submissions(true)?.into_iter().filter(|one| !flying.contains(&one.key)) {
            if (self.stop)() {
                return Ok(());
            }
            let _within = within(&submission.key).entered();
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
        let nobody: Ended = Arc::new(|| ());
        let mut begun = BTreeSet::new();
        loop {
            let all_begun = self.begin_attempts(&mut begun, &nobody)?;
            if let Answers::Told(_) = self.answers {
                // What found no room is begun when an attempt has ended.
                return Ok(());
            }
            if all_begun && self.attempts.keys().is_empty() {
                return self.attempts.trouble();
            }
            if !self.attempts.wait_for_one() {
                // They go on when their folder answers, or the next start finds out what became of them.
                return self.attempts.trouble();
            }
        }
    }

    /// Begins what may be sent now. Whether there was room for all of it.
    fn begin_attempts(&mut self, begun: &mut BTreeSet<SubmissionKey>, nobody: &Ended) -> Result<bool, Critical> {
        let mut all_begun = true;
        let flying = self.attempts.keys();
        for submission in self.submissions(true)?.into_iter().filter(|one| !flying.contains(&one.key)) {
            if (self.stop)() {
                return Ok(true);
            }
            let Some(settings) = self.settings(&submission.key) else { continue };
            if begun.contains(&submission.key) || self.next_step(&submission) != NextStep::Send {
                continue;
            }
            let courier = self.parts.couriers.get(&settings.courier);
            if courier.is_some_and(|courier| !courier.answers()) {
                // No attempt, and so no pause that grows: it is made as soon as the courier answers.
                self.look_again(later(self.parts.clock.now(), COURIER_HANGS_PAUSE));
                continue;
            }
            let ended = match self.answers {
                Answers::Told(ended) => ended,
                Answers::Awaited => nobody,
            };
            let hours = self.hours(&submission);
            match self.attempts.start(self.parts, &submission, settings, hours, ended) {
                Ok(true) => drop(begun.insert(submission.key)),
                Ok(false) => all_begun = false,
                Err(error) => {
                    warn!(submission = %submission.key, "An attempt to send could not be begun: {error}");
                    self.retry();
                }
            }
        }
        Ok(all_begun)
    }

    /// Raises what holds and is not raised, clears what is raised and no longer holds.
    ///
    /// Every return is looked at each time: a crash may have come between a move and its alarm.
    fn tell(&mut self) -> Result<(), Critical> {
        let now = self.parts.clock.now();
        // What is being sent keeps its alarm until there is an answer.
        let flying: BTreeSet<String> = self.attempts.keys().iter().map(about_return).collect();
        let raised = self.parts.queries.alarms().map_err(Critical::reading("the alarms"))?;
        let quiet = ATTEMPTS_QUIET.min(self.parts.attempts_max.max(1));
        let mut wanted = std::mem::take(&mut self.wanted);
        for submission in &self.submissions(false)? {
            let unconfigured = || self.unconfigured(submission, now);
            if let Some(notice) = unconfigured().or_else(|| notice_of(submission, &self.hours(submission), quiet, now))
            {
                wanted.insert(about_return(&submission.key), self.with_policy(submission, notice)?);
            }
        }
        for (about, notice) in &wanted {
            let same = |alarm: &&Alarm| alarm.about == *about && alarm.code == notice.code && alarm.says == notice.says;
            if !raised.iter().any(|alarm| same(&alarm)) {
                self.parts.record_alarm(about, Some(notice))?;
            }
        }
        let stale = |about: &str| is_ours(about) && !wanted.contains_key(about) && !flying.contains(about);
        for alarm in raised.iter().filter(|alarm| stale(&alarm.about)) {
            self.parts.record_alarm(&alarm.about, None)?;
        }
        Ok(())
    }

    /// What was ordered to be sent, and cannot be because nothing says how.
    fn unconfigured(&self, submission: &Submission, now: Timestamp) -> Option<Notice> {
        let waits = submission.ordered.is_some() && submission.stage.is_open() && now < self.hours(submission).closes;
        (waits && self.settings(&submission.key).is_none()).then(|| Notice {
            code: "CN-538",
            says: format!(
                "{} was ordered to be sent, but the configuration has no such return any more.",
                submission.key
            ),
            next: "Put its table back into the configuration and reload the service (`systemctl reload hbcourier`); it is then sent by itself.",
        })
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
