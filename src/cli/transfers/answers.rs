//! What came back about returns, as `transfers show` and `transfers why` tell it.

use jiff::Timestamp;
use serde::Serialize;

use super::find::Found;
use crate::cli::output::{CliError, Text, moment};
use crate::domain::{Answer, Answered, ConsignmentId, SourceName, SubmissionKey};
use crate::store::Queries;

/// A mail about a return that was sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ShownAnswer {
    /// The return.
    #[serde(rename = "return")]
    key: SubmissionKey,
    /// The mail.
    transfer: ConsignmentId,
    /// Where it was collected.
    source: SourceName,
    /// When it was collected.
    at: Timestamp,
    /// What it tells.
    tells: Answer,
    /// The report's status code.
    status: Option<String>,
    /// It is about an attempt before the last one.
    earlier: bool,
}

/// Those about a return, or the one that a consignment is.
pub(super) fn about(found: &Found, queries: &dyn Queries) -> Result<Vec<ShownAnswer>, CliError> {
    let answers = match found {
        Found::In(consignment, _) => queries.answered(&consignment.id)?.into_iter().collect(),
        Found::Out(submission) => queries.answers(&submission.key)?,
    };
    let shown = |Answered { key, transfer, source, answer, status, earlier, at }| ShownAnswer {
        key,
        transfer,
        source,
        at,
        tells: answer,
        status,
        earlier,
    };
    Ok(answers.into_iter().map(shown).collect())
}

/// In a sentence.
pub(super) fn says(answered: &Answered) -> String {
    let status = answered.status.as_ref().map(|status| format!(" ({status})")).unwrap_or_default();
    format!("It is about {}, which was sent: it {}{status}.", answered.key, answered.answer.says())
}

pub(super) fn write(answers: &[ShownAnswer], text: &mut Text) {
    for answer in answers {
        text.gap();
        text.facts([
            ("Answer", Some(answer.tells.says().to_owned())),
            ("Return", Some(answer.key.to_string())),
            ("Transfer", Some(answer.transfer.to_string())),
            ("Source", Some(answer.source.to_string())),
            ("Received", Some(moment(answer.at))),
            ("Status", answer.status.clone()),
        ]);
    }
}
