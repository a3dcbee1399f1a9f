//! Taking in an own key that was made elsewhere, such as the one that hand-written scripts used so far.
//!
//! In:  the bytes of a secret key file. Out: the key below `<state>/keys/own`, protected as new ones are.
//! Holds: the bytes are wiped when they are dropped, and nothing prints them.

use std::fmt;
use std::io;

use jiff::Timestamp;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::cert::amalgamation::key::PrimaryKey;
use sequoia_openpgp::packet::Packet;
use sequoia_openpgp::packet::key::SecretKeyMaterial;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::{Cert, anyhow};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::domain::Fingerprint;

use super::keys::UnkeptKey;
use super::ring::{KeyFault, KeyRing};
use super::standing::KeyProblem;
use super::{KeyError, KeyFacts, keys, secret, standing};

/// Larger than any key of ours.
const KEY_BYTES_MAX: usize = 256 * 1024;

/// The bytes of a secret key on their way in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretKeyBytes(Vec<u8>);

impl From<Vec<u8>> for SecretKeyBytes {
    fn from(bytes: Vec<u8>) -> SecretKeyBytes {
        SecretKeyBytes(bytes)
    }
}

impl Drop for SecretKeyBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeyBytes")
    }
}

/// Why an own key was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Something else.
    #[error(
        "the file is not one OpenPGP key, or is larger than {KEY_BYTES_MAX} bytes; export it with `gpg --export-secret-keys`"
    )]
    NotAKey,
    /// A certificate.
    #[error("the file holds no secret key; a partner's certificate is imported under the partner's name")]
    NoSecret,
    /// Its secrets cannot be had.
    #[error("the key's secret cannot be used")]
    Locked(#[source] KeyFault),
    /// It can neither sign nor be encrypted to, nor open anything.
    #[error("key {key} has no secret that decrypts, so nothing sealed to it could be opened")]
    DecryptsNothing {
        /// Which key.
        key: Fingerprint,
    },
    /// It is of no use for what comes.
    #[error("key {key} cannot be used: {problem}")]
    Unusable {
        /// Which key.
        key: Fingerprint,
        /// Why.
        problem: KeyProblem,
    },
    /// It is there.
    #[error("key {key} is there already")]
    There {
        /// Which key.
        key: Fingerprint,
    },
    /// The passphrase, or the place.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl KeyRing {
    /// Takes in an own key.
    pub fn import_own(&self, bytes: &SecretKeyBytes, at: Timestamp) -> Result<KeyFacts, ImportError> {
        let key = self.read_own(bytes, at)?;
        self.keep(&key)?;
        Ok(key.facts)
    }

    /// An own key to be taken in. One that has expired is welcome as well: what was sealed to it can still be opened.
    pub fn read_own(&self, bytes: &SecretKeyBytes, at: Timestamp) -> Result<UnkeptKey, ImportError> {
        let cert = sole_key(&bytes.0)?;
        let key = standing::fingerprint(&cert).ok_or(ImportError::NotAKey)?;
        let facts = keys::facts(&cert, key.clone(), at);
        if let Some(problem @ (KeyProblem::Revoked | KeyProblem::LegacyAlgorithm)) = facts.problem {
            return Err(ImportError::Unusable { key, problem });
        }
        if self.list(at).own.iter().any(|own| own.fingerprint == key) {
            return Err(ImportError::There { key });
        }
        let protected = self.protected(cert, &key)?;
        let armoured = protected.as_tsk().armored().export_to_vec().map_err(failed)?;
        Ok(UnkeptKey { facts, armoured: Zeroizing::new(armoured) })
    }

    /// Every secret opens with the configured passphrase, or is protected with it now.
    fn protected(&self, cert: Cert, key: &Fingerprint) -> Result<Cert, ImportError> {
        let password = self.protection()?;
        let file = std::path::PathBuf::from(format!("{key}.asc"));
        let (mut decrypts, mut replaced) = (false, Vec::new());
        for found in cert.keys().secret() {
            let locked = |locked: secret::Locked| ImportError::Locked(locked.fault(&file));
            match secret::unlocked(found.key().clone(), &self.passphrase) {
                Ok(_) => decrypts |= found.key().pk_algo().for_encryption(),
                // A stub whose secret is elsewhere, as of a primary key that is kept offline.
                Err(secret::Locked::NotUsable) => continue,
                Err(why) => return Err(locked(why)),
            }
            let open = matches!(found.key().secret(), SecretKeyMaterial::Unencrypted(_));
            if let Some(password) = password.as_ref().filter(|_| open) {
                let primary = found.primary();
                let protected = found.key().clone().encrypt_secret(password).map_err(failed)?;
                replaced.push(match primary {
                    true => Packet::SecretKey(protected.role_into_primary()),
                    false => Packet::SecretSubkey(protected.role_into_subordinate()),
                });
            }
        }
        if !decrypts {
            return Err(ImportError::DecryptsNothing { key: key.clone() });
        }
        Ok(cert.insert_packets(replaced).map_err(failed)?.0)
    }
}

fn sole_key(bytes: &[u8]) -> Result<Cert, ImportError> {
    if bytes.len() > KEY_BYTES_MAX {
        return Err(ImportError::NotAKey);
    }
    let mut certs = CertParser::from_bytes(bytes).map_err(|_| ImportError::NotAKey)?;
    let (Some(Ok(cert)), None) = (certs.next(), certs.next()) else { return Err(ImportError::NotAKey) };
    if cert.is_tsk() { Ok(cert) } else { Err(ImportError::NoSecret) }
}

fn failed(error: anyhow::Error) -> ImportError {
    ImportError::Key(KeyError::Write(io::Error::other(error.to_string())))
}
