//! What a return's dates, its stage and the time ask for. Pure.
//!
//! In:  a submission, the hours in which it may be sent, the time.
//! Out: the next step, the file's obligation, when to look again.
//! Holds: nothing is sent outside its hours on its transfer date; when that day is over in London, it is missed.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use crate::config::settings::Window;
use crate::domain::return_order::SENT_WITHIN;
use crate::domain::{Series, Stage, Submission};
use crate::effects::clock::london;

pub(super) use crate::domain::retry::pause;

/// The hours of one transfer date, as moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first moment at which it may be sent.
    pub opens: Timestamp,
    /// The first moment that is too late in the day.
    pub closes: Timestamp,
    /// The first moment after the transfer date.
    pub day_ends: Timestamp,
}

/// What is to be done about a submission that the service may still move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Its transfer date is over.
    Miss,
    /// An attempt was interrupted: find out whether it arrived.
    Recover,
    /// Send it now.
    Send,
    /// Nothing now.
    Wait,
}

/// The day it is in London.
pub fn london_date(now: Timestamp) -> Date {
    now.to_zoned(london()).date()
}

impl Hours {
    /// The window on that day. Where the clocks change within it, it keeps its length as nearly as the day allows.
    pub fn of(day: Date, window: Window) -> Hours {
        let midnight = |day: Date| moment(day.to_datetime(Time::midnight()));
        let day_ends = day.tomorrow().map_or(Timestamp::MAX, midnight);
        let opens = moment(day.to_datetime(window.from));
        if window.until <= window.from {
            return Hours { opens, closes: day_ends, day_ends };
        }
        let length = window.from.duration_until(window.until);
        // A window that lies in the hour skipped in March would otherwise be empty, and the return be missed.
        let closes = moment(day.to_datetime(window.until)).max(later(opens, length.unsigned_abs()));
        Hours { opens, closes: closes.min(day_ends), day_ends }
    }

    /// Of a return that a person ordered to be sent: at once.
    pub fn ordered(at: Timestamp) -> Hours {
        let ends = later(at, SENT_WITHIN);
        // A clock that was ahead when the order was given, and has been set back since, must not make it wait.
        Hours { opens: Timestamp::MIN, closes: ends, day_ends: ends }
    }

    /// Whether the window is open.
    pub fn are_open(&self, now: Timestamp) -> bool {
        self.opens <= now && now < self.closes
    }
}

/// The first moment London's clocks show this, or would have shown it.
fn moment(civil: DateTime) -> Timestamp {
    civil.to_zoned(london()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// The first moment of that day in London.
pub fn day_begins(day: Date) -> Timestamp {
    moment(day.to_datetime(Time::midnight()))
}

/// `now` and so much, as far as time goes.
pub fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// What is to be done. `pause_max` is the longest pause between attempts.
pub fn next_step(stage: &Stage, hours: &Hours, pause_max: Duration, now: Timestamp) -> NextStep {
    let over = now >= hours.day_ends;
    let when_open = |ready: bool| if ready && hours.are_open(now) { NextStep::Send } else { NextStep::Wait };
    match stage {
        Stage::Sending { .. } => NextStep::Recover,
        Stage::Scheduled | Stage::Held { .. } | Stage::Sealed | Stage::Deferred { .. } if over => NextStep::Miss,
        Stage::Sealed => when_open(true),
        // A pause longer than the longest was begun by a clock that has since been set back.
        Stage::Deferred { until, .. } => when_open(*until <= now || *until > later(now, pause_max)),
        Stage::Scheduled
        | Stage::Held { .. }
        | Stage::Sent { .. }
        | Stage::Acknowledged { .. }
        | Stage::Uncertain { .. }
        | Stage::Failed { .. }
        | Stage::Missed { .. }
        | Stage::Waived { .. } => NextStep::Wait,
    }
}

/// The obligation a file in the pick-up folder is for: the earliest one without a sealed file whose day is not over, or
/// that a person ordered to be sent.
pub fn belongs_to<'a>(submissions: &'a [Submission], series: &Series, today: Date) -> Option<&'a Submission> {
    let unsealed = |submission: &&Submission| {
        submission.key.series() == *series
            && (submission.transfer_on >= today || submission.ordered.is_some())
            && matches!(submission.stage, Stage::Scheduled | Stage::Held { .. })
    };
    submissions.iter().filter(unsealed).min_by_key(|submission| submission.transfer_on)
}

/// When time alone next changes what is to be done about it.
pub fn wakes(submission: &Submission, hours: &Hours, now: Timestamp) -> Option<Timestamp> {
    let until = match &submission.stage {
        Stage::Deferred { until, .. } => Some(*until),
        _ => None,
    };
    let extraction = submission.extract_from.map(day_begins);
    let moments = [until, extraction, Some(hours.opens), Some(hours.closes), Some(hours.day_ends)];
    moments.into_iter().flatten().filter(|moment| *moment > now && submission.stage.is_open()).min()
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
