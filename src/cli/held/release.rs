//! Whether what is held may be released, who has approved that, and what is still needed.
//!
//! In:  the held transfer or return, the approvals in the store, the time. Out: one sentence, and the command to give.
//! Holds: only what would count if a second person approved now is told as an approval.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::output::{Text, Tone, moment};
use crate::domain::release::Recorded;
use crate::domain::{Consignment, Digest, Standing, SubmissionKey, Waiver};
use crate::store::{Queries, QueryError};

/// As of when, and under which settings, approvals are judged.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The time.
    pub at: Timestamp,
    /// SHA-256 of the settings as they are now.
    pub policy: Digest,
}

/// One person's agreement to a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// Whose account.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Until when a second person may agree.
    pub until: Timestamp,
}

/// What stands between something held and its release.
#[derive(Clone, Debug, Serialize)]
pub struct ReleaseState {
    /// Whether two people may release it at all.
    pub possible: bool,
    /// In a sentence or two.
    pub says: String,
    /// Who has approved it, of whom it counts.
    pub approvals: Vec<Approval>,
    /// How many people are still needed; nothing where there is no release.
    pub needed: Option<usize>,
    /// The command that the next of them gives, exactly.
    pub next: Option<String>,
}

/// Who has approved the release of this, of whom it counts now.
pub fn approvals(consignment: &Consignment, queries: &dyn Queries, now: Now) -> Result<Vec<Approval>, QueryError> {
    let given = queries.approvals(&consignment.id)?;
    Ok(given.into_iter().filter(|one| counts(one, consignment, now)).map(shown).collect())
}

fn counts(one: &Recorded, consignment: &Consignment, now: Now) -> bool {
    let of = &one.approval.of;
    one.approval.is_near(now.at) && of.policy == now.policy && of.sealed == consignment.sealed_digest
}

fn shown(one: Recorded) -> Approval {
    let until = one.approval.until();
    Approval { by: one.approval.name, at: one.approval.at, until }
}

/// Whether and how a held transfer may be released.
pub fn of_transfer(consignment: &Consignment, queries: &dyn Queries, now: Now) -> Result<ReleaseState, QueryError> {
    let Standing::Held { reason, .. } = &consignment.standing else {
        return Ok(never("It is not held, so there is nothing to release.".to_owned()));
    };
    let Some(waives) = Waiver::of(reason) else {
        return Ok(never(format!("What is held as {} is never released.", reason.notice().code)));
    };
    let given = queries.approvals(&consignment.id)?;
    let lapsed = given.iter().any(|one| !counts(one, consignment, now));
    let approvals = approvals(consignment, queries, now)?;
    let mut says = match approvals.as_slice() {
        [] => format!("Two different people may release it, although {waives}. Nobody's approval counts now."),
        [first, ..] => format!(
            "{} approved its release on {}, although {waives}. A second, different person must approve the same file by {}.",
            first.by,
            moment(first.at),
            moment(first.until)
        ),
    };
    if lapsed {
        says.push_str(" An earlier approval counts no more: it is older than 72 hours, or the settings have changed.");
    }
    let (id, sealed, code) = (consignment.id, consignment.sealed_digest, reason.notice().code);
    let next = format!("hbcourier held approve {id} --sha256 {sealed} --code {code} --reason TEXT");
    let needed = Some(2_usize.saturating_sub(approvals.len()).max(1));
    Ok(ReleaseState { possible: true, says, approvals, needed, next: Some(next) })
}

/// A return has none.
pub fn of_return(key: &SubmissionKey) -> ReleaseState {
    never(format!("{} {}", no_return(key), INSTEAD))
}

/// Why a return has none.
pub fn no_return(key: &SubmissionKey) -> String {
    format!("{key} is a return. A return is never released: what leaves is the authority's own file.")
}

/// What to do about a return instead.
pub const INSTEAD: &str = "Put a right file into its folder; or send what is sealed with `hbcourier returns resend`, or \
                           `hbcourier returns waive` it.";

fn never(says: String) -> ReleaseState {
    ReleaseState { possible: false, says, approvals: Vec::new(), needed: None, next: None }
}

/// Writes it for people.
pub(super) fn write(state: &ReleaseState, text: &mut Text) {
    text.gap();
    text.toned(if state.possible { Tone::Warning } else { Tone::Bad }, "Release", format_args!("  {}", state.says));
    for Approval { by, at, until } in &state.approvals {
        text.line(format_args!("  approved by {by} on {}, counts until {}", moment(*at), moment(*until)));
    }
    if let (Some(needed), Some(next)) = (state.needed, &state.next) {
        let people = if needed == 1 { "one person more" } else { "two people" };
        text.line(format_args!("  needed: {people}, each with"));
        text.line(format_args!("  {next}"));
    }
}
