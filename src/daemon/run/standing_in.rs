//! Standing in: where a folder that hangs does not let a worker go, another one does its work.
//!
//! In:  who waits for a folder that hangs. Out: as many carriers as work at a time, and one lookout, beside those that wait.
//! Holds: the one that waits keeps what it has in hand, which nobody else may take up, and goes on when the folder answers; a
//! lookout then ends. Whoever stands in touches no folder that is known to hang, so each folder holds one lookout at the most.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use super::{RunFault, Running};
use crate::daemon::build::Service;
use crate::effects::noticing::Hint;

/// Who stands in for whom.
pub(super) struct StandIns {
    /// Carriers there are.
    carriers: AtomicUsize,
    lookouts: Mutex<Vec<Looking>>,
    pub(super) hints: Arc<Mutex<Receiver<Hint>>>,
}

/// One lookout.
struct Looking {
    name: String,
    replaced: Arc<AtomicBool>,
}

impl StandIns {
    pub(super) fn of(hints: Receiver<Hint>) -> StandIns {
        StandIns { carriers: AtomicUsize::new(0), lookouts: Mutex::default(), hints: Arc::new(Mutex::new(hints)) }
    }

    /// Another carrier: its number.
    pub(super) fn carrier(&self) -> usize {
        self.carriers.fetch_add(1, Ordering::Relaxed)
    }

    /// Another lookout, in the place of the last: its name, and what tells it that it is replaced itself.
    pub(super) fn lookout(&self) -> (String, Arc<AtomicBool>) {
        let mut lookouts = self.lookouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = lookouts.last() {
            last.replaced.store(true, Ordering::SeqCst);
        }
        let name = match lookouts.len() {
            0 => "lookout".to_owned(),
            before => format!("lookout-{before}"),
        };
        let replaced = Arc::<AtomicBool>::default();
        lookouts.push(Looking { name: name.clone(), replaced: replaced.clone() });
        (name, replaced)
    }

    /// Whether another does this one's work.
    pub(super) fn is_replaced(&self, worker: &str) -> bool {
        let lookouts = self.lookouts.lock().unwrap_or_else(PoisonError::into_inner);
        lookouts.iter().any(|one| one.name == worker && one.replaced.load(Ordering::SeqCst))
    }

    /// The lookout that is not replaced.
    fn looking(&self) -> Option<String> {
        let lookouts = self.lookouts.lock().unwrap_or_else(PoisonError::into_inner);
        lookouts.last().map(|one| one.name.clone())
    }
}

impl Running {
    /// Has whoever a folder does not let go stood in for.
    pub(super) fn stand_in(&self, service: &Service) -> Result<(), RunFault> {
        let waiting = self.workers.waiting();
        let wanted = self.queue.stands_in(&waiting);
        while self.stand_ins.carriers.load(Ordering::Relaxed) < wanted {
            self.spawn_carrier(service)?;
        }
        let looking = self.stand_ins.looking();
        if let Some(held) = waiting.iter().find(|one| looking.as_ref() == Some(&one.worker)) {
            tracing::warn!(worker = held.worker, "{} does not let {} go", held.place.display(), held.worker);
            self.spawn_lookout(service)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn a_lookout_is_replaced_by_the_next_and_by_no_other() {
        let stand_ins = StandIns::of(sync_channel(1).1);
        let (first, replaced) = stand_ins.lookout();
        assert!(!replaced.load(Ordering::SeqCst) && !stand_ins.is_replaced(&first));
        let (second, _) = stand_ins.lookout();
        assert!(replaced.load(Ordering::SeqCst) && stand_ins.is_replaced(&first));
        assert!(!stand_ins.is_replaced(&second) && first != second);
        assert_eq!(stand_ins.looking(), Some(second));
        assert_eq!((stand_ins.carrier(), stand_ins.carrier()), (0, 1));
    }
}
