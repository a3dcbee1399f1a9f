//! Sealing: sign with our key, encrypt to the partners and to ourselves.
//!
//! In:  the content, and for whom. Out: a message that RFC 4880 software reads, and the digests of both sides.
//! Holds: nothing is written for a certificate whose primary key is revoked or dead at the time of sealing.

use std::io::{self, Read, Write};

use jiff::Timestamp;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{Armorer, Encryptor, LiteralWriter, Message, Recipient, Signer};
use sequoia_openpgp::types::{DataFormat, HashAlgorithm, SymmetricAlgorithm};
use sequoia_openpgp::{Cert, anyhow};

use crate::domain::digest::Digester;
use crate::domain::{DeferCause, Fingerprint, KeyRules, PartnerName};
use crate::progress;

use super::ring::{KeyFault, KeyRing, Ring};
use super::secret::SecretKey;
use super::standing::{self, KeyProblem, UsableKey, system_time};
use super::{SealRequest, SealedFacts, Sealer};

const COPY_BYTES: usize = 128 * 1024;
/// The literal packet gives the name one octet for its length.
const FILE_NAME_BYTES_MAX: usize = 255;

/// Why something was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Nobody to seal for.
    #[error("no partner was named to seal for")]
    NoPartner,
    /// A partner without any certificate.
    #[error("no certificate is trusted for partner {partner}; trust one with `hbcourier keys trust {partner} FILE`")]
    NoCertificate {
        /// Which partner.
        partner: PartnerName,
    },
    /// None of the partner's certificates can be used.
    #[error("certificate {certificate} of partner {partner} cannot be used: {problem}; ask them for a renewed one")]
    PartnerKeyUnusable {
        /// Which partner.
        partner: PartnerName,
        /// Which certificate.
        certificate: Fingerprint,
        /// Why.
        problem: KeyProblem,
    },
    /// A partner's certificate that could not be read.
    #[error("a certificate of partner {partner} could not be read")]
    CertificateUnreadable {
        /// Which partner.
        partner: PartnerName,
        /// What is wrong with it.
        #[source]
        source: KeyFault,
    },
    /// We have no key.
    #[error("there is no key of our own to sign with; make one with `hbcourier keys generate`")]
    NoOwnKey,
    /// None of our keys can be used.
    #[error("our own key {key} cannot be used: {problem}; make a new one with `hbcourier keys generate`")]
    OwnKeyUnusable {
        /// Which key.
        key: Fingerprint,
        /// Why.
        problem: KeyProblem,
    },
    /// An own key could not be read.
    #[error("our own key could not be read")]
    OwnKeyUnreadable(#[source] KeyFault),
    /// A name that does not fit.
    #[error("the file's name is longer than {bytes_max} bytes")]
    FileName {
        /// The limit.
        bytes_max: usize,
    },
    /// The content could not be read.
    #[error("could not read the content to seal")]
    Read(#[source] io::Error),
    /// The sealed bytes could not be written.
    #[error("could not write the sealed bytes")]
    Write(#[source] io::Error),
    /// The cryptography failed.
    #[error("could not sign and encrypt the content")]
    Crypto(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SealError {
    /// Why sealing is tried again later. A new variant does not compile until it has chosen.
    pub fn cause(&self) -> DeferCause {
        match self {
            SealError::NoPartner
            | SealError::NoCertificate { .. }
            | SealError::PartnerKeyUnusable { .. }
            | SealError::CertificateUnreadable { .. } => DeferCause::PartnerKeyUnusable,
            SealError::NoOwnKey | SealError::OwnKeyUnusable { .. } | SealError::OwnKeyUnreadable(_) => {
                DeferCause::KeyUnreadable
            }
            SealError::Read(_) => DeferCause::SpoolUnreadable,
            SealError::Write(_) => DeferCause::PrivateSpace,
            SealError::FileName { .. } | SealError::Crypto(_) => DeferCause::WorkerFault,
        }
    }
}

impl Sealer for KeyRing {
    fn seal(
        &self,
        content: &mut dyn Read,
        into: &mut (dyn Write + Send + Sync),
        request: &SealRequest<'_>,
    ) -> Result<SealedFacts, SealError> {
        if request.to.is_empty() {
            return Err(SealError::NoPartner);
        }
        if request.file_name.len() > FILE_NAME_BYTES_MAX {
            return Err(SealError::FileName { bytes_max: FILE_NAME_BYTES_MAX });
        }
        let (ring, rules) = (self.ring(), self.rules());
        let policy = StandardPolicy::at(system_time(request.at));
        let own = own_key(&ring, &rules, &policy, request.at)?;
        let mut recipients = own.recipients;
        let mut readers = vec![own.cert];
        for partner in request.to {
            let (cert, keys) = partner_keys(&ring, &rules, &policy, partner, request)?;
            readers.push(cert);
            recipients.extend(keys);
        }
        let mut sink = Sink { into, digester: Digester::new(), bytes: 0, failed: None };
        let written = write(content, &mut sink, own.signer, recipients, &readers, request);
        match (written, sink.failed) {
            (_, Some(error)) => Err(SealError::Write(error)),
            (Err(Failure::Reading(error)), None) => Err(SealError::Read(error)),
            (Err(Failure::Crypto(error)), None) => Err(SealError::Crypto(error.into())),
            (Ok((content, content_bytes)), None) => Ok(SealedFacts {
                content: content.finish(),
                content_bytes,
                sealed: sink.digester.finish(),
                sealed_bytes: sink.bytes,
            }),
        }
    }
}

/// Our key that signs, and the keys with which we can open it again.
pub(super) struct Own<'r> {
    pub cert: &'r Cert,
    pub signer: &'r SecretKey,
    recipients: Vec<UsableKey<'r>>,
}

/// The own key that signs.
pub(super) fn own_key<'r>(
    ring: &'r Ring,
    rules: &KeyRules,
    policy: &'r StandardPolicy<'_>,
    at: Timestamp,
) -> Result<Own<'r>, SealError> {
    let mut unusable = None;
    // The oldest that is still good: partners have had the most time to trust it. A newer one only opens, until then.
    let mut oldest_first: Vec<&Cert> = ring.own.iter().collect();
    oldest_first.sort_by_key(|cert| cert.primary_key().key().creation_time());
    for cert in oldest_first {
        let counts = standing::fingerprint(cert).is_some_and(|key| rules.counts(None, &key, at));
        let alive = if counts { Ok(()) } else { Err(KeyProblem::Retired) };
        let usable = alive
            .and_then(|()| standing::valid(cert, policy, system_time(at)))
            .and_then(|valid| Ok((standing::signing(&valid)?, standing::encryption(&valid)?)));
        let problem = match usable {
            Ok((signing, recipients)) => {
                let secret = signing.iter().find_map(|key| ring.secret(&key.key().key_handle()));
                match secret {
                    Some(signer) => return Ok(Own { cert, signer, recipients }),
                    None => KeyProblem::NoSigningKey,
                }
            }
            Err(problem) => problem,
        };
        unusable =
            unusable.or_else(|| standing::fingerprint(cert).map(|key| SealError::OwnKeyUnusable { key, problem }));
    }
    match ring.own_faults.first() {
        Some(fault) => Err(SealError::OwnKeyUnreadable(fault.clone())),
        None => Err(unusable.unwrap_or(SealError::NoOwnKey)),
    }
}

/// The newest of a partner's certificates that can be used, with its encryption keys: the one that was made last.
fn partner_keys<'r>(
    ring: &'r Ring,
    rules: &KeyRules,
    policy: &'r StandardPolicy<'_>,
    partner: &PartnerName,
    request: &SealRequest<'_>,
) -> Result<(&'r Cert, Vec<UsableKey<'r>>), SealError> {
    let none = || SealError::NoCertificate { partner: partner.clone() };
    let pinned = ring.partners.get(partner).ok_or_else(none)?;
    let mut refusal = None;
    let mut newest_first: Vec<&Cert> = pinned.certs.iter().collect();
    newest_first.sort_by_key(|cert| std::cmp::Reverse(cert.primary_key().key().creation_time()));
    for cert in newest_first {
        let counts = standing::fingerprint(cert).map_or(Ok(()), |found| counts(rules, partner, &found, request.at));
        let keys = counts
            .and_then(|()| standing::valid(cert, policy, system_time(request.at)))
            .and_then(|valid| standing::encryption(&valid));
        match (keys, standing::fingerprint(cert)) {
            (Ok(keys), _) => return Ok((cert, keys)),
            (Err(problem), Some(certificate)) => {
                // The newest one's problem is the one to mend.
                refusal =
                    refusal.or(Some(SealError::PartnerKeyUnusable { partner: partner.clone(), certificate, problem }));
            }
            (Err(_), None) => {}
        }
    }
    match pinned.faults.first() {
        Some(fault) => Err(SealError::CertificateUnreadable { partner: partner.clone(), source: fault.clone() }),
        None => Err(refusal.unwrap_or_else(none)),
    }
}

/// Whether a pinned certificate counts now.
fn counts(rules: &KeyRules, partner: &PartnerName, found: &Fingerprint, at: Timestamp) -> Result<(), KeyProblem> {
    if rules.counts(Some(partner), found, at) {
        return Ok(());
    }
    Err(standing::not_counting(rules, Some(partner), found, at))
}

enum Failure {
    Reading(io::Error),
    Crypto(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Crypto(error)
    }
}

/// Writes the message: encryption round one signature round the content.
fn write(
    content: &mut dyn Read,
    sink: &mut Sink<'_>,
    signer: &SecretKey,
    recipients: Vec<UsableKey<'_>>,
    readers: &[&Cert],
    request: &SealRequest<'_>,
) -> Result<(Digester, u64), Failure> {
    let SealRequest { file_name, at, armour, .. } = *request;
    let layers = Layers { signer: Some(signer), recipients: &recipients, readers, file_name, at, armour };
    let mut literal = layers.begin(sink)?;
    let (mut digester, mut bytes) = (Digester::new(), 0);
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let n = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Reading(error)),
        };
        progress::made();
        digester.update(&buffer[..n]);
        bytes += n as u64;
        literal.write_all(&buffer[..n]).map_err(|error| Failure::Crypto(error.into()))?;
    }
    literal.finalize()?;
    Ok((digester, bytes))
}

/// What lies round the content of a sealed message.
pub(super) struct Layers<'a> {
    /// Nobody, only where we have no key.
    pub signer: Option<&'a SecretKey>,
    pub recipients: &'a [UsableKey<'a>],
    /// Whom the signature names as its readers.
    pub readers: &'a [&'a Cert],
    pub file_name: &'a str,
    pub at: Timestamp,
    pub armour: bool,
}

impl<'a> Layers<'a> {
    /// The message, to which the content is written now.
    pub(super) fn begin(&self, into: impl Write + Send + Sync + 'a) -> anyhow::Result<Message<'a>> {
        let recipients: Vec<Recipient<'_>> = self.recipients.iter().cloned().map(Recipient::from).collect();
        // Version 1 containers unless every certificate asks for more: sequoia chooses so by itself.
        let mut message = Message::new(into);
        if self.armour {
            message = Armorer::new(message).build()?;
        }
        message = Encryptor::for_recipients(message, recipients).symmetric_algo(SymmetricAlgorithm::AES256).build()?;
        if let Some(signer) = self.signer {
            let mut signed = Signer::new(message, signer.signer())?
                .hash_algo(HashAlgorithm::SHA512)?
                .creation_time(system_time(self.at));
            for reader in self.readers {
                signed = signed.add_intended_recipient(reader);
            }
            message = signed.build()?;
        }
        LiteralWriter::new(message)
            .format(DataFormat::Binary)
            .filename(self.file_name)?
            .date(system_time(self.at))?
            .build()
    }
}

/// Where the sealed bytes go, counted and digested.
struct Sink<'w> {
    into: &'w mut (dyn Write + Send + Sync),
    digester: Digester,
    bytes: u64,
    failed: Option<io::Error>,
}

impl Sink<'_> {
    fn remember(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.failed.get_or_insert(error);
        io::Error::new(kind, "the sealed bytes could not be written")
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.into.write(bytes) {
            Ok(n) => {
                self.digester.update(&bytes[..n]);
                self.bytes += n as u64;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.remember(error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush().map_err(|error| self.remember(error))
    }
}
