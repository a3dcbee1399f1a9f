//! The accepted grammar below the container, and the verdict on the one signature.
//!
//! In:  the packets as they came, and what sequoia made of the signatures. Out: who signed and when, or why not.
//! Holds: asked only after the integrity check has passed; one good signature somewhere is not enough.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::{Signature, Tag};
use sequoia_openpgp::parse::stream::{MessageLayer, MessageStructure, VerificationError};
use sequoia_openpgp::policy::Policy;
use sequoia_openpgp::types::{RevocationStatus, SignatureType};
use sequoia_openpgp::{Cert, Error, Fingerprint as KeyFingerprint, anyhow};

use crate::domain::Fingerprint;
pub(super) use crate::domain::reason::SIGNATURE_AHEAD_MINUTES_MAX;
use crate::domain::reason::SIGNATURE_DAYS_MAX;

use super::OpenError;
use super::standing::{self, KeyProblem, UsableKey};
use super::waiving::Terms;

/// The packets inside the container, with how deep each lies, in the order they came.
pub(super) type Packets = [(usize, Tag)];

/// A signature that holds.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub signer: Fingerprint,
    pub at: Timestamp,
    /// The exceptions it needed, by the entries that granted them.
    pub exceptions: Vec<u64>,
}

/// Says which exceptions a good signature needed, or that none covers it.
pub(super) type Excepted<'a> = &'a dyn Fn(&Signature, &UsableKey<'_>) -> Result<Vec<u64>, OpenError>;

/// Checks the packets against `ESK+ SEIP( [compressed] one-signature( literal ) )`.
// RFC 9580 §10.3
pub(super) fn grammar(packets: &Packets) -> Result<(), OpenError> {
    let session_keys = packets.iter().take_while(|packet| matches!(packet, (0, Tag::PKESK | Tag::SKESK))).count();
    let (keys, rest) = packets.split_at(session_keys);
    let [(0, Tag::SEIP), inside @ ..] = rest else { return Err(OpenError::OddStructure) };
    let (depth, inside) = match inside {
        [(1, Tag::CompressedData), compressed @ ..] => (2, compressed),
        plain => (1, plain),
    };
    // The digest at the end of a version 1 container. RFC 9580 §5.13.1
    #[allow(deprecated)]
    let inside = match inside {
        [content @ .., (1, Tag::MDC)] => content,
        content => content,
    };
    if keys.is_empty() || inside.iter().any(|(found, _)| *found != depth) {
        return Err(OpenError::OddStructure);
    }
    let tags: Vec<Tag> = inside.iter().map(|(_, tag)| *tag).collect();
    match tags[..] {
        // A signature before its content, as PGP 2 wrote it, sequoia reads but does not verify: that is no forgery.
        [Tag::OnePassSig, Tag::Literal, Tag::Signature] => Ok(()),
        [Tag::Literal] => Err(OpenError::Unsigned),
        _ => Err(OpenError::OddStructure),
    }
}

/// Judges the one signature. `reader`: whose key has opened the container, if sequoia does not know that itself.
pub(super) fn verdict(
    structure: MessageStructure<'_>,
    reader: Option<&KeyFingerprint>,
    terms: &Terms<'_>,
    excepted: Excepted<'_>,
) -> Result<Signed, OpenError> {
    let Terms { policy, at, .. } = *terms;
    let mut results = structure.into_iter().filter_map(|layer| match layer {
        MessageLayer::SignatureGroup { results } => Some(results),
        MessageLayer::Compression { .. } | MessageLayer::Encryption { .. } => None,
    });
    let (Some(mut group), None) = (results.next(), results.next()) else { return Err(OpenError::OddStructure) };
    let (Some(result), true) = (group.pop(), group.is_empty()) else { return Err(OpenError::OddStructure) };
    let (signature, signed) = match result {
        Ok(good) => {
            let judged = key_standing_then_age(good.sig, &good.ka, policy, at);
            let signed = judged.or_else(|refusal| terms.set_aside(refusal, good.sig, &good.ka))?;
            (good.sig, Signed { exceptions: excepted(good.sig, &good.ka)?, ..signed })
        }
        Err(error) => refused(error, terms)?,
    };
    if reader.is_some_and(|reader| !is_meant_for(signature, reader)) {
        return Err(OpenError::BadSignature);
    }
    match signature.typ() {
        SignatureType::Binary | SignatureType::Text => Ok(signed),
        _ => Err(OpenError::OddStructure),
    }
}

/// Whether the signature is for this reader, or for anybody.
// RFC 9580 §5.2.3.36
fn is_meant_for(signature: &Signature, reader: &KeyFingerprint) -> bool {
    let mut readers = signature.intended_recipients().peekable();
    readers.peek().is_none() || readers.any(|intended| intended == reader)
}

/// Puts a name to what sequoia found wrong. The signer's standing comes before the signature's own faults: it explains them.
/// `Ok` only where that is nothing but its time, and waived.
fn refused<'a>(error: VerificationError<'a>, terms: &Terms<'_>) -> Result<(&'a Signature, Signed), OpenError> {
    let Terms { policy, at, .. } = *terms;
    let legacy_or = |error: &anyhow::Error, otherwise| match error.downcast_ref::<Error>() {
        Some(Error::PolicyViolation(..)) => OpenError::LegacyAlgorithm,
        _ => otherwise,
    };
    let (refusal, signature, key) = match error {
        VerificationError::MissingKey { .. } => return Err(OpenError::Stranger),
        VerificationError::UnboundKey { sig, cert, error } => {
            return Err(match standing_then_age(sig, cert, policy, at) {
                Err(refusal) => refusal,
                Ok(_) => legacy_or(&error, OpenError::Stranger),
            });
        }
        // A key of a pinned certificate that may not sign is nobody's signing key.
        VerificationError::BadKey { sig, ka, .. } => {
            (key_standing_then_age(sig, &ka, policy, at).err().unwrap_or(OpenError::Stranger), sig, ka)
        }
        VerificationError::BadSignature { sig, ka, error } => match key_standing_then_age(sig, &ka, policy, at) {
            Err(refusal) => (refusal, sig, ka),
            Ok(_) => match error.downcast_ref::<Error>() {
                Some(Error::Expired(_)) => (too_old(), sig, ka),
                _ => return Err(legacy_or(&error, OpenError::BadSignature)),
            },
        },
        _ => return Err(OpenError::BadSignature),
    };
    Ok((signature, terms.set_aside(refusal, signature, &key)?))
}

/// The signing key first, then its certificate, as of receipt and as of the signature, then the age of the signature.
fn key_standing_then_age(
    signature: &Signature,
    key: &UsableKey<'_>,
    policy: &dyn Policy,
    at: Timestamp,
) -> Result<Signed, OpenError> {
    let signed = standing_then_age(signature, key.cert(), policy, at);
    if matches!(signed, Err(OpenError::SignerRevoked { .. } | OpenError::SignerExpired { .. })) {
        return signed;
    }
    let signer = standing::fingerprint(key.cert()).ok_or(OpenError::Stranger)?;
    let moment = moment(signature, at);
    let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
    let now = key.clone().with_policy(policy, moment);
    if revoked(key.revocation_status()) || now.as_ref().is_ok_and(|now| revoked(now.revocation_status())) {
        return Err(OpenError::SignerRevoked { signer });
    }
    let dead = |error: anyhow::Error| match error.downcast_ref::<Error>() {
        Some(Error::PolicyViolation(..)) => OpenError::LegacyAlgorithm,
        _ => OpenError::SignerExpired { signer: signer.clone() },
    };
    key.alive().map_err(dead)?;
    now.and_then(|now| now.alive()).map_err(dead)?;
    signed
}

/// The certificate as of receipt, then the age of the signature.
fn standing_then_age(
    signature: &Signature,
    cert: &Cert,
    policy: &dyn Policy,
    at: Timestamp,
) -> Result<Signed, OpenError> {
    let signer = standing::fingerprint(cert).ok_or(OpenError::Stranger)?;
    match standing::valid(cert, policy, moment(signature, at)) {
        Ok(_) => {}
        Err(KeyProblem::Revoked) => return Err(OpenError::SignerRevoked { signer }),
        Err(KeyProblem::Expired) => return Err(OpenError::SignerExpired { signer }),
        Err(KeyProblem::LegacyAlgorithm) => return Err(OpenError::LegacyAlgorithm),
        // The pinned copy says nothing about the key for that time.
        Err(
            KeyProblem::NotYetValid
            | KeyProblem::NoSigningKey
            | KeyProblem::NoEncryptionKey
            | KeyProblem::Retired
            | KeyProblem::NotYetTrusted,
        ) => return Err(OpenError::Stranger),
    }
    Ok(Signed { signer, at: age(signature, at)?, exceptions: Vec::new() })
}

/// When the signature was made, if that is near enough to receipt.
pub(super) fn age(signature: &Signature, at: Timestamp) -> Result<Timestamp, OpenError> {
    let made = made(signature).ok_or(OpenError::BadSignature)?;
    if made > at + SignedDuration::from_mins(SIGNATURE_AHEAD_MINUTES_MAX) {
        return Err(OpenError::SignatureAhead { minutes_max: SIGNATURE_AHEAD_MINUTES_MAX });
    }
    if made < at - SignedDuration::from_hours(24 * SIGNATURE_DAYS_MAX) {
        return Err(too_old());
    }
    Ok(made)
}

fn too_old() -> OpenError {
    OpenError::SignatureTooOld { days_max: SIGNATURE_DAYS_MAX }
}

pub(super) fn made(signature: &Signature) -> Option<Timestamp> {
    Timestamp::try_from(signature.signature_creation_time()?).ok()
}

/// Receipt, or the signature's own time where the sender's clock is ahead within bounds: a key made and used a minute ago
/// by such a clock is not a key from the future.
pub(super) fn moment(signature: &Signature, at: Timestamp) -> SystemTime {
    let latest = at + SignedDuration::from_mins(SIGNATURE_AHEAD_MINUTES_MAX);
    let made = made(signature).unwrap_or(at);
    standing::system_time(made.clamp(at, latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const E: (usize, Tag) = (0, Tag::PKESK);
    const C: (usize, Tag) = (0, Tag::SEIP);

    fn under(depth: usize, tags: &[Tag]) -> Vec<(usize, Tag)> {
        [E, C].into_iter().chain(tags.iter().map(|tag| (depth, *tag))).collect()
    }

    #[test]
    fn one_signature_round_one_literal() {
        let good = [Tag::OnePassSig, Tag::Literal, Tag::Signature];
        let compressed = [vec![E, C, (1, Tag::CompressedData)], under(2, &good)[2..].to_vec()].concat();
        assert!(grammar(&under(1, &good)).is_ok());
        assert!(grammar(&compressed).is_ok());
        #[allow(deprecated)]
        let digest = (1, Tag::MDC);
        assert!(grammar(&[compressed, vec![digest]].concat()).is_ok());
        assert!(matches!(grammar(&under(1, &[Tag::Literal])), Err(OpenError::Unsigned)));
    }

    #[test]
    fn everything_else_is_odd() {
        let two = [Tag::OnePassSig, Tag::OnePassSig, Tag::Literal, Tag::Signature, Tag::Signature];
        let marked = [Tag::Marker, Tag::OnePassSig, Tag::Literal, Tag::Signature];
        let padded = [Tag::OnePassSig, Tag::Literal, Tag::Signature, Tag::Padding];
        for odd in [&two[..], &marked, &padded, &[Tag::Signature, Tag::Literal], &[Tag::SEIP], &[]] {
            assert!(matches!(grammar(&under(1, odd)), Err(OpenError::OddStructure)), "{odd:?}");
        }
        assert!(matches!(grammar(&[C, (1, Tag::Literal)]), Err(OpenError::OddStructure)), "no session key");
        let beside = [under(1, &[Tag::OnePassSig, Tag::Literal]), vec![(0, Tag::Signature)]].concat();
        assert!(matches!(grammar(&beside), Err(OpenError::OddStructure)), "a signature outside the encryption");
    }
}
