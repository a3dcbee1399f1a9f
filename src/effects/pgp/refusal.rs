//! Why a sealed file did not open, and what that means for it.
//!
//! Holds: every way to fail is a variant of its own here, and none of them is ever told to the sender.

use std::io;

use crate::domain::reason::Limit;
use crate::domain::{Consequence, DeferCause, Fingerprint, HoldReason, PartnerName, RejectReason};

use super::ring::KeyFault;

/// Why a sealed file did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The sealed bytes could not be read.
    #[error("could not read the sealed bytes")]
    Read(#[source] io::Error),
    /// The content could not be written.
    #[error("could not write the content to its private place")]
    Write(#[source] io::Error),
    /// It may be encrypted to a key of ours that cannot be read.
    #[error("no readable key opens the message, and a key of our own could not be read")]
    OwnKeyUnreadable(#[source] KeyFault),
    /// It may be signed by a certificate that cannot be read.
    #[error("no readable certificate verifies the signature, and one of partner {partner} could not be read")]
    CertificateUnreadable {
        /// Whose certificate.
        partner: PartnerName,
        /// What is wrong with it.
        #[source]
        source: KeyFault,
    },
    /// Not OpenPGP, or OpenPGP that is no message, such as a certificate.
    #[error("the bytes are not an OpenPGP message")]
    NotOpenPgp,
    /// An OpenPGP message that nobody encrypted.
    #[error("the message is not encrypted")]
    NotEncrypted,
    /// It ends before its end.
    #[error("the message ends before its end")]
    Truncated,
    /// The session key or the integrity check failed.
    #[error("the message was altered or damaged after it was encrypted")]
    Tampered,
    /// So damaged that the parser gave up in a fault of its own.
    #[error("the message is damaged in a way that the parser cannot cope with")]
    ParserFault,
    /// Encrypted to others.
    #[error("no key of ours opens the message")]
    NoKey,
    /// Encrypted with a passphrase only.
    #[error("the message is encrypted with a passphrase only")]
    PassphraseOnly,
    /// Encrypted but not signed.
    #[error("nobody signed the message")]
    Unsigned,
    /// The signer is pinned for none of the partners asked for.
    #[error("the signer is pinned for none of the partners of this source")]
    Stranger,
    /// The signature does not match the content.
    #[error("the signature does not match the content")]
    BadSignature,
    /// Signed by a revoked key.
    #[error("signed by {signer}, which is revoked")]
    SignerRevoked {
        /// The pinned certificate.
        signer: Fingerprint,
    },
    /// Signed by a certificate that a person has retired.
    #[error("signed by {signer}, which was retired before")]
    SignerRetired {
        /// The pinned certificate.
        signer: Fingerprint,
    },
    /// Signed by an expired key.
    #[error("signed by {signer}, which had expired")]
    SignerExpired {
        /// The pinned certificate.
        signer: Fingerprint,
    },
    /// More than one message in one file.
    #[error("there is more than one message in the file")]
    SeveralMessages,
    /// Something stands before or after the message.
    #[error("something else stands before or after the message")]
    Surroundings,
    /// Layers other than the accepted ones.
    #[error("the layers are not encryption around one signature around one literal")]
    OddStructure,
    /// An algorithm that the policy of that day refuses.
    #[error("the message uses an algorithm that is refused")]
    LegacyAlgorithm,
    /// The signature was made too long before receipt.
    #[error("the signature was made more than {days_max} days before receipt, or has expired")]
    SignatureTooOld {
        /// The limit.
        days_max: i64,
    },
    /// The signature is dated after receipt.
    #[error("the signature is dated more than {minutes_max} minutes after receipt")]
    SignatureAhead {
        /// The limit.
        minutes_max: i64,
    },
    /// The content is larger than allowed.
    #[error("the content is larger than {bytes_max} bytes")]
    PlaintextLimit {
        /// The limit.
        bytes_max: u64,
    },
    /// Nested too deeply.
    #[error("packets are nested more than {depth_max} deep")]
    DepthLimit {
        /// The limit.
        depth_max: usize,
    },
    /// Encrypted to too many keys.
    #[error("the message is encrypted to more than {recipients_max} keys")]
    RecipientLimit {
        /// The limit.
        recipients_max: usize,
    },
    /// Encrypted without integrity protection.
    #[error("the message is encrypted without integrity protection")]
    NoIntegrity,
}

impl OpenError {
    /// What the inbound worker does next. A new variant does not compile until it has chosen.
    pub fn consequence(&self) -> Consequence {
        use HoldReason as H;
        let limit = |limit| Consequence::Hold(H::LimitReached { limit });
        match self {
            OpenError::Read(_) => Consequence::Defer(DeferCause::SpoolUnreadable),
            OpenError::Write(_) => Consequence::Defer(DeferCause::PrivateSpace),
            OpenError::OwnKeyUnreadable(_) | OpenError::CertificateUnreadable { .. } => {
                Consequence::Defer(DeferCause::KeyUnreadable)
            }
            OpenError::NotOpenPgp => Consequence::Hold(H::NotOpenPgp),
            OpenError::Truncated => Consequence::Hold(H::Truncated),
            OpenError::Tampered | OpenError::ParserFault => Consequence::Hold(H::Tampered),
            OpenError::NoKey | OpenError::PassphraseOnly => Consequence::Hold(H::NoKey),
            OpenError::Unsigned => Consequence::Hold(H::Unsigned),
            OpenError::Stranger => Consequence::Hold(H::Stranger),
            OpenError::BadSignature => Consequence::Hold(H::BadSignature),
            OpenError::SignerRevoked { signer } | OpenError::SignerRetired { signer } => {
                Consequence::Hold(H::SignerRevoked { signer: signer.clone() })
            }
            OpenError::SignerExpired { signer } => Consequence::Hold(H::SignerExpired { signer: signer.clone() }),
            OpenError::SeveralMessages => Consequence::Hold(H::SeveralMessages),
            OpenError::NotEncrypted | OpenError::Surroundings | OpenError::OddStructure => {
                Consequence::Hold(H::OddStructure)
            }
            OpenError::LegacyAlgorithm => Consequence::Hold(H::LegacyAlgorithm),
            OpenError::SignatureTooOld { .. } | OpenError::SignatureAhead { .. } => Consequence::Hold(H::SignatureAge),
            OpenError::PlaintextLimit { .. } => limit(Limit::PlaintextBytes),
            OpenError::DepthLimit { .. } => limit(Limit::MessageDepth),
            OpenError::RecipientLimit { .. } => limit(Limit::Recipients),
            OpenError::NoIntegrity => Consequence::Reject(RejectReason::NoIntegrity),
        }
    }

    /// Whether reading on cannot change what this is: our own trouble, or a limit that was reached.
    pub(super) fn ends_reading(&self) -> bool {
        match self {
            OpenError::Read(_)
            | OpenError::Write(_)
            | OpenError::PlaintextLimit { .. }
            | OpenError::DepthLimit { .. }
            | OpenError::RecipientLimit { .. } => true,
            OpenError::OwnKeyUnreadable(_)
            | OpenError::CertificateUnreadable { .. }
            | OpenError::NotOpenPgp
            | OpenError::NotEncrypted
            | OpenError::Truncated
            | OpenError::Tampered
            | OpenError::ParserFault
            | OpenError::NoKey
            | OpenError::PassphraseOnly
            | OpenError::Unsigned
            | OpenError::Stranger
            | OpenError::BadSignature
            | OpenError::SignerRevoked { .. }
            | OpenError::SignerRetired { .. }
            | OpenError::SignerExpired { .. }
            | OpenError::SeveralMessages
            | OpenError::Surroundings
            | OpenError::OddStructure
            | OpenError::LegacyAlgorithm
            | OpenError::SignatureTooOld { .. }
            | OpenError::SignatureAhead { .. }
            | OpenError::NoIntegrity => false,
        }
    }
}
