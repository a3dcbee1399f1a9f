//! How many stand where, and what a partner owes.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::cli::output::CliError;
use crate::cli::reading::Reading;
use crate::domain::{FileKind, LaNumber, RelevantMonth};
use crate::foresight::overdue_of_all;
use crate::store::Queries;

/// Counts by the word of the standing or stage.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Queues {
    /// Of consignments.
    pub transfers: BTreeMap<String, u64>,
    /// Of returns.
    pub returns: BTreeMap<String, u64>,
}

/// Something a partner should have sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Expected {
    pub kind: FileKind,
    pub authority: LaNumber,
    pub relevant_month: RelevantMonth,
    pub due_by: Date,
}

pub(crate) fn count(queries: &dyn Queries) -> Result<Queues, CliError> {
    let tally = queries.tally()?;
    let mut queues = Queues { transfers: tally.transfers, returns: BTreeMap::new() };
    for ((_, stage), count) in tally.returns {
        *queues.returns.entry(stage).or_default() += count;
    }
    Ok(queues)
}

/// The latest referral pack of each authority that should be here and is not, or the risk file that it lacks.
pub(crate) fn expected(reading: &Reading<'_>) -> Result<Vec<Expected>, CliError> {
    let overdue = overdue_of_all(reading.settings, reading.queries, reading.timetables, reading.today())?;
    let expected = overdue.into_iter().map(|one| Expected {
        kind: one.kind,
        authority: one.authority,
        relevant_month: one.month,
        due_by: one.due_by,
    });
    Ok(expected.collect())
}
