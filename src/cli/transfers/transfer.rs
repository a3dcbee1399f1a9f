//! One transfer, as lists and JSON show it: a consignment that came, or a return that was sealed to go.

use jiff::Timestamp;
use serde::Serialize;

use super::Direction;
use crate::domain::alarm::AlarmReason;
use crate::domain::{
    Consignment, Delivery, Digest, FileKind, Fingerprint, LaNumber, Notice, ReturnKind, SourceName, Stage, Standing,
    Submission,
};

/// One transfer.
#[derive(Clone, Debug, Serialize)]
pub struct Transfer {
    /// Of what came: the consignment's id. Of what goes: the return's key.
    pub id: String,
    /// Which way.
    pub direction: Direction,
    /// Whose.
    pub authority: LaNumber,
    /// What it is; `unknown` also while nobody has looked inside.
    pub kind: FileKind,
    /// Where it stands.
    pub state: &'static str,
    /// When it became ours: collected, or sealed.
    pub received_at: Option<Timestamp>,
    /// When there was nothing more to do.
    pub finished_at: Option<Timestamp>,
    /// Where it came from; of a return, nothing.
    pub source: Option<SourceName>,
    /// What is in it, as far as it is known.
    pub parts: Vec<Part>,
    /// Whose signature was accepted.
    pub signer: Option<Fingerprint>,
    /// SHA-256 of the sealed bytes.
    pub sealed_sha256: Option<Digest>,
    /// Length of the sealed bytes.
    pub sealed_size: Option<u64>,
    /// The code of what stands in its way, if anything does.
    pub code: Option<&'static str>,
    /// The same in a sentence.
    pub says: Option<String>,
    /// What to do about it.
    pub next: Option<&'static str>,
    /// Attempts that have failed since it last went on.
    pub attempts: Option<u8>,
    /// When it is tried again.
    pub until: Option<Timestamp>,
}

/// One file of a transfer.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What it is.
    pub kind: FileKind,
    /// SHA-256 of its content.
    pub sha256: Digest,
    /// Length of its content; of a return's file it is not recorded.
    pub size: Option<u64>,
    /// The path it was delivered under, without a name of the sender's; nothing before it was.
    pub delivered_to: Option<String>,
}

impl Transfer {
    /// A consignment that came.
    pub fn inbound(consignment: &Consignment, deliveries: &[Delivery]) -> Transfer {
        let standing = &consignment.standing;
        let notice = notice_of_standing(standing);
        let (attempts, until, finished_at) = match standing {
            Standing::Deferred { attempts, until, .. } => (Some(*attempts), Some(*until), None),
            Standing::Delivered { at }
            | Standing::Matched { at }
            | Standing::Closed { at }
            | Standing::Rejected { at, .. } => (None, None, Some(*at)),
            Standing::Collected { .. } | Standing::Staged { .. } | Standing::Held { .. } => (None, None, None),
        };
        let is_out = matches!(standing, Standing::Delivered { .. } | Standing::Closed { .. });
        let part = |delivery: &Delivery| Part {
            kind: delivery.kind,
            sha256: delivery.digest,
            size: Some(delivery.bytes),
            delivered_to: is_out.then(|| delivery.told_path()),
        };
        Transfer {
            id: consignment.id.to_string(),
            direction: Direction::In,
            authority: consignment.authority.clone(),
            kind: kind_of(deliveries),
            state: standing.word(),
            received_at: Some(consignment.received_at),
            finished_at,
            source: Some(consignment.source.clone()),
            parts: deliveries.iter().map(part).collect(),
            signer: consignment.signer.clone(),
            sealed_sha256: Some(consignment.sealed_digest),
            sealed_size: Some(consignment.sealed_bytes),
            code: notice.as_ref().map(|notice| notice.code),
            next: notice.as_ref().map(|notice| notice.next),
            says: notice.map(|notice| notice.says),
            attempts,
            until,
        }
    }

    /// A return that was sealed to go, or is owed.
    pub fn outbound(submission: &Submission) -> Transfer {
        let stage = &submission.stage;
        let notice = notice_of_stage(submission);
        let kind = match submission.key.kind {
            ReturnKind::Shbe => FileKind::Shbe,
            ReturnKind::HbmsMi => FileKind::HbmsMi,
        };
        let (attempts, until) = match stage {
            Stage::Deferred { attempts, until, .. } => (Some(*attempts), Some(*until)),
            _ => (None, None),
        };
        let sealed = submission.sealed.as_ref();
        let part = sealed.map(|sealed| Part { kind, sha256: sealed.content, size: None, delivered_to: None });
        Transfer {
            id: submission.key.to_string(),
            direction: Direction::Out,
            authority: submission.key.authority.clone(),
            kind,
            state: stage.word(),
            received_at: sealed.map(|sealed| sealed.at),
            finished_at: finished_at(stage),
            source: None,
            parts: part.into_iter().collect(),
            signer: None,
            sealed_sha256: sealed.map(|sealed| sealed.sealed),
            sealed_size: sealed.map(|sealed| sealed.bytes),
            code: notice.as_ref().map(|notice| notice.code),
            next: notice.as_ref().map(|notice| notice.next),
            says: notice.map(|notice| notice.says),
            attempts,
            until,
        }
    }
}

/// What a consignment is: the kind of its parts, or a pack. A derived copy is of its original's kind.
fn kind_of(deliveries: &[Delivery]) -> FileKind {
    match deliveries {
        [] => FileKind::Unknown,
        [only] => only.kind,
        all if all.iter().all(|one| one.kind == FileKind::CaseloadRisk) => FileKind::CaseloadRisk,
        // Nothing else has several parts.
        _ => FileKind::HbmsPack,
    }
}

fn finished_at(stage: &Stage) -> Option<Timestamp> {
    match stage {
        Stage::Sent { at, .. } | Stage::Acknowledged { at } | Stage::Waived { at } => Some(*at),
        Stage::Scheduled
        | Stage::Held { .. }
        | Stage::Sealed
        | Stage::Sending { .. }
        | Stage::Deferred { .. }
        | Stage::Uncertain { .. }
        | Stage::Failed { .. }
        | Stage::Missed { .. } => None,
    }
}

/// What to tell a person of a consignment, if something stands in its way.
pub fn notice_of_standing(standing: &Standing) -> Option<Notice> {
    match standing {
        Standing::Deferred { cause, .. } => Some(cause.notice()),
        Standing::Held { reason, .. } => Some(reason.notice()),
        Standing::Rejected { reason, .. } => Some(reason.notice()),
        Standing::Collected { .. }
        | Standing::Staged { .. }
        | Standing::Delivered { .. }
        | Standing::Matched { .. }
        | Standing::Closed { .. } => None,
    }
}

/// What to tell a person of a return, if something stands in its way.
pub fn notice_of_stage(submission: &Submission) -> Option<Notice> {
    let alarm = |reason: AlarmReason| Some(reason.notice(&submission.key.to_string()));
    match &submission.stage {
        Stage::Held { reason, .. } => Some(reason.notice()),
        Stage::Deferred { cause, .. } => Some(cause.notice()),
        Stage::Uncertain { restored: true, .. } => {
            Some(AlarmReason::uncertain_since_restored(&submission.key.to_string()))
        }
        Stage::Uncertain { .. } => alarm(AlarmReason::Uncertain),
        Stage::Failed { .. } => alarm(AlarmReason::Refused),
        Stage::Missed { .. } => alarm(AlarmReason::Missed),
        Stage::Scheduled
        | Stage::Sealed
        | Stage::Sending { .. }
        | Stage::Sent { .. }
        | Stage::Acknowledged { .. }
        | Stage::Waived { .. } => None,
    }
}
