//! A backup as one OpenPGP message: sealed to one certificate whose private key is kept elsewhere, and signed by us.
//!
//! In:  that certificate, and content that is written piece by piece; on the way back the sealed file and the private key.
//! Out: the message; on the way back its content, to be read at any place, by decrypting anew whenever that lies behind.
//! Holds: memory is bounded whatever the size, and the content is written nowhere; nothing of it is let out before the whole
//! was read once and was intact, and signed by whom it was to be.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::crypto::{Password, SessionKey};
use sequoia_openpgp::packet::{PKESK, SKESK};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, Decryptor, DecryptorBuilder, MessageLayer, MessageStructure, VerificationError,
    VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle, Result as Sequoia, anyhow};

use super::ring::{KeyRing, Passphrase};
use super::seal::{self, Layers};
use super::secret::{self, Locked, SecretKey};
use super::standing::{self, KeyProblem, system_time};
use super::trust::{TrustError, sole_certificate};
use crate::domain::causes::with_causes;
use crate::domain::digest::Digester;
use crate::domain::{Digest, Fingerprint};

/// What sequoia holds back: the whole is read once before any of it counts.
const HELD_BACK_BYTES: usize = 128 * 1024;
const COPY_BYTES: usize = 128 * 1024;
/// The end of the content that is kept, as it is read first: an archive has its list there.
const TAIL_BYTES: usize = 4 << 20;

static POLICY: &StandardPolicy<'static> = &StandardPolicy::new();

/// Whose private key opens a backup.
pub struct BackupCertificate {
    cert: Cert,
    /// Of its primary key.
    pub fingerprint: Fingerprint,
}

/// Why a backup cannot be sealed to a certificate.
#[derive(Debug, thiserror::Error)]
pub enum BackupCertificateFault {
    /// It is none, or several.
    #[error(transparent)]
    NotOne(#[from] TrustError),
    /// It cannot be encrypted to.
    #[error("certificate {0} cannot be used: {1}")]
    Unusable(Fingerprint, KeyProblem),
}

impl BackupCertificate {
    /// The certificate in these bytes, if it can be encrypted to now.
    pub fn read(bytes: &[u8], at: Timestamp) -> Result<BackupCertificate, BackupCertificateFault> {
        let (cert, fingerprint) = sole_certificate(bytes)?;
        let usable = standing::valid(&cert, POLICY, system_time(at)).and_then(|valid| standing::encryption(&valid));
        match usable.map(drop) {
            Ok(()) => Ok(BackupCertificate { cert, fingerprint }),
            Err(problem) => Err(BackupCertificateFault::Unusable(fingerprint, problem)),
        }
    }
}

impl KeyRing {
    /// Seals what `content` writes, to nobody but this certificate. Also the own key that signed it, or why none did.
    pub fn seal_backup<T, E: From<io::Error>>(
        &self,
        into: &File,
        to: &BackupCertificate,
        at: Timestamp,
        content: impl FnOnce(&mut dyn Write) -> Result<T, E>,
    ) -> Result<(T, Result<Fingerprint, String>), E> {
        let (ring, rules) = (self.ring(), self.rules());
        let policy = StandardPolicy::at(system_time(at));
        let own = seal::own_key(&ring, &rules, &policy, at);
        let recipients = standing::valid(&to.cert, &policy, system_time(at))
            .and_then(|valid| standing::encryption(&valid))
            .map_err(|problem| io::Error::other(problem.to_string()))?;
        let layers = Layers {
            signer: own.as_ref().ok().map(|own| own.signer),
            recipients: &recipients,
            readers: &[&to.cert],
            file_name: "hbcourier.zip",
            at,
            armour: false,
        };
        let mut message = layers.begin(into).map_err(failed)?;
        let written = content(&mut message)?;
        message.finalize().map_err(failed)?;
        let signed = match own {
            Ok(own) => standing::fingerprint(own.cert).ok_or_else(|| "our key has no fingerprint".to_owned()),
            Err(error) => Err(with_causes(&error)),
        };
        Ok((written, signed))
    }
}

fn failed(error: anyhow::Error) -> io::Error {
    error.downcast().unwrap_or_else(|error| io::Error::other(error.to_string()))
}

/// The private key that opens a backup.
pub struct BackupKey {
    /// Whose it is, without its secrets.
    cert: Cert,
    secrets: Vec<(KeyHandle, SecretKey)>,
}

/// Why the file of a private key opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupKeyFault {
    /// It is something else, or several.
    #[error("it is not one OpenPGP key; export it with `gpg --export-secret-keys`")]
    NotOne,
    /// It is a certificate, or its secret lies on a card.
    #[error("it holds no secret key that decrypts")]
    NoSecret,
    /// It is protected.
    #[error("it is protected with a passphrase, and none was named")]
    NoPassphrase,
    /// With another one.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
}

impl BackupKey {
    /// The key in these bytes, unlocked.
    pub fn read(bytes: &[u8], passphrase: Option<&SecretString>) -> Result<BackupKey, BackupKeyFault> {
        let mut certs = CertParser::from_bytes(bytes).map_err(|_| BackupKeyFault::NotOne)?;
        let (Some(Ok(cert)), None) = (certs.next(), certs.next()) else { return Err(BackupKeyFault::NotOne) };
        let passphrase = passphrase
            .map_or(Passphrase::None, |passphrase| Passphrase::Known(Password::from(passphrase.expose_secret())));
        let mut secrets = Vec::new();
        for found in cert.keys().secret().filter(|found| found.key().pk_algo().for_encryption()) {
            let prepared = match secret::unlocked(found.key().clone(), &passphrase) {
                Ok(key) => SecretKey::prepare(key).ok(),
                Err(Locked::NotUsable | Locked::Unreadable(_)) => None,
                Err(Locked::NoPassphrase) => return Err(BackupKeyFault::NoPassphrase),
                Err(Locked::WrongPassphrase) => return Err(BackupKeyFault::WrongPassphrase),
            };
            secrets.extend(prepared.map(|key| (found.key().key_handle(), key)));
        }
        if secrets.is_empty() {
            return Err(BackupKeyFault::NoSecret);
        }
        Ok(BackupKey { cert: cert.strip_secret_key_material(), secrets })
    }
}

/// Why a sealed backup is not opened. Nothing of it was let out.
#[derive(Debug, thiserror::Error)]
pub enum SealedBackupFault {
    /// The key does not fit.
    #[error("it is not sealed to this key")]
    OtherKey,
    /// It is not what was written.
    #[error("it is incomplete or was altered, or is no sealed backup, or its disk cannot be read")]
    Altered,
    /// It could be anybody's.
    #[error("it is not signed by the certificate that was named")]
    NotSigned,
    /// Who should have signed it is not known.
    #[error("the file of who should have signed it does not hold certificates, and nothing else")]
    NotACertificate,
}

/// Every certificate in these bytes: after a key was renewed an installation has several.
fn certificates(bytes: &[u8]) -> Result<Vec<Cert>, SealedBackupFault> {
    let parsed = CertParser::from_bytes(bytes).and_then(Iterator::collect::<Sequoia<Vec<Cert>>>);
    let found = parsed.map_err(|_| SealedBackupFault::NotACertificate)?;
    if found.is_empty() || found.iter().any(Cert::is_tsk) {
        return Err(SealedBackupFault::NotACertificate);
    }
    Ok(found)
}

/// A sealed backup that was read to its end and found intact. Reading it decrypts it once more.
pub struct SealedBackup {
    file: File,
    terms: Terms,
    length: u64,
    digest: Digest,
    tail: Vec<u8>,
    position: u64,
    pass: Option<Pass>,
}

/// One decryption from the beginning on.
struct Pass {
    content: Decryptor<'static, Terms>,
    at: u64,
    digester: Digester,
}

impl SealedBackup {
    /// Reads it once; it must be signed by one of these certificates, if they are named.
    pub fn open(file: File, key: BackupKey, signed_by: Option<&[u8]>) -> Result<SealedBackup, SealedBackupFault> {
        let signers = signed_by.map(certificates).transpose()?;
        let terms = Terms { key: Arc::new(key), signers, ended: Arc::default() };
        let mut pass = Pass::begin(&file, &terms).map_err(|_| terms.fault())?;
        let (mut tail, mut buffer) = (Vec::new(), vec![0; COPY_BYTES]);
        loop {
            let n = match pass.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(_) => return Err(terms.fault()),
            };
            tail.extend_from_slice(&buffer[..n]);
            if tail.len() > 2 * TAIL_BYTES {
                tail.drain(..tail.len() - TAIL_BYTES);
            }
        }
        let (length, digest) = (pass.at, pass.digester.finish());
        Ok(SealedBackup { file, terms, length, digest, tail, position: 0, pass: None })
    }

    /// Reads on to the end, where it must be what it was when it was opened.
    pub fn is_still_the_same(&mut self) -> io::Result<()> {
        let Some(mut pass) = self.pass.take() else { return Ok(()) };
        io::copy(&mut pass, &mut io::sink())?;
        if pass.digester.finish() == self.digest {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the sealed backup was changed while it was read"))
    }

    fn pass(&mut self) -> io::Result<&mut Pass> {
        let fits = self.pass.as_ref().is_some_and(|pass| pass.at <= self.position);
        let pass = match self.pass.take().filter(|_| fits) {
            Some(pass) => pass,
            None => Pass::begin(&self.file, &self.terms).map_err(failed)?,
        };
        let pass = self.pass.insert(pass);
        io::copy(&mut pass.take(self.position - pass.at), &mut io::sink())?;
        Ok(pass)
    }
}

impl Read for SealedBackup {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tail_from = self.length - self.tail.len() as u64;
        let n = match self.position.checked_sub(tail_from) {
            Some(into_tail) => {
                let rest = usize::try_from(into_tail).ok().and_then(|from| self.tail.get(from..)).unwrap_or_default();
                rest.take(buffer.len() as u64).read(buffer)?
            }
            None => {
                let position = self.position;
                let pass = self.pass()?;
                if pass.at != position {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                pass.read(buffer)?
            }
        };
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for SealedBackup {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(from) => Some(from),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl Pass {
    fn begin(file: &File, terms: &Terms) -> anyhow::Result<Pass> {
        let mut from = file.try_clone()?;
        from.rewind()?;
        let builder = DecryptorBuilder::from_reader(io::BufReader::with_capacity(COPY_BYTES, from))?;
        let content = builder.buffer_size(HELD_BACK_BYTES).with_policy(POLICY, None, terms.clone())?;
        Ok(Pass { content, at: 0, digester: Digester::new() })
    }
}

impl Read for Pass {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.content.read(buffer)?;
        self.digester.update(&buffer[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

/// What sequoia asks while it walks through a sealed backup.
#[derive(Clone)]
struct Terms {
    key: Arc<BackupKey>,
    signers: Option<Vec<Cert>>,
    /// What ended the walk, where it is not the bytes: errors lose their type on the way through [`Read`].
    ended: Arc<OnceLock<Ended>>,
}

#[derive(Clone, Copy, Debug)]
enum Ended {
    NoKey,
    NoSignature,
}

impl Terms {
    fn fault(&self) -> SealedBackupFault {
        match self.ended.get() {
            Some(Ended::NoKey) => SealedBackupFault::OtherKey,
            Some(Ended::NoSignature) => SealedBackupFault::NotSigned,
            None => SealedBackupFault::Altered,
        }
    }
}

impl VerificationHelper for Terms {
    fn get_certs(&mut self, _: &[KeyHandle]) -> Sequoia<Vec<Cert>> {
        Ok(self.signers.clone().unwrap_or_default())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> Sequoia<()> {
        let layers: Vec<_> = structure.into_iter().collect();
        if !matches!(layers.first(), Some(MessageLayer::Encryption { .. })) {
            return Err(anyhow::anyhow!("it is not sealed"));
        }
        let is_good = |layer: &MessageLayer<'_>| match layer {
            MessageLayer::SignatureGroup { results } => results.iter().any(Result::is_ok),
            MessageLayer::Encryption { .. } | MessageLayer::Compression { .. } => false,
        };
        let has_bad = |layer: &MessageLayer<'_>| match layer {
            MessageLayer::SignatureGroup { results } => {
                results.iter().any(|result| matches!(result, Err(VerificationError::BadSignature { .. })))
            }
            MessageLayer::Encryption { .. } | MessageLayer::Compression { .. } => false,
        };
        if self.signers.is_some() && !layers.iter().any(is_good) {
            // One of theirs that does not fit the content is an alteration.
            if !layers.iter().any(has_bad) {
                self.ended.get_or_init(|| Ended::NoSignature);
            }
            return Err(anyhow::anyhow!("it is not signed"));
        }
        Ok(())
    }
}

impl DecryptionHelper for Terms {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _: &[SKESK],
        hint: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> Sequoia<Option<Cert>> {
        for pkesk in pkesks {
            let recipient = pkesk.recipient();
            let fits = |handle: &KeyHandle| recipient.as_ref().is_none_or(|recipient| recipient.aliases(handle));
            for (_, key) in self.key.secrets.iter().filter(|(handle, _)| fits(handle)) {
                let found = pkesk.decrypt(&mut *key.decryptor(), hint);
                if found.is_some_and(|(algorithm, session_key)| decrypt(algorithm, &session_key)) {
                    // What was signed for another reader, and sealed to this one by somebody else, is no backup of ours.
                    return Ok(Some(self.key.cert.clone()));
                }
            }
        }
        self.ended.get_or_init(|| Ended::NoKey);
        Err(anyhow::anyhow!("no key fits"))
    }
}

#[cfg(test)]
mod tests;
