//! Opening: from spooled bytes to verified content.
//!
//! In:  a consignment at Collected.
//! Out: [`Opened`]: content in a private place, with the verdict that released it. There is no other way to make one.
//! Holds: nothing reads the private place before the verdict; without one it is gone.

use std::io::{Seek, SeekFrom};

use super::{Failure, Inbound, Source};
use crate::domain::{Consequence, Consignment, DeferCause, HoldReason};
use crate::durable::{PrivateContent, step};
use crate::effects::pgp::{OpenRequest, Signers, Verdict};

/// Content that a pinned partner has signed, as signed.
pub(super) struct Opened {
    /// Nameless; positioned at its start.
    pub content: PrivateContent,
    /// Who signed, and what.
    pub verdict: Verdict,
}

impl Inbound {
    pub(super) fn open(&self, source: &Source, consignment: &Consignment) -> Result<Opened, Failure> {
        let unreadable = |error| Failure::of(Consequence::Defer(DeferCause::SpoolUnreadable), error);
        let private = |error| Failure::of(Consequence::Defer(DeferCause::PrivateSpace), error);
        let mut sealed = self.spool.raw(&consignment.source, &consignment.id).map_err(unreadable)?;
        let mut content = self.spool.private_content();
        let request = OpenRequest {
            at: consignment.received_at,
            signers: Signers::Partners(&source.partners),
            plaintext_bytes_max: self.terms.plaintext_bytes_max,
        };
        let opened = self.opener.open(&mut sealed, &mut content, &request);
        let verdict = match opened {
            Ok(verdict) if verdict.sealed == consignment.sealed_digest => verdict,
            Ok(_) => return Err(spool_changed()),
            Err(error) => return Err(self.blame(consignment, error.consequence(), &error)),
        };
        content.seek(SeekFrom::Start(0)).map_err(private)?;
        super::passed(step("open.opened"))?;
        Ok(Opened { content, verdict })
    }

    /// What will not open may be the sender's doing, or our own disk's.
    fn blame(&self, consignment: &Consignment, consequence: Consequence, detail: &dyn ToString) -> Failure {
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

fn spool_changed() -> Failure {
    Failure::of(Consequence::Hold(HoldReason::SpoolChanged), "the spooled bytes are no longer those collected")
}
