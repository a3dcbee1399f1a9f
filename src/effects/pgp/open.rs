//! Opening: decrypt and verify in one pass over the sealed bytes.
//!
//! In:  the sealed bytes, and a private place for the content. Out: a verdict over all of them, or why there is none.
//! The order of judgement: our own trouble and limits, then what the framing shows (cut, doubled, surrounded), then what
//! the cryptography says. Holds: memory is bounded whatever the size, and no verdict is given before the last byte.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::SignedDuration;
use sequoia_openpgp::armor::{self, Kind, ReaderMode};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::DecryptorBuilder;
use sequoia_openpgp::policy::StandardPolicy;

use crate::domain::digest::Digester;
use crate::domain::{Digest, Fingerprint, PartnerName};

use super::helper::{Helper, Trace};
use super::layers::{SIGNATURE_AHEAD_MINUTES_MAX, Signed};
use super::ring::{KeyRing, Ring};
use super::sealed_reader::{Form, Outlined, SealedReader};
use super::standing::{self, system_time};
use super::{OpenError, OpenRequest, Opener, Signers, Verdict};

/// What sequoia holds back. Safety is the private place and the verdict, not this buffer.
const HELD_BACK_BYTES: usize = 1024 * 1024;
const COPY_BYTES: usize = 128 * 1024;

/// What came out of the container.
struct Content {
    signed: Signed,
    file_name: Option<String>,
    digest: Digest,
    bytes: u64,
}

impl Opener for KeyRing {
    fn open(
        &self,
        sealed: &mut (dyn Read + Send + Sync),
        into: &mut dyn Write,
        request: &OpenRequest<'_>,
    ) -> Result<Verdict, OpenError> {
        let ring = self.ring();
        let mut sealed = SealedReader::new(sealed);
        let (opened, outline) = match sealed.form()? {
            Form::Binary => follow(&ring, &mut sealed, into, request),
            Form::Armoured => {
                let mode = ReaderMode::Tolerant(Some(Kind::Message));
                follow(&ring, &mut armor::Reader::from_reader(&mut sealed, mode), into, request)
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
        let Content { signed, file_name, digest, bytes } = opened?;
        let partner = partner_of(&ring, &signed.signer, request.signers)?;
        Ok(Verdict { signer: signed.signer, partner, content: digest, bytes, sealed, file_name, signed_at: signed.at })
    }
}

/// Opens a binary message, and says beside it what its outline shows.
fn follow(
    ring: &Ring,
    message: &mut (dyn Read + Send + Sync),
    into: &mut dyn Write,
    request: &OpenRequest<'_>,
) -> (Result<Content, OpenError>, Option<OpenError>) {
    let mut outlined = Outlined::new(message);
    // Sequoia 2.4.2 panics on some damaged armour. That must cost this message, not the worker; what the closure leaves
    // half done is thrown away, save the outline, which is sound between any two reads.
    let opened = catch_unwind(AssertUnwindSafe(|| unseal(ring, &mut outlined, into, request)));
    let opened = opened.unwrap_or(Err(OpenError::ParserFault));
    if !opened.as_ref().is_err_and(OpenError::ends_reading) {
        outlined.drain();
    }
    (opened, outlined.finish())
}

fn unseal(
    ring: &Ring,
    message: &mut Outlined<'_>,
    into: &mut dyn Write,
    request: &OpenRequest<'_>,
) -> Result<Content, OpenError> {
    let policy = StandardPolicy::at(system_time(request.at));
    let trace = RefCell::new(Trace::default());
    let helper = Helper { ring, request, policy: &policy, trace: &trace };
    // Sequoia takes no signature from after this time. How far ahead it may be is our rule, so it is told the latest.
    let latest = system_time(request.at + SignedDuration::from_mins(SIGNATURE_AHEAD_MINUTES_MAX));
    let decryptor = DecryptorBuilder::from_reader(message)
        .and_then(|builder| builder.buffer_size(HELD_BACK_BYTES).with_policy(&policy, latest, helper));
    let mut decryptor = match decryptor {
        Ok(decryptor) => decryptor,
        Err(error) => return Err(trace.borrow_mut().blame(Some(&error))),
    };
    let (mut digester, mut bytes) = (Digester::new(), 0);
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let n = match decryptor.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(_) => return Err(trace.borrow_mut().blame(None)),
        };
        bytes += n as u64;
        if bytes > request.plaintext_bytes_max {
            return Err(OpenError::PlaintextLimit { bytes_max: request.plaintext_bytes_max });
        }
        digester.update(&buffer[..n]);
        into.write_all(&buffer[..n]).map_err(OpenError::Write)?;
    }
    into.flush().map_err(OpenError::Write)?;
    let mut trace = trace.borrow_mut();
    match trace.signed.take() {
        Some(signed) => Ok(Content { signed, file_name: trace.file_name.take(), digest: digester.finish(), bytes }),
        None => Err(trace.blame(None)),
    }
}

/// For which of the partners asked for the signer is pinned.
fn partner_of(ring: &Ring, signer: &Fingerprint, signers: Signers<'_>) -> Result<Option<PartnerName>, OpenError> {
    let Signers::Partners(allowed) = signers else { return Ok(None) };
    let pins = |partner: &&PartnerName| {
        ring.partners
            .get(*partner)
            .is_some_and(|pinned| pinned.certs.iter().any(|cert| standing::fingerprint(cert).as_ref() == Some(signer)))
    };
    allowed.iter().find(pins).cloned().map(Some).ok_or(OpenError::Stranger)
}
