//! Counting what is recorded, for whoever watches.
//!
//! In:  every change on its way to the store. Out: how many of each event there were since the start.
//! Holds: what was not recorded is not counted; counting changes nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ledger::Event;
use crate::store::{Change, RecordError, Recorded, Recorder};

/// How many of each event.
#[derive(Default)]
pub struct Counts(Mutex<HashMap<Event, u64>>);

impl Counts {
    /// So far, since the start.
    pub fn of(&self, event: Event) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&event).copied().unwrap_or(0)
    }

    fn add(&self, event: Event) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(event).or_default() += 1;
    }
}

/// A recorder that counts.
pub(super) struct Counted<R> {
    pub(super) recorder: R,
    pub(super) counts: Arc<Counts>,
}

impl<R: Recorder> Recorder for Counted<R> {
    fn record(&self, change: Change) -> Result<Recorded, RecordError> {
        let event = change.event;
        let recorded = self.recorder.record(change)?;
        self.counts.add(event);
        Ok(recorded)
    }

    fn rewrite(&self) -> Result<(), RecordError> {
        self.recorder.rewrite()
    }
}
