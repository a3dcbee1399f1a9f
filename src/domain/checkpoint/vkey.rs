//! The public half of the ledger's key, in the form in which it is given to auditors.
// C2SP signed-note, "Verifier keys"

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{Id, PKey};
use openssl::sign::Verifier;
use serde::{Deserialize, Serialize};

use crate::domain::Digest;

/// The algorithm's octet: Ed25519.
const ED25519: u8 = 0x01;

/// A key that can check checkpoints: `<name>+<8 hexadecimal digits>+<base64>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Vkey {
    name: String,
    key: [u8; 32],
}

/// The text is not a vkey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a vkey of a ledger, such as `hbcourier/12302+5c1b2f60+AT…`: {0}")]
pub struct NotAVkey(&'static str);

impl Vkey {
    /// The vkey of this name and Ed25519 public key.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Vkey, NotAVkey> {
        let unfit = |letter: char| letter == '+' || letter.is_whitespace() || letter.is_control();
        if name.is_empty() || name.contains(unfit) {
            return Err(NotAVkey("a name has neither spaces nor plus signs, and is not empty"));
        }
        Ok(Vkey { name: name.to_owned(), key })
    }

    /// The key's name, which is its ledger's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Four octets by which a signature says whose it is.
    pub fn id(&self) -> [u8; 4] {
        let hashed = Digest::of(&[self.name.as_bytes(), b"\n", &self.octets()].concat());
        let [a, b, c, d, ..] = *hashed.as_bytes();
        [a, b, c, d]
    }

    /// Whether `signature` is this key's over these bytes.
    pub fn signed(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        PKey::public_key_from_raw_bytes(&self.key, Id::ED25519)
            .and_then(|key| Verifier::new_without_digest(&key)?.verify_oneshot(signature, bytes))
            .unwrap_or(false)
    }

    fn octets(&self) -> [u8; 33] {
        let mut octets = [ED25519; 33];
        octets[1..].copy_from_slice(&self.key);
        octets
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(self.octets()))
    }
}

impl FromStr for Vkey {
    type Err = NotAVkey;

    /// Spaces, tabs and ends of lines around it are left out, as the second verifier leaves them out, and nothing else.
    fn from_str(text: &str) -> Result<Self, NotAVkey> {
        let mut pieces = text.trim_matches([' ', '\t', '\r', '\n']).splitn(3, '+');
        let (Some(name), Some(id), Some(octets)) = (pieces.next(), pieces.next(), pieces.next()) else {
            return Err(NotAVkey("it has three pieces with plus signs between"));
        };
        let octets = STANDARD.decode(octets).map_err(|_| NotAVkey("its last piece is not base64"))?;
        let Some((&ED25519, key)) = octets.split_first() else {
            return Err(NotAVkey("its key is not an Ed25519 one"));
        };
        let key = key.try_into().map_err(|_| NotAVkey("its key has not 32 octets"))?;
        let vkey = Vkey::new(name, key)?;
        if format!("{:08x}", u32::from_be_bytes(vkey.id())) != id {
            return Err(NotAVkey("its middle piece does not fit the rest: a letter was lost or altered"));
        }
        Ok(vkey)
    }
}

impl TryFrom<String> for Vkey {
    type Error = NotAVkey;

    fn try_from(text: String) -> Result<Self, NotAVkey> {
        text.parse()
    }
}

impl From<Vkey> for String {
    fn from(vkey: Vkey) -> String {
        vkey.to_string()
    }
}
