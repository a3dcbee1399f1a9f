//! `hbcourier held list`: consignments that are held, and returns that wait for a person.

use jiff::Timestamp;
use serde::Serialize;

use super::release::{Approval, Now, approvals};
use crate::cli::output::{CliError, Exit, Output, Text, Tone, moment};
use crate::cli::transfers::Direction;
use crate::cli::transfers::transfer::{notice_of_stage, notice_of_standing};
use crate::domain::{Consignment, Digest, LaNumber, Notice, Stage, Standing, Submission};
use crate::store::{ConsignmentFilter, Queries, QueryError, SubmissionFilter};

/// List what waits for a person, the longest waiting first
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ListArgs {
    /// Only this authority's, by its LA number
    #[arg(long, value_name = "NUMBER")]
    pub authority: Option<LaNumber>,
    /// End with exit status 1 if anything is held
    #[arg(long)]
    pub fail_if_any: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Something that waits for a person.
#[derive(Clone, Debug, Serialize)]
pub struct HeldItem {
    /// A consignment's id, or a return's key.
    pub id: String,
    /// Which way it was going.
    pub direction: Direction,
    /// Whose.
    pub authority: LaNumber,
    /// Where it stands.
    pub state: &'static str,
    /// The reason's code.
    pub code: &'static str,
    /// What happened.
    pub says: String,
    /// What to do.
    pub next: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// SHA-256 of the sealed bytes that came, or of the file that was picked up; nothing where there is none.
    pub sha256: Option<Digest>,
    /// Who has agreed to its release, of whom it counts.
    pub approvals: Vec<Approval>,
}

#[derive(Serialize)]
struct Document {
    held: Vec<HeldItem>,
}

pub(super) fn list(args: &ListArgs, queries: &dyn Queries, now: Now, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let document = Document { held: held(args.authority.as_ref(), queries, now)? };
    out.answer(args.json, &document, |text| write_text(&document.held, text))?;
    Ok(if args.fail_if_any && !document.held.is_empty() { Exit::No } else { Exit::Yes })
}

/// Everything that waits for a person, the longest waiting first.
pub fn held(authority: Option<&LaNumber>, queries: &dyn Queries, now: Now) -> Result<Vec<HeldItem>, QueryError> {
    let filter = ConsignmentFilter {
        word: Some("held".to_owned()),
        authority: authority.cloned(),
        ..ConsignmentFilter::default()
    };
    let mut held = Vec::new();
    for consignment in queries.consignments(&filter)? {
        held.extend(item(&consignment, approvals(&consignment, queries, now)?));
    }
    let filter = SubmissionFilter { authority: authority.cloned(), ..SubmissionFilter::default() };
    held.extend(queries.submissions(&filter)?.iter().filter_map(submission));
    held.sort_by_key(|item| item.since);
    Ok(held)
}

pub(super) fn is_held(consignment: &Consignment) -> bool {
    matches!(consignment.standing, Standing::Held { .. })
}

pub(super) fn waits(submission: &Submission) -> bool {
    since(&submission.stage).is_some()
}

fn item(consignment: &Consignment, approvals: Vec<Approval>) -> Option<HeldItem> {
    let Standing::Held { since, .. } = &consignment.standing else { return None };
    let Notice { code, says, next } = notice_of_standing(&consignment.standing)?;
    Some(HeldItem {
        id: consignment.id.to_string(),
        direction: Direction::In,
        authority: consignment.authority.clone(),
        state: consignment.standing.word(),
        code,
        says,
        next,
        since: *since,
        sha256: Some(consignment.sealed_digest),
        approvals,
    })
}

fn submission(submission: &Submission) -> Option<HeldItem> {
    let since = since(&submission.stage)?;
    let Notice { code, says, next } = notice_of_stage(submission)?;
    let picked_up = match &submission.stage {
        Stage::Held { content, .. } => *content,
        _ => submission.sealed.as_ref().map(|sealed| sealed.content),
    };
    Some(HeldItem {
        id: submission.key.to_string(),
        direction: Direction::Out,
        authority: submission.key.authority.clone(),
        state: submission.stage.word(),
        code,
        says,
        next,
        since,
        sha256: picked_up,
        approvals: Vec::new(),
    })
}

/// Since when a return waits for a person; `None` if it does not.
fn since(stage: &Stage) -> Option<Timestamp> {
    match stage {
        Stage::Held { since, .. } | Stage::Uncertain { since, .. } | Stage::Missed { since } => Some(*since),
        Stage::Failed { at, .. } => Some(*at),
        Stage::Scheduled
        | Stage::Sealed
        | Stage::Sending { .. }
        | Stage::Deferred { .. }
        | Stage::Sent { .. }
        | Stage::Acknowledged { .. }
        | Stage::Waived { .. } => None,
    }
}

fn write_text(held: &[HeldItem], text: &mut Text) {
    if held.is_empty() {
        return text.toned(Tone::Good, "Nothing is held.", "");
    }
    for item in held {
        text.toned(
            Tone::Bad,
            item.code,
            format_args!("  {}  since {}  authority {}", item.id, moment(item.since), item.authority),
        );
        text.line(format_args!("        {}", item.says));
        for Approval { by, at, until } in &item.approvals {
            let (at, until) = (moment(*at), moment(*until));
            text.line(format_args!("        Approved by {by} on {at}; a second person may until {until}"));
        }
        text.line(format_args!("        Next: {}", item.next));
    }
}
