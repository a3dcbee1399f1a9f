//! Stopping: first refuse new work, then wait for named work, then, if there is a hurry, give up out loud.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether the service is to stop, and what is still being done.
#[derive(Default)]
pub struct Stop {
    requested: AtomicBool,
    hurried: AtomicBool,
    counter: AtomicU64,
    busy: Mutex<BTreeMap<u64, String>>,
}

/// Work that stopping waits for. Drop it when the work is safe to leave.
pub struct Busy<'a> {
    stop: &'a Stop,
    number: u64,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.stop.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl Stop {
    /// Asks everybody to stop, in as long as what they have in hand takes.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// What takes long is given up from now on: the process is to end.
    pub fn hurry(&self) {
        self.hurried.store(true, Ordering::SeqCst);
    }

    /// Whether what takes long is to be given up.
    pub fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::SeqCst)
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
}
