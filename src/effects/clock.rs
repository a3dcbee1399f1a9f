//! The time: civil time for records and schedules, boot time for waiting.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now, as records state it. May jump.
    fn now(&self) -> Timestamp;
    /// Time since the machine started, suspension included. Never jumps.
    fn since_boot(&self) -> Duration;
}

/// The machine's clocks.
pub struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        // Records keep microseconds; what is compared after reading back must be what was recorded.
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn since_boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}

/// A clock that goes only when it is told to: what a simulated service lives by.
pub struct VirtualClock {
    started: Timestamp,
    now: Mutex<Timestamp>,
}

impl VirtualClock {
    /// A clock that shows this moment, on a machine that started then.
    pub fn showing(moment: Timestamp) -> VirtualClock {
        VirtualClock { started: moment, now: Mutex::new(moment) }
    }

    /// Time passes until then; none, if it is then already or later.
    pub fn advance_to(&self, moment: Timestamp) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = moment.max(*now);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn since_boot(&self) -> Duration {
        Duration::try_from(self.now() - self.started).unwrap_or_default()
    }
}

/// The time zone of every schedule.
pub fn london() -> TimeZone {
    // Bundled with the program, so it is there on every machine.
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}
