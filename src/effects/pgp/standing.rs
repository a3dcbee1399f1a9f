//! What a certificate is good for at a given time, its primary key first.
//!
//! In:  a certificate, the policy and the time. Out: its usable keys, or the problem.
//! Holds: a usable subkey under a revoked or expired primary key is not usable. Several programs only look at the subkey.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use sequoia_openpgp::cert::ValidCert;
use sequoia_openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::Policy;
use sequoia_openpgp::types::RevocationStatus;
use sequoia_openpgp::{Cert, Error};

use crate::domain::{Fingerprint, KeyRules, PartnerName};

/// Why a certificate cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// Its owner has revoked it.
    Revoked,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It rests on an algorithm that today's policy refuses.
    LegacyAlgorithm,
    /// It has no key that may sign at this time.
    NoSigningKey,
    /// It has no key that may be encrypted to at this time.
    NoEncryptionKey,
    /// A person has retired it.
    Retired,
    /// A person trusts it from a later date on.
    NotYetTrusted,
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyProblem::Revoked => "it is revoked",
            KeyProblem::Expired => "it has expired",
            KeyProblem::NotYetValid => "it is not valid yet",
            KeyProblem::LegacyAlgorithm => "it uses an algorithm that is no longer safe",
            KeyProblem::NoSigningKey => "it has no key that may sign",
            KeyProblem::NoEncryptionKey => "it has no key that may be encrypted to",
            KeyProblem::Retired => "it is retired",
            KeyProblem::NotYetTrusted => "it is trusted from a later date on",
        })
    }
}

/// A key with all that was found out about it.
pub(super) type UsableKey<'c> = ValidErasedKeyAmalgamation<'c, PublicParts>;

/// The certificate as of this time, if its primary key is alive and unrevoked.
pub(super) fn valid<'c>(cert: &'c Cert, policy: &'c dyn Policy, at: SystemTime) -> Result<ValidCert<'c>, KeyProblem> {
    if let RevocationStatus::Revoked(_) = cert.revocation_status(policy, at) {
        return Err(KeyProblem::Revoked);
    }
    let valid = cert.with_policy(policy, at).map_err(|error| match error.downcast_ref::<Error>() {
        Some(Error::PolicyViolation(..)) => KeyProblem::LegacyAlgorithm,
        _ => KeyProblem::NotYetValid,
    })?;
    valid.alive().map_err(|error| match error.downcast_ref::<Error>() {
        Some(Error::NotYetLive(_)) => KeyProblem::NotYetValid,
        _ => KeyProblem::Expired,
    })?;
    Ok(valid)
}

/// The keys of the certificate that may sign.
pub(super) fn signing<'c>(valid: &ValidCert<'c>) -> Result<Vec<UsableKey<'c>>, KeyProblem> {
    let keys: Vec<_> = valid.keys().supported().alive().revoked(false).for_signing().collect();
    if keys.is_empty() { Err(KeyProblem::NoSigningKey) } else { Ok(keys) }
}

/// The keys of the certificate that may be encrypted to.
pub(super) fn encryption<'c>(valid: &ValidCert<'c>) -> Result<Vec<UsableKey<'c>>, KeyProblem> {
    let keys = valid.keys().supported().alive().revoked(false).for_transport_encryption().for_storage_encryption();
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() { Err(KeyProblem::NoEncryptionKey) } else { Ok(keys) }
}

/// The fingerprint of the primary key in our words; `None` for a version of OpenPGP nobody uses any more.
pub(super) fn fingerprint(cert: &Cert) -> Option<Fingerprint> {
    cert.fingerprint().to_hex().parse().ok()
}

/// Why a certificate does not count at this time.
pub(super) fn not_counting(
    rules: &KeyRules,
    partner: Option<&PartnerName>,
    fingerprint: &Fingerprint,
    at: Timestamp,
) -> KeyProblem {
    let last = rules.last(partner, fingerprint);
    let yet_to_come = last.is_some_and(|term| term.from.is_some_and(|from| at < from));
    if yet_to_come { KeyProblem::NotYetTrusted } else { KeyProblem::Retired }
}

/// The time in sequoia's words.
pub(super) fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::from(at)
}
