//! Advancing: takes a consignment as far as it goes, and records what stopped it.
//!
//! The one place where a step's [`Consequence`] becomes a standing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;

use super::claims::Claim;
use super::collect::JustCollected;
use super::open::Opened;
use super::{Critical, Failure, Inbound};
use crate::catalogue::without_openpgp_ending;
use crate::config::settings::Carries;
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Event, Facts};
use crate::domain::retry::pause;
use crate::domain::{Consequence, Consignment, ConsignmentId, DeferCause, Delivery, Due, HoldReason, Resume, Standing};
use crate::durable::step;

/// What the alarm about the archive is about.
const ARCHIVE: &str = "archive";

impl Inbound {
    /// What is due at this time.
    pub fn due(&self, now: Timestamp) -> Due {
        Due { now, latest: now.checked_add(self.terms.retry_after_max).unwrap_or(Timestamp::MAX) }
    }

    /// Works on the consignment until it rests. `None` if there is no such consignment, or somebody works on it.
    pub fn advance(&self, id: &ConsignmentId) -> Result<Option<Standing>, Critical> {
        match self.claims.claim(id) {
            Some(claim) => self.advance_claimed(&claim, None),
            None => Ok(None),
        }
    }

    /// `just`: the consignment itself, if it was collected just now.
    pub(super) fn advance_claimed(
        &self,
        claim: &Claim<'_>,
        just: Option<JustCollected>,
    ) -> Result<Option<Standing>, Critical> {
        let _within = tracing::info_span!("transfer", transfer = %claim.id).entered();
        let (mut consignment, name, mut ahead) = match just {
            Some(JustCollected { consignment, name, ahead }) => (consignment, Some(name), ahead),
            None => match self.queries.consignment(&claim.id)? {
                Some((consignment, name)) => (consignment, name, None),
                None => return Ok(None),
            },
        };
        if self.waits_for_folder(&consignment)? {
            return Ok(Some(consignment.standing));
        }
        let to_archive = is_to_archive(&consignment);
        if matches!(consignment.standing, Standing::Delivered { .. }) {
            self.discard(&self.queries.deliveries(&consignment.id)?);
        }
        while consignment.standing.is_due(self.due(self.clock.now())) {
            let before = consignment.revision;
            let stepping = AssertUnwindSafe(|| self.step(&mut consignment, name.as_deref(), &mut ahead));
            let failure = match catch_unwind(stepping) {
                Ok(Ok(())) => continue,
                Ok(Err(Failure::Critical(critical))) => return Err(critical),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::of(Consequence::Defer(DeferCause::WorkerFault), "a worker panicked"),
            };
            let Failure::This { consequence, alarm, detail } = failure else { continue };
            if is_to_archive(&consignment) || matches!(consignment.standing, Standing::Closed { .. }) {
                self.not_closed(&consignment, &detail)?;
                break;
            }
            if let Some((about, reason)) = alarm {
                self.alarm(&about, Some(reason))?;
            }
            self.record_consequence(&mut consignment, consequence, &detail)?;
            debug_assert_ne!(before, consignment.revision, "a failed step must leave a record");
        }
        if to_archive && matches!(consignment.standing, Standing::Closed { .. }) {
            self.alarm(ARCHIVE, None)?;
        }
        Ok(Some(consignment.standing))
    }

    /// Whether it was deferred because a folder did not answer, and one that it may go to still does not: then nothing is
    /// tried, and nothing recorded once more.
    pub fn waits_for_folder(&self, consignment: &Consignment) -> Result<bool, Critical> {
        let Standing::Deferred { cause: DeferCause::DestinationHangs, resume, .. } = &consignment.standing else {
            return Ok(false);
        };
        if matches!(resume, Resume::Publishing { .. }) {
            let deliveries = self.queries.deliveries(&consignment.id)?;
            let mut left = deliveries.iter().filter(|delivery| !delivery.published);
            return Ok(
                left.any(|delivery| delivery.path.parent().is_some_and(|folder| self.destinations.hangs(folder)))
            );
        }
        let Some(source) = self.source(&consignment.source) else { return Ok(false) };
        let mut numbers = [&source.authority].into_iter().chain(&source.also_for);
        Ok(numbers.any(|number| self.routes_of(number).iter().any(|route| self.destinations.hangs(&route.folder))))
    }

    fn step(
        &self,
        consignment: &mut Consignment,
        name: Option<&str>,
        ahead: &mut Option<Opened>,
    ) -> Result<(), Failure> {
        match consignment.standing.clone() {
            Standing::Collected { .. } | Standing::Deferred { resume: Resume::Opening | Resume::LookingUp, .. } => {
                if let Some(found) = self.answer_in(consignment)? {
                    return Ok(self.record_answer(consignment, found)?);
                }
                let deliveries = self.open_to_staged(consignment, name, ahead.take())?;
                self.publish(consignment, &deliveries)?;
                self.clear_destination_alarms(&deliveries)?;
            }
            Standing::Staged { boot, .. } | Standing::Deferred { resume: Resume::Publishing { boot }, .. } => {
                let deliveries = self.publish_again(consignment, &boot)?;
                self.clear_destination_alarms(&deliveries)?;
            }
            Standing::Delivered { .. } | Standing::Matched { .. } => self.close(consignment)?,
            Standing::Held { .. } | Standing::Closed { .. } | Standing::Rejected { .. } => {}
        }
        Ok(())
    }

    fn open_to_staged(
        &self,
        consignment: &mut Consignment,
        name: Option<&str>,
        ahead: Option<Opened>,
    ) -> Result<Vec<Delivery>, Failure> {
        let Some(source) = self.source(&consignment.source) else {
            let detail = format!("the source {} is no longer configured", consignment.source);
            return Err(Failure::of(Consequence::Hold(HoldReason::NoRoute), detail));
        };
        let release = self.release_of(consignment)?;
        let waived = release.as_ref().map(|release| &release.waives);
        let opened = match (ahead.filter(|ahead| ahead.is_of(consignment)), source.carries) {
            (Some(ahead), _) => vec![ahead],
            (None, Carries::Files) => vec![self.open(source, consignment, waived)?],
            (None, Carries::Mail) => self.open_mail(source, consignment, waived)?,
        };
        // A mail's own file is named by whoever delivered the mail.
        let outer = name.filter(|_| source.carries == Carries::Files).map(without_openpgp_ending);
        let recognised = self.identify(consignment.id, opened, outer, waived)?;
        let routed = self.check(source, consignment, recognised, waived)?;
        let scanned = self.scan(consignment, routed)?;
        self.stage(consignment, scanned, release.as_ref())
    }

    fn record_consequence(
        &self,
        consignment: &mut Consignment,
        consequence: Consequence,
        detail: &str,
    ) -> Result<(), Critical> {
        let at = self.clock.now();
        let transfer = consignment.id;
        // It was not looked up yet, so that is still to be done when a person lets it go.
        let looking_up = matches!(consignment.standing, Standing::Deferred { resume: Resume::LookingUp, .. });
        let held = |since, reason: HoldReason| {
            let (notice, restored) = (reason.notice(), looking_up && reason != HoldReason::Restored);
            (Standing::Held { since, reason, restored }, Event::Held, notice)
        };
        let (standing, event, notice) = match consequence {
            Consequence::Hold(reason) => held(at, reason),
            Consequence::Reject(reason) => (Standing::Rejected { at, reason }, Event::Rejected, reason.notice()),
            Consequence::Defer(cause) => match self.deferred(consignment, cause) {
                Standing::Held { since, reason, .. } => held(since, reason),
                deferred => (deferred, Event::Deferred, cause.notice()),
            },
        };
        tracing::info!(%transfer, code = notice.code, detail, "{} {transfer}: {}", event, notice.says);
        let mut facts = Facts { code: Some(notice.code.to_owned()), ..Facts::default() };
        if let Standing::Held { reason, .. } = &standing {
            self.end_alarm_of_limit(reason)?;
            if let HoldReason::Infected { signature } = reason {
                facts.infection = Some(signature.clone());
            }
        }
        untroubled(step("outcome.decided"));
        // What has left is remembered with the outcome: it is never delivered a second time, by whatever way back.
        let deliveries = self.published_by_now(consignment)?;
        self.move_to(consignment, standing, deliveries, event, facts)?;
        untroubled(step("outcome.recorded"));
        if matches!(consignment.standing, Standing::Held { .. }) {
            // Only now: staged parts that are gone without such a record mean that they were published and taken.
            self.discard(&self.queries.deliveries(&consignment.id)?);
        }
        Ok(())
    }

    /// To be tried again; or held, once the allowed number of attempts has failed. What is staged is never given up:
    /// part of it may be published.
    fn deferred(&self, consignment: &Consignment, cause: DeferCause) -> Standing {
        let at = self.clock.now();
        // A folder that takes nothing was not tried.
        let tried = u8::from(cause != DeferCause::DestinationHangs);
        let attempts = consignment.standing.attempts().saturating_add(tried);
        let resume = match &consignment.standing {
            _ if cause == DeferCause::StagedDamaged => Resume::Opening,
            Standing::Staged { boot, .. } => Resume::Publishing { boot: boot.clone() },
            Standing::Deferred { resume, .. } => resume.clone(),
            _ => Resume::Opening,
        };
        let staged = matches!(resume, Resume::Publishing { .. });
        if cause == DeferCause::WorkerFault && attempts >= 2 && !staged {
            return Standing::Held { since: at, reason: HoldReason::WorkerFault, restored: false };
        }
        if attempts > self.terms.attempts_max && resume == Resume::LookingUp {
            return Standing::Held { since: at, reason: HoldReason::Restored, restored: false };
        }
        if attempts > self.terms.attempts_max && !staged {
            return Standing::Held { since: at, reason: HoldReason::AttemptsExhausted { cause }, restored: false };
        }
        let until = at + pause(attempts, self.terms.retry_after, self.terms.retry_after_max);
        Standing::Deferred { until, attempts, cause, resume }
    }

    /// What is delivered or matched stays so, whatever becomes of its original: it is archived at a later look.
    fn not_closed(&self, consignment: &Consignment, detail: &str) -> Result<(), Critical> {
        if is_to_archive(consignment) {
            tracing::warn!(transfer = %consignment.id, detail, "The original of {} is not archived yet", consignment.id);
            self.alarm(ARCHIVE, Some(AlarmReason::ArchiveFault))?;
        }
        Ok(())
    }

    fn clear_destination_alarms(&self, deliveries: &[Delivery]) -> Result<(), Critical> {
        let raised = self.queries.alarms()?;
        for delivery in deliveries {
            if raised.iter().any(|alarm| alarm.about == delivery.destination.as_str()) {
                self.alarm(delivery.destination.as_str(), None)?;
            }
        }
        Ok(())
    }
}

/// Whether nothing is left to do but to archive the original.
fn is_to_archive(consignment: &Consignment) -> bool {
    matches!(consignment.standing, Standing::Delivered { .. } | Standing::Matched { .. })
}

/// Nothing of the system's is done at such a step, so nothing can fail there but the step itself.
pub(super) fn untroubled(step: std::io::Result<()>) {
    if let Err(error) = step {
        tracing::warn!("While recording what stopped a transfer: {error}");
    }
}
