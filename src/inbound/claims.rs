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
        fresh.then_some(Claim { claims: self, id: *id })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.claimed.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
