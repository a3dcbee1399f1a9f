//! Claims: a consignment is worked on by one thread at a time.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::ConsignmentId;

/// What is being worked on now. In memory only: a crash ends all claims.
#[derive(Default)]
pub struct Claims {
    claimed: Mutex<HashSet<ConsignmentId>>,
}

/// The right to work on one consignment, until dropped.
pub struct Claim<'a> {
    claims: &'a Claims,
    pub(super) id: ConsignmentId,
}

impl Claims {
    /// `None` if somebody works on it already.
    pub(super) fn claim(&self, id: &ConsignmentId) -> Option<Claim<'_>> {
        let fresh = self.claimed.lock().unwrap_or_else(PoisonError::into_inner).insert(*id);
        // Made only if it holds: one that is dropped gives the claim back, whoever has it.
        fresh.then(|| Claim { claims: self, id: *id })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.claimed.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Digest;

    #[test]
    fn whoever_asks_in_vain_takes_nothing_from_the_one_who_has_it() {
        let claims = Claims::default();
        let id = ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &Digest::of(b"sealed"));
        let held = claims.claim(&id).expect("nobody has it");
        assert!(claims.claim(&id).is_none());
        assert!(claims.claim(&id).is_none(), "asking once more changes nothing");
        drop(held);
        assert!(claims.claim(&id).is_some());
    }
}
