//! The timetables in force, shared by whoever asks for dates and whoever brings new ones.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Timetable, Timetables};

/// The timetables in force now. A clone is the same thing: what one takes up, all have.
#[derive(Clone, Debug, Default)]
pub struct InForce(Arc<RwLock<Arc<Timetables>>>);

impl InForce {
    /// Beginning with these.
    pub fn new(timetables: Timetables) -> InForce {
        InForce(Arc::new(RwLock::new(Arc::new(timetables))))
    }

    /// Those of this moment. Whoever holds them keeps them, also while others come into force.
    pub fn now(&self) -> Arc<Timetables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the timetable up in place of any other for its year.
    pub fn take_up(&self, timetable: Timetable) {
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *now = Arc::new(Timetables::clone(&now).with(timetable));
    }
}

impl From<Timetables> for InForce {
    fn from(timetables: Timetables) -> InForce {
        InForce::new(timetables)
    }
}
