//! Being watched: `/healthz`, `/readyz` and `/metrics`, for this machine alone.
//!
//! In:  what the workers tell of themselves, the store, the keys, the folders. Out: answers to HTTP requests.
//! Holds: it reads, and changes nothing; labels are configured names, words and codes, never anything from a file; what hangs
//! while figures are gathered keeps neither the service nor `/healthz`.

mod figures;
mod gathering;
mod ready;
mod server;

use std::sync::Arc;
use std::time::Duration;

use super::alarms::rest;
use super::carriers::Queue;
use super::counted::Counts;
use super::health::Health;
use super::stop::Stop;
use crate::config::Settings;
use crate::config::settings::Listen;
use crate::domain::AlarmReason;
use crate::domain::timetable::InForce;
use crate::effects::clock::Clock;
use crate::effects::pgp::KeyRing;
use crate::inbound::{Critical, Inbound};
use crate::outbound::Outbound;
use crate::progress::Workers;
use crate::store::Queries;

/// What the alarm about the listener is about.
const ABOUT: &str = "watch";
/// How soon it is tried again to listen.
const AGAIN: Duration = Duration::from_secs(5);

/// What is told of.
pub(super) struct Subjects {
    pub settings: Settings,
    pub queries: Arc<dyn Queries>,
    pub keys: Arc<KeyRing>,
    pub timetables: InForce,
    pub clock: Arc<dyn Clock>,
    pub outbound: Arc<Outbound>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub stop: Arc<Stop>,
    pub workers: Arc<Workers>,
    pub counts: Arc<Counts>,
}

/// Answers whoever watches.
pub(super) struct Watch {
    pub subjects: Arc<Subjects>,
    pub inbound: Arc<Inbound>,
    pub listen: Listen,
}

impl Watch {
    /// Works until told to stop. Where it cannot listen that is an alarm, and files are carried all the same.
    pub(super) fn run(self) -> Result<(), Critical> {
        let stop = &self.subjects.stop;
        while !stop.is_requested() {
            match server::Bound::at(&self.listen) {
                Ok(bound) => {
                    self.inbound.alarm(ABOUT, None)?;
                    tracing::info!(listen = %self.listen, "Health and metrics are told at {}", self.listen);
                    if let Err(error) = bound.serve(&self.subjects) {
                        tracing::warn!(%error, "Health and metrics could not be told: {error}");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "Health and metrics cannot be told at {}: {error}", self.listen);
                    self.inbound.alarm(ABOUT, Some(AlarmReason::WatchFault))?;
                }
            }
            rest(stop, AGAIN);
        }
        Ok(())
    }
}
