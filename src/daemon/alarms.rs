//! Telling people: alarms by mail to addresses of the house, and a ping that stops when the service does.
//!
//! Holds: each alarm is told once when it is raised and once when it is over; after a restart what stands is told again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::stop::Stop;
use crate::domain::AlarmReason;
use crate::domain::retry::pause;
use crate::effects::courier::smtp::SmtpCourier;
use crate::effects::ping::Ping;
use crate::inbound::{Critical, Inbound};
use crate::progress::{self, Workers};
use crate::store::Alarm;

/// How often is looked whether there is something to tell.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a pause looks whether the service is to stop.
const LOOK_UP: Duration = Duration::from_millis(200);
/// Alarms that one mail names in full.
const TOLD_MAX: usize = 100;
/// Failures in a row after which it is an alarm itself, for whoever reads `status`.
const FAILURES_QUIET: u8 = 3;

/// What the alarm about this is about.
const MAILED: &str = "alarm-mail";
const PINGED: &str = "ping";

/// Mails alarms.
pub(super) struct Herald {
    pub inbound: Arc<Inbound>,
    pub stop: Arc<Stop>,
    pub courier: SmtpCourier,
    pub to: Vec<String>,
}

impl Herald {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let (mut told, mut failures) = (BTreeMap::new(), 0u8);
        while !self.stop.is_requested() {
            let standing = standing(self.inbound.queries.alarms()?);
            let news = News::between(&told, &standing);
            if news.is_none() {
                rest(&self.stop, LOOK_EVERY);
                continue;
            }
            match self.courier.note(&self.to, &news.subject(), &news.text()) {
                Ok(()) => {
                    (told, failures) = (standing, 0);
                    self.inbound.alarm(MAILED, None)?;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!(%error, "Alarms could not be mailed: {error}");
                    if failures >= FAILURES_QUIET {
                        self.inbound.alarm(MAILED, Some(AlarmReason::AlarmsUnsent))?;
                    }
                    rest(
                        &self.stop,
                        pause(failures, self.inbound.terms.retry_after, self.inbound.terms.retry_after_max),
                    );
                }
            }
        }
        Ok(())
    }
}

/// What a person has been told, or is to be told: the alarm's words by what it is about. That alarms cannot be mailed is
/// not mailed.
fn standing(alarms: Vec<Alarm>) -> BTreeMap<String, Alarm> {
    alarms.into_iter().filter(|alarm| alarm.about != MAILED).map(|alarm| (alarm.about.clone(), alarm)).collect()
}

/// What has changed.
struct News<'a> {
    raised: Vec<&'a Alarm>,
    over: Vec<&'a Alarm>,
    standing: usize,
}

impl<'a> News<'a> {
    fn between(told: &'a BTreeMap<String, Alarm>, now: &'a BTreeMap<String, Alarm>) -> News<'a> {
        let is_new = |alarm: &&Alarm| told.get(&alarm.about).is_none_or(|known| known.code != alarm.code);
        let is_over = |alarm: &&Alarm| !now.contains_key(&alarm.about);
        News {
            raised: now.values().filter(is_new).collect(),
            over: told.values().filter(is_over).collect(),
            standing: now.len(),
        }
    }

    fn is_none(&self) -> bool {
        self.raised.is_empty() && self.over.is_empty()
    }

    fn subject(&self) -> String {
        match (self.raised.as_slice(), self.over.as_slice()) {
            ([one], []) => format!("hbcourier: {} about {}", one.code, one.about),
            ([], [one]) => format!("hbcourier: well again: {}", one.about),
            (raised, over) => format!("hbcourier: {} new alarms, {} over", raised.len(), over.len()),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for alarm in self.raised.iter().take(TOLD_MAX) {
            let _ = writeln!(text, "{} about {}\n{}\nNext: {}\n", alarm.code, alarm.about, alarm.says, alarm.next);
        }
        for alarm in self.over.iter().take(TOLD_MAX) {
            let _ = writeln!(text, "Well again: {} ({})\n", alarm.about, alarm.code);
        }
        let _ = writeln!(text, "Alarms that stand now: {}. `hbcourier status` has them all.", self.standing);
        text
    }
}

/// Sends the ping.
pub(super) struct Pinger {
    pub inbound: Arc<Inbound>,
    pub stop: Arc<Stop>,
    pub ping: Ping,
    pub every: Duration,
    pub workers: Arc<Workers>,
    pub stuck_after: Duration,
}

impl Pinger {
    /// Works until told to stop.
    pub(super) fn run(self) -> Result<(), Critical> {
        let mut failures: u8 = 0;
        while !self.stop.is_requested() {
            // A service that hangs must be missed too.
            if self.workers.stuck(self.stuck_after).is_empty() {
                match self.ping.send() {
                    Ok(()) => {
                        failures = 0;
                        self.inbound.alarm(PINGED, None)?;
                    }
                    Err(error) => {
                        failures = failures.saturating_add(1);
                        tracing::warn!(%error, "{error}");
                        if failures >= FAILURES_QUIET {
                            self.inbound.alarm(PINGED, Some(AlarmReason::PingUnanswered))?;
                        }
                    }
                }
            }
            rest(&self.stop, self.every);
        }
        Ok(())
    }
}

/// Waits so long, or until the service is to stop.
#[expect(clippy::disallowed_methods, reason = "nothing tells when time has passed; for this there is only time")]
pub(super) fn rest(stop: &Stop, mut pause: Duration) {
    while !stop.is_requested() && !pause.is_zero() {
        progress::made();
        let now = pause.min(LOOK_UP);
        std::thread::sleep(now);
        pause -= now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(about: &str, code: &str) -> (String, Alarm) {
        let says = format!("{about} is unwell.");
        let alarm = Alarm {
            about: about.into(),
            code: code.into(),
            says,
            next: "Mend it.".into(),
            since: jiff::Timestamp::UNIX_EPOCH,
        };
        (about.to_owned(), alarm)
    }

    #[test]
    fn each_is_told_when_it_is_raised_and_when_it_is_over() {
        let none = BTreeMap::new();
        let one: BTreeMap<_, _> = [alarm("drop-12302", "CN-501")].into();
        let two: BTreeMap<_, _> = [alarm("drop-12302", "CN-503"), alarm("state", "CN-505")].into();
        assert!(News::between(&none, &none).is_none() && News::between(&one, &one).is_none());
        let news = News::between(&none, &one);
        assert_eq!(news.subject(), "hbcourier: CN-501 about drop-12302");
        assert!(news.text().contains("drop-12302 is unwell.\nNext: Mend it."), "{}", news.text());
        assert_eq!(News::between(&one, &two).subject(), "hbcourier: 2 new alarms, 0 over", "another code is news");
        assert_eq!(News::between(&one, &none).subject(), "hbcourier: well again: drop-12302");
    }
}
