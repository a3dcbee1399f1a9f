//! What is told of a store of an earlier release that was brought up to date.
//!
//! In:  a store that was opened, and held against its ledger. Out: a line in the log, an entry, old copies gone.

use crate::domain::Actor;
use crate::domain::ledger::{Event, Facts};
use crate::effects::clock::Clock;
use crate::store::{Change, Migrated, RecordError, Recorder, SqliteStore, StateChange, forget_old_copies};
use std::path::Path;

/// Tells of it, and removes copies that earlier releases left and nobody goes back to any more.
pub fn note_migration(store: &SqliteStore, state: &Path, clock: &dyn Clock) -> Result<(), RecordError> {
    match forget_old_copies(state, clock.now().into()) {
        Ok(0) => {}
        Ok(gone) => tracing::info!(gone, "Removed {gone} old copies of the store that were made before migrations"),
        Err(error) => tracing::warn!(%error, "Old copies of the store could not be removed: {error}"),
    }
    let Some(Migrated { from, to, copy }) = store.migrated() else { return Ok(()) };
    tracing::info!(
        from,
        to,
        copy = %copy.display(),
        "The store was brought from version {from} to version {to}; what it was before lies in {}",
        copy.display()
    );
    let about = Some(format!("store from version {from} to version {to}"));
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let facts = Facts { about, version, ..Facts::default() };
    let (at, actor, event) = (clock.now(), Actor::Service, Event::StoreMigrated);
    store.recorder().record(Change { at, actor, event, facts, names: Vec::new(), state: StateChange::None }).map(drop)
}
