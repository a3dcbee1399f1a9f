//! Refusals that cost nothing to provoke, and so are not all recorded.
//!
//! Holds: of one account one in a minute is recorded; of all accounts together no more than are kept in mind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one record speaks for those that follow.
const SILENCE: Duration = Duration::from_secs(60);
/// Accounts kept in mind.
const ACCOUNTS_MAX: usize = 256;

#[derive(Default)]
pub(super) struct Strangers {
    recorded: Mutex<BTreeMap<u32, Instant>>,
}

impl Strangers {
    /// Whether this refusal is to be recorded.
    pub(super) fn is_news(&self, uid: u32, now: Instant) -> bool {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.retain(|_, at| now.saturating_duration_since(*at) < SILENCE);
        if recorded.contains_key(&uid) || recorded.len() >= ACCOUNTS_MAX {
            return false;
        }
        recorded.insert(uid, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_minute_of_each_account_and_no_more_than_are_kept_in_mind() {
        let (strangers, start) = (Strangers::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(strangers.is_news(1, after(0)) && strangers.is_news(2, after(30)));
        assert!(!strangers.is_news(1, after(59)));
        assert!(strangers.is_news(1, after(60)) && !strangers.is_news(2, after(60)));
        let recorded = (1000..2000).filter(|uid| strangers.is_news(*uid, after(61))).count();
        assert_eq!(recorded, ACCOUNTS_MAX - 2);
    }
}
