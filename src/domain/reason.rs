//! Why something does not simply go on: held for a person, rejected for good, or deferred for a while.

mod hold_words;
mod return_hold;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::authority::LaNumber;
use super::ids::ConsignmentId;
use super::notice::Notice;
use super::partner::Fingerprint;
use super::risk_layout::Underivable;
use super::submission::SubmissionKey;
pub use return_hold::ReturnHold;

/// OpenPGP layers within each other that are read.
pub const MESSAGE_DEPTH_MAX: usize = 4;
/// Recipients of a message that is read.
pub const RECIPIENTS_MAX: usize = 16;
/// Days before receipt by which a signature may have been made.
pub const SIGNATURE_DAYS_MAX: i64 = 30;
/// Minutes after receipt at which a signature may be dated: a sender's clock may be ahead of ours.
pub const SIGNATURE_AHEAD_MINUTES_MAX: i64 = 30;

/// What a failure means for the thing being worked on. Every error type of a step chooses one, without a wildcard arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Try again later, within bounds.
    Defer(DeferCause),
    /// A person decides.
    Hold(HoldReason),
    /// Never deliverable.
    Reject(RejectReason),
}

/// Why a consignment waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum HoldReason {
    /// The bytes are not an OpenPGP message.
    NotOpenPgp,
    /// Decryption or the integrity check failed: the message was altered or damaged.
    Tampered,
    /// The message ends before its end.
    Truncated,
    /// Encrypted to keys we do not hold.
    NoKey,
    /// Decrypts, but nobody signed it.
    Unsigned,
    /// Signed by a key that is pinned for no partner of this source.
    Stranger,
    /// The signature does not match the content.
    BadSignature,
    /// Signed by a pinned key that has been revoked.
    SignerRevoked {
        /// The pinned certificate.
        signer: Fingerprint,
    },
    /// Signed by a pinned key that had expired.
    SignerExpired {
        /// The pinned certificate.
        signer: Fingerprint,
    },
    /// More than one OpenPGP message in one file.
    SeveralMessages,
    /// Layers other than encryption around one signature around one literal.
    // design: ESK+ SEIP( [compressed] one-signature( literal ) )
    OddStructure,
    /// An algorithm that today's policy refuses and no exception covers.
    LegacyAlgorithm,
    /// The signature was made too long before receipt, or after it.
    SignatureAge,
    /// The same content was accepted before, for the same authority.
    Repeat {
        /// As which transfer.
        first: ConsignmentId,
        /// When that one came.
        received: Timestamp,
        /// What had become of it when the content came again.
        became: Became,
    },
    /// A limit on size, depth, recipients or members was reached.
    LimitReached {
        /// Which limit, as the configuration names it.
        limit: Limit,
    },
    /// The ZIP cannot be unpacked safely or at all.
    ArchiveUnsafe,
    /// Recognised, but not as what it should be.
    Malformed {
        /// In what way.
        unsound: Unsound,
    },
    /// A mail of which nothing may be used.
    Mail {
        /// Why.
        unfit: UnfitMail,
    },
    /// XML whose root element is none that its route accepts.
    UnacceptedRoot,
    /// The virus scanner found something in it.
    Infected {
        /// What the scanner calls it.
        signature: String,
    },
    /// A derived copy was to be delivered beside it and cannot be made.
    NoCopy {
        /// Why.
        why: Underivable,
    },
    /// No route says where this kind of file goes.
    NoRoute,
    /// Carries another authority's number: possibly another authority's personal data.
    OtherAuthority {
        /// The number found.
        found: LaNumber,
    },
    /// Names more than one of the LA numbers that its source serves.
    SeveralAuthorities {
        /// The numbers found.
        found: Vec<LaNumber>,
    },
    /// Names no LA number, and its source serves several.
    AuthorityUntold,
    /// A mail that replies to a return that was sent, without anything sealed in it.
    Reply {
        /// The return.
        to: SubmissionKey,
    },
    /// A file of that name is at the destination, and it is not ours.
    NameConflict,
    /// Two parts of one pack would be delivered under the same name.
    SameNames,
    /// What we published was replaced by something else before it was recorded.
    Replaced,
    /// The spooled bytes are no longer those that were collected.
    SpoolChanged,
    /// Tried as often as allowed.
    AttemptsExhausted {
        /// Why the last attempt failed.
        cause: DeferCause,
    },
    /// Handling it ended in a fault of our own, twice.
    WorkerFault,
    /// Neither the staged part nor the published file is there, and the folder is not the one it was staged in.
    WhereaboutsUnknown,
    /// The state was restored from a backup that holds this as undelivered, and it is not at its destination: it may have been
    /// delivered after the backup, and taken.
    Restored,
    /// The store says that it was released, and the ledger has no two people's approvals of it.
    ReleaseUnproven,
}

/// What had become of the transfer that brought the same content first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It was delivered.
    Delivered,
    /// It waits for a person.
    Held,
    /// It was accepted, and is neither.
    UnderWay,
}

/// In what way content is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsound {
    /// Cut short, damaged or not well-formed.
    Broken,
    /// A PDF that acts or carries other files, or that cannot be looked into.
    ActivePdf,
    /// Risk data that are no table.
    RiskTable,
    /// Risk data in a workbook with macros.
    Macros,
}

/// The limits that a single file can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Largest sealed file collected, in bytes.
    CiphertextBytes,
    /// Largest content a sealed file may become, in bytes.
    PlaintextBytes,
    /// Nesting of OpenPGP packets.
    MessageDepth,
    /// Recipients of one message.
    Recipients,
    /// Members of one archive.
    ArchiveMembers,
    /// Bytes all members of an archive become together.
    ArchiveBytes,
}

/// Why nothing of a mail may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnfitMail {
    /// Nothing in it is sealed, or what came out of it has no file.
    Plain,
    /// It is S/MIME.
    SMime,
    /// It is signed with OpenPGP and not encrypted.
    SignedOnly,
    /// Beside what is sealed there is something that is neither sealed nor a covering note.
    PartlySealed,
    /// Readers may see different things in it.
    Ambiguous,
    /// It has more parts, deeper ones, longer headers or more bytes than are read.
    TooComplex,
    /// Its sealed parts are signed by different keys.
    SeveralSigners,
}

/// Why a consignment can never be delivered. There is no release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum RejectReason {
    /// Encrypted without integrity protection.
    NoIntegrity,
    /// A person decided.
    ByOrder,
}

/// Why something is tried again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeferCause {
    /// The spool could not be read.
    SpoolUnreadable,
    /// The private place for opened files could not be written.
    PrivateSpace,
    /// The destination folder is missing or cannot be entered.
    DestinationMissing,
    /// The destination folder does not answer: an operation in it has not returned.
    DestinationHangs,
    /// The destination's disk is full.
    DestinationFull,
    /// The destination could not be written for another reason.
    DestinationFault,
    /// Our own key could not be read.
    KeyUnreadable,
    /// Handling it ended in a fault of our own, once.
    WorkerFault,
    /// The courier could not be reached.
    CourierUnreachable,
    /// The courier said: not now.
    CourierBusy,
    /// The courier did not come to be offered the return: login, encryption, address or size.
    CourierClosed,
    /// The outgoing folder has another file of the return's name.
    NameTaken,
    /// The sealed bytes are missing, or not those that were recorded.
    SealedDamaged,
    /// The partner's certificate cannot be used today.
    PartnerKeyUnusable,
    /// The record of it could not be read back from the store.
    StoreUnreadable,
    /// What was staged at the destination is no longer what was written.
    StagedDamaged,
    /// The state was restored from a backup: it is looked up at its destination before it is delivered.
    Restored,
    /// The virus scanner did not answer, or not with a verdict.
    ScannerSilent,
    /// The virus scanner takes no file as large as this.
    ScannerLimit,
}

impl Limit {
    /// The configuration key that sets it, or what it bounds if none does.
    pub fn key(self) -> &'static str {
        match self {
            Limit::CiphertextBytes => "service.limits.ciphertext_bytes_max",
            Limit::PlaintextBytes => "service.limits.plaintext_bytes_max",
            Limit::MessageDepth => "OpenPGP layers (fixed)",
            Limit::Recipients => "recipients (fixed)",
            Limit::ArchiveMembers => "service.limits.archive_members_max",
            Limit::ArchiveBytes => "service.limits.archive_bytes_max",
        }
    }
}

impl RejectReason {
    /// What to tell a person.
    pub fn notice(&self) -> Notice {
        match self {
            RejectReason::NoIntegrity => Notice::new(
                "CN-201",
                "This file is encrypted without protection against alteration, which is never accepted.",
                "Ask the partner to use current software.",
            ),
            RejectReason::ByOrder => Notice::new(
                "CN-202",
                "A person decided that this file is not to be delivered.",
                "`hbcourier transfers show` tells who and why. The partner's next sending of it is welcome.",
            ),
        }
    }
}

impl fmt::Display for DeferCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl DeferCause {
    /// The cause in words that complete "because …".
    pub fn says(self) -> &'static str {
        match self {
            DeferCause::SpoolUnreadable => "the spool could not be read",
            DeferCause::PrivateSpace => "the state directory could not be written",
            DeferCause::DestinationMissing => "the destination folder is missing or closed to the service",
            DeferCause::DestinationHangs => "the destination folder does not answer",
            DeferCause::DestinationFull => "the destination's disk is full",
            DeferCause::DestinationFault => "the destination could not be written",
            DeferCause::KeyUnreadable => "the service's own key could not be read",
            DeferCause::WorkerFault => "the service met a fault of its own",
            DeferCause::CourierUnreachable => "the courier could not be reached",
            DeferCause::CourierBusy => "the courier asked to try later",
            DeferCause::CourierClosed => {
                "the courier could not be offered it: login, encryption, an address or its size stood in the way"
            }
            DeferCause::NameTaken => "the outgoing folder has another file of its name",
            DeferCause::SealedDamaged => "its sealed file in the spool is missing or damaged",
            DeferCause::PartnerKeyUnusable => "the partner's certificate cannot be used today",
            DeferCause::StoreUnreadable => "the store could not be read",
            DeferCause::StagedDamaged => "what was staged at the destination had been damaged",
            DeferCause::Restored => {
                "the state was restored from a backup and it must be looked up at its destination first"
            }
            DeferCause::ScannerSilent => "the virus scanner gave no verdict",
            DeferCause::ScannerLimit => "the virus scanner takes no file as large as it",
        }
    }

    /// What to tell a person.
    pub fn notice(self) -> Notice {
        let code = match self {
            DeferCause::SpoolUnreadable => "CN-301",
            DeferCause::PrivateSpace => "CN-302",
            DeferCause::DestinationMissing => "CN-303",
            DeferCause::DestinationHangs => "CN-316",
            DeferCause::DestinationFull => "CN-304",
            DeferCause::DestinationFault => "CN-305",
            DeferCause::KeyUnreadable => "CN-306",
            DeferCause::WorkerFault => "CN-307",
            DeferCause::CourierUnreachable => "CN-308",
            DeferCause::CourierBusy => "CN-309",
            DeferCause::PartnerKeyUnusable => "CN-310",
            DeferCause::StoreUnreadable => "CN-311",
            DeferCause::StagedDamaged => "CN-312",
            DeferCause::CourierClosed => "CN-313",
            DeferCause::NameTaken => "CN-314",
            DeferCause::SealedDamaged => "CN-315",
            DeferCause::Restored => "CN-572",
            DeferCause::ScannerSilent => "CN-317",
            DeferCause::ScannerLimit => "CN-318",
        };
        Notice::new(code, format!("Waiting to try again, because {}.", self.says()), self.next())
    }

    fn next(self) -> &'static str {
        match self {
            DeferCause::CourierClosed => {
                "Mend the courier's account, password, certificate, addresses or limits (`hbcourier check` tries them); it is tried again by itself until its hours are over."
            }
            DeferCause::NameTaken => {
                "See whose file that is and move it away; the return is then placed by itself until its hours are over."
            }
            DeferCause::SealedDamaged => {
                "Put the file back below `sealed` in the state directory from the backup; it is then sent by itself until its hours are over."
            }
            DeferCause::ScannerSilent => {
                "Start or mend clamd (`hbcourier check` asks it); nothing is delivered unscanned, and this is tried again by itself."
            }
            DeferCause::ScannerLimit => {
                "If the file is genuine, raise `StreamMaxLength`, `MaxFileSize` and `MaxScanSize` in clamd's configuration and restart it; this is tried again by itself."
            }
            DeferCause::DestinationHangs => {
                "See whether the other machine and the network between are up; it goes on by itself when the folder answers, a return within its hours, and no attempt is lost."
            }
            _ => "`hbcourier check` names what to mend; it is then tried again by itself.",
        }
    }

    /// Whether it lasts until a person does something, so that a person is told at once.
    pub fn needs_a_person(self) -> bool {
        matches!(self, DeferCause::CourierClosed | DeferCause::NameTaken | DeferCause::SealedDamaged)
    }
}
