//! OpenPGP: opening what partners sealed, sealing what goes to them. Nothing else names `sequoia_openpgp`.
//!
//! In:  sealed or plain bytes, the recorded time, and who may have signed.
//! Out: a [`Verdict`] beside the content, or an [`OpenError`] that says what it means for the file.
//! Holds: what is written before the verdict is worth nothing; only [`Opener::open`] returning a verdict makes it content.

mod armour;
pub mod backup;
mod beside;
pub mod completeness;
mod container;
mod examine;
mod framing;
mod helper;
pub mod keys;
mod layers;
mod leniency;
#[cfg(test)]
mod oddities;
mod open;
mod outline;
mod own;
mod place;
mod refusal;
mod ring;
mod seal;
mod sealed_reader;
mod secret;
mod standing;
pub mod trust;
mod waiving;

use std::io::{Read, Write};

use jiff::Timestamp;

use crate::domain::{Digest, Fingerprint, PartnerName, Waiver};

pub use completeness::{Completeness, completeness};
pub use examine::{CertificateReport, KeyChange, ReportedKey, spoken};
pub use keys::{KeyAlgorithm, KeyError, KeyFacts, KeyListing, OwnKey, UnkeptKey};
pub use own::{ImportError, SecretKeyBytes};
pub use refusal::OpenError;
pub use ring::{KeyFault, KeyRing, Unhad};
pub use seal::SealError;
pub use standing::KeyProblem;
pub use trust::{TrustError, TrustedCertificate};

/// Who may have signed.
#[derive(Clone, Copy, Debug)]
pub enum Signers<'a> {
    /// One of these partners.
    Partners(&'a [PartnerName]),
    /// We ourselves: for verifying what we sealed.
    Own,
}

/// Under which terms a sealed file is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest<'a> {
    /// The recorded receipt time. Policy, expiry, revocation and signature age are judged as of it.
    pub at: Timestamp,
    /// Who may have signed.
    pub signers: Signers<'a>,
    /// Largest content that is let out.
    pub plaintext_bytes_max: u64,
    /// The one finding that two people have set aside. Integrity protection and the accepted layers are none.
    pub waived: Option<&'a Waiver>,
}

/// What is known of a message that opened and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The signer's primary key; `None` only where that nobody vouches for it is waived.
    pub signer: Option<Fingerprint>,
    /// The partner it is pinned for; `None` if we signed it ourselves.
    pub partner: Option<PartnerName>,
    /// SHA-256 of the content.
    pub content: Digest,
    /// Length of the content.
    pub bytes: u64,
    /// SHA-256 of all sealed bytes as they were read.
    pub sealed: Digest,
    /// The name in the literal packet: outside every signature, so never more than a hint.
    // RFC 9580 §5.9
    pub file_name: Option<String>,
    /// When the signature says it was made.
    pub signed_at: Option<Timestamp>,
    /// The exceptions without which it would have been refused, by the ledger entries that granted them.
    pub exceptions: Vec<u64>,
}

/// Decrypts and verifies.
pub trait Opener: Send + Sync {
    /// Opens `sealed` into `into`, which the caller keeps private until the verdict, and throws away without one.
    fn open(
        &self,
        sealed: &mut (dyn Read + Send + Sync),
        into: &mut (dyn Write + Send),
        request: &OpenRequest<'_>,
    ) -> Result<Verdict, OpenError>;
}

/// For whom something is sealed.
#[derive(Clone, Copy, Debug)]
pub struct SealRequest<'a> {
    /// The partners who can open it; we ourselves always can.
    pub to: &'a [PartnerName],
    /// The name that goes into the literal packet.
    pub file_name: &'a str,
    /// The signature's time, and the time at which every certificate must be good.
    pub at: Timestamp,
    /// As text in ASCII armour, for mail; otherwise binary.
    pub armour: bool,
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFacts {
    /// SHA-256 of the content.
    pub content: Digest,
    /// Length of the content.
    pub content_bytes: u64,
    /// SHA-256 of the sealed bytes.
    pub sealed: Digest,
    /// Length of the sealed bytes.
    pub sealed_bytes: u64,
}

/// Signs and encrypts.
pub trait Sealer: Send + Sync {
    /// Seals `content` into `into`, for every named partner and for ourselves.
    fn seal(
        &self,
        content: &mut dyn Read,
        into: &mut (dyn Write + Send + Sync),
        request: &SealRequest<'_>,
    ) -> Result<SealedFacts, SealError>;
}
