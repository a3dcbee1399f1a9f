//! The order that puts a timetable into force.
//!
//! In:  the text of a timetable file, with a reason. Out: it is in force for its year from now on; what is recorded already
//! keeps its dates, and the answer says where that makes a difference.
//! Holds: a text that is no whole timetable is refused; the text is kept with its entry in one transaction.

use std::path::Path;

use super::{Done, NO_REASON, Operator, Refused, with_causes};
use crate::config::timetable;
use crate::domain::ledger::{Event, Facts};
use crate::domain::timetable::Timetable;
use crate::domain::{Actor, Submission};
use crate::store::{RecordError, StateChange, SubmissionFilter};

/// Recorded returns that the answer names one by one.
const NAMED_MAX: usize = 10;

impl Operator {
    pub(super) fn activate(&self, actor: &Actor, text: &str, by: Option<&str>, reason: &str) -> Result<Done, Refused> {
        if reason.trim().is_empty() {
            return Err(Refused::Unfit(NO_REASON.to_owned()));
        }
        let read = timetable::read(Path::new("given with the order"), text);
        let timetable = read.map_err(|error| Refused::Unfit(with_causes(&error)))?;
        let year = timetable.year();
        let recorded = self.queries.submissions(&SubmissionFilter::default())?;
        let differing: Vec<String> = recorded.iter().filter_map(|submission| differs(submission, &timetable)).collect();
        let facts = Facts { about: by.map(str::to_owned), why: Some(reason.to_owned()), ..Facts::default() };
        let state = StateChange::ActivateTimetable { year, text: text.to_owned() };
        match self.record(actor, Event::TimetableActivated, facts, state) {
            Err(RecordError::Exists { .. }) => {
                return Err(Refused::Unfit(format!("exactly this timetable is in force for {year} already")));
            }
            recorded => recorded?,
        }
        let (groups, members) = (timetable.groups().len(), timetable.authorities().len());
        self.timetables.take_up(timetable);
        let says = format!(
            "The timetable of {year} is in force: {groups} groups, {members} authorities. {}",
            kept_dates(&differing)
        );
        Ok(Done { says, fingerprint: None })
    }
}

/// What is recorded of the return, if the timetable now says something else.
fn differs(submission: &Submission, timetable: &Timetable) -> Option<String> {
    let key = &submission.key;
    if !timetable.year().months().any(|month| month == key.month) {
        return None;
    }
    let (extract_from, transfer_on) = (submission.extract_from, submission.transfer_on);
    let owed = timetable.obligations(&key.authority, key.kind).into_iter().find(|owed| owed.key == *key);
    let stays = format!("{key} ({}) stays due on {transfer_on}", submission.stage.word());
    match owed {
        None => Some(format!("{stays}, and is not in it")),
        Some(owed) if owed.transfer_on != transfer_on => Some(format!("{stays}, not {}", owed.transfer_on)),
        Some(owed) if owed.extract_from != extract_from => Some(format!("{stays}, with its earlier day of extraction")),
        Some(_) => None,
    }
}

fn kept_dates(differing: &[String]) -> String {
    if differing.is_empty() {
        return "No return that is recorded already has other dates.".to_owned();
    }
    let named = differing.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    let more = match differing.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("Returns that are recorded keep their dates: {named}{more}.")
}
