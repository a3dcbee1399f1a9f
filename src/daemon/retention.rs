//! The worker that erases what was kept long enough: at start, and every day at the same hour in London.
//!
//! Holds: what is left over from one look, because of its limit or a fault, is not left for a whole day.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::alarms::rest;
use super::stop::Stop;
use crate::effects::clock::Clock;
use crate::progress;
use crate::retention::{Critical, Looked, Retention, next_look};

/// When it is tried again after a fault.
const AFTER_TROUBLE: Duration = Duration::from_secs(3600);
/// How long that may take.
const REWRITING: Duration = Duration::from_secs(1800);

/// Erases until told to stop.
pub(super) struct Eraser {
    pub retention: Arc<Retention>,
    pub stop: Arc<Stop>,
    pub clock: Arc<dyn Clock>,
    /// How often the clock is looked at.
    pub pause: Duration,
}

impl Eraser {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let mut last: Option<(Timestamp, Timestamp)> = None;
        while !self.stop.is_requested() {
            let now = self.clock.now();
            // Before the last look: somebody has set the clock back.
            let is_time = last.is_none_or(|(at, next)| now < at || now >= next);
            if is_time && let Some(_busy) = self.stop.begin("erasing what was kept long enough") {
                // The tables of names are written anew in one go, however many there are.
                let _quiet = progress::quiet(REWRITING);
                last = Some((now, self.next(self.retention.look()?, now)));
            }
            rest(&self.stop, self.pause);
        }
        Ok(())
    }

    fn next(&self, looked: Looked, now: Timestamp) -> Timestamp {
        let after = |time| now.checked_add(time).unwrap_or(Timestamp::MAX);
        match looked {
            Looked { trouble: true, .. } => after(AFTER_TROUBLE).min(next_look(now)),
            Looked { more: true, .. } => now,
            Looked { .. } => next_look(now),
        }
    }
}

/// As long as there is something due that can be erased.
pub(super) fn all(retention: &Retention) -> Result<(), Critical> {
    loop {
        let looked = retention.look()?;
        if looked.trouble || !looked.more {
            return Ok(());
        }
    }
}
