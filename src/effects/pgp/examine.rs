//! What a certificate is, and what it would change: for the person who decides whether to trust it.
//!
//! In:  the bytes of a certificate file, what is pinned for the partner. Out: a report, for people and as JSON.
//! Holds: it changes nothing. User ids are the partner's addresses: they are shown, and never recorded.

use jiff::Timestamp;
use sequoia_openpgp::cert::amalgamation::key::{ErasedKeyAmalgamation, PrimaryKey};
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::{PublicKeyAlgorithm, RevocationStatus, RevocationType};
use sequoia_openpgp::{Cert, packet::Signature};
use serde::{Deserialize, Serialize};

use crate::domain::{Digest, Fingerprint, PartnerName};

use super::ring::KeyRing;
use super::standing::system_time;
use super::trust::{TrustError, sole_certificate};
use super::{keys, standing};

/// What a certificate is, and what it would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateReport {
    /// Its primary fingerprint.
    pub fingerprint: Fingerprint,
    /// The same in groups of four, for reading aloud.
    pub spoken: String,
    /// SHA-256 of the file's bytes.
    pub digest: Digest,
    /// Whose it says it is.
    pub user_ids: Vec<String>,
    /// Its primary key and its subkeys.
    pub keys: Vec<ReportedKey>,
    /// Why it cannot be used at all.
    pub problem: Option<String>,
    /// Whether it is pinned for the partner already.
    pub pinned: bool,
    /// How it differs from what is pinned.
    pub changes: Vec<KeyChange>,
}

/// One key of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedKey {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// It is the primary key.
    pub primary: bool,
    /// Its algorithm, such as `RSA 3072`.
    pub algorithm: String,
    /// What it may do: `sign`, `encrypt`.
    pub may: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// It is revoked.
    pub revoked: bool,
    /// Its strength in bits of security, where that is known.
    pub strength: Option<u32>,
}

/// One difference from what is pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum KeyChange {
    /// It is another certificate than those pinned, which stay.
    NewCertificate {
        /// Those that are pinned.
        beside: Vec<Fingerprint>,
    },
    /// A key that was not in the pinned copy.
    NewKey {
        /// Which key.
        fingerprint: Fingerprint,
        /// Its algorithm.
        algorithm: String,
    },
    /// A pinned key that is not in this copy; it stays pinned.
    MissingKey {
        /// Which key.
        fingerprint: Fingerprint,
    },
    /// A key ends at another time.
    Expiry {
        /// Which key.
        fingerprint: Fingerprint,
        /// When it ended so far.
        was: Option<Timestamp>,
        /// When it ends now.
        is: Option<Timestamp>,
    },
    /// Its owner has revoked a key.
    Revoked {
        /// Which key.
        fingerprint: Fingerprint,
        /// When.
        since: Option<Timestamp>,
        /// Nothing it ever signed can be relied on.
        hard: bool,
    },
    /// A key is weaker than those that were pinned for the same use.
    Weaker {
        /// Which key.
        fingerprint: Fingerprint,
        /// Its algorithm.
        algorithm: String,
        /// The weakest so far.
        than: String,
    },
    /// Names that were not in the pinned copy.
    NewUserIds {
        /// How many.
        count: usize,
    },
}

impl KeyRing {
    /// What this certificate is, and what it would change for the partner.
    pub fn examine(&self, partner: &PartnerName, bytes: &[u8], at: Timestamp) -> Result<CertificateReport, TrustError> {
        let (cert, fingerprint) = sole_certificate(bytes)?;
        let ring = self.ring();
        let pinned = ring.partners.get(partner).map(|pinned| pinned.certs.as_slice()).unwrap_or_default();
        let same = pinned.iter().find(|pinned| pinned.fingerprint() == cert.fingerprint());
        let keys = reported(&cert, at);
        let facts = keys::facts(&cert, fingerprint.clone(), at);
        Ok(CertificateReport {
            spoken: spoken(&fingerprint),
            digest: Digest::of(bytes),
            user_ids: user_ids(&cert),
            problem: facts.problem.map(|problem| problem.to_string()),
            pinned: same.is_some(),
            changes: changes(&cert, &keys, same, pinned, at),
            fingerprint,
            keys,
        })
    }
}

fn changes(cert: &Cert, keys: &[ReportedKey], same: Option<&Cert>, pinned: &[Cert], at: Timestamp) -> Vec<KeyChange> {
    let before: Vec<ReportedKey> = same.map(|same| reported(same, at)).unwrap_or_default();
    let all_before: Vec<ReportedKey> = pinned.iter().flat_map(|cert| reported(cert, at)).collect();
    let mut changes = Vec::new();
    if same.is_none() && !pinned.is_empty() {
        changes.push(KeyChange::NewCertificate { beside: pinned.iter().filter_map(standing::fingerprint).collect() });
    }
    for key in keys {
        let fingerprint = key.fingerprint.clone();
        let known = before.iter().find(|known| known.fingerprint == key.fingerprint);
        match known {
            None if same.is_some() => {
                changes.push(KeyChange::NewKey { fingerprint: fingerprint.clone(), algorithm: key.algorithm.clone() });
            }
            Some(known) if known.expires != key.expires => {
                let (was, is) = (known.expires, key.expires);
                changes.push(KeyChange::Expiry { fingerprint: fingerprint.clone(), was, is });
            }
            _ => {}
        }
        if key.revoked && !known.is_some_and(|known| known.revoked) {
            let (since, hard) = revocation(cert, &fingerprint, at);
            changes.push(KeyChange::Revoked { fingerprint: fingerprint.clone(), since, hard });
        }
        let same_use = |other: &&ReportedKey| other.may.iter().any(|use_| key.may.contains(use_));
        let weakest = all_before.iter().filter(same_use).min_by_key(|other| other.strength);
        if let Some(than) = weakest.filter(|other| known.is_none() && key.strength < other.strength) {
            let (algorithm, than) = (key.algorithm.clone(), than.algorithm.clone());
            changes.push(KeyChange::Weaker { fingerprint, algorithm, than });
        }
    }
    for known in before.iter().filter(|known| keys.iter().all(|key| key.fingerprint != known.fingerprint)) {
        changes.push(KeyChange::MissingKey { fingerprint: known.fingerprint.clone() });
    }
    let known = same.map(user_ids).unwrap_or_default();
    let count = user_ids(cert).iter().filter(|name| !known.contains(name)).count();
    if same.is_some() && count > 0 {
        changes.push(KeyChange::NewUserIds { count });
    }
    changes
}

fn reported(cert: &Cert, at: Timestamp) -> Vec<ReportedKey> {
    let policy = StandardPolicy::at(system_time(at));
    cert.keys().filter_map(|key| reported_key(&policy, &key, at)).collect()
}

fn reported_key(
    policy: &StandardPolicy<'_>,
    key: &ErasedKeyAmalgamation<'_, PublicParts>,
    at: Timestamp,
) -> Option<ReportedKey> {
    let packet = key.key();
    let valid = key.clone().with_policy(policy, system_time(at)).ok();
    let may = |can: bool, word: &str| can.then(|| word.to_owned());
    let may = valid.as_ref().map(|valid| {
        let seals = valid.for_transport_encryption() || valid.for_storage_encryption();
        [may(valid.for_signing(), "sign"), may(seals, "encrypt")].into_iter().flatten().collect()
    });
    let expires = valid.as_ref().and_then(|valid| valid.key_expiration_time());
    let primary = key.primary();
    let revoked = if primary {
        matches!(key.cert().revocation_status(policy, system_time(at)), RevocationStatus::Revoked(_))
    } else {
        let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
        valid.as_ref().is_some_and(|valid| revoked(valid.revocation_status()))
    };
    Some(ReportedKey {
        fingerprint: packet.fingerprint().to_hex().parse().ok()?,
        primary,
        algorithm: keys::algorithm(packet.pk_algo(), packet.mpis().bits()),
        may: may.unwrap_or_default(),
        created: Timestamp::try_from(packet.creation_time()).ok()?,
        expires: expires.and_then(|at| Timestamp::try_from(at).ok()),
        revoked,
        strength: strength(packet.pk_algo(), packet.mpis().bits()),
    })
}

/// When a key was revoked, and whether that says of everything it ever signed that it cannot be relied on.
fn revocation(cert: &Cert, fingerprint: &Fingerprint, at: Timestamp) -> (Option<Timestamp>, bool) {
    let policy = StandardPolicy::at(system_time(at));
    let found = cert.keys().find(|key| key.key().fingerprint().to_hex() == fingerprint.to_string());
    let valid = found.and_then(|key| key.with_policy(&policy, system_time(at)).ok());
    let status = match &valid {
        Some(key) if !key.primary() => key.revocation_status(),
        _ => cert.revocation_status(&policy, system_time(at)),
    };
    let RevocationStatus::Revoked(signatures) = status else { return (None, false) };
    let made = |signature: &&Signature| Timestamp::try_from(signature.signature_creation_time()?).ok();
    let hard = |signature: &&Signature| {
        let reason = signature.reason_for_revocation();
        reason.is_none_or(|(reason, _)| reason.revocation_type() == RevocationType::Hard)
    };
    (signatures.iter().filter_map(made).min(), signatures.iter().any(hard))
}

fn user_ids(cert: &Cert) -> Vec<String> {
    cert.userids().map(|name| String::from_utf8_lossy(name.userid().value()).into_owned()).collect()
}

/// In groups of four, for reading aloud.
pub fn spoken(fingerprint: &Fingerprint) -> String {
    let digits: Vec<char> = fingerprint.to_string().chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Bits of security, for comparing.
// NIST SP 800-57 part 1, table 2
fn strength(algorithm: PublicKeyAlgorithm, bits: Option<usize>) -> Option<u32> {
    use PublicKeyAlgorithm as A;
    #[allow(deprecated)]
    match (algorithm, bits) {
        (A::RSAEncryptSign | A::RSASign | A::RSAEncrypt | A::DSA | A::ElGamalEncrypt, Some(bits)) => Some(match bits {
            0..2048 => 80,
            2048..3072 => 112,
            3072..7680 => 128,
            _ => 192,
        }),
        (A::EdDSA | A::ECDSA | A::ECDH, Some(bits)) => u32::try_from(bits / 2).ok(),
        (A::Ed25519 | A::X25519, _) => Some(128),
        (A::Ed448 | A::X448, _) => Some(224),
        _ => None,
    }
}
