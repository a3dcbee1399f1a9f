//! After a crash: spooled files that were never recorded.
//!
//! A file whose source still has it is collected from there, under its own name, and finds its spooled bytes there
//! already. One whose source has lost it meanwhile is recorded without its name; while that cannot be told because the
//! folder does not answer, it waits: see [`late`](super::late). Staged parts of what was being held are removed, and so is
//! what was being cleared from a drop folder.

use std::io;

use super::{Collecting, Critical, Inbound, Source};
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Consignment, ConsignmentId, Digest, Revision, SourceName, Standing};
use crate::durable::Copied;
use crate::effects::drop_folder::{Look, Sighting};
use crate::store::{Change, ConsignmentFilter, Named, NewConsignment, RecordError, StateChange};

impl Inbound {
    /// Collects or records every spooled file that no consignment names. Call before anything is collected.
    pub fn recover(&self) -> Result<(), Critical> {
        let held = ConsignmentFilter { word: Some("held".to_owned()), ..ConsignmentFilter::default() };
        for consignment in self.queries.consignments(&held)? {
            self.discard(&self.queries.deliveries(&consignment.id)?);
        }
        self.discard_strays()?;
        self.end_alarms_of_no_scanner()?;
        for source in &self.sources {
            // A folder that is not there now is looked at by the first sweep that finds it.
            self.settle_withdrawn(source, &source.folder().and_then(|folder| folder.look()).unwrap_or_default())?;
        }
        let collected = match self.spool.collected() {
            Ok(collected) => collected,
            Err(error) => {
                tracing::error!(%error, "The spool cannot be listed; what a crash left there waits for the next start");
                return Ok(());
            }
        };
        for (name, id) in collected {
            if self.queries.consignment(&id)?.is_some() {
                continue;
            }
            let folder = self.source(&name).and_then(|source| source.folder().ok());
            if let Some(folder) = folder.filter(|folder| folder.hangs()) {
                self.late.orphan(folder.path(), name, id);
                continue;
            }
            match self.orphan(&name, id) {
                Ok((source, bytes, Some(sighting))) => match (self.carry(source, &sighting)?, source.folder()) {
                    // Its sender put another in its place just now.
                    (Collecting::Changed, _) => self.record_orphan(source, id, bytes)?,
                    // Looked after until it is recorded, from there or without it.
                    (Collecting::Left(_), Ok(folder)) => self.late.orphan(folder.path(), name, id),
                    (Collecting::Left(_) | Collecting::Ours, _) => {}
                },
                Ok((source, bytes, None)) => self.record_orphan(source, id, bytes)?,
                Err(error) => tracing::error!(%error, source = %name, transfer = %id, "A spooled file waits: {error}"),
            }
        }
        Ok(())
    }

    /// Whose it is, its bytes, and the file it came from if that is still there.
    pub(super) fn orphan(
        &self,
        name: &SourceName,
        id: ConsignmentId,
    ) -> io::Result<(&Source, Copied, Option<Sighting>)> {
        let source = self.source(name).ok_or_else(|| io::Error::other("its source is no longer configured"))?;
        let bytes = self.spool.collected_digest(name, &id)?;
        let look = match source.folder() {
            Ok(folder) => {
                folder.look().or_else(|error| if folder.hangs() { Err(error) } else { Ok(Look::default()) })?
            }
            Err(_) => Look::default(),
        };
        let origin = |sighting: &Sighting| ConsignmentId::derive(name, &sighting.native(), &bytes.digest) == id;
        Ok((source, bytes, look.sightings.into_iter().find(origin)))
    }

    pub(super) fn record_orphan(&self, source: &Source, id: ConsignmentId, bytes: Copied) -> Result<(), Critical> {
        let at = self.clock.now();
        let named = Named::new("");
        let facts = Facts {
            transfer: Some(id),
            source: Some(source.name.clone()),
            sealed: Some(bytes.digest),
            bytes: Some(bytes.bytes),
            ..Facts::default()
        };
        let consignment = Consignment {
            id,
            source: source.name.clone(),
            authority: source.authority.clone(),
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
            Ok(_) | Err(RecordError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
