//! After a crash: hidden parts at the destinations that nobody will publish.
//!
//! In:  what lies hidden in the configured destinations, and the store. Out: those of this installation removed, unless they
//! are staged.
//! Holds: another installation may deliver into the same folder, and what is not known to be ours is left there. A part of an
//! earlier version tells no installation: it is ours if a transfer that is under way here would have made it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use super::{Critical, Inbound};
use crate::domain::{Consignment, DeliveryId, DestinationName};
use crate::store::{ConsignmentFilter, QueryError};

/// Parts of one transfer whose names of earlier versions are looked for; a pack rarely has a tenth of that.
const PARTS_MAX: u32 = 64;

impl Inbound {
    /// Removes hidden parts from every configured destination that were written before a crash, and perhaps are never to be
    /// written again.
    pub(super) fn discard_strays(&self) -> Result<(), Critical> {
        let Some(installation) = self.queries.installation()? else { return Ok(()) };
        let mut staged = HashSet::new();
        for consignment in self.standing_at(&["staged", "deferred"])? {
            staged.extend(self.queries.deliveries(&consignment.id)?.into_iter().map(|delivery| delivery.id));
        }
        let mut others = BTreeMap::new();
        for (folder, parts) in self.parts() {
            let (ours, rest): (Vec<_>, Vec<_>) =
                parts.into_iter().filter(|part| !staged.contains(part)).partition(|part| part.is_of(&installation));
            self.discard_parts(&folder, &ours);
            if !rest.is_empty() {
                others.insert(folder, rest);
            }
        }
        if others.is_empty() {
            return Ok(());
        }
        let earlier = self.of_earlier_versions()?;
        for (folder, parts) in others {
            let (ours, rest): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| earlier.contains(part));
            self.discard_parts(&folder, &ours);
            if !rest.is_empty() {
                let (folder, parts) = (folder.display(), rest.len());
                tracing::warn!(
                    parts,
                    "{folder} has {parts} hidden files (.hbcourier-*.part) that this installation did not write, and they are \
                     left there. If another one delivers into that folder, they are its own. If none does, they are left over: \
                     remove those that are older than a day"
                );
            }
        }
        Ok(())
    }

    fn standing_at(&self, words: &[&str]) -> Result<Vec<Consignment>, QueryError> {
        let mut found = Vec::new();
        for word in words {
            let filter = ConsignmentFilter { word: Some((*word).to_owned()), ..ConsignmentFilter::default() };
            found.extend(self.queries.consignments(&filter)?);
        }
        Ok(found)
    }

    /// What lies hidden in each destination. One that is not there now is the deliveries' own trouble.
    fn parts(&self) -> Vec<(PathBuf, Vec<DeliveryId>)> {
        let folders: BTreeSet<_> = self.routes.values().flatten().map(|route| &route.folder).collect();
        let look = |folder: &PathBuf| match self.destinations.parts(folder) {
            Ok(parts) => Some((folder.clone(), parts)),
            Err(error) => {
                tracing::warn!(%error, "Hidden parts from before a crash may be left: {error}");
                None
            }
        };
        folders.into_iter().filter_map(look).collect()
    }

    fn discard_parts(&self, folder: &std::path::Path, parts: &[DeliveryId]) {
        for part in parts {
            if let Err(error) = self.destinations.discard_part(folder, part) {
                tracing::warn!(%error, "A hidden part from before a crash may be left: {error}");
            }
        }
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
