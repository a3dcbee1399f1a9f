//! Sealing: a checked file becomes the only bytes that are ever sent for its return.
//!
//! In:  the private copy of the file, to whom and how it will leave.
//! Out: the sealed bytes in the spool under their digest, not yet recorded; or a hold; or what stands in the way.
//! Holds: what is kept has been opened and verified again, and its content is what was picked up, byte for byte.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;

use super::OutboundParts;
use super::alarm::Hindrance;
use super::pick_up::PickedUp;
use crate::catalogue::without_openpgp_ending;
use crate::config::settings::ReturnSettings;
use crate::config::template::NameFacts;
use crate::domain::submission::Sealed;
use crate::domain::{Consequence, DeferCause, Digest, ReturnKind, SubmissionKey};
use crate::durable::{File, copy_and_digest};
use crate::effects::courier::{Form, mime};
use crate::effects::pgp::{OpenError, OpenRequest, SealError, SealRequest, Signers};

/// What came of sealing.
pub(super) enum Outcome {
    /// Kept in the spool.
    Sealed(Sealed),
    /// What was sealed did not open and verify again; it was not kept.
    SelfCheckFailed,
}

impl OutboundParts {
    /// Seals what was picked up.
    pub(super) fn seal(
        &self,
        key: &SubmissionKey,
        settings: &ReturnSettings,
        picked_up: &mut PickedUp,
        message_id: String,
    ) -> Result<Outcome, Hindrance> {
        let form = self.couriers.get(&settings.courier).ok_or(Hindrance::NoCourier)?.form();
        let file_name = file_name(key, settings, &picked_up.name);
        let at = self.clock.now();
        let mut content = Content { file: &mut picked_up.content, form, file_name: without_openpgp_ending(&file_name) };
        let expected = content.digest().map_err(Hindrance::State)?;
        let mut sealed = self.spool.private().map_err(Hindrance::State)?;
        let request = SealRequest {
            to: std::slice::from_ref(&settings.partner),
            file_name: content.file_name,
            at,
            armour: form == Form::MimeEntity,
        };
        let mut reader = content.reader().map_err(Hindrance::State)?;
        let facts =
            self.sealer.seal(&mut reader, &mut sealed, &request).map_err(|error| seal_hindrance(error, settings))?;
        drop(reader);
        if !self.opens_again(&mut sealed, at, &facts.sealed, &expected)? {
            return Ok(Outcome::SelfCheckFailed);
        }
        self.spool.keep_sealed(&sealed, &facts.sealed).map_err(Hindrance::State)?;
        let (content, bytes, live_claims) = (picked_up.copied.digest, facts.sealed_bytes, picked_up.live_claims);
        Ok(Outcome::Sealed(Sealed { content, sealed: facts.sealed, bytes, file_name, message_id, at, live_claims }))
    }

    /// Opens our own output as a partner would, and compares what comes out with what was picked up.
    fn opens_again(
        &self,
        sealed: &mut File,
        at: Timestamp,
        digest: &Digest,
        expected: &Expected,
    ) -> Result<bool, Hindrance> {
        sealed.seek(SeekFrom::Start(0)).map_err(Hindrance::State)?;
        let request = OpenRequest { at, signers: Signers::Own, plaintext_bytes_max: expected.bytes, waived: None };
        match self.opener.open(sealed, &mut io::sink(), &request) {
            Ok(verdict) => Ok(verdict.content == expected.digest && verdict.sealed == *digest),
            Err(error) => open_hindrance(&error).map_or(Ok(false), Err),
        }
    }
}

type Expected = crate::durable::Copied;

/// The file in the form in which it is sealed.
struct Content<'a> {
    file: &'a mut File,
    form: Form,
    file_name: &'a str,
}

impl Content<'_> {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.file.seek(SeekFrom::Start(0))?;
        let file = BufReader::new(&mut *self.file);
        Ok(match self.form {
            Form::Bare => Box::new(file),
            Form::MimeEntity => Box::new(mime::entity(self.file_name, file)),
        })
    }

    /// What a partner must find inside: taken on its own, so that a fault while sealing cannot hide in it.
    fn digest(&mut self) -> io::Result<Expected> {
        copy_and_digest(&mut *self.reader()?, &mut io::sink(), u64::MAX).map_err(io::Error::other)
    }
}

/// The name the sealed file goes by.
fn file_name(key: &SubmissionKey, settings: &ReturnSettings, picked_up_as: &str) -> String {
    let extension = Path::new(picked_up_as).extension().and_then(|extension| extension.to_str());
    let usual = match key.kind {
        ReturnKind::Shbe => "txt",
        ReturnKind::HbmsMi => "xlsx",
    };
    settings.file_name.render(&NameFacts {
        kind: key.kind.as_str(),
        la: &key.authority,
        received: None,
        id: None,
        month: Some(&key.period().replace('/', "-workbook-")),
        name: None,
        ext: extension.unwrap_or(usual),
    })
}

fn open_hindrance(error: &OpenError) -> Option<Hindrance> {
    match error.consequence() {
        Consequence::Defer(DeferCause::KeyUnreadable) => Some(Hindrance::OwnKey(error.to_string())),
        Consequence::Defer(_) => Some(Hindrance::State(io::Error::other(error.to_string()))),
        Consequence::Hold(_) | Consequence::Reject(_) => None,
    }
}

fn seal_hindrance(error: SealError, settings: &ReturnSettings) -> Hindrance {
    match error.cause() {
        DeferCause::PartnerKeyUnusable => {
            Hindrance::PartnerKey { partner: settings.partner.clone(), says: error.to_string() }
        }
        DeferCause::KeyUnreadable => Hindrance::OwnKey(error.to_string()),
        DeferCause::SpoolUnreadable | DeferCause::PrivateSpace => Hindrance::State(io::Error::other(error)),
        _ => Hindrance::Fault(error.to_string()),
    }
}
