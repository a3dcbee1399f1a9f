//! Trusting a partner's certificate: by an operator's order, never by a message.
//!
//! In:  the bytes of a certificate file, and the fingerprint that was read over the telephone.
//! Out: the certificate pinned under `<state>/keys/partner/<partner>/`.
//! Holds: a newer copy of a pinned certificate is merged into it, so that a renewal or a revocation is learned and neither
//! can be undone by an older copy.

use std::io;

use jiff::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;

use crate::domain::{Fingerprint, PartnerName};

use super::keys::{self, KeyFacts};
use super::leniency::allowing;
use super::place::{self, Readers};
use super::ring::KeyRing;
use super::standing::{self, KeyProblem, system_time};

/// Larger than any certificate of two partners, smaller than a key server's dump.
const CERTIFICATE_BYTES_MAX: usize = 1024 * 1024;

/// A certificate that is now pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCertificate {
    /// For whom.
    pub partner: PartnerName,
    /// What it is good for.
    pub facts: KeyFacts,
    /// It was pinned before, and the new copy was merged into it.
    pub renewed: bool,
}

/// Why a certificate was not pinned.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// More than a certificate can be.
    #[error("the file is larger than {bytes_max} bytes; a certificate is not")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// Something else.
    #[error("the file is not an OpenPGP certificate; ask the partner to export their public key")]
    NotACertificate,
    /// A key ring.
    #[error("the file holds more than one certificate; export the one you mean")]
    SeveralCertificates,
    /// Somebody's secret key.
    #[error(
        "the file holds a secret key; destroy this copy, and ask the partner for the public key alone and to change theirs"
    )]
    SecretKey,
    /// Not the one meant.
    #[error("the certificate's fingerprint is {found}, not {expected}; ask the partner which is theirs")]
    OtherFingerprint {
        /// What was expected.
        expected: Fingerprint,
        /// What is in the file.
        found: Fingerprint,
    },
    /// It is of no use now.
    #[error("certificate {certificate} cannot be used: {problem}; ask the partner for a current one")]
    Unusable {
        /// Which certificate.
        certificate: Fingerprint,
        /// Why.
        problem: KeyProblem,
    },
    /// The pinned copy could not be read.
    #[error("could not read the pinned copy of certificate {certificate}")]
    Pinned {
        /// Which certificate.
        certificate: Fingerprint,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be put in its place.
    #[error("could not write certificate {certificate} below the state directory")]
    Write {
        /// Which certificate.
        certificate: Fingerprint,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl KeyRing {
    /// Pins a certificate for a partner.
    pub fn trust(
        &self,
        partner: &PartnerName,
        bytes: &[u8],
        expected: Option<&Fingerprint>,
        at: Timestamp,
    ) -> Result<TrustedCertificate, TrustError> {
        let (cert, certificate) = sole_certificate(bytes)?;
        if let Some(expected) = expected.filter(|expected| **expected != certificate) {
            return Err(TrustError::OtherFingerprint { expected: expected.clone(), found: certificate });
        }
        let file = place::partner(&self.keys, partner, &certificate);
        let pinned = match std::fs::read(&file) {
            Ok(pinned) => Some(sole_certificate(&pinned)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(TrustError::Pinned { certificate, source }),
        };
        let renewed = pinned.is_some();
        let cert = match pinned {
            // Also when it is now revoked: that must be learned.
            Some(pinned) => pinned.merge_public(cert).map_err(|_| TrustError::NotACertificate)?,
            None => {
                let excepted = self.rules();
                let excepted = excepted.excepted(partner, at);
                usable_now(&cert, &certificate, &allowing(at, excepted.iter().map(|one| one.allow)), at)?;
                cert
            }
        };
        let armoured = cert.armored().export_to_vec();
        armoured
            .map_err(|error| io::Error::other(error.to_string()))
            .and_then(|bytes| place::put(&file, &bytes, Readers::Anyone))
            .map_err(|source| TrustError::Write { certificate: certificate.clone(), source })?;
        let facts = keys::facts(&cert, certificate, at);
        Ok(TrustedCertificate { partner: partner.clone(), facts, renewed })
    }
}

/// The fingerprint of the one certificate in these bytes.
pub fn fingerprint_of(bytes: &[u8]) -> Result<Fingerprint, TrustError> {
    sole_certificate(bytes).map(|(_, fingerprint)| fingerprint)
}

/// The one certificate in these bytes.
pub(super) fn sole_certificate(bytes: &[u8]) -> Result<(Cert, Fingerprint), TrustError> {
    if bytes.len() > CERTIFICATE_BYTES_MAX {
        return Err(TrustError::TooLarge { bytes_max: CERTIFICATE_BYTES_MAX });
    }
    // Sequoia reads the first armoured block and leaves the rest.
    if bytes.windows(15).filter(|window| *window == b"-----BEGIN PGP ").count() > 1 {
        return Err(TrustError::SeveralCertificates);
    }
    let mut certs = CertParser::from_bytes(bytes).map_err(|_| TrustError::NotACertificate)?;
    let cert = certs.next().and_then(Result::ok).ok_or(TrustError::NotACertificate)?;
    match certs.next() {
        None => {}
        Some(Ok(_)) => return Err(TrustError::SeveralCertificates),
        Some(Err(_)) => return Err(TrustError::NotACertificate),
    }
    if cert.is_tsk() {
        return Err(TrustError::SecretKey);
    }
    let fingerprint = standing::fingerprint(&cert).ok_or(TrustError::NotACertificate)?;
    Ok((cert, fingerprint))
}

/// A new certificate must be able to sign or be encrypted to, now.
fn usable_now(
    cert: &Cert,
    certificate: &Fingerprint,
    policy: &StandardPolicy<'_>,
    at: Timestamp,
) -> Result<(), TrustError> {
    let unusable = |problem| TrustError::Unusable { certificate: certificate.clone(), problem };
    let valid = standing::valid(cert, policy, system_time(at)).map_err(unusable)?;
    standing::signing(&valid).map(drop).or_else(|_| standing::encryption(&valid).map(drop)).map_err(unusable)
}
