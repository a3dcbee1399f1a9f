//! Stopping: first refuse new work, then wait for named work, then give up out loud.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Whether the service is to stop, and what is still being done.
#[derive(Default)]
pub struct Stop {
    requested: AtomicBool,
    counter: AtomicU64,
    busy: Mutex<BTreeMap<u64, String>>,
    idle: Condvar,
}

/// Work that stopping waits for. Drop it when the work is safe to leave.
pub struct Busy<'a> {
    stop: &'a Stop,
    number: u64,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.stop.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        self.stop.idle.notify_all();
    }
}

impl Stop {
    /// Asks everybody to stop.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// Whether stopping has begun.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// `None` once stopping has begun: do not start.
    pub fn begin(&self, what: impl Into<String>) -> Option<Busy<'_>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_requested() {
            return None;
        }
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        busy.insert(number, what.into());
        Some(Busy { stop: self, number })
    }

    /// What is being done now.
    pub fn labels(&self) -> Vec<String> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Waits until nothing is being done, at most this long. Whether that came about.
    pub fn wait_idle(&self, at_most: Duration) -> bool {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.idle.wait_timeout_while(busy, at_most, |busy| !busy.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }
}
