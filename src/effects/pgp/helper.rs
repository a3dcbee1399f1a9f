//! What sequoia asks while it walks through a message: which key opens it, which certificates may have signed it, and
//! whether it will do.
//!
//! In:  the keys, the request, the packets as they come. Out: answers; and a trace of what was seen, for the verdict.
//! Sequoia's errors lose their type on the way through `io::Read`, so refusals are left in the trace.

use std::cell::RefCell;

use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::{Literal, PKESK, Packet, SKESK, Signature, Tag};
use sequoia_openpgp::parse::PacketParser;
use sequoia_openpgp::parse::stream::{DecryptionHelper, MessageStructure, VerificationHelper};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, Error, Fingerprint, KeyHandle, Result, anyhow};

use crate::domain::reason::MESSAGE_DEPTH_MAX as DEPTH_MAX;
pub(super) use crate::domain::reason::RECIPIENTS_MAX;
use crate::domain::{KeyRules, Waiver};

use super::layers;
use super::leniency::Leniency;
use super::open;
use super::ring::{KeyFault, Ring};
use super::standing::{self, UsableKey};
use super::waiving::{self, Vouched};
use super::{OpenError, OpenRequest, Signers};

/// More than any accepted message has: recipients, container, compression, signature, literal, digest.
const PACKETS_MAX: usize = RECIPIENTS_MAX + 8;
/// No file system we deliver to takes longer names.
const FILE_NAME_BYTES_MAX: usize = 255;

/// What was seen of a message so far.
#[derive(Default)]
pub(super) struct Trace {
    /// Why we stopped.
    pub refused: Option<OpenError>,
    /// A key of ours fitted.
    pub decrypted: bool,
    /// The cipher of the container, where its session key names one.
    pub symmetric: Option<SymmetricAlgorithm>,
    /// The signature held, or two people let it through without.
    pub vouched: Option<Vouched>,
    /// The name in the literal packet.
    pub file_name: Option<String>,
    packets: Vec<(usize, Tag)>,
    recipients: usize,
    /// How deep the packets that come lie already.
    below: usize,
    /// Whose key has opened the container, if sequoia was not there.
    pub reader: Option<Fingerprint>,
}

impl Trace {
    /// For the packets inside a container that was opened without sequoia.
    pub(super) fn of_container(session_keys: usize) -> Trace {
        let mut packets = vec![(0, Tag::PKESK); session_keys];
        packets.push((0, Tag::SEIP));
        Trace { packets, recipients: session_keys, below: 1, ..Trace::default() }
    }

    /// Names the error that ended the reading.
    pub(super) fn blame(&mut self, error: Option<&anyhow::Error>) -> OpenError {
        if let Some(refused) = self.refused.take() {
            return refused;
        }
        let known = |(_, tag): &(usize, Tag)| !matches!(tag, Tag::Unknown(_) | Tag::Private(_) | Tag::Reserved);
        match error.and_then(|error| error.downcast_ref::<Error>()) {
            Some(
                Error::PolicyViolation(..)
                | Error::UnsupportedSymmetricAlgorithm(_)
                | Error::UnsupportedAEADAlgorithm(_)
                | Error::UnsupportedHashAlgorithm(_)
                | Error::UnsupportedPublicKeyAlgorithm(_)
                | Error::UnsupportedCompressionAlgorithm(_),
            ) => OpenError::LegacyAlgorithm,
            Some(Error::MalformedMessage(_)) if self.packets.iter().all(known) => OpenError::OddStructure,
            _ => OpenError::Tampered,
        }
    }
}

/// Answers sequoia's questions about one message.
pub(super) struct Helper<'a> {
    pub ring: &'a Ring,
    pub rules: &'a KeyRules,
    pub request: &'a OpenRequest<'a>,
    pub leniency: &'a Leniency<'a>,
    pub policy: &'a StandardPolicy<'a>,
    pub trace: &'a RefCell<Trace>,
}

impl Helper<'_> {
    fn refuse<T>(&self, error: OpenError) -> Result<T> {
        self.trace.borrow_mut().refused.get_or_insert(error);
        Err(Error::InvalidOperation("refused".into()).into())
    }

    /// Why no key of ours fitted.
    fn no_key(&self, named: bool, unsupported: bool, pkesks: &[PKESK]) -> OpenError {
        match self.ring.own_faults.first() {
            _ if unsupported => OpenError::LegacyAlgorithm,
            // It names a key of ours, and yet its session key or the container's beginning is damaged.
            _ if named => OpenError::Tampered,
            Some(fault) => OpenError::OwnKeyUnreadable(fault.clone()),
            // Nothing could be opened, whoever it is for: our trouble, not the sender's.
            None if self.ring.own.is_empty() => OpenError::OwnKeyUnreadable(KeyFault::NoOwnKey),
            None if pkesks.is_empty() => OpenError::PassphraseOnly,
            None => OpenError::NoKey,
        }
    }

    /// The certificates that may have made a signature of these issuers.
    fn may_have_signed(&self, issuers: &[KeyHandle]) -> Vec<Cert> {
        let made_by = |cert: &&Cert| cert.keys().any(|key| issuers.iter().any(|id| id.aliases(key.key().key_handle())));
        match self.request.signers {
            Signers::Own => self.ring.own.iter().filter(made_by).cloned().collect(),
            Signers::Partners(allowed) => allowed
                .iter()
                .filter_map(|partner| self.ring.partners.get(partner))
                .flat_map(|pinned| pinned.certs.iter().filter(made_by).cloned())
                .collect(),
        }
    }

    /// Which exceptions of the signer's partner a good signature needed.
    fn excepted(&self, signature: &Signature, key: &UsableKey<'_>) -> std::result::Result<Vec<u64>, OpenError> {
        if self.leniency.is_none() {
            return Ok(Vec::new());
        }
        let signer = standing::fingerprint(key.cert()).ok_or(OpenError::Stranger)?;
        let partner = open::partner_of(self.ring, self.rules, &signer, self.request)?;
        let symmetric = self.trace.borrow().symmetric;
        partner.map_or(Ok(Vec::new()), |partner| self.leniency.used(&partner, signature, key, symmetric))
    }

    /// What is wrong with a signature, or that there is none, may only have come to light because somebody is excepted. An
    /// exception is its partner's alone, so that what nobody vouches for is of an old algorithm before anything else: a
    /// release of it would meet just that.
    fn unless_legacy(&self, refused: OpenError) -> OpenError {
        let about_the_signature = matches!(
            refused,
            OpenError::Unsigned
                | OpenError::Stranger
                | OpenError::SignerExpired { .. }
                | OpenError::SignatureTooOld { .. }
                | OpenError::SignatureAhead { .. }
        );
        match self.trace.borrow().symmetric {
            Some(cipher) if about_the_signature && self.leniency.is_needed_for(cipher) => OpenError::LegacyAlgorithm,
            _ => refused,
        }
    }

    /// A signer we cannot place may be one whose certificate we cannot read.
    fn stranger(&self) -> OpenError {
        let Signers::Partners(allowed) = self.request.signers else {
            return match self.ring.own_faults.first() {
                Some(fault) => OpenError::OwnKeyUnreadable(fault.clone()),
                None => OpenError::Stranger,
            };
        };
        let faulty = allowed.iter().find_map(|partner| {
            let pinned = self.ring.partners.get(partner).and_then(|pinned| pinned.faults.first());
            let fault = pinned.or(self.ring.partners_fault.as_ref())?;
            Some(OpenError::CertificateUnreadable { partner: partner.clone(), source: fault.clone() })
        });
        faulty.unwrap_or(OpenError::Stranger)
    }
}

impl DecryptionHelper for Helper<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _: &[SKESK],
        hint: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> Result<Option<Cert>> {
        if self.trace.borrow().decrypted {
            return self.refuse(OpenError::OddStructure);
        }
        let (mut named, mut unsupported) = (false, false);
        let (known, hidden): (Vec<_>, Vec<_>) = pkesks.iter().partition(|pkesk| pkesk.recipient().is_some());
        for pkesk in known.into_iter().chain(hidden) {
            let recipient = pkesk.recipient();
            for (owner, key) in self.ring.decrypting(recipient.as_ref()) {
                named |= recipient.is_some();
                let Some((algorithm, session_key)) = pkesk.decrypt(&mut *key.decryptor(), hint) else { continue };
                unsupported |= algorithm.is_some_and(|algorithm| !algorithm.is_supported());
                if decrypt(algorithm, &session_key) {
                    let mut trace = self.trace.borrow_mut();
                    (trace.decrypted, trace.symmetric) = (true, algorithm);
                    return Ok(Some(owner.clone()));
                }
            }
        }
        self.refuse(self.no_key(named, unsupported, pkesks))
    }
}

impl VerificationHelper for Helper<'_> {
    fn inspect(&mut self, parser: &PacketParser<'_>) -> Result<()> {
        let mut trace = self.trace.borrow_mut();
        let depth = usize::try_from(parser.recursion_depth()).unwrap_or(usize::MAX).saturating_add(trace.below);
        trace.packets.push((depth, parser.packet.tag()));
        match &parser.packet {
            Packet::PKESK(_) | Packet::SKESK(_) => trace.recipients += 1,
            Packet::Literal(literal) => trace.file_name = file_name(literal),
            _ => {}
        }
        let (recipients, packets) = (trace.recipients, trace.packets.len());
        drop(trace);
        if recipients > RECIPIENTS_MAX {
            self.refuse(OpenError::RecipientLimit { recipients_max: RECIPIENTS_MAX })
        } else if depth >= DEPTH_MAX {
            self.refuse(OpenError::DepthLimit { depth_max: DEPTH_MAX })
        } else if packets > PACKETS_MAX {
            self.refuse(OpenError::OddStructure)
        } else {
            Ok(())
        }
    }

    fn get_certs(&mut self, issuers: &[KeyHandle]) -> Result<Vec<Cert>> {
        Ok(self.may_have_signed(issuers))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> Result<()> {
        let grammatical = layers::grammar(&self.trace.borrow().packets);
        let reader = self.trace.borrow().reader.clone();
        let waived = self.request.waived;
        let terms = waiving::Terms { policy: self.policy, at: self.request.at, waived };
        let is_by_an_unknown_key = waiving::is_by_an_unknown_key(&structure);
        let excepted = |signature: &Signature, key: &UsableKey<'_>| self.excepted(signature, key);
        let judged = || layers::verdict(structure, reader.as_ref(), &terms, &excepted).map(Vouched::By);
        let vouched = match grammatical.and_then(|()| judged()) {
            Err(OpenError::Unsigned) if waived == Some(&Waiver::Unsigned) => Ok(Vouched::ByNobody),
            Err(OpenError::Stranger) => match self.stranger() {
                OpenError::Stranger if is_by_an_unknown_key && waived == Some(&Waiver::Stranger) => {
                    Ok(Vouched::ByNobody)
                }
                refused => Err(refused),
            },
            judged => judged,
        };
        match vouched {
            Ok(vouched) => {
                self.trace.borrow_mut().vouched = Some(vouched);
                Ok(())
            }
            Err(refused) => self.refuse(self.unless_legacy(refused)),
        }
    }
}

/// The last part of the name in the literal packet, if it is one that could name a file.
// RFC 9580 §5.9
fn file_name(literal: &Literal) -> Option<String> {
    let name = std::str::from_utf8(literal.filename()?).ok()?;
    let last = name.rsplit(['/', '\\']).next()?.trim();
    let usable = !matches!(last, "" | "." | ".." | "_CONSOLE")
        && last.len() <= FILE_NAME_BYTES_MAX
        && !last.chars().any(char::is_control);
    usable.then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use sequoia_openpgp::types::DataFormat;

    use super::*;

    fn named(name: &[u8]) -> Option<String> {
        let mut literal = Literal::new(DataFormat::Binary);
        literal.set_filename(name).unwrap();
        file_name(&literal)
    }

    #[test]
    fn only_a_plain_last_part_is_a_name() {
        assert_eq!(named(b"C:\\out\\AOBWR627_LAID_RISK.csv").as_deref(), Some("AOBWR627_LAID_RISK.csv"));
        assert_eq!(named(b"../../etc/passwd").as_deref(), Some("passwd"));
        for none in [&b"_CONSOLE"[..], b"..", b"a/", b"a\nb.pdf", b"\xff.pdf"] {
            assert_eq!(named(none), None, "{none:?}");
        }
    }
}
