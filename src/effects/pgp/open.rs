//! Opening: decrypt and verify in one pass over the sealed bytes.
//!
//! In:  the sealed bytes, and a private place for the content. Out: a verdict over all of them, or why there is none.
//! The order of judgement: our own trouble and limits, then what the framing shows (cut, doubled, surrounded), then what
//! the cryptography says. Holds: memory is bounded whatever the size, and no verdict is given before the last byte.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use jiff::SignedDuration;
use sequoia_openpgp::anyhow;
use sequoia_openpgp::armor::{self, Kind, ReaderMode};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{DecryptionHelper, DecryptorBuilder, VerifierBuilder};
use sequoia_openpgp::policy::StandardPolicy;

use crate::domain::{Digest, Fingerprint, KeyRules, PartnerName};
use crate::progress;

use super::beside::{Ahead, Behind};
use super::container::{self, Fit, Head, Sealed};
use super::helper::{Helper, RECIPIENTS_MAX, Trace};
use super::layers::SIGNATURE_AHEAD_MINUTES_MAX;
use super::leniency::Leniency;
use super::ring::{KeyRing, Ring};
use super::sealed_reader::{Form, Outlined, SealedReader};
use super::standing::{self, system_time};
use super::waiving::Vouched;
use super::{OpenError, OpenRequest, Opener, Signers, Verdict};

/// What sequoia holds back. Safety is the private place and the verdict, not this buffer.
const HELD_BACK_BYTES: usize = 128 * 1024;
const COPY_BYTES: usize = 64 * 1024;

/// What came out of the container.
struct Content {
    vouched: Vouched,
    file_name: Option<String>,
    digest: Digest,
    bytes: u64,
}

impl Opener for KeyRing {
    fn open(
        &self,
        sealed: &mut (dyn Read + Send + Sync),
        into: &mut (dyn Write + Send),
        request: &OpenRequest<'_>,
    ) -> Result<Verdict, OpenError> {
        let (ring, rules) = (self.ring(), self.rules());
        let known = Known { ring: &ring, rules: &rules };
        let mut sealed = SealedReader::new(sealed);
        let (opened, outline) = match sealed.form()? {
            Form::Binary => follow(known, &mut sealed, into, request),
            Form::Armoured => {
                let mode = ReaderMode::Tolerant(Some(Kind::Message));
                follow(known, &mut armor::Reader::from_reader(&mut sealed, mode), into, request)
            }
        };
        let opened = match opened {
            // A limit reached in bytes that could not all be read is no finding about the message.
            Err(error) if error.ends_reading() => return Err(sealed.into_failure().map_or(error, OpenError::Read)),
            other => other,
        };
        sealed.drain();
        // The two readings of the framing, the plainer one first; a missing integrity check before everything.
        let sealed = match (outline, sealed.finish()) {
            (Some(OpenError::NoIntegrity), _) => return Err(OpenError::NoIntegrity),
            (_, Err(fault)) | (Some(fault), Ok(_)) => return Err(fault),
            (None, Ok(digest)) => digest,
        };
        let Content { vouched, file_name, digest, bytes } = opened?;
        let (signer, partner, signed_at, exceptions) = match vouched {
            Vouched::By(signed) => {
                let partner = partner_of(&ring, &rules, &signed.signer, request)?;
                (Some(signed.signer), partner, Some(signed.at), signed.exceptions)
            }
            Vouched::ByNobody => (None, None, None, Vec::new()),
        };
        Ok(Verdict { signer, partner, content: digest, bytes, sealed, file_name, signed_at, exceptions })
    }
}

/// Opens a binary message, and says beside it what its outline shows.
fn follow(
    known: Known<'_>,
    message: &mut (dyn Read + Send + Sync),
    into: &mut (dyn Write + Send),
    request: &OpenRequest<'_>,
) -> (Result<Content, OpenError>, Option<OpenError>) {
    let mut outlined = Outlined::new(message);
    // Sequoia 2.4.2 panics on some damaged armour. That must cost this message, not the worker; what the closure leaves
    // half done is thrown away, save the outline, which is sound between any two reads.
    let opened = catch_unwind(AssertUnwindSafe(|| unseal(known, &mut outlined, into, request)));
    let opened = opened.unwrap_or(Err(OpenError::ParserFault));
    if !opened.as_ref().is_err_and(OpenError::ends_reading) {
        outlined.drain();
    }
    (opened, outlined.finish())
}

/// By the quicker way if the message is of the usual kind, else by sequoia alone. Both give the same verdicts.
fn unseal(
    known: Known<'_>,
    message: &mut Outlined<'_>,
    into: &mut (dyn Write + Send),
    request: &OpenRequest<'_>,
) -> Result<Content, OpenError> {
    let leniency = Leniency::of(known.rules, request);
    let terms = Terms::of(known, &leniency, request);
    let Ok(Head { seen, sealed }) = container::head(message, RECIPIENTS_MAX) else { return Err(OpenError::Tampered) };
    if let Some(sealed) = sealed
        && let Some(opened) = terms.unseal_usual(sealed, message, into)
    {
        return opened;
    }
    let whole = io::Cursor::new(seen).chain(message);
    let trace = RefCell::new(Trace::default());
    let decryptor = DecryptorBuilder::from_reader(whole).and_then(|builder| {
        builder.buffer_size(HELD_BACK_BYTES).with_policy(&terms.policy, terms.latest, terms.helper(&trace))
    });
    std::thread::scope(|scope| terms.content(decryptor, &trace, Behind::new(scope, into)))
}

/// The keys, and what people decided about them.
#[derive(Clone, Copy)]
struct Known<'r> {
    ring: &'r Ring,
    rules: &'r KeyRules,
}

/// What a message is opened under.
struct Terms<'r> {
    known: Known<'r>,
    leniency: &'r Leniency<'r>,
    request: &'r OpenRequest<'r>,
    policy: StandardPolicy<'r>,
    /// Sequoia takes no signature from after this time. How far ahead it may be is our rule, so it is told the latest.
    latest: SystemTime,
}

impl<'r> Terms<'r> {
    fn of(known: Known<'r>, leniency: &'r Leniency<'r>, request: &'r OpenRequest<'r>) -> Terms<'r> {
        let latest = system_time(request.at + SignedDuration::from_mins(SIGNATURE_AHEAD_MINUTES_MAX));
        Terms { known, leniency, request, policy: leniency.policy(), latest }
    }

    fn helper<'h>(&'h self, trace: &'h RefCell<Trace>) -> Helper<'h> {
        let Known { ring, rules } = self.known;
        Helper { ring, rules, request: self.request, leniency: self.leniency, policy: &self.policy, trace }
    }

    /// `None`, with nothing read, if it is not of the usual kind after all.
    fn unseal_usual(
        &self,
        mut sealed: Sealed,
        message: &mut Outlined<'_>,
        into: &mut (dyn Write + Send),
    ) -> Option<Result<Content, OpenError>> {
        let session_keys = std::mem::take(&mut sealed.session_keys);
        let trace = RefCell::new(Trace::of_container(session_keys.len()));
        let (mut session, mut unusual) = (None, false);
        let found = self.helper(&trace).decrypt(&session_keys, &[], None, &mut |algorithm, key| {
            match sealed.try_key(algorithm, key) {
                Fit::Fits(fits) => session = Some(fits),
                Fit::Other => unusual = true,
                Fit::Not => return false,
            }
            true
        });
        if unusual {
            return None;
        }
        let (Ok(reader), Some(session)) = (found, session) else { return Some(Err(trace.borrow_mut().blame(None))) };
        trace.borrow_mut().reader = reader.map(|cert| cert.fingerprint());
        let Ok(mut container) = sealed.open(message, &session) else { return None };
        let opened = std::thread::scope(|scope| {
            let verifier = container::packets(Ahead::new(scope, &mut container)).and_then(|packets| {
                let builder = VerifierBuilder::from_reader(packets)?.buffer_size(HELD_BACK_BYTES);
                builder.with_policy(&self.policy, self.latest, self.helper(&trace))
            });
            self.content(verifier, &trace, Behind::new(scope, into))
        });
        Some(match opened {
            Err(error) if error.ends_reading() => Err(error),
            // Whatever it looks like inside, and whatever a parser made of the error at the end.
            _ if !container.is_intact() => Err(OpenError::Tampered),
            opened => opened,
        })
    }

    fn content<'scope, W: Write + Send + 'scope>(
        &self,
        verified: anyhow::Result<impl Read>,
        trace: &RefCell<Trace>,
        mut into: Behind<'scope, '_, W>,
    ) -> Result<Content, OpenError> {
        let mut verified = verified.map_err(|error| trace.borrow_mut().blame(Some(&error)))?;
        let (mut bytes, mut buffer) = (0, vec![0; COPY_BYTES]);
        loop {
            let n = match verified.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(_) => return Err(trace.borrow_mut().blame(None)),
            };
            progress::made();
            bytes += n as u64;
            if bytes > self.request.plaintext_bytes_max {
                return Err(OpenError::PlaintextLimit { bytes_max: self.request.plaintext_bytes_max });
            }
            into.take(&buffer[..n]).map_err(OpenError::Write)?;
        }
        let (digest, bytes) = into.finish().map_err(OpenError::Write)?;
        let mut trace = trace.borrow_mut();
        match trace.vouched.take() {
            Some(vouched) => Ok(Content { vouched, file_name: trace.file_name.take(), digest, bytes }),
            None => Err(trace.blame(None)),
        }
    }
}

/// For which of the partners asked for the signer is pinned, and counts as of receipt.
pub(super) fn partner_of(
    ring: &Ring,
    rules: &KeyRules,
    signer: &Fingerprint,
    request: &OpenRequest<'_>,
) -> Result<Option<PartnerName>, OpenError> {
    let Signers::Partners(allowed) = request.signers else { return Ok(None) };
    let pins = |partner: &&PartnerName| {
        ring.partners
            .get(*partner)
            .is_some_and(|pinned| pinned.certs.iter().any(|cert| standing::fingerprint(cert).as_ref() == Some(signer)))
    };
    let counts = |partner: &&PartnerName| rules.counts(Some(partner), signer, request.at);
    let Some(partner) = allowed.iter().filter(pins).find(counts) else {
        let until = |partner: &PartnerName| rules.last(Some(partner), signer).and_then(|term| term.until);
        let retired = allowed.iter().filter(pins).filter_map(until).any(|until| until <= request.at);
        let signer = signer.clone();
        return Err(if retired { OpenError::SignerRetired { signer } } else { OpenError::Stranger });
    };
    Ok(Some(partner.clone()))
}
