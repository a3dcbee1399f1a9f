//! Catching up: what recovery leaves undone where a folder cannot be looked into at the start, done when it first can.
//!
//! In:  such folders. Out: their hidden parts from before removed, and the spooled files recorded that came from them.
//! Holds: nothing is staged in a folder before its hidden parts were looked for, so those that are found are from before; one
//! thread at a time does this for a folder, and nobody waits for it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::{Critical, Failure, Inbound};
use crate::domain::{ConsignmentId, Delivery, SourceName};
use crate::effects::destination::DestinationError;

/// Folders that could not be looked into. In memory only: each start looks anew.
#[derive(Default)]
pub struct Late(Mutex<BTreeMap<PathBuf, Arc<Mutex<Undone>>>>);

/// What is to be done at a folder.
#[derive(Default)]
struct Undone {
    /// It may have hidden parts.
    parts: bool,
    /// Spooled files that nobody recorded and that came from it.
    orphans: Vec<(SourceName, ConsignmentId)>,
}

impl Late {
    pub(super) fn parts(&self, folder: &Path) {
        locked(&self.undone(folder)).parts = true;
    }

    pub(super) fn orphan(&self, folder: &Path, source: SourceName, id: ConsignmentId) {
        locked(&self.undone(folder)).orphans.push((source, id));
    }

    fn undone(&self, folder: &Path) -> Arc<Mutex<Undone>> {
        locked(&self.0).entry(folder.to_owned()).or_default().clone()
    }

    fn of(&self, folder: &Path) -> Option<Arc<Mutex<Undone>>> {
        locked(&self.0).get(folder).cloned()
    }
}

impl Inbound {
    /// The folders at which something is left to be done and that are not known to hang.
    pub fn late_folders(&self) -> Vec<PathBuf> {
        let folders: Vec<PathBuf> = locked(&self.late.0).keys().cloned().collect();
        folders.into_iter().filter(|folder| !self.destinations.hangs(folder)).collect()
    }

    /// Does what recovery left undone at this folder, as far as it can be done now.
    pub fn catch_up(&self, folder: &Path) -> Result<(), Critical> {
        let Some(undone) = self.late.of(folder) else { return Ok(()) };
        let Some(mut undone) = free(&undone) else { return Ok(()) };
        if undone.parts {
            match self.discard_strays_in(folder)? {
                Ok(()) => undone.parts = false,
                Err(error) => tracing::debug!(%error, "Hidden parts from before a crash may still be left: {error}"),
            }
        }
        for (source, id) in std::mem::take(&mut undone.orphans) {
            if !self.settle_orphan(&source, id)? {
                undone.orphans.push((source, id));
            }
        }
        if !undone.parts && undone.orphans.is_empty() {
            locked(&self.late.0).remove(folder);
        }
        Ok(())
    }

    /// Whether nothing is left to be done about it.
    fn settle_orphan(&self, name: &SourceName, id: ConsignmentId) -> Result<bool, Critical> {
        let Some(_claim) = self.claims.claim(&id) else { return Ok(false) };
        if self.queries.consignment(&id)?.is_some() {
            return Ok(true);
        }
        match self.orphan(name, id) {
            // It is collected from there as any other, unless its sender takes it back before.
            Ok((_, _, Some(_))) => Ok(false),
            Ok((source, bytes, None)) => self.record_orphan(source, id, bytes).map(|()| true),
            Err(error) => {
                tracing::debug!(source = %name, transfer = %id, %error, "A spooled file still waits: {error}");
                Ok(false)
            }
        }
    }

    /// Call before anything is staged for this delivery: what lies hidden in its folder then is from before.
    pub(super) fn before_staging(&self, delivery: &Delivery) -> Result<(), Failure> {
        let Some(folder) = delivery.path.parent() else { return Ok(()) };
        let Some(undone) = self.late.of(folder) else { return Ok(()) };
        let hangs = || DestinationError::Hangs { folder: folder.display().to_string() };
        let at = |error: &DestinationError| Failure::at_destination(&delivery.destination, error);
        // Somebody is at it, and perhaps held by it.
        let Some(mut undone) = free(&undone) else { return Err(at(&hangs())) };
        if undone.parts {
            match self.discard_strays_in(folder)? {
                Ok(()) => undone.parts = false,
                // It can be written and not listed: what is hidden there stays.
                Err(DestinationError::Missing { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
                    undone.parts = false;
                }
                Err(error) => return Err(at(&error)),
            }
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing while somebody else has it.
fn free(undone: &Mutex<Undone>) -> Option<MutexGuard<'_, Undone>> {
    match undone.try_lock() {
        Ok(undone) => Some(undone),
        Err(TryLockError::Poisoned(undone)) => Some(undone.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
