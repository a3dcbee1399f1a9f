//! What happened in the simulated year, in order: the service's own ledger, and between its entries what was done to it.
//!
//! Holds: what the service did is told by its ledger alone; the words of its holds and alarms are its own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::plan::Moment;
use crate::domain::ledger::{Entry, Event};
use crate::domain::timetable::Obligation;
use crate::domain::{LaNumber, RelevantMonth, ReturnKind, Stage, SubmissionKey};
use crate::effects::clock::london;
use crate::outbound::{about_folder, about_return};
use crate::store::{Queries, QueryError, SubmissionFilter};

/// Entries read at once.
const ENTRIES_AT_ONCE: usize = 1000;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Happened {
    /// When, by London's clocks.
    #[serde(serialize_with = "by_londons_clocks")]
    pub at: Timestamp,
    /// What: the ledger's word, or one of the plan's.
    pub event: String,
    /// Whose, where it is one authority's.
    pub authority: Option<LaNumber>,
    /// Which return, where it is one return's.
    #[serde(rename = "return")]
    pub kind: Option<ReturnKind>,
    /// For which month, where it is about one.
    pub relevant_month: Option<RelevantMonth>,
    /// The code of the hold or alarm.
    pub code: Option<String>,
    /// The same in a sentence.
    pub says: String,
}

fn by_londons_clocks<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&at.to_zoned(london()).strftime("%Y-%m-%dT%H:%M:%S%:z"))
}

/// What something is about, as far as it is about one authority.
type Subject = (LaNumber, ReturnKind, Option<RelevantMonth>);

/// The account as far as it goes.
pub(super) struct Account {
    happened: Vec<Happened>,
    /// The ledger's next entry.
    next: u64,
    /// What alarms may be about.
    subjects: BTreeMap<String, Subject>,
}

impl Account {
    /// Of a service that owes this.
    pub(super) fn of(owed: &[Obligation]) -> Account {
        let mut subjects = BTreeMap::new();
        for key in owed.iter().map(|one| &one.key) {
            subjects.insert(about_return(key), subject_of(key));
            subjects.insert(about_folder(&key.authority, key.kind), (key.authority.clone(), key.kind, None));
        }
        Account { happened: Vec::new(), next: 0, subjects }
    }

    /// Takes in what the plan did.
    pub(super) fn tell(&mut self, at: Timestamp, moment: &Moment, says: &str) {
        let (event, subject) = match moment {
            Moment::ClocksChange { .. } => ("clocks-change", None),
            Moment::KeyExpires => ("key-expires", None),
            // The ledger tells these.
            Moment::ServiceStops | Moment::ServiceStarts => return,
            Moment::FilePut(key) => ("file-put", Some(subject_of(key))),
        };
        self.push(at, event.to_owned(), subject, None, says.to_owned());
    }

    /// Takes in what the ledger has had since the last time.
    pub(super) fn read(&mut self, store: &dyn Queries) -> Result<(), QueryError> {
        loop {
            let lines = store.ledger(self.next, ENTRIES_AT_ONCE)?;
            for (seq, line) in &lines {
                let entry = serde_json::from_slice(line)
                    .map_err(|error| QueryError(format!("entry {seq} of the ledger is none: {error}")))?;
                self.take_in(entry, store)?;
                self.next = seq + 1;
            }
            if lines.len() < ENTRIES_AT_ONCE {
                return Ok(());
            }
        }
    }

    fn take_in(&mut self, entry: Entry, store: &dyn Queries) -> Result<(), QueryError> {
        let facts = &entry.facts;
        let about = facts.about.as_deref().unwrap_or("the service");
        let key: Option<SubmissionKey> = facts.submission.as_deref().and_then(|key| key.parse().ok());
        let subject = key.as_ref().map(subject_of).or_else(|| self.subjects.get(about).cloned());
        let says = match entry.event {
            // The answer follows at once, and is what counts; who is served was asked.
            Event::Sending | Event::TakenIntoService => return Ok(()),
            Event::ServiceStarted => "The service starts.".to_owned(),
            Event::ServiceStopped => "The service stops: an outage begins.".to_owned(),
            Event::Scheduled => {
                let extraction = facts.extract_from.map(|day| format!(", extracted on or after {day}"));
                let transfer = facts.transfer_on.map(|day| format!(", to be sent on {day}"));
                let [extraction, transfer] = [extraction, transfer].map(Option::unwrap_or_default);
                format!("Owed from now on{extraction}{transfer}.")
            }
            Event::Sealed => "Picked up, checked and sealed; it waits for its transfer date.".to_owned(),
            Event::Sent => "Sent.".to_owned(),
            Event::Missed => "Its transfer date passed without it; it is not sent late by itself.".to_owned(),
            Event::HoldEnded => "What was held was taken out of its folder.".to_owned(),
            Event::ReturnHeld => why_held(key, store)?,
            Event::AlarmRaised => alarm_words(about, store)?,
            Event::AlarmCleared => format!("The alarm about {about} is over."),
            other => format!("The ledger says: {other}."),
        };
        let code = facts.code.clone();
        self.push(entry.at, entry.event.to_string(), subject, code, says);
        Ok(())
    }

    fn push(&mut self, at: Timestamp, event: String, subject: Option<Subject>, code: Option<String>, says: String) {
        let (authority, kind, relevant_month) = match subject {
            Some((authority, kind, month)) => (Some(authority), Some(kind), month),
            None => (None, None, None),
        };
        self.happened.push(Happened { at, event, authority, kind, relevant_month, code, says });
    }

    /// Everything. What happened side by side comes in the order of its names, the same each time.
    pub(super) fn close(mut self) -> Vec<Happened> {
        let beside = |one: &Happened, other: &Happened| one.at == other.at && one.event == other.event;
        for group in self.happened.chunk_by_mut(beside) {
            group.sort_by(|one, other| {
                let names = |it: &Happened| (it.authority.clone(), it.kind, it.relevant_month);
                names(one).cmp(&names(other))
            });
        }
        self.happened
    }
}

fn subject_of(key: &SubmissionKey) -> Subject {
    (key.authority.clone(), key.kind, Some(key.month))
}

/// Why what lies there is held, while it is.
fn why_held(key: Option<SubmissionKey>, store: &dyn Queries) -> Result<String, QueryError> {
    let filter = SubmissionFilter { key, ..SubmissionFilter::default() };
    let held = store.submissions(&filter)?.into_iter().find_map(|submission| match submission.stage {
        Stage::Held { reason, .. } => Some(reason.notice().says),
        _ => None,
    });
    Ok(held.unwrap_or_else(|| "What lies in its folder cannot be it.".to_owned()))
}

/// The alarm's own words, while it is raised.
fn alarm_words(about: &str, store: &dyn Queries) -> Result<String, QueryError> {
    let raised = store.alarms()?.into_iter().find(|alarm| alarm.about == about);
    Ok(raised.map_or_else(|| format!("An alarm about {about}."), |alarm| alarm.says))
}
