//! What is owed next, and what is overdue on either side.
//!
//! In:  the settings, the timetables, the returns on record, what arrived, the time. Out: what has to be done, by its date.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::Serialize;

use super::{london_date, outlook_lately, overdue};
use crate::config::Settings;
use crate::domain::expectation::Expectation;
use crate::domain::timetable::Timetables;
use crate::domain::{LaNumber, RelevantMonth, ReturnKind, Stage, Submission, SubmissionKey};
use crate::effects::clock::london;
use crate::store::{Queries, QueryError};

/// One return owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owed {
    /// Its key, such as `shbe/12302/2020-04`.
    pub id: String,
    /// Which return.
    #[serde(rename = "return")]
    pub kind: ReturnKind,
    /// Whose.
    pub authority: LaNumber,
    /// For which month.
    pub relevant_month: RelevantMonth,
    /// From when its data are.
    pub extract_from: Option<Date>,
    /// On which day it is sent.
    pub transfer_on: Date,
    /// When that day's hours of sending are over.
    pub closes_at: Timestamp,
    /// The word of its stage.
    pub state: &'static str,
}

/// What is owed, split by now.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// Still to come, by date.
    pub next: Vec<Owed>,
    /// Should have been sent.
    pub overdue: Vec<Owed>,
}

/// What is owed: from the record, and from the timetables where nothing is recorded yet.
pub fn owed(settings: &Settings, timetables: &Timetables, submissions: &[Submission], now: Timestamp) -> Split {
    let (of, today) = (Dates { settings }, london_date(now));
    let mut all: BTreeMap<SubmissionKey, Owed> = BTreeMap::new();
    for authority in &settings.authorities {
        for owes in &authority.returns {
            for obligation in timetables.obligations(&authority.number, owes.kind) {
                // What fell due before the service was there to record it was never its business.
                if obligation.transfer_on >= today {
                    let (extract_from, transfer_on) = (obligation.extract_from, obligation.transfer_on);
                    let owed = of.owed(&obligation.key, extract_from, transfer_on, "scheduled");
                    all.insert(obligation.key, owed);
                }
            }
        }
    }
    for submission in submissions {
        let key = &submission.key;
        if is_settled(&submission.stage) {
            all.remove(key);
        } else {
            let word = submission.stage.word();
            all.insert(key.clone(), of.owed(key, submission.extract_from, submission.transfer_on, word));
        }
    }
    let (overdue, mut next): (Vec<Owed>, Vec<Owed>) = all.into_values().partition(|owed| owed.closes_at <= now);
    next.sort_by(|one, other| one.in_order().cmp(&other.in_order()));
    Split { next, overdue }
}

struct Dates<'a> {
    settings: &'a Settings,
}

impl Dates<'_> {
    fn owed(&self, key: &SubmissionKey, extract_from: Option<Date>, transfer_on: Date, state: &'static str) -> Owed {
        Owed {
            id: key.to_string(),
            kind: key.kind,
            authority: key.authority.clone(),
            relevant_month: key.month,
            extract_from,
            transfer_on,
            closes_at: self.closes(key, transfer_on),
            state,
        }
    }

    /// The end of that day's window; of the day, where none is configured any more.
    fn closes(&self, key: &SubmissionKey, on: Date) -> Timestamp {
        let authority = self.settings.authorities.iter().find(|authority| authority.number == key.authority);
        let owes = authority.and_then(|authority| authority.returns.iter().find(|owes| owes.kind == key.kind));
        let until = owes.map_or(Time::midnight(), |owes| owes.window.until);
        // Midnight means the end of the day.
        let day = if until == Time::midnight() { on.tomorrow().unwrap_or(Date::MAX) } else { on };
        day.to_datetime(until).to_zoned(london()).map_or(Timestamp::MAX, |end| end.timestamp())
    }
}

impl Owed {
    fn in_order(&self) -> (Date, ReturnKind, &LaNumber) {
        (self.transfer_on, self.kind, &self.authority)
    }
}

/// Whether nobody has to do anything about it any more.
fn is_settled(stage: &Stage) -> bool {
    match stage {
        Stage::Sent { .. } | Stage::Acknowledged { .. } | Stage::Waived { .. } => true,
        Stage::Scheduled
        | Stage::Held { .. }
        | Stage::Sealed
        | Stage::Sending { .. }
        | Stage::Deferred { .. }
        | Stage::Uncertain { .. }
        | Stage::Failed { .. }
        | Stage::Missed { .. } => false,
    }
}

/// The latest referral pack of each authority that should be here and is not, or the risk file that it lacks.
pub fn overdue_of_all(
    settings: &Settings,
    queries: &dyn Queries,
    timetables: &Timetables,
    today: Date,
) -> Result<Vec<Expectation>, QueryError> {
    let mut all = Vec::new();
    for authority in &settings.authorities {
        if queries.in_service_from(&authority.number)?.is_none() {
            continue;
        }
        let outlook = outlook_lately(queries, timetables, authority, today)?;
        all.extend(overdue(&outlook, today).into_iter().cloned());
    }
    Ok(all)
}
