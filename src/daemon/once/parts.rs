//! The parts of a single run that a folder may hold: each goes on a thread of its own.
//!
//! In:  the parts, one after the other. Out: whether each came to its end, or is held by a folder that hangs.
//! Holds: the next begins when the last has ended or is known to be held. What is held goes on beside it when its folder
//! answers, and its outcome counts then.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::effects::thread::{begin, held};
use crate::progress::{self, Waiting};

/// How often is looked whether a part is held.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How a part ended.
type Outcome = Result<(), String>;

/// Those that have begun, each with how it ended.
#[derive(Default)]
pub(super) struct Parts {
    begun: Mutex<BTreeMap<String, Option<Outcome>>>,
    ended: Condvar,
}

impl Parts {
    /// Does this part of the run. `false`: a folder holds it.
    pub(super) fn go_through(
        self: &Arc<Self>,
        name: String,
        work: impl FnOnce() -> Outcome + Send + 'static,
    ) -> Result<bool, String> {
        self.begun().insert(name.clone(), None);
        let (parts, own) = (self.clone(), name.clone());
        let work = move || {
            let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(format!("{own} panicked")));
            parts.begun().insert(own, Some(outcome));
            parts.ended.notify_all();
        };
        begin(name.clone(), work).map_err(|error| format!("could not start {name}: {error}"))?;
        // Whether the part gets on is told by its own thread.
        let _rest = progress::rest();
        let mut begun = self.begun();
        loop {
            if let Some(Some(outcome)) = begun.get(&name) {
                return outcome.clone().map(|()| true);
            }
            if held().contains(&name) {
                tracing::warn!("A folder that does not answer holds {name}, and the run goes on without it");
                return Ok(false);
            }
            begun = self.ended.wait_timeout(begun, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether each has ended, but those that are held.
    pub(super) fn are_done_but(&self, waiting: &[Waiting]) -> bool {
        let is_held = |name: &String| waiting.iter().any(|one| one.worker == *name);
        self.begun().iter().all(|(name, outcome)| outcome.is_some() || is_held(name))
    }

    /// The first that went wrong of what has ended.
    pub(super) fn outcome(&self) -> Outcome {
        self.begun().values().flatten().cloned().collect()
    }

    fn begun(&self) -> MutexGuard<'_, BTreeMap<String, Option<Outcome>>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
