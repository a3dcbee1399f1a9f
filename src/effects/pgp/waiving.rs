//! What a release by two people sets aside when a message is judged: one finding, and nothing that is about the bytes.
//!
//! In:  a refusal, the signature and its key, what is waived. Out: the signature after all, or the refusal.
//! Holds: a signature that is let through holds cryptographically, is by a pinned key that may sign and that nobody has
//! revoked; only its time is judged mildly. Integrity is judged elsewhere, and never waived.

use jiff::Timestamp;
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::stream::{MessageLayer, MessageStructure, VerificationError};
use sequoia_openpgp::policy::Policy;
use sequoia_openpgp::types::RevocationStatus;

use crate::domain::{Fingerprint, Waiver};

use super::OpenError;
use super::layers::{self, Signed};
use super::standing::{self, UsableKey};

/// Who stands for the content.
#[derive(Clone, Debug)]
pub(super) enum Vouched {
    /// A good signature.
    By(Signed),
    /// Nobody: two people let it through without.
    ByNobody,
}

/// Under which terms a signature is judged.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub policy: &'a dyn Policy,
    /// The time of receipt.
    pub at: Timestamp,
    pub waived: Option<&'a Waiver>,
}

impl Terms<'_> {
    /// The signature in spite of this refusal, if its time is all that was found and that is waived.
    pub(super) fn set_aside(
        &self,
        refusal: OpenError,
        signature: &Signature,
        key: &UsableKey<'_>,
    ) -> Result<Signed, OpenError> {
        let is_waived = match (&refusal, self.waived) {
            (OpenError::SignatureTooOld { .. } | OpenError::SignatureAhead { .. }, Some(Waiver::SignatureAge)) => true,
            (OpenError::SignerExpired { signer }, Some(Waiver::SignerExpired { signer: waived })) => signer == waived,
            _ => false,
        };
        if !is_waived {
            return Err(refusal);
        }
        let signer = standing::fingerprint(key.cert()).ok_or(OpenError::Stranger)?;
        self.holds(signature, key)?;
        self.is_unrevoked(signature, key, &signer)?;
        // An expired signer's signature is still of its day; an old signature's signer was found good before its age was.
        let made = match refusal {
            OpenError::SignerExpired { .. } => layers::age(signature, self.at)?,
            _ => layers::made(signature).ok_or(OpenError::BadSignature)?,
        };
        // Nothing is excepted where the signature's own time is set aside.
        Ok(Signed { signer, at: made, exceptions: Vec::new() })
    }

    /// Sequoia may have stopped at the time, before it looked at the signature itself.
    fn holds(&self, signature: &Signature, key: &UsableKey<'_>) -> Result<(), OpenError> {
        signature.verify_document(key.key()).map_err(|_| OpenError::BadSignature)?;
        self.policy.signature(signature, Default::default()).map_err(|_| OpenError::LegacyAlgorithm)?;
        if key.for_signing() { Ok(()) } else { Err(OpenError::Stranger) }
    }

    fn is_unrevoked(&self, signature: &Signature, key: &UsableKey<'_>, signer: &Fingerprint) -> Result<(), OpenError> {
        let (is_revoked, moment) =
            (|status| matches!(status, RevocationStatus::Revoked(_)), layers::moment(signature, self.at));
        let now = key.clone().with_policy(self.policy, moment);
        let revoked = is_revoked(key.cert().revocation_status(self.policy, moment))
            || is_revoked(key.revocation_status())
            || now.is_ok_and(|now| is_revoked(now.revocation_status()));
        if revoked { Err(OpenError::SignerRevoked { signer: signer.clone() }) } else { Ok(()) }
    }
}

/// Whether there is one signature, by a key that none of the certificates has.
pub(super) fn is_by_an_unknown_key(structure: &MessageStructure<'_>) -> bool {
    let mut groups = structure.iter().filter_map(|layer| match layer {
        MessageLayer::SignatureGroup { results } => Some(results),
        MessageLayer::Compression { .. } | MessageLayer::Encryption { .. } => None,
    });
    let only = groups.next().filter(|_| groups.next().is_none());
    only.is_some_and(|group| matches!(group.as_slice(), [Err(VerificationError::MissingKey { .. })]))
}
