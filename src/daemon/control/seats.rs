//! How many may be served at once: all together, and each account.
//!
//! Holds: whoever has taken every place of an account, or of everybody, keeps root and the service's own account from none.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Places for those who ask.
pub(super) struct Seats {
    /// For everybody together, and for one account.
    others: (usize, usize),
    /// For root and the service's own account together, besides.
    own: usize,
    taken: Mutex<Taken>,
    freed: Condvar,
}

#[derive(Default)]
struct Taken {
    others: BTreeMap<u32, usize>,
    own: usize,
}

/// A place. Drop it to give it up.
pub(super) struct Seat {
    seats: Arc<Seats>,
    /// `None` for root and the service's own account.
    uid: Option<u32>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        match self.uid {
            None => taken.own -= 1,
            Some(uid) => {
                let left = taken.others.get(&uid).map_or(0, |taken| taken - 1);
                let _ = if left == 0 { taken.others.remove(&uid) } else { taken.others.insert(uid, left) };
            }
        }
        drop(taken);
        self.seats.freed.notify_all();
    }
}

impl Seats {
    /// So many for all other accounts, of these so many for each, and so many for our own.
    pub(super) fn new(others: usize, each: usize, own: usize) -> Arc<Seats> {
        Arc::new(Seats { others: (others, each), own, taken: Mutex::default(), freed: Condvar::new() })
    }

    /// A place, if there is one within this time.
    pub(super) fn take(self: &Arc<Seats>, uid: u32, is_own: bool, patience: Duration) -> Option<Seat> {
        let is_full = |taken: &mut Taken| match is_own {
            true => taken.own >= self.own,
            false => {
                let all: usize = taken.others.values().sum();
                all >= self.others.0 || taken.others.get(&uid).copied().unwrap_or(0) >= self.others.1
            }
        };
        let waited = self.freed.wait_timeout_while(self.lock(), patience, is_full);
        let (mut taken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return None;
        }
        match is_own {
            true => taken.own += 1,
            false => *taken.others.entry(uid).or_default() += 1,
        }
        Some(Seat { seats: self.clone(), uid: (!is_own).then_some(uid) })
    }

    /// Waits until a place was given up, or this long.
    pub(super) fn pause(&self, at_most: Duration) {
        drop(self.freed.wait_timeout(self.lock(), at_most));
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_their_share_and_our_own_have_theirs() {
        let seats = Seats::new(3, 2, 1);
        let take = |uid, is_own| seats.take(uid, is_own, Duration::ZERO);
        let mut held = vec![take(1, false).unwrap(), take(1, false).unwrap()];
        assert!(take(1, false).is_none(), "two are its share");
        held.push(take(2, false).unwrap());
        assert!(take(3, false).is_none(), "three are all");
        let own = take(0, true).unwrap();
        assert!(take(0, true).is_none() && take(900, true).is_none());
        drop(own);
        assert!(take(900, true).is_some());
        drop(held.remove(0));
        assert!(take(3, false).is_some());
    }

    #[test]
    fn a_place_that_is_given_up_is_taken_by_whoever_waits() {
        let seats = Seats::new(1, 1, 1);
        let first = seats.take(1, false, Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| seats.take(2, false, Duration::from_secs(60)).is_some());
            drop(first);
            assert!(waiting.join().unwrap());
        });
    }
}
