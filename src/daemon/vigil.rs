//! The vigil: parts of the service that are stuck become alarms, and systemd is told how things stand.
//!
//! In:  who made progress; what `hbcourier status` says. Out: alarms, and `STATUS=`.
//! Holds: it tells, and restarts nothing: that is systemd's, to whom the main thread then gives no sign of life.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::alarms::rest;
use super::control::{Asker, Reading};
use super::health::Health;
use super::notify::is_wanted;
use super::stop::Stop;
use crate::domain::AlarmReason;
use crate::inbound::{Critical, Inbound};
use crate::progress::Workers;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every how many looks systemd is told how things stand.
const TELL_EVERY: u32 = 10;

/// Keeps it.
pub(super) struct Vigil {
    pub inbound: Arc<Inbound>,
    pub stop: Arc<Stop>,
    pub health: Arc<Health>,
    pub workers: Arc<Workers>,
    pub stuck_after: Duration,
    /// Knows what `hbcourier status` says.
    pub reading: Arc<dyn Reading>,
}

impl Vigil {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let code = AlarmReason::WorkerStuck.notice("").code;
        let alarms = self.inbound.queries.alarms()?.into_iter();
        let mut told: BTreeSet<String> = alarms.filter(|alarm| alarm.code == code).map(|alarm| alarm.about).collect();
        let (mut looks, mut status, systemd) = (0u32, None, is_wanted());
        while !self.stop.is_requested() {
            self.tell_stuck(&mut told)?;
            if systemd && looks.is_multiple_of(TELL_EVERY) {
                self.tell_systemd(&mut status);
            }
            looks = looks.wrapping_add(1);
            rest(&self.stop, LOOK_EVERY);
        }
        Ok(())
    }

    fn tell_stuck(&self, told: &mut BTreeSet<String>) -> Result<(), Critical> {
        let stuck: BTreeSet<String> = self.workers.stuck(self.stuck_after).into_iter().map(|one| one.worker).collect();
        for worker in stuck.difference(told) {
            self.inbound.alarm(worker, Some(AlarmReason::WorkerStuck))?;
        }
        for worker in told.difference(&stuck) {
            self.inbound.alarm(worker, None)?;
        }
        *told = stuck;
        Ok(())
    }

    /// In the words of `status`, when they are others than before.
    fn tell_systemd(&self, last: &mut Option<String>) {
        let asker = Asker { uid: rustix::process::geteuid().as_raw(), status: self.health.status(&self.stop) };
        let page = self.reading.answer(&["status".to_owned()], asker);
        let Some(line) = String::from_utf8_lossy(&page.printed).lines().next().map(str::to_owned) else { return };
        if last.as_ref() != Some(&line) {
            super::notify::notify_systemd(&[sd_notify::NotifyState::Status(&line)]);
            *last = Some(line);
        }
    }
}
