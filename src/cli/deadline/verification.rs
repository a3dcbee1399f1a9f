//! When the whole ledger was verified last, and whether it was as recorded: left by `audit verify`, told by `deadline`.
//!
//! Holds: where nothing was left yet, one is awaited from the first look on, so that a new installation has its first
//! nights; what a clock left that was ahead counts for nothing, unless the ledger was found altered.

use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::kept;
use crate::domain::AlarmReason;

/// What it is about.
pub(super) const ABOUT: &str = "verification";
const FILE: &str = "verification.json";
/// The timer verifies every night; one night more, and somebody should know.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(48);

/// What is known of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    at: Timestamp,
    answer: Answer,
}

/// What came of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Answer {
    /// All is as it was recorded.
    Holds,
    /// It is not, or could not be read.
    Fails,
    /// None has ended since.
    Awaited,
}

/// Leaves what came of one that has ended.
pub(in crate::cli) fn ended(state: &Path, answer: Answer, now: Timestamp) -> io::Result<()> {
    kept::write(state, FILE, &Kept { at: now, answer })
}

/// What is the matter with it, if anything is.
pub(super) fn matter(state: &Path, now: Timestamp) -> Option<AlarmReason> {
    let kept = kept::read::<Kept>(state, FILE).ok().filter(|kept| kept.counts(now));
    if kept.is_none()
        && let Err(error) = ended(state, Answer::Awaited, now)
    {
        // A state directory that cannot be written is told of where a mail is noted down.
        tracing::debug!(%error, "That a verification is awaited could not be noted down: {error}");
    }
    kept?.alarm(now)
}

impl Kept {
    fn counts(self, now: Timestamp) -> bool {
        self.at <= now || self.answer == Answer::Fails
    }

    fn alarm(self, now: Timestamp) -> Option<AlarmReason> {
        match self.answer {
            Answer::Fails => Some(AlarmReason::VerificationFailed),
            Answer::Holds | Answer::Awaited if now.duration_since(self.at) > AGE_MAX => {
                Some(AlarmReason::VerificationLate)
            }
            Answer::Holds | Answer::Awaited => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    const FIRST: &str = "2020-04-06T03:31:00Z";

    /// What is told so many hours after one that ended so.
    fn told(answer: Answer, hours: i64) -> Option<AlarmReason> {
        let at: Timestamp = FIRST.parse().unwrap();
        Kept { at, answer }.alarm(at + hours.hours())
    }

    #[test]
    fn a_night_may_be_missed_and_two_days_may_not() {
        for answer in [Answer::Holds, Answer::Awaited] {
            assert_eq!((told(answer, 0), told(answer, 48)), (None, None));
            assert_eq!(told(answer, 49), Some(AlarmReason::VerificationLate));
        }
        assert_eq!((told(Answer::Fails, 0), told(Answer::Fails, 49)), {
            let failed = Some(AlarmReason::VerificationFailed);
            (failed, failed)
        });
    }

    #[test]
    fn where_nothing_was_left_one_is_awaited_from_the_first_look_on() {
        let state = tempfile::tempdir().unwrap();
        let first: Timestamp = FIRST.parse().unwrap();
        for hours in [0, 1, 48] {
            assert_eq!(matter(state.path(), first + hours.hours()), None, "after {hours} hours");
        }
        assert_eq!(matter(state.path(), first + 49.hours()), Some(AlarmReason::VerificationLate));
        ended(state.path(), Answer::Holds, first + 49.hours()).unwrap();
        assert_eq!(matter(state.path(), first + 50.hours()), None);
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_nobody_from_being_told() {
        let state = tempfile::tempdir().unwrap();
        let first: Timestamp = FIRST.parse().unwrap();
        ended(state.path(), Answer::Holds, first + 20_000.hours()).unwrap();
        assert_eq!(matter(state.path(), first), None);
        assert_eq!(matter(state.path(), first + 49.hours()), Some(AlarmReason::VerificationLate));
        ended(state.path(), Answer::Fails, first + 20_000.hours()).unwrap();
        assert_eq!(matter(state.path(), first), Some(AlarmReason::VerificationFailed));
    }
}
