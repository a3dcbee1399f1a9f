//! Own keys: making them, listing them with the partners' certificates, and giving out the public part.
//!
//! In:  an operator's order. Out: files below `<state>/keys`, and facts about what they are good for.
//! Holds: a secret key is written once, for our account alone, and never printed.

use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::crypto::{Decryptor, Password, SessionKey};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::{KeyFlags, PublicKeyAlgorithm};
use zeroize::Zeroizing;

use crate::domain::{Fingerprint, KeyRules, PartnerName};

use super::leniency;
use super::place::{self, Readers};
use super::ring::{KeyFault, KeyRing, Passphrase};
use super::secret::SecretKey;
use super::standing::{self, KeyProblem, UsableKey, system_time};

/// What kind of key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// Understood by everything.
    Rsa3072,
    /// Smaller and much faster; understood by software from about 2015 on.
    Curve25519,
}

/// A key that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// Its primary fingerprint.
    pub fingerprint: Fingerprint,
    /// Until when it can be used.
    pub expires: Option<Timestamp>,
}

/// What a certificate is good for at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its primary fingerprint.
    pub fingerprint: Fingerprint,
    /// The primary key's algorithm, such as `RSA 3072`.
    pub algorithm: String,
    /// Some key of it may sign.
    pub can_sign: bool,
    /// Some key of it may be encrypted to.
    pub can_encrypt: bool,
    /// When it first loses something that it can do now, subkeys included.
    pub expires: Option<Timestamp>,
    /// Why it cannot be used at all.
    pub problem: Option<KeyProblem>,
}

/// All keys on disk.
#[derive(Clone, Debug)]
pub struct KeyListing {
    /// Our own.
    pub own: Vec<KeyFacts>,
    /// The partners', as far as they count.
    pub partners: Vec<(PartnerName, KeyFacts)>,
    /// Files that could not be used; with the partner, unless the file is our own.
    pub faults: Vec<(Option<PartnerName>, KeyFault)>,
}

/// Why a key was not made or given out.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The cryptography failed.
    #[error("could not make a key of our own")]
    Generate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The passphrase that shall protect it cannot be had.
    #[error("the passphrase that protects own keys could not be read: {0}")]
    Passphrase(String),
    /// It could not be kept.
    #[error("could not write our own new key below the state directory")]
    Write(#[source] io::Error),
    /// What was left half-written is still there.
    #[error("what is left of a key that was being written could not be removed")]
    Remove(#[source] io::Error),
    /// There is nothing to give out.
    #[error("there is no key of our own; make one with `hbcourier keys generate`")]
    NoOwnKey,
    /// There is, but it cannot be read.
    #[error("our own key could not be read")]
    OwnKeyUnreadable(#[source] KeyFault),
}

/// A key of our own that has no file yet, so that nothing is signed by it and nothing opened.
pub struct UnkeptKey {
    /// What it is good for.
    pub facts: KeyFacts,
    pub(super) armoured: Zeroizing<Vec<u8>>,
}

impl KeyRing {
    /// Makes a key of our own and keeps it.
    pub fn generate(
        &self,
        user_id: &str,
        algorithm: KeyAlgorithm,
        at: Timestamp,
        valid_for: Duration,
    ) -> Result<OwnKey, KeyError> {
        let key = self.make(user_id, algorithm, at, valid_for)?;
        self.keep(&key)?;
        Ok(OwnKey { fingerprint: key.facts.fingerprint, expires: key.facts.expires })
    }

    /// Puts the key in its place. From now on it counts.
    pub fn keep(&self, key: &UnkeptKey) -> Result<(), KeyError> {
        let file = place::own(&self.keys, &key.facts.fingerprint);
        place::put(&file, &key.armoured, Readers::Us).map_err(KeyError::Write)
    }

    /// Makes a key of our own, valid from now: the primary key signs, a subkey is encrypted to.
    pub fn make(
        &self,
        user_id: &str,
        algorithm: KeyAlgorithm,
        at: Timestamp,
        valid_for: Duration,
    ) -> Result<UnkeptKey, KeyError> {
        let password = self.protection()?;
        let suite = match algorithm {
            KeyAlgorithm::Rsa3072 => CipherSuite::RSA3k,
            KeyAlgorithm::Curve25519 => CipherSuite::Cv25519,
        };
        let (cert, _) = CertBuilder::new()
            .set_creation_time(system_time(at))
            .set_validity_period(valid_for)
            .set_cipher_suite(suite)
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
            .add_userid(user_id)
            .add_subkey(KeyFlags::empty().set_transport_encryption().set_storage_encryption(), None, None)
            .set_password(password)
            .generate()
            .map_err(|error| KeyError::Generate(error.into()))?;
        let armoured = cert.as_tsk().armored().export_to_vec().map_err(|error| KeyError::Generate(error.into()))?;
        let fingerprint = standing::fingerprint(&cert).ok_or(KeyError::NoOwnKey)?;
        Ok(UnkeptKey { facts: facts(&cert, fingerprint, at), armoured: Zeroizing::new(armoured) })
    }

    /// All keys on disk, and what they are good for at this time.
    pub fn list(&self, at: Timestamp) -> KeyListing {
        let (ring, rules) = (self.ring(), self.rules());
        let known = |partner: Option<&PartnerName>, cert: &Cert| {
            let fingerprint = standing::fingerprint(cert)?;
            Some(as_decided(&rules, partner, facts_of(cert, fingerprint, at, &rules, partner), at))
        };
        let mut partners = Vec::new();
        let mut faults: Vec<_> = ring.own_faults.iter().map(|fault| (None, fault.clone())).collect();
        faults.extend(ring.partners_fault.iter().map(|fault| (None, fault.clone())));
        for (partner, pinned) in &ring.partners {
            partners.extend(
                pinned.certs.iter().filter_map(|cert| known(Some(partner), cert)).map(|facts| (partner.clone(), facts)),
            );
            faults.extend(pinned.faults.iter().map(|fault| (Some(partner.clone()), fault.clone())));
        }
        KeyListing { own: ring.own.iter().filter_map(|cert| known(None, cert)).collect(), partners, faults }
    }

    /// Our certificates without their secrets, armoured, newest first: what a partner needs. Not those that are retired,
    /// or are to be.
    pub fn export_own(&self) -> Result<Vec<u8>, KeyError> {
        let (ring, rules) = (self.ring(), self.rules());
        if ring.own.is_empty() {
            let fault = ring.own_faults.first();
            return Err(fault.map_or(KeyError::NoOwnKey, |fault| KeyError::OwnKeyUnreadable(fault.clone())));
        }
        let stays = |cert: &&Cert| {
            let term = standing::fingerprint(cert).and_then(|own| rules.last(None, &own).cloned());
            term.is_none_or(|term| term.until.is_none())
        };
        let mut certs: Vec<&Cert> = ring.own.iter().filter(stays).collect();
        if certs.is_empty() {
            return Err(KeyError::NoOwnKey);
        }
        certs.sort_by_key(|cert| std::cmp::Reverse(cert.primary_key().key().creation_time()));
        let mut exported = Vec::new();
        for cert in certs {
            exported.extend(cert.armored().export_to_vec().map_err(|error| KeyError::Generate(error.into()))?);
        }
        Ok(exported)
    }
}

impl KeyRing {
    /// Removes what is left below the state directory of keys that were being written when the process died. Nobody else
    /// may be writing keys.
    pub fn discard_parts(&self) -> Result<(), KeyError> {
        place::discard_parts(&self.keys).map_err(KeyError::Remove)
    }

    /// Writes our certificates, without their secrets, to a file that may be given away. Returns where it is.
    pub fn publish_own(&self) -> Result<std::path::PathBuf, KeyError> {
        let file = self.keys.join("own-public.asc");
        place::put(&file, &self.export_own()?, Readers::Anyone).map_err(KeyError::Write)?;
        Ok(file)
    }
}

impl KeyRing {
    /// What own keys are to be protected with.
    pub(super) fn protection(&self) -> Result<Option<Password>, KeyError> {
        match &self.passphrase {
            Passphrase::None => Ok(None),
            Passphrase::Known(password) => Ok(Some(password.clone())),
            Passphrase::Unreadable(why) => Err(KeyError::Passphrase(why.says.clone())),
        }
    }

    /// Whether each own key that decrypts really does: something is sealed to it and opened again.
    pub fn probe_own(&self) -> Vec<(Fingerprint, bool)> {
        let ring = self.ring();
        let opens = |cert: &Cert| -> Option<bool> {
            let secrets: Vec<_> = ring.decrypting_of(cert).collect();
            let good = |secret: &SecretKey| {
                let session_key = SessionKey::new(32).ok()?;
                let mut decryptor = secret.decryptor();
                let sealed = decryptor.public().encrypt(&session_key).ok()?;
                Some(decryptor.decrypt(&sealed, Some(session_key.len())).ok()? == session_key)
            };
            Some(!secrets.is_empty() && secrets.into_iter().all(|secret| good(secret) == Some(true)))
        };
        ring.own.iter().filter_map(|cert| Some((standing::fingerprint(cert)?, opens(cert)?))).collect()
    }
}

/// What is left of it by what people decided.
fn as_decided(rules: &KeyRules, partner: Option<&PartnerName>, facts: KeyFacts, at: Timestamp) -> KeyFacts {
    let until = rules.last(partner, &facts.fingerprint).and_then(|term| term.until);
    if !rules.counts(partner, &facts.fingerprint, at) {
        let problem = facts.problem.unwrap_or(standing::not_counting(rules, partner, &facts.fingerprint, at));
        return KeyFacts { can_sign: false, can_encrypt: false, problem: Some(problem), ..facts };
    }
    let expires = facts.expires.into_iter().chain(until).min();
    KeyFacts { expires, ..facts }
}

/// As [`facts`]; a partner's certificate that only an exception lets sign still does.
fn facts_of(
    cert: &Cert,
    fingerprint: Fingerprint,
    at: Timestamp,
    rules: &KeyRules,
    partner: Option<&PartnerName>,
) -> KeyFacts {
    let strictly = facts(cert, fingerprint.clone(), at);
    let excepted = partner.map(|partner| rules.excepted(partner, at)).unwrap_or_default();
    if excepted.is_empty() || strictly.can_sign {
        return strictly;
    }
    let policy = leniency::allowing(at, excepted.iter().map(|one| one.allow));
    // Nothing is sealed by exception.
    KeyFacts { can_encrypt: strictly.can_encrypt, ..facts_by(&policy, cert, fingerprint, at) }
}

/// What a certificate is good for at this time.
pub(super) fn facts(cert: &Cert, fingerprint: Fingerprint, at: Timestamp) -> KeyFacts {
    facts_by(&StandardPolicy::at(system_time(at)), cert, fingerprint, at)
}

fn facts_by(policy: &StandardPolicy<'_>, cert: &Cert, fingerprint: Fingerprint, at: Timestamp) -> KeyFacts {
    let primary = cert.primary_key();
    let algorithm = algorithm(primary.key().pk_algo(), primary.key().mpis().bits());
    let mut facts =
        KeyFacts { fingerprint, algorithm, can_sign: false, can_encrypt: false, expires: None, problem: None };
    let valid = match standing::valid(cert, policy, system_time(at)) {
        Ok(valid) => valid,
        Err(problem) => return KeyFacts { problem: Some(problem), ..facts },
    };
    let signing = standing::signing(&valid);
    let encryption = standing::encryption(&valid);
    facts.can_sign = signing.is_ok();
    facts.can_encrypt = encryption.is_ok();
    facts.problem = match (&signing, &encryption) {
        (Err(problem), Err(_)) => Some(*problem),
        _ => None,
    };
    let primary = valid.primary_key().key_expiration_time().and_then(|time| Timestamp::try_from(time).ok());
    let losses = [signing, encryption].into_iter().flatten().filter_map(|keys| last_expiry(&keys));
    facts.expires = losses.chain(primary).min();
    facts
}

/// When the last of these keys expires; `None` if one never does.
fn last_expiry(keys: &[UsableKey<'_>]) -> Option<Timestamp> {
    let expiries: Option<Vec<_>> = keys.iter().map(|key| key.key_expiration_time()).collect();
    Timestamp::try_from(expiries?.into_iter().max()?).ok()
}

/// An algorithm with the length of its keys, such as `RSA 3072`.
pub(super) fn algorithm(algorithm: PublicKeyAlgorithm, bits: Option<usize>) -> String {
    match bits {
        Some(bits) => format!("{} {bits}", Plain(algorithm)),
        None => Plain(algorithm).to_string(),
    }
}

/// An algorithm's short name.
struct Plain(PublicKeyAlgorithm);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use PublicKeyAlgorithm as A;
        #[allow(deprecated)]
        match self.0 {
            A::RSAEncryptSign | A::RSASign | A::RSAEncrypt => f.write_str("RSA"),
            A::EdDSA | A::Ed25519 => f.write_str("Ed25519"),
            A::ECDSA => f.write_str("ECDSA"),
            A::DSA => f.write_str("DSA"),
            other => write!(f, "{other}"),
        }
    }
}
