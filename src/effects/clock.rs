//! The time: civil time for records and schedules, boot time for waiting.

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

/// The time zone of every schedule.
pub fn london() -> TimeZone {
    // Bundled with the program, so it is there on every machine.
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}
