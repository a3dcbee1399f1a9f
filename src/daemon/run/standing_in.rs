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
    /// The last is the one that looks.
    lookouts: Mutex<Vec<Looking>>,
    /// Lookouts there were.
    begun: AtomicUsize,
    pub(super) hints: Arc<Mutex<Receiver<Hint>>>,
}

/// One lookout.
struct Looking {
    name: String,
    replaced: Arc<AtomicBool>,
}

impl StandIns {
    pub(super) fn of(hints: Receiver<Hint>) -> StandIns {
        StandIns {
            carriers: AtomicUsize::new(0),
            lookouts: Mutex::default(),
            begun: AtomicUsize::new(0),
            hints: Arc::new(Mutex::new(hints)),
        }
    }

    /// Another carrier: its number, once `begin` has begun it.
    pub(super) fn carrier(&self, begin: impl FnOnce(usize) -> Result<(), RunFault>) -> Result<(), RunFault> {
        begin(self.carriers.load(Ordering::Relaxed))?;
        self.carriers.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Another lookout, in the place of the last once `begin` has begun it by this name, and with what tells it that it is
    /// replaced itself.
    pub(super) fn lookout(
        &self,
        begin: impl FnOnce(&str, Arc<AtomicBool>) -> Result<(), RunFault>,
    ) -> Result<(), RunFault> {
        let mut lookouts = self.lookouts.lock().unwrap_or_else(PoisonError::into_inner);
        let name = match self.begun.load(Ordering::Relaxed) {
            0 => "lookout".to_owned(),
            before => format!("lookout-{before}"),
        };
        let replaced = Arc::<AtomicBool>::default();
        begin(&name, replaced.clone())?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        if let Some(last) = lookouts.last() {
            last.replaced.store(true, Ordering::SeqCst);
        }
        lookouts.push(Looking { name, replaced });
        Ok(())
    }

    /// Forgets a lookout that has ended in good order because another does its work. Whether it was such a one.
    pub(super) fn ended(&self, worker: &str) -> bool {
        let mut lookouts = self.lookouts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = lookouts.len();
        lookouts.retain(|one| one.name != worker || !one.replaced.load(Ordering::SeqCst));
        lookouts.len() < before
    }

    /// The lookout that is not replaced.
    fn looking(&self) -> Option<String> {
        let lookouts = self.lookouts.lock().unwrap_or_else(PoisonError::into_inner);
        lookouts.last().map(|one| one.name.clone())
    }
}

impl Running {
    /// Has whoever a folder does not let go stood in for. What cannot be begun now is at the next look.
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
        let begins = || {
            let mut begun = None;
            let begin = |name: &str, replaced: Arc<AtomicBool>| {
                begun = Some((name.to_owned(), replaced));
                Ok(())
            };
            stand_ins.lookout(begin).unwrap();
            begun.unwrap()
        };
        let (first, replaced) = begins();
        assert!(!replaced.load(Ordering::SeqCst));
        let refused = || RunFault::Unfinished("no thread".to_owned());
        assert!(stand_ins.lookout(|_, _| Err(refused())).is_err());
        assert!(!replaced.load(Ordering::SeqCst), "nobody stands in for it yet");
        let (second, _) = begins();
        assert!(replaced.load(Ordering::SeqCst) && first != second);
        assert_eq!(stand_ins.looking().as_ref(), Some(&second));
        assert!(stand_ins.ended(&first) && !stand_ins.ended(&first) && !stand_ins.ended(&second));
        let (third, _) = begins();
        assert!(third != first && third != second, "a name is one lookout's");
        let begins = |wanted| {
            let begin = |number| {
                assert_eq!(number, wanted);
                Ok(())
            };
            stand_ins.carrier(begin).unwrap();
        };
        begins(0);
        assert!(stand_ins.carrier(|_| Err(refused())).is_err());
        begins(1);
    }
}
