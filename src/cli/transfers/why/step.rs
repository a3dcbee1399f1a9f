//! The rules a consignment passes, in their order, and the one that each reason comes from.

use crate::domain::reason::Limit;
use crate::domain::{DeferCause, HoldReason, RejectReason, Resume, Standing, Waiver};

/// A rule of the way in. The order is that of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// It came from a configured source.
    Source,
    /// What lies in the spool is what was collected.
    Spool,
    /// It has the form of one OpenPGP message, within the limits.
    Form,
    /// It opens with a key of ours, unaltered.
    Opening,
    /// A partner of the source signed it, in time.
    Signature,
    /// The content is what it should be, within the limits.
    Content,
    /// It names no authority but its own: at a source that serves several, exactly one of them.
    Authority,
    /// The derived copy that a route wants beside it can be made.
    Copy,
    /// A route takes its kind.
    Route,
    /// The virus scanner, if one is configured, finds nothing in it.
    Scan,
    /// The final name is free.
    FinalName,
    /// The destination can be written.
    Destination,
    /// The same content was not accepted before for the authority.
    Repeat,
    /// It is under its final name.
    Published,
}

impl Step {
    pub(super) const ALL: [Step; 14] = [
        Step::Source,
        Step::Spool,
        Step::Form,
        Step::Opening,
        Step::Signature,
        Step::Content,
        Step::Authority,
        Step::Copy,
        Step::Route,
        Step::Scan,
        Step::FinalName,
        Step::Destination,
        Step::Repeat,
        Step::Published,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Step::Source => "source",
            Step::Spool => "spool",
            Step::Form => "form",
            Step::Opening => "opening",
            Step::Signature => "signature",
            Step::Content => "content",
            Step::Authority => "authority",
            Step::Copy => "copy",
            Step::Route => "route",
            Step::Scan => "scan",
            Step::FinalName => "final name",
            Step::Destination => "destination",
            Step::Repeat => "repeat",
            Step::Published => "published",
        }
    }
}

/// How far a consignment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was decided since it was collected.
    Waiting,
    /// This rule was not met; those before it were.
    Stopped(Step),
    /// It was stopped by no rule: a fault of the service, or a person's order.
    Broken,
    /// Everything before this was met, and this is being worked on.
    Before(Step),
    /// Every rule was met.
    Done,
}

impl Progress {
    pub(super) fn of(standing: &Standing) -> Progress {
        match standing {
            Standing::Collected { .. } => Progress::Waiting,
            Standing::Staged { .. } => Progress::Before(Step::Published),
            Standing::Deferred { resume: Resume::Publishing { .. }, .. } => Progress::Stopped(Step::Published),
            Standing::Deferred { cause, .. } => of_cause(*cause),
            Standing::Held { reason, .. } => of_hold(reason),
            Standing::Rejected { reason: RejectReason::NoIntegrity, .. } => Progress::Stopped(Step::Opening),
            Standing::Rejected { reason: RejectReason::ByOrder, .. } => Progress::Broken,
            Standing::Delivered { .. } | Standing::Matched { .. } | Standing::Closed { .. } => Progress::Done,
        }
    }
}

fn of_hold(reason: &HoldReason) -> Progress {
    use HoldReason::*;
    let step = match reason {
        SpoolChanged => Step::Spool,
        Mail { .. } | Reply { .. } | NotOpenPgp | Truncated | SeveralMessages | OddStructure => Step::Form,
        Tampered | NoKey | LegacyAlgorithm => Step::Opening,
        Unsigned | Stranger | BadSignature | SignerRevoked { .. } | SignerExpired { .. } | SignatureAge => {
            Step::Signature
        }
        LimitReached { limit } => of_limit(*limit),
        ArchiveUnsafe | Malformed { .. } | UnacceptedRoot => Step::Content,
        OtherAuthority { .. } | SeveralAuthorities { .. } | AuthorityUntold => Step::Authority,
        NoRoute => Step::Route,
        Infected { .. } => Step::Scan,
        NameConflict | SameNames => Step::FinalName,
        NoCopy { .. } => Step::Copy,
        Repeat { .. } => Step::Repeat,
        Replaced | WhereaboutsUnknown | Restored => Step::Published,
        AttemptsExhausted { cause } => return of_cause(*cause),
        WorkerFault | ReleaseUnproven => return Progress::Broken,
    };
    Progress::Stopped(step)
}

/// The rule that a release sets aside.
pub(super) fn waived_by(waiver: &Waiver) -> Step {
    match waiver {
        Waiver::Unsigned | Waiver::Stranger | Waiver::SignerExpired { .. } | Waiver::SignatureAge => Step::Signature,
        Waiver::ActivePdf | Waiver::RiskTable | Waiver::Macros | Waiver::UnacceptedRoot => Step::Content,
        Waiver::Repeat { .. } => Step::Repeat,
    }
}

fn of_limit(limit: Limit) -> Step {
    match limit {
        Limit::CiphertextBytes | Limit::MessageDepth | Limit::Recipients => Step::Form,
        Limit::PlaintextBytes => Step::Opening,
        Limit::ArchiveMembers | Limit::ArchiveBytes => Step::Content,
    }
}

fn of_cause(cause: DeferCause) -> Progress {
    Progress::Stopped(match cause {
        DeferCause::SpoolUnreadable => Step::Spool,
        DeferCause::PrivateSpace | DeferCause::KeyUnreadable => Step::Opening,
        DeferCause::ScannerSilent | DeferCause::ScannerLimit => Step::Scan,
        DeferCause::DestinationMissing
        | DeferCause::DestinationHangs
        | DeferCause::DestinationFull
        | DeferCause::DestinationFault
        | DeferCause::StagedDamaged
        | DeferCause::Restored => Step::Destination,
        // These tell nothing of how far a consignment came; most are of the way out.
        DeferCause::WorkerFault
        | DeferCause::StoreUnreadable
        | DeferCause::CourierClosed
        | DeferCause::NameTaken
        | DeferCause::SealedDamaged
        | DeferCause::CourierUnreachable
        | DeferCause::CourierBusy
        | DeferCause::PartnerKeyUnusable => return Progress::Broken,
    })
}
