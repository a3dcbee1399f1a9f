//! A clock that tests set: a year passes in seconds, and jumps.

use std::sync::Mutex;
use std::time::Duration;

use hbcourier::effects::clock::{Clock, london};
use jiff::Timestamp;
use jiff::civil::DateTime;

/// A clock whose civil time can jump while its boot time cannot.
pub struct VirtualClock(Mutex<(Timestamp, Duration)>);

impl VirtualClock {
    /// A clock that shows this in London.
    pub fn showing(civil: &str) -> VirtualClock {
        VirtualClock(Mutex::new((in_london(civil), Duration::from_secs(100))))
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        let mut time = self.0.lock().unwrap();
        time.0 = time.0.checked_add(by).unwrap();
        time.1 += by;
    }

    /// Time passes until London's clocks show this; nothing, if they already do or have.
    pub fn advance_to(&self, civil: &str) {
        self.advance_to_moment(in_london(civil));
    }

    /// As [`VirtualClock::advance_to`].
    pub fn advance_to_moment(&self, moment: Timestamp) {
        let left = moment.duration_since(self.now());
        if left.is_positive() {
            self.advance(left.unsigned_abs());
        }
    }

    /// Somebody sets the clock: only civil time moves.
    pub fn jump_to(&self, moment: Timestamp) {
        self.0.lock().unwrap().0 = moment;
    }
}

/// The moment at which London's clocks show this.
pub fn in_london(civil: &str) -> Timestamp {
    let civil: DateTime = civil.parse().unwrap();
    civil.to_zoned(london()).unwrap().timestamp()
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn since_boot(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}
