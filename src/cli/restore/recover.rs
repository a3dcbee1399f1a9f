//! What a restored state may be wrong about, recorded before any service starts on it.
//!
//! In:  the store as it was backed up, the latest head that is known. Out: an entry with the gap, an alarm that a person ends.
//! What was received and not delivered is looked up at its destination by the service, and waits for a person if it is not
//! there; what was held, when a person lets it go. What was staged needs nothing: the table of what a crash leaves tells by what lies at the destination. A return that may have been
//! sent since becomes Uncertain, and no policy sends it again and nothing is picked up for it: also one of which the backup has no
//! sealed bytes. One for a later day is picked up, and goes out, as it would have.

use std::error::Error;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::backup::Manifest;
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Actor, DeferCause, Digest, Resume, Stage, Standing, Submission};
use crate::effects::clock::london;
use crate::store::{Change, ConsignmentFilter, Queries, Recorder, SqliteStore, StateChange, SubmissionFilter};

/// On whose word.
pub(super) struct Ordered {
    pub actor: Actor,
    pub by: Option<String>,
    /// The digest of the backup's list of files.
    pub manifest: Digest,
    pub why: Option<String>,
    pub now: Timestamp,
}

/// What was found, and done about it.
#[derive(Debug, Serialize)]
pub(super) struct Recovered {
    /// In the backup.
    pub entries: u64,
    /// Of the latest checkpoint that is known.
    pub known: Option<u64>,
    /// Entries that are certainly lost.
    pub lost_at_least: u64,
    /// Transfers that are looked up at their destinations.
    pub looked_up: usize,
    /// Held ones, which are looked up when a person lets them go.
    pub held: usize,
    /// Returns that may have been sent since.
    pub uncertain: Vec<String>,
}

impl Recovered {
    fn gap(&self, made_at: Timestamp) -> String {
        let lost = match self.lost_at_least {
            0 => "how many entries came after them is not known".to_owned(),
            lost => format!("at least {lost} entries after them are lost"),
        };
        format!(
            "The state is a backup of {} with {} entries; {lost}",
            made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            self.entries
        )
    }

    pub(super) fn says(&self, manifest: &Manifest) -> String {
        format!("{}. What was recorded after the backup is not here.", self.gap(manifest.made_at))
    }
}

/// Records all of it.
pub(super) fn recover(
    store: &SqliteStore,
    manifest: &Manifest,
    covered: u64,
    ordered: &Ordered,
) -> Result<Recovered, Box<dyn Error>> {
    let (queries, recorder) = (store.queries(), store.recorder());
    let Ordered { actor, now, .. } = ordered;
    let record = |event, facts, state| {
        recorder.record(Change { at: *now, actor: actor.clone(), event, facts, names: Vec::new(), state })
    };
    let known = (covered > 0).then_some(covered);
    let mut recovered = Recovered {
        entries: manifest.entries,
        known,
        lost_at_least: covered.saturating_sub(manifest.entries),
        looked_up: 0,
        held: 0,
        uncertain: Vec::new(),
    };
    let facts = Facts {
        about: Some(match &ordered.by {
            Some(by) => format!("backup {} for {by}", ordered.manifest),
            None => format!("backup {}", ordered.manifest),
        }),
        why: ordered.why.clone(),
        size: Some(manifest.entries),
        content: Some(manifest.root),
        known,
        version: Some(manifest.version.clone()),
        ..Facts::default()
    };
    record(Event::Restored, facts, StateChange::None)?;
    let about = recovered.gap(manifest.made_at);
    let notice = AlarmReason::Restored.notice(&about);
    let facts = Facts { about: Some(about.clone()), code: Some(notice.code.to_owned()), ..Facts::default() };
    record(Event::AlarmRaised, facts, StateChange::Alarm { about, notice: Some(notice) })?;

    for consignment in queries.consignments(&ConsignmentFilter::default())? {
        let Some((event, code, standing)) = to_look_up(&consignment.standing, *now) else { continue };
        recovered.looked_up += usize::from(event == Event::Deferred);
        recovered.held += usize::from(event == Event::Held);
        let state = StateChange::Consignment {
            id: consignment.id,
            expect: consignment.revision,
            standing,
            deliveries: None,
            authority: None,
            accepts: Vec::new(),
            signer: None,
        };
        record(event, Facts { code: Some(code.to_owned()), ..Facts::default() }, state)?;
    }
    for submission in queries.submissions(&SubmissionFilter::default())? {
        if may_have_been_sent(&submission, *now) {
            let stage = Stage::Uncertain { since: *now, restored: true };
            let key = submission.key.clone();
            let state = StateChange::Submission { key, expect: submission.revision, stage, sealed: None };
            record(Event::Uncertain, Facts::default(), state)?;
            recovered.uncertain.push(submission.key.to_string());
        }
    }
    Ok(recovered)
}

/// What was not delivered when the backup was made may have been since: it is looked up before it is delivered, a held one when a
/// person lets it go.
fn to_look_up(standing: &Standing, now: Timestamp) -> Option<(Event, &'static str, Standing)> {
    let cause = DeferCause::Restored;
    let look_up = |attempts| {
        let standing = Standing::Deferred { until: now, attempts, cause, resume: Resume::LookingUp };
        Some((Event::Deferred, cause.notice().code, standing))
    };
    match standing {
        Standing::Collected { .. } => look_up(0),
        Standing::Deferred { resume: Resume::Opening | Resume::LookingUp, attempts, .. } => look_up(*attempts),
        Standing::Held { since, reason, .. } => {
            let standing = Standing::Held { since: *since, reason: reason.clone(), restored: true };
            Some((Event::Held, reason.notice().code, standing))
        }
        _ => None,
    }
}

/// Whether it may have been sent after the backup. What is being sent into a folder is told by that folder at the start.
fn may_have_been_sent(submission: &Submission, now: Timestamp) -> bool {
    let today = now.to_zoned(london()).date();
    match &submission.stage {
        Stage::Scheduled | Stage::Held { .. } | Stage::Sealed => {
            submission.transfer_on <= today || submission.ordered.is_some()
        }
        // What was missed or failed may have been ordered since.
        Stage::Deferred { .. } | Stage::Missed { .. } | Stage::Failed { .. } => true,
        Stage::Sending { place, .. } => place.is_none(),
        // The policy may have sent it once more.
        Stage::Uncertain { restored, .. } => !restored,
        Stage::Sent { .. } | Stage::Acknowledged { .. } | Stage::Waived { .. } => false,
    }
}
