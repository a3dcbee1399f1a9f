//! Finding the transfer a person means: by its id, by the beginning of it, or by a return's key.

use crate::cli::output::{CliError, Exit};
use crate::domain::{Consignment, ConsignmentId, Submission, SubmissionKey};
use crate::store::{ConsignmentFilter, Queries, SubmissionFilter};

/// Fewer digits than this name nothing.
const PREFIX_DIGITS_MIN: usize = 4;

/// How many of the ids that begin alike are named.
const ALIKE_MAX: usize = 5;

/// What a person meant.
#[derive(Clone, Debug)]
pub enum Found {
    /// Something that came, with the name it had at its source unless that was erased.
    In(Box<Consignment>, Option<String>),
    /// A return.
    Out(Box<Submission>),
}

/// The transfer of this id, of the one id that begins with this, or of this return's key.
pub fn find(text: &str, queries: &dyn Queries) -> Result<Found, CliError> {
    if text.contains('/') {
        return submission(text, queries);
    }
    let digits = text.to_ascii_lowercase();
    if let Ok(id) = digits.parse::<ConsignmentId>() {
        let found = queries.consignment(&id)?.ok_or_else(|| nothing(text))?;
        return Ok(Found::In(Box::new(found.0), found.1));
    }
    let is_prefix = (PREFIX_DIGITS_MIN..32).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_prefix {
        return Err(CliError::new(
            Exit::Usage,
            format!(
                "`{text}` names no transfer: an id is 32 hexadecimal digits, or at least the first \
                 {PREFIX_DIGITS_MIN} of them; a return's key is written shbe/12302/2020-04."
            ),
            "Copy the id from `hbcourier transfers list`.",
        ));
    }
    let all = queries.consignments(&ConsignmentFilter::default())?;
    let alike: Vec<ConsignmentId> =
        all.iter().map(|consignment| consignment.id).filter(|id| id.to_string().starts_with(&digits)).collect();
    match alike.as_slice() {
        [] => Err(nothing(text)),
        [only] => {
            let found = queries.consignment(only)?.ok_or_else(|| nothing(text))?;
            Ok(Found::In(Box::new(found.0), found.1))
        }
        several => Err(ambiguous(text, several)),
    }
}

/// The one consignment whose id this is, or begins with this.
pub fn consignment(text: &str, queries: &dyn Queries) -> Result<ConsignmentId, CliError> {
    match find(text, queries)? {
        Found::In(consignment, _) => Ok(consignment.id),
        Found::Out(submission) => Err(not_inbound(&submission.key.to_string())),
    }
}

/// What is said of a return where a transfer is wanted.
pub(in crate::cli) fn not_inbound(key: &str) -> CliError {
    CliError::new(
        Exit::Usage,
        format!("{key} is a return, and only what came in can be ordered about in this way."),
        "`hbcourier returns show` tells what a return waits for.",
    )
}

fn submission(text: &str, queries: &dyn Queries) -> Result<Found, CliError> {
    let key: SubmissionKey = text.parse().map_err(|error| CliError::of(Exit::Usage, &error))?;
    let filter = SubmissionFilter { key: Some(key), ..SubmissionFilter::default() };
    let found = queries.submissions(&filter)?.into_iter().next();
    found.map(|submission| Found::Out(Box::new(submission))).ok_or_else(|| {
        let says = format!("No return {text} is recorded as owed.");
        CliError::none(says, "`hbcourier returns list` shows those that are.")
    })
}

fn nothing(text: &str) -> CliError {
    CliError::none(format!("There is no transfer {text}."), "Copy the id from `hbcourier transfers list`.")
}

fn ambiguous(text: &str, alike: &[ConsignmentId]) -> CliError {
    let named: Vec<String> = alike.iter().take(ALIKE_MAX).map(ToString::to_string).collect();
    let more = alike.len().saturating_sub(ALIKE_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    CliError::new(
        Exit::Usage,
        format!("The ids of {} transfers begin with {text}: {}{more}.", alike.len(), named.join(", ")),
        "Give more of its digits.",
    )
}
