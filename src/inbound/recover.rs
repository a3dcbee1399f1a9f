//! After a crash: spooled files that were never recorded.
//!
//! Called once, after the first whole look at every drop folder, so that a file whose source still has it was adopted
//! there under its own name. What is left belongs to a source that lost it meanwhile: it is recorded without its name.

use super::{Critical, Inbound};
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Consignment, ConsignmentId, Digest, Revision, SourceName, Standing};
use crate::store::{Change, Named, NewConsignment, RecordError, StateChange};

impl Inbound {
    /// Records every spooled file that no consignment names. Returns how many.
    pub fn record_orphans(&self) -> Result<usize, Critical> {
        let collected = match self.spool.collected() {
            Ok(collected) => collected,
            Err(error) => {
                tracing::error!(%error, "The spool could not be listed; orphans wait for the next start");
                return Ok(0);
            }
        };
        let mut recorded = 0;
        for (source, id) in collected {
            if self.queries.consignment(&id)?.is_none() && self.record_orphan(&source, id)? {
                recorded += 1;
            }
        }
        Ok(recorded)
    }

    fn record_orphan(&self, source: &SourceName, id: ConsignmentId) -> Result<bool, Critical> {
        let Some(known) = self.source(source) else {
            tracing::warn!(%source, transfer = %id, "The spool holds a file of a source that is no longer configured");
            return Ok(false);
        };
        let bytes = match self.spool.collected_digest(source, &id) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, transfer = %id, "A spooled file cannot be read; it waits for the next start");
                return Ok(false);
            }
        };
        let at = self.clock.now();
        let named = Named::new("");
        let facts = Facts {
            transfer: Some(id),
            source: Some(source.clone()),
            sealed: Some(bytes.digest),
            bytes: Some(bytes.bytes),
            ..Facts::default()
        };
        let consignment = Consignment {
            id,
            source: source.clone(),
            authority: known.authority.clone(),
            received_at: at,
            sealed_digest: bytes.digest,
            sealed_bytes: bytes.bytes,
            revision: Revision(0),
            standing: Standing::Collected { at },
            signer: None,
        };
        let native = Digest::of(id.to_string().as_bytes());
        let state = StateChange::Collect(Box::new(NewConsignment { consignment, native, name: named.commitment() }));
        let change = Change { names: vec![named], ..self.change(Event::CollectedRecovered, facts, state) };
        match self.recorder.record(change) {
            Ok(_) => Ok(true),
            Err(RecordError::Exists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
