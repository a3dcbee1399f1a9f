//! Identities. They are derived from facts, so that the same thing seen again after a crash has the same one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Digester, decode_hex, write_hex};
use super::naming::{DestinationName, SourceName};

/// One received transmission. H(source, native id, SHA-256 of the raw bytes), the first 16 bytes, in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsignmentId([u8; 16]);

/// One part of a consignment on its way to one destination: H(consignment, part, destination), whose last digits give
/// way to those of the installation. Hidden parts are named by it, so that each installation knows its own; a version that
/// knows nothing of installations finds them by it all the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId([u8; 16]);

/// One installation of the service, with every copy that is restored from its backups: the first bytes of the hash of its
/// ledger's first entry, which is never altered.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstallationId([u8; INSTALLATION_BYTES]);

/// Enough to tell the installations that share a folder apart, and few enough to leave a delivery 80 bits of its own.
const INSTALLATION_BYTES: usize = 6;

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a transfer's id: 32 hexadecimal digits are needed, as `hbcourier transfers list` prints them")]
pub struct NotAnId(pub String);

impl ConsignmentId {
    /// `native` is what tells two files of equal content apart at the source: for a folder, name, inode and times.
    pub fn derive(source: &SourceName, native: &str, raw: &Digest) -> ConsignmentId {
        ConsignmentId(derive(&[source.as_str().as_bytes(), native.as_bytes(), raw.as_bytes()]))
    }
}

impl DeliveryId {
    /// `part` counts from 0 within the consignment. Without an installation, as earlier versions made it.
    pub fn derive(consignment: &ConsignmentId, part: u32, destination: &DestinationName) -> DeliveryId {
        DeliveryId(derive(&[&consignment.0, &part.to_be_bytes(), destination.as_str().as_bytes()]))
    }

    /// The same delivery, of this installation.
    pub fn within(mut self, installation: &InstallationId) -> DeliveryId {
        self.0[16 - INSTALLATION_BYTES..].copy_from_slice(&installation.0);
        self
    }

    /// Whether this installation made it. One of an earlier version is nobody's.
    pub fn is_of(&self, installation: &InstallationId) -> bool {
        self.0.ends_with(&installation.0)
    }

    /// The first twelve digits: enough to make a delivered file's name unique.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl InstallationId {
    /// By the hash of the ledger's first entry.
    pub fn of(first: &Digest) -> InstallationId {
        let mut id = [0; INSTALLATION_BYTES];
        id.copy_from_slice(&first.as_bytes()[..INSTALLATION_BYTES]);
        InstallationId(id)
    }
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstallationId({self})")
    }
}

/// Each piece goes in with its length before it, so that no two lists of pieces read alike.
fn derive(pieces: &[&[u8]]) -> [u8; 16] {
    let mut digester = Digester::new();
    for piece in pieces {
        digester.update(&(piece.len() as u64).to_be_bytes());
        digester.update(piece);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&digester.finish().as_bytes()[..16]);
    id
}

/// How often a row of the store has been changed. A change names the revision it was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub i64);

macro_rules! hexadecimal_id {
    ($id:ident) => {
        impl FromStr for $id {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let mut bytes = [0; 16];
                decode_hex(text, &mut bytes).ok_or_else(|| NotAnId(text.to_owned()))?;
                Ok($id(bytes))
            }
        }

        impl TryFrom<String> for $id {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> String {
                id.to_string()
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($id), "({})"), self)
            }
        }
    };
}

hexadecimal_id!(ConsignmentId);
hexadecimal_id!(DeliveryId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_run_together() {
        let raw = Digest::of(b"");
        let one = ConsignmentId::derive(&"ab".parse().unwrap(), "c", &raw);
        let other = ConsignmentId::derive(&"a".parse().unwrap(), "bc", &raw);
        assert_ne!(one, other);
        assert_eq!(one.to_string().parse(), Ok(one));
    }

    #[test]
    fn a_delivery_tells_its_installation_and_keeps_what_names_are_made_of() {
        let consignment = ConsignmentId::derive(&"drop".parse().unwrap(), "c", &Digest::of(b""));
        let [live, trial] = [&b"live"[..], b"trial"].map(|first| InstallationId::of(&Digest::of(first)));
        let earlier = DeliveryId::derive(&consignment, 0, &"backoffice".parse().unwrap());
        let ours = earlier.within(&live);
        assert!(ours.is_of(&live) && !ours.is_of(&trial) && !earlier.is_of(&live));
        assert_eq!((ours.short(), ours.to_string().len()), (earlier.short(), 32));
        assert!(ours.to_string().ends_with(&live.to_string()) && ours != earlier.within(&trial));
    }
}
