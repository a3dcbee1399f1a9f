//! After a crash: hidden parts at the destinations that nobody will publish.
//!
//! In:  what lies hidden in the configured destinations, and the store. Out: those of this installation removed, unless they
//! are staged. A folder that cannot be looked into now is left for later: see [`late`](super::late).
//! Holds: another installation may deliver into the same folder, and what is not known to be ours is left there. A part of an
//! earlier version tells no installation: it is ours if a transfer that is under way here would have made it.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::{Critical, Inbound};
use crate::domain::{Consignment, DeliveryId, DestinationName, InstallationId};
use crate::effects::destination::DestinationError;
use crate::store::{ConsignmentFilter, QueryError};

/// Parts of one transfer whose names of earlier versions are looked for; a pack rarely has a tenth of that.
const PARTS_MAX: u32 = 64;

/// What tells whether a part is to stay.
struct Known {
    installation: InstallationId,
    staged: HashSet<DeliveryId>,
}

impl Inbound {
    /// Removes hidden parts from every configured destination that were written before a crash, and perhaps are never to be
    /// written again.
    pub(super) fn discard_strays(&self) -> Result<(), Critical> {
        let Some(known) = self.known()? else { return Ok(()) };
        let folders: BTreeSet<&PathBuf> = self.routes.values().flatten().map(|route| &route.folder).collect();
        for folder in folders {
            if let Err(error) = self.discard_strays_of(&known, folder)? {
                tracing::warn!(%error, "Hidden parts from before a crash may be left until they can be looked for: {error}");
                self.late.parts(folder);
            }
        }
        Ok(())
    }

    /// The same for one of them. The inner error: it cannot be looked into.
    pub(super) fn discard_strays_in(&self, folder: &Path) -> Result<Result<(), DestinationError>, Critical> {
        match self.known()? {
            Some(known) => self.discard_strays_of(&known, folder),
            None => Ok(Ok(())),
        }
    }

    fn discard_strays_of(&self, known: &Known, folder: &Path) -> Result<Result<(), DestinationError>, Critical> {
        let parts = match self.destinations.parts(folder) {
            Ok(parts) => parts,
            Err(error) => return Ok(Err(error)),
        };
        let unstaged = parts.into_iter().filter(|part| !known.staged.contains(part));
        let (mut ours, mut rest): (Vec<_>, Vec<_>) = unstaged.partition(|part| part.is_of(&known.installation));
        if !rest.is_empty() {
            let earlier = self.of_earlier_versions()?;
            ours.extend(rest.extract_if(.., |part| earlier.contains(part)));
        }
        if !rest.is_empty() {
            let (folder, parts) = (folder.display(), rest.len());
            tracing::warn!(
                parts,
                "{folder} has {parts} hidden files (.hbcourier-*.part) that this installation did not write, and they are \
                 left there. If another one delivers into that folder, they are its own. If none does, they are left over: \
                 remove those that are older than a day"
            );
        }
        for part in &ours {
            match self.destinations.discard_part(folder, part) {
                Ok(()) => {}
                Err(error @ DestinationError::Hangs { .. }) => return Ok(Err(error)),
                Err(error) => tracing::warn!(%error, "A hidden part from before a crash may be left: {error}"),
            }
        }
        Ok(Ok(()))
    }

    /// Nothing, if nothing was ever recorded here.
    fn known(&self) -> Result<Option<Known>, Critical> {
        let Some(installation) = self.queries.installation()? else { return Ok(None) };
        let mut staged = HashSet::new();
        for consignment in self.standing_at(&["staged", "deferred"])? {
            staged.extend(self.queries.deliveries(&consignment.id)?.into_iter().map(|delivery| delivery.id));
        }
        Ok(Some(Known { installation, staged }))
    }

    fn standing_at(&self, words: &[&str]) -> Result<Vec<Consignment>, QueryError> {
        let mut found = Vec::new();
        for word in words {
            let filter = ConsignmentFilter { word: Some((*word).to_owned()), ..ConsignmentFilter::default() };
            found.extend(self.queries.consignments(&filter)?);
        }
        Ok(found)
    }

    /// The parts that an earlier version would have written of what is under way.
    fn of_earlier_versions(&self) -> Result<HashSet<DeliveryId>, Critical> {
        let destinations: BTreeSet<&DestinationName> =
            self.routes.values().flatten().map(|route| &route.destination).collect();
        let mut parts = HashSet::new();
        for consignment in self.standing_at(&["collected", "deferred", "held"])? {
            for destination in &destinations {
                parts.extend((0..PARTS_MAX).map(|part| DeliveryId::derive(&consignment.id, part, destination)));
            }
        }
        Ok(parts)
    }
}
