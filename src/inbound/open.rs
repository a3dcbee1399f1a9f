//! Opening: from spooled bytes to verified content.
//!
//! In:  a consignment at Collected.
//! Out: [`Opened`]: content in a private place, with the verdict that released it. There is no other way to make one.
//! Holds: nothing reads the private place before the verdict; without one it is gone.

use std::io::{Read, Seek};

use jiff::Timestamp;

use super::{Failure, Inbound, Source};
use crate::config::settings::Carries;
use crate::domain::{Consequence, Consignment, DeferCause, HoldReason, Waiver};
use crate::durable::{File, Passing, PrivateContent, step};
use crate::effects::pgp::{OpenError, OpenRequest, Signers, Verdict};

/// Content that a pinned partner has signed, as signed; or that two people have let through.
pub(super) struct Opened {
    /// Nameless; positioned at its start.
    pub content: PrivateContent,
    /// Who signed, if anybody, and what.
    pub verdict: Verdict,
    /// As of when that was judged.
    pub at: Timestamp,
    /// How many sealed bytes were read.
    pub sealed_bytes: u64,
    /// A name that it has outside the seal: anybody could have given it.
    pub outer_name: Option<String>,
}

impl Opened {
    /// Whether this is what opening the consignment again would give.
    pub(super) fn is_of(&self, consignment: &Consignment) -> bool {
        let Consignment { received_at, sealed_digest, sealed_bytes, .. } = consignment;
        (self.at, self.verdict.sealed, self.sealed_bytes) == (*received_at, *sealed_digest, *sealed_bytes)
    }
}

impl Inbound {
    pub(super) fn open(
        &self,
        source: &Source,
        consignment: &Consignment,
        waived: Option<&Waiver>,
    ) -> Result<Opened, Failure> {
        let unreadable = |error| Failure::of(Consequence::Defer(DeferCause::SpoolUnreadable), error);
        let sealed = self.spool.raw(&consignment.source, &consignment.id).map_err(unreadable)?;
        let opened = match self.open_file(source, sealed, consignment.received_at, waived) {
            Ok(opened) if opened.is_of(consignment) => opened,
            Ok(_) => return Err(spool_changed()),
            Err(error) => return Err(self.blame(consignment, error.consequence(), &error)),
        };
        super::passed(step("open.opened"))?;
        Ok(opened)
    }

    /// Opens a large file at the one reading in which it is collected. What comes of it counts only once the file is
    /// collected; `None`: opening it then says why not.
    pub(super) fn open_ahead(&self, source: &Source, sealed: &File, received_at: Timestamp) -> Option<Opened> {
        let sealed = sealed.try_clone().ok().filter(|_| source.carries == Carries::Files)?;
        self.open_file(source, sealed, received_at, None).ok()
    }

    fn open_file(
        &self,
        source: &Source,
        sealed: File,
        at: Timestamp,
        waived: Option<&Waiver>,
    ) -> Result<Opened, OpenError> {
        let mut sealed = Passing::new(sealed);
        let (content, verdict) = self.open_sealed(source, &mut sealed, at, waived)?;
        Ok(Opened { content, verdict, at, sealed_bytes: Passing::bytes(&sealed), outer_name: None })
    }

    pub(super) fn open_sealed(
        &self,
        source: &Source,
        sealed: &mut (dyn Read + Send + Sync),
        at: Timestamp,
        waived: Option<&Waiver>,
    ) -> Result<(PrivateContent, Verdict), OpenError> {
        let mut content = self.spool.private_content();
        let request = OpenRequest {
            at,
            signers: Signers::Partners(&source.partners),
            plaintext_bytes_max: self.terms.plaintext_bytes_max,
            waived,
        };
        let verdict = self.opener.open(sealed, &mut content, &request)?;
        content.rewind().map_err(OpenError::Write)?;
        Ok((content, verdict))
    }

    /// What will not open may be the sender's doing, or our own disk's.
    pub(super) fn blame(&self, consignment: &Consignment, consequence: Consequence, detail: &dyn ToString) -> Failure {
        if matches!(consequence, Consequence::Defer(_)) {
            return Failure::of(consequence, detail.to_string());
        }
        match self.spool.collected_digest(&consignment.source, &consignment.id) {
            Ok(now) if now.digest == consignment.sealed_digest => Failure::of(consequence, detail.to_string()),
            Ok(_) => spool_changed(),
            Err(error) => Failure::of(Consequence::Defer(DeferCause::SpoolUnreadable), error),
        }
    }
}

pub(super) fn spool_changed() -> Failure {
    Failure::of(Consequence::Hold(HoldReason::SpoolChanged), "the spooled bytes are no longer those collected")
}
