//! Releasing what is held: which finding may be set aside, and when two people have agreed to it.
//!
//! In:  why something is held; who approved what, when, under which settings. Out: what the next approval does.
//! Holds: a release sets aside one finding and nothing else; it takes two different accounts, the same sealed bytes and the
//! same settings, within [`APPROVED_WITHIN`]. That rule is [`Approval::agrees_with`], and every place that counts on it asks it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::digest::Digest;
use super::ids::ConsignmentId;
use super::ledger::{Entry, Event};
use super::partner::Fingerprint;
use super::reason::{Became, HoldReason, Unsound};

/// How far apart two people's approvals may lie.
pub const APPROVED_WITHIN: SignedDuration = SignedDuration::from_hours(72);

/// The one finding that a release sets aside. Whatever else is found holds the file anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "finding")]
pub enum Waiver {
    /// Nobody signed it.
    Unsigned,
    /// It is signed by a key that is not trusted for its source: that signature is not verified, and counts for nothing.
    Stranger,
    /// Its good signature is by this certificate, which had expired.
    SignerExpired {
        /// The pinned certificate.
        signer: Fingerprint,
    },
    /// Its good signature was made too long before receipt, or is dated after it.
    SignatureAge,
    /// A PDF in it acts, carries other files or cannot be looked into.
    ActivePdf,
    /// Risk data in it are no table.
    RiskTable,
    /// Risk data in it are a workbook with macros.
    Macros,
    /// Its root element is none that the route accepts.
    UnacceptedRoot,
    /// The same content was delivered before.
    Repeat {
        /// As which transfer.
        first: ConsignmentId,
    },
}

impl Waiver {
    /// Whether it is about who signed and when, and not about the content.
    pub fn is_about_the_signature(&self) -> bool {
        match self {
            Waiver::Unsigned | Waiver::Stranger | Waiver::SignerExpired { .. } | Waiver::SignatureAge => true,
            Waiver::ActivePdf | Waiver::RiskTable | Waiver::Macros | Waiver::UnacceptedRoot | Waiver::Repeat { .. } => {
                false
            }
        }
    }

    /// What a release would set aside; `None` where there is no release.
    pub fn of(reason: &HoldReason) -> Option<Waiver> {
        use HoldReason::*;
        match reason {
            // The content is whole, and what is missing or odd is something that people can make sure of by asking the
            // partner, or by looking at the file with care.
            Unsigned => Some(Waiver::Unsigned),
            Stranger => Some(Waiver::Stranger),
            SignerExpired { signer } => Some(Waiver::SignerExpired { signer: signer.clone() }),
            SignatureAge => Some(Waiver::SignatureAge),
            Malformed { unsound: Unsound::ActivePdf } => Some(Waiver::ActivePdf),
            Malformed { unsound: Unsound::RiskTable } => Some(Waiver::RiskTable),
            Malformed { unsound: Unsound::Macros } => Some(Waiver::Macros),
            UnacceptedRoot => Some(Waiver::UnacceptedRoot),
            Repeat { first, became: Became::Delivered, .. } => Some(Waiver::Repeat { first: *first }),
            // The other transfer is the one to decide about.
            Repeat { became: Became::Held | Became::UnderWay, .. } => None,
            // Altered, cut short, or by somebody who is proved not to be the sender: nobody can vouch for what is in it.
            Tampered | Truncated | BadSignature | SignerRevoked { .. } | SpoolChanged | ReleaseUnproven => None,
            // There is nothing that could be let through, or nobody can say what it is.
            NotOpenPgp
            | NoKey
            | SeveralMessages
            | OddStructure
            | ArchiveUnsafe
            | LimitReached { .. }
            | Malformed { unsound: Unsound::Broken }
            | Mail { .. } => None,
            // What acts on whoever opens it no approval makes harmless; of a false alarm the scanner can be told.
            Infected { .. } => None,
            // It may be somebody else's personal data.
            OtherAuthority { .. } | SeveralAuthorities { .. } | AuthorityUntold => None,
            // A dated exception, the configuration, another folder or a further attempt is the answer, and lasts.
            LegacyAlgorithm
            | NoCopy { .. }
            | NoRoute
            | NameConflict
            | SameNames
            | Replaced
            | AttemptsExhausted { .. }
            | WorkerFault
            | WhereaboutsUnknown
            | Restored => None,
            // It has nothing to deliver.
            Reply { .. } => None,
        }
    }

    /// Whether this is the finding that it sets aside.
    pub fn covers(&self, reason: &HoldReason) -> bool {
        Waiver::of(reason).as_ref() == Some(self)
    }

    /// The finding in words that complete "although …".
    pub fn says(&self) -> &'static str {
        match self {
            Waiver::Unsigned => "nobody signed it",
            Waiver::Stranger => {
                "it is signed by a key that is not trusted for its source, so that signature proves nothing"
            }
            Waiver::SignerExpired { .. } => "its good signature is by a certificate that had expired",
            Waiver::SignatureAge => "its good signature is too old, or dated ahead",
            Waiver::ActivePdf => "a PDF in it acts, carries other files or hides its content",
            Waiver::RiskTable => "its risk data are not the table they should be",
            Waiver::Macros => "its risk data are a workbook with macros",
            Waiver::UnacceptedRoot => "its root element is none that its route accepts",
            Waiver::Repeat { .. } => "the same content was delivered before",
        }
    }
}

/// What two people must both have approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// SHA-256 of the sealed bytes.
    pub sealed: Digest,
    /// The finding that is set aside.
    pub waives: Waiver,
    /// SHA-256 of the settings in force.
    pub policy: Digest,
}

/// One person's approval of a held transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The account, by the number that the kernel tells.
    pub uid: u32,
    /// What the account was called then. Proves nothing.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Of what.
    pub of: Approved,
}

/// An approval with the entry that tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What was approved.
    pub approval: Approval,
    /// The entry.
    pub entry: u64,
}

/// A release that a transfer carries until it is delivered, held anew or rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The finding that is set aside.
    pub waives: Waiver,
    /// The entry that tells of it.
    pub entry: u64,
}

impl Approval {
    /// Whether these are two people's approvals of the same, close enough to each other.
    pub fn agrees_with(&self, other: &Approval) -> bool {
        self.uid != other.uid && self.of == other.of && self.is_near(other.at)
    }

    /// Whether it still counts at this time. A clock that was set back must not make it last.
    pub fn is_near(&self, at: Timestamp) -> bool {
        self.at.duration_since(at).abs() <= APPROVED_WITHIN
    }

    /// Until when a second person may agree.
    pub fn until(&self) -> Timestamp {
        self.at.checked_add(APPROVED_WITHIN).unwrap_or(Timestamp::MAX)
    }

    /// The approval that an entry tells of: the first person's, or the second's with the release.
    pub fn told_by(entry: &Entry) -> Option<(ConsignmentId, Approval)> {
        let Actor::Account { uid, name } = &entry.actor else { return None };
        let facts = &entry.facts;
        matches!(entry.event, Event::ReleaseApproved | Event::Released).then_some(())?;
        let of = Approved { sealed: facts.sealed?, waives: facts.waives.clone()?, policy: facts.config? };
        Some((facts.transfer?, Approval { uid: *uid, name: name.clone(), at: entry.at, of }))
    }
}

/// What a person's approval does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the first; a second person's is needed.
    First,
    /// It is the second: the transfer is released.
    Second {
        /// The first.
        first: Recorded,
    },
    /// This person has approved it already.
    Twice {
        /// When.
        at: Timestamp,
    },
}

/// What this approval does beside those that were given since the transfer is held.
pub fn step(given: &[Recorded], approval: &Approval) -> Step {
    let agreeing = given.iter().filter(|one| one.approval.agrees_with(approval));
    if let Some(first) = agreeing.min_by_key(|one| one.entry) {
        return Step::Second { first: first.clone() };
    }
    let counts = |one: &&Recorded| one.approval.of == approval.of && one.approval.is_near(approval.at);
    match given.iter().filter(counts).find(|one| one.approval.uid == approval.uid) {
        Some(own) => Step::Twice { at: own.approval.at },
        None => Step::First,
    }
}

/// Whether such an entry about a transfer ends a release that it carried: it is used up, or void.
pub fn is_ended_by(event: Event) -> bool {
    match event {
        Event::Held
        | Event::Rejected
        | Event::Answered
        | Event::Delivered
        | Event::DeliveredRecovered
        | Event::DeliveredTaken
        | Event::Closed
        | Event::RetryOrdered
        | Event::Released
        | Event::Collected
        | Event::CollectedRecovered => true,
        // On its way, or about something else.
        _ => false,
    }
}

/// Whether the entries of two people prove the release of these sealed bytes.
pub fn is_proven(first: &Entry, second: &Entry, transfer: &ConsignmentId, sealed: &Digest) -> bool {
    let (Some((of_first, one)), Some((of_second, other))) = (Approval::told_by(first), Approval::told_by(second))
    else {
        return false;
    };
    first.event == Event::ReleaseApproved
        && second.event == Event::Released
        && second.facts.approved == Some(first.seq)
        && first.seq < second.seq
        && [of_first, of_second] == [*transfer, *transfer]
        && one.of.sealed == *sealed
        && one.agrees_with(&other)
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

#[cfg(test)]
mod tests;
