//! What needs attention now, by what it is about: worked out anew, so that it is true also while the service is down.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan};
use serde::Serialize;

use super::life::Life;
use super::verification;
use crate::cli::output::{CliError, Exit};
use crate::cli::reading::Reading;
use crate::config::calendars;
use crate::config::settings::AuthoritySettings;
use crate::domain::{AlarmReason, Notice, Stage, Submission};
use crate::foresight::View;
use crate::outbound::{about_return, told_of};
use crate::store::SubmissionFilter;

/// What the matter of the service itself is about.
pub(super) const SERVICE: &str = "service";
/// One leaves each day; a day more, and somebody should know.
const CHECKPOINT_MAX: SignedDuration = SignedDuration::from_hours(48);

/// One thing that needs attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Matter {
    /// By configured names and ids only.
    pub about: String,
    pub code: String,
    pub says: String,
    pub next: String,
}

/// All of it, that of the service first.
pub(super) fn all(reading: &Reading<'_>, life: Life) -> Result<Vec<Matter>, CliError> {
    let mut notices: BTreeMap<String, Notice> = foreseen(reading)?;
    notices.extend(returns(reading, life)?);
    notices.extend(checkpoints(reading)?);
    let verification = verification::matter(&reading.settings.service.state, reading.now);
    notices.extend(verification.map(|reason| (verification::ABOUT.to_owned(), reason.notice(verification::ABOUT))));
    let service = match life {
        Life::Alive | Life::Starting => None,
        Life::Hangs => Some(AlarmReason::ServiceHangs.notice(SERVICE)),
        Life::Down => Some(AlarmReason::ServiceDown.notice(SERVICE)),
    };
    let service = service.map(|notice| (SERVICE.to_owned(), notice));
    Ok(service.into_iter().chain(notices).map(|(about, notice)| Matter::of(about, notice)).collect())
}

impl Matter {
    pub(super) fn of(about: String, notice: Notice) -> Matter {
        Matter { about, code: notice.code.to_owned(), says: notice.says, next: notice.next.to_owned() }
    }

    /// Whether a deadline was missed.
    pub(super) fn is_missed(&self) -> bool {
        self.code == AlarmReason::Missed.notice("").code
    }
}

/// What foresight tells ahead of time: returns that are near, packs, LAIDs, keys, timetables.
fn foreseen(reading: &Reading<'_>) -> Result<BTreeMap<String, Notice>, CliError> {
    let holidays = calendars::bank_holidays().map_err(|fault| CliError::of(Exit::CouldNot, &fault))?;
    let Reading { settings, queries, keys, timetables, now, .. } = *reading;
    Ok(View { queries, keys, timetables, holidays: &holidays, settings }.foreseen(now)?)
}

/// Returns that are due today, or were missed; and while the service is not there those that nothing sends.
fn returns(reading: &Reading<'_>, life: Life) -> Result<Vec<(String, Notice)>, CliError> {
    let submissions = reading.queries.submissions(&SubmissionFilter::default())?;
    let told = submissions.iter().filter_map(|submission| {
        let authority = reading.settings.authorities.iter().find(|one| one.number == submission.key.authority)?;
        let settings = authority.returns.iter().find(|settings| settings.kind == submission.key.kind)?;
        let notice = told_of(submission, settings, reading.now);
        let notice = notice
            .or_else(|| unsent(submission, authority, reading).filter(|_| matches!(life, Life::Hangs | Life::Down)))?;
        Some((about_return(&submission.key), notice))
    });
    Ok(told.collect())
}

/// A return that is ready, near its day, and lies there for want of a service.
fn unsent(submission: &Submission, authority: &AuthoritySettings, reading: &Reading<'_>) -> Option<Notice> {
    let lead = i64::from(authority.expect.return_lead_days.max(1));
    let is_near = submission.transfer_on <= reading.today().saturating_add(lead.days());
    let is_ready = matches!(submission.stage, Stage::Sealed | Stage::Sending { .. } | Stage::Deferred { .. });
    let notice = AlarmReason::ServiceDown.notice(SERVICE);
    let on = submission.transfer_on.strftime("%A %-d %B %Y");
    let says = format!("{} is due on {on} and ready, and without the service nothing sends it.", submission.key);
    (is_near && is_ready).then_some(Notice { says, ..notice })
}

/// Recipients whose last checkpoint is too old.
fn checkpoints(reading: &Reading<'_>) -> Result<Vec<(String, Notice)>, CliError> {
    let mut late = Vec::new();
    for recipient in &reading.settings.audit.recipients {
        let kept = reading.queries.last_left(&recipient.name)?;
        // Before the first one the service itself says that none leaves.
        let is_late = kept.is_some_and(|kept| kept.at + CHECKPOINT_MAX < reading.now);
        if is_late {
            let about = format!("checkpoint-{}", recipient.name);
            late.push((about, AlarmReason::CheckpointStays.notice(recipient.name.as_str())));
        }
    }
    Ok(late)
}
