//! Where a new timetable says something else than what is recorded of a return.
//!
//! Holds: a recorded return keeps its dates; only those that are still to be sent are named.

use crate::domain::timetable::{Timetable, Timetables};
use crate::domain::{Submission, SubmissionKey};

/// Recorded returns that the answer names one by one.
const NAMED_MAX: usize = 10;

/// The days of the obligation that a return goes by: its own, or for an earlier workbook that of the month's MI return.
fn usual(key: &SubmissionKey) -> SubmissionKey {
    SubmissionKey { workbook: None, ..key.clone() }
}

/// What the timetables in force say about a recorded return's dates, if that is something else than what is recorded.
pub fn differing(submission: &Submission, in_force: &Timetables) -> Option<String> {
    let key = &submission.key;
    let year = in_force.iter().find(|timetable| timetable.year().months().any(|month| month == key.month));
    year.and_then(|timetable| differs(submission, timetable))
}

fn differs(submission: &Submission, timetable: &Timetable) -> Option<String> {
    let usual = usual(&submission.key);
    let owed = timetable.obligations(&usual.authority, usual.kind).into_iter().find(|owed| owed.key == usual);
    match owed {
        None => Some("it is not in the timetable in force".to_owned()),
        Some(owed) if owed.transfer_on != submission.transfer_on => {
            Some(format!("the timetable in force has {}", owed.transfer_on))
        }
        // A return of an earlier workbook has no day of extraction.
        Some(owed) if submission.key.workbook.is_none() && owed.extract_from != submission.extract_from => {
            let from = owed.extract_from.map_or_else(|| "none".to_owned(), |date| date.to_string());
            Some(format!("the timetable in force has {from} as the earliest extraction"))
        }
        Some(_) => None,
    }
}

/// What an activation says of the returns that are recorded and still to be sent.
pub(super) fn kept_dates(recorded: &[Submission], timetable: &Timetable) -> String {
    let of_year = |submission: &&Submission| timetable.year().months().any(|month| month == submission.key.month);
    let open = recorded.iter().filter(|submission| submission.stage.is_open());
    let differing: Vec<String> = open
        .filter(of_year)
        .filter_map(|submission| {
            let Submission { key, transfer_on, .. } = submission;
            let how = differs(submission, timetable)?;
            Some(format!("{key} ({}) stays due on {transfer_on} ({how})", submission.stage.word()))
        })
        .collect();
    if differing.is_empty() {
        return "No return that is recorded and still to be sent has other dates.".to_owned();
    }
    let named = differing.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    let more = match differing.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!(
        "Returns that are recorded keep their dates: {named}{more}. No command moves a recorded date: each is sent on the day \
         it keeps. Ask DWP whether that day will do; where it will not, end it with `hbcourier returns waive KEY --reason \
         TEXT` and send that return by another way."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::timetable::bundled;
    use crate::domain::{Revision, Stage};

    fn recorded(key: &str, transfer_on: &str, stage: Stage) -> Submission {
        let (key, transfer_on) = (key.parse().unwrap(), transfer_on.parse().unwrap());
        let revision = Revision(0);
        let extract_from = None;
        Submission {
            key,
            extract_from,
            transfer_on,
            revision,
            stage,
            ordered: None,
            resent: None,
            sent: None,
            sealed: None,
        }
    }

    fn kept(one: Submission) -> String {
        let year = bundled().unwrap().year("2020-21".parse().unwrap()).unwrap().clone();
        kept_dates(&[one], &year)
    }

    #[test]
    fn only_what_is_still_to_be_sent_and_differs_is_named() {
        let none = "No return that is recorded and still to be sent has other dates.";
        let mi = |key: &str, on: &str, stage| kept(recorded(key, on, stage));
        // Blackpool's MI return for June is due on 8 June; that of April's workbook goes with it.
        for key in ["hbms-mi/12302/2020-06", "hbms-mi/12302/2020-06/2020-04"] {
            assert_eq!(mi(key, "2020-06-08", Stage::Scheduled), none, "{key}");
            let says = mi(key, "2020-06-10", Stage::Scheduled);
            let stays = format!("{key} (scheduled) stays due on 2020-06-10 (the timetable in force has 2020-06-08)");
            assert!(says.contains(&stays), "{says}");
            assert!(says.contains("`hbcourier returns waive KEY --reason TEXT`"), "{says}");
            assert_eq!(mi(key, "2020-06-10", Stage::Waived { at: jiff::Timestamp::UNIX_EPOCH }), none, "{key}");
        }
        assert!(
            mi("hbms-mi/999999/2020-06", "2020-06-10", Stage::Scheduled).contains("is not in the timetable in force")
        );
    }
}
