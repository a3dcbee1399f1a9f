//! A file while a month before is sealed, or waits for a person: is it a correction, late, or the next month's?
//!
//! In:  an authority's obligations, and the one a file would be for.
//! Out: the month before that the file could as well be for.
//! Holds: what was held for this is never taken for a later month by time alone, only other content is judged anew.

use std::io;

use jiff::civil::Date;

use super::alarm::Hindrance;
use super::critical::Critical;
use super::due::belongs_to;
use super::hand_in::Place;
use super::round::Round;
use crate::domain::{Digest, RelevantMonth, ReturnHold, ReturnKind, Stage, Submission, SubmissionKey};
use crate::durable::{CopyError, Stamp, copy_and_digest};

/// What was held, as it was judged.
pub(super) struct HeldFurther {
    pub(super) month: RelevantMonth,
    pub(super) content: Digest,
}

/// The month of the obligation before `owed`, if it is sealed, and not sent or its transfer date is not over.
pub(super) fn sealed_before(submissions: &[Submission], owed: &Submission, today: Date) -> Option<RelevantMonth> {
    let earlier = |one: &&Submission| owed.key.goes_on_from(&one.key) && one.transfer_on < owed.transfer_on;
    let before = submissions.iter().filter(earlier).max_by_key(|one| one.transfer_on)?;
    let waits = matches!(before.stage, Stage::Sealed | Stage::Sending { .. } | Stage::Deferred { .. });
    let goes = waits || before.transfer_on >= today;
    (before.sealed.is_some() && goes).then_some(before.key.month)
}

/// Whether it did not go out, or may not have, and a person has still to say what becomes of it.
fn waits_for_a_person(stage: &Stage) -> bool {
    matches!(stage, Stage::Missed { .. } | Stage::Failed { .. } | Stage::Uncertain { .. })
}

/// The latest month before `owed` that waits for a person.
pub(super) fn undecided_before(submissions: &[Submission], owed: &Submission) -> Option<RelevantMonth> {
    let undecided = |one: &&Submission| {
        owed.key.goes_on_from(&one.key) && one.transfer_on < owed.transfer_on && waits_for_a_person(&one.stage)
    };
    submissions.iter().filter(undecided).max_by_key(|one| one.transfer_on).map(|one| one.key.month)
}

/// Why a file that tells this month, or none, is not taken for `owed`; `None` if it may be.
pub(super) fn not_for(
    submissions: &[Submission],
    owed: &Submission,
    told: Option<RelevantMonth>,
) -> Option<ReturnHold> {
    let is_undecided = |month: RelevantMonth| {
        let same = |one: &&Submission| one.key == SubmissionKey { month, ..owed.key.clone() };
        submissions.iter().find(same).is_some_and(|one| waits_for_a_person(&one.stage))
    };
    match told {
        Some(month) if month == owed.key.month => None,
        Some(month) if is_undecided(month) => Some(ReturnHold::Late { month }),
        // An extract of another month is not in time; that is said as such.
        Some(month) => (owed.key.kind == ReturnKind::HbmsMi).then_some(ReturnHold::OtherMonth { month }),
        // Whoever ordered this return has said for which month the file is.
        None if owed.ordered.is_some() => None,
        None => undecided_before(submissions, owed).map(|month| ReturnHold::Late { month }),
    }
}

/// What is held for this reason.
pub(super) fn held_further(stage: &Stage) -> Option<HeldFurther> {
    match stage {
        Stage::Held { reason: ReturnHold::AlreadySealed { month }, content: Some(content), .. } => {
            Some(HeldFurther { month: *month, content: *content })
        }
        _ => None,
    }
}

impl HeldFurther {
    pub(super) fn reason(&self) -> ReturnHold {
        ReturnHold::AlreadySealed { month: self.month }
    }

    /// Whether it is among these files.
    pub(super) fn lies_among(&self, place: &Place<'_>, files: &[(String, Stamp)], max: u64) -> Result<bool, Hindrance> {
        for (name, _) in files {
            let mut file = match place.directory.open_file(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(Hindrance::File)?,
            };
            match copy_and_digest(&mut file, &mut io::sink(), max) {
                Ok(copied) if copied.digest == self.content => return Ok(true),
                Ok(_) | Err(CopyError::TooLarge(_)) => {}
                Err(CopyError::Read(error) | CopyError::Write(error)) => return Err(Hindrance::File(error)),
            }
        }
        Ok(false)
    }
}

impl Round<'_> {
    /// Hands such a hold on before its obligation is missed: the file may still lie there, and goes to the next one.
    pub(super) fn hand_on_hold(&self, missed: &Submission) -> Result<(), Critical> {
        let Some(held) = held_further(&missed.stage) else { return Ok(()) };
        let all = self.submissions_of(&missed.key.authority)?;
        match belongs_to(&all, &missed.key.series(), self.today()) {
            Some(next) => self.hold(next, held.reason(), Some(held.content)).map(drop),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::Revision;
    use crate::domain::submission::Sealed;

    const TODAY: Date = date(2020, 5, 10);

    fn at() -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn owed(key: &str, transfer_on: Date, stage: Stage, is_sealed: bool) -> Submission {
        let key: SubmissionKey = key.parse().unwrap();
        let digest = Digest::of(b"");
        let (file_name, message_id) = (String::new(), String::new());
        let sealed =
            Sealed { content: digest, sealed: digest, bytes: 0, file_name, message_id, at: at(), live_claims: None };
        let sealed = is_sealed.then_some(sealed);
        Submission {
            key,
            extract_from: None,
            transfer_on,
            revision: Revision(0),
            stage,
            ordered: None,
            resent: None,
            sent: None,
            sealed,
        }
    }

    #[test]
    fn only_the_sealed_month_just_before_counts_until_it_is_sent_and_its_day_over() {
        let (past, to_come) = (date(2020, 5, 9), date(2020, 5, 10));
        let sending = Stage::Sending { at: at(), attempt: 1, boot: String::new(), place: None };
        let sent = || Stage::Sent { at: at(), reply: String::new() };
        let june = owed("hbms-mi/12302/2020-06", date(2020, 6, 8), Stage::Scheduled, false);
        for (day, stage, is_sealed, counts) in [
            (to_come, Stage::Sealed, true, true),
            (to_come, sent(), true, true),
            (past, sent(), true, false),
            (past, sending, true, true),
            (past, Stage::Missed { since: at() }, true, false),
            (to_come, Stage::Waived { at: at() }, false, false),
        ] {
            let what = format!("{day} {}", stage.word());
            let may = owed("hbms-mi/12302/2020-05", day, stage, is_sealed);
            let all = [
                owed("hbms-mi/12302/2020-04", date(2020, 4, 14), Stage::Sealed, true),
                may.clone(),
                owed("shbe/12302/2020-05", to_come, Stage::Sealed, true),
                owed("hbms-mi/16104/2020-05", to_come, Stage::Sealed, true),
                june.clone(),
            ];
            assert_eq!(sealed_before(&all, &june, TODAY), counts.then_some(may.key.month), "{what}");
        }
        assert_eq!(sealed_before(std::slice::from_ref(&june), &june, TODAY), None, "the first of all");
    }

    #[test]
    fn after_a_missed_month_only_a_file_that_tells_its_month_counts_for_the_next() {
        let missed = || Stage::Missed { since: at() };
        let june = |kind: &str| owed(&format!("{kind}/12302/2020-06"), date(2020, 6, 8), Stage::Scheduled, false);
        let month = |text: &str| text.parse::<RelevantMonth>().unwrap();
        for kind in ["hbms-mi", "shbe"] {
            let may = |stage| owed(&format!("{kind}/12302/2020-05"), date(2020, 5, 11), stage, false);
            let (after_missed, after_waived) =
                ([may(missed()), june(kind)], [may(Stage::Waived { at: at() }), june(kind)]);
            let april = |stage| owed(&format!("{kind}/12302/2020-04"), date(2020, 4, 14), stage, true);
            for stage in [
                Stage::Failed { at: at(), reply: String::new() },
                Stage::Uncertain { since: at(), restored: false },
                missed(),
            ] {
                let undecided = [april(stage), may(Stage::Sent { at: at(), reply: String::new() }), june(kind)];
                let late = Some(ReturnHold::Late { month: month("2020-04") });
                assert_eq!(not_for(&undecided, &june(kind), None), late, "also if the month between was sent");
                assert_eq!(not_for(&undecided, &june(kind), Some(month("2020-04"))), late);
            }
            let late = Some(ReturnHold::Late { month: month("2020-05") });
            assert_eq!(not_for(&after_missed, &june(kind), None), late);
            assert_eq!(not_for(&after_missed, &june(kind), Some(month("2020-05"))), late);
            assert_eq!(not_for(&after_missed, &june(kind), Some(month("2020-06"))), None);
            assert_eq!(not_for(&after_waived, &june(kind), None), None);
            let ordered = Submission { ordered: Some(at()), ..june(kind) };
            assert_eq!(not_for(&after_missed, &ordered, None), None);
            let other = (kind == "hbms-mi").then(|| ReturnHold::OtherMonth { month: month("2020-07") });
            assert_eq!(not_for(&after_waived, &june(kind), Some(month("2020-07"))), other);
        }
    }
}
