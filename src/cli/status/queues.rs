//! How many stand where, what is owed next, and what is overdue on either side.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde::Serialize;

use crate::cli::output::CliError;
use crate::cli::reading::Reading;
use crate::domain::{FileKind, LaNumber, RelevantMonth, ReturnKind, Stage, Submission, SubmissionKey};
use crate::effects::clock::london;
use crate::foresight::{outlook_lately, overdue};
use crate::store::{ConsignmentFilter, Queries};

/// How many obligations ahead are shown.
const NEXT_MAX: usize = 5;

/// Counts by the word of the standing or stage.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Queues {
    /// Of consignments.
    pub transfers: BTreeMap<&'static str, usize>,
    /// Of returns.
    pub returns: BTreeMap<&'static str, usize>,
}

/// One return owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Owed {
    /// Its key, such as `shbe/12302/2020-04`.
    pub id: String,
    #[serde(rename = "return")]
    pub kind: ReturnKind,
    pub authority: LaNumber,
    pub relevant_month: RelevantMonth,
    pub extract_from: Option<Date>,
    pub transfer_on: Date,
    pub state: &'static str,
}

/// What is owed, split by today.
pub(crate) struct Split {
    pub next: Vec<Owed>,
    pub overdue: Vec<Owed>,
}

/// Something a partner should have sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Expected {
    pub kind: FileKind,
    pub authority: LaNumber,
    pub relevant_month: RelevantMonth,
    pub due_by: Date,
}

pub(crate) fn count(queries: &dyn Queries, submissions: &[Submission]) -> Result<Queues, CliError> {
    let mut queues = Queues { transfers: BTreeMap::new(), returns: BTreeMap::new() };
    for consignment in queries.consignments(&ConsignmentFilter::default())? {
        *queues.transfers.entry(consignment.standing.word()).or_default() += 1;
    }
    for submission in submissions {
        *queues.returns.entry(submission.stage.word()).or_default() += 1;
    }
    Ok(queues)
}

/// What is owed: from the record, and from the timetables where nothing is recorded yet.
pub(crate) fn owed(submissions: &[Submission], reading: &Reading<'_>) -> Split {
    let mut all: BTreeMap<SubmissionKey, Owed> = BTreeMap::new();
    for authority in &reading.settings.authorities {
        for settings in &authority.returns {
            for obligation in reading.timetables.obligations(&authority.number, settings.kind) {
                // What fell due before the service was there to record it was never its business.
                if obligation.transfer_on >= reading.today() {
                    let (extract_from, transfer_on) = (obligation.extract_from, obligation.transfer_on);
                    let owed = Owed::new(&obligation.key, extract_from, transfer_on, "scheduled");
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
            all.insert(key.clone(), Owed::new(key, submission.extract_from, submission.transfer_on, word));
        }
    }
    let (overdue, mut next): (Vec<Owed>, Vec<Owed>) = all.into_values().partition(|owed| is_late(owed, reading));
    next.sort_by(|one, other| one.in_order().cmp(&other.in_order()));
    next.truncate(NEXT_MAX);
    Split { next, overdue }
}

impl Owed {
    fn new(key: &SubmissionKey, extract_from: Option<Date>, transfer_on: Date, state: &'static str) -> Owed {
        Owed {
            id: key.to_string(),
            kind: key.kind,
            authority: key.authority.clone(),
            relevant_month: key.month,
            extract_from,
            transfer_on,
            state,
        }
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

/// Whether its day, or that day's window, is over.
fn is_late(owed: &Owed, reading: &Reading<'_>) -> bool {
    if owed.transfer_on != reading.today() {
        return owed.transfer_on < reading.today();
    }
    let authority = reading.settings.authorities.iter().find(|authority| authority.number == owed.authority);
    let settings = authority.and_then(|authority| authority.returns.iter().find(|settings| settings.kind == owed.kind));
    let until = settings.map_or(Time::midnight(), |settings| settings.window.until);
    // Midnight means the end of the day.
    until != Time::midnight() && reading.now.to_zoned(london()).time() >= until
}

/// The latest referral pack of each authority that should be here and is not, or the risk file that it lacks.
pub(crate) fn expected(reading: &Reading<'_>) -> Result<Vec<Expected>, CliError> {
    let mut all = Vec::new();
    for authority in &reading.settings.authorities {
        if reading.queries.in_service_from(&authority.number)?.is_none() {
            continue;
        }
        let outlook = outlook_lately(reading.queries, reading.timetables, authority, reading.today())?;
        all.extend(overdue(&outlook, reading.today()).into_iter().map(|one| Expected {
            kind: one.kind,
            authority: one.authority.clone(),
            relevant_month: one.month,
            due_by: one.due_by,
        }));
    }
    Ok(all)
}
