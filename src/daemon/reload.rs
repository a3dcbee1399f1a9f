//! Reloading: the running service goes over to the configuration as it lies there now, or keeps what it has and says why.
//!
//! In:  SIGHUP, the configuration. Out: a service by the new settings on the same store, lock and spool; or an alarm.
//! The settings are checked whole, and everything is put together by them once, before anything is stopped. Then the workers
//! end in good order, as for a stop, and begin anew, as at a start: nothing in memory outlives its settings.
//! Holds: what could only be changed by a restart is refused, and the old settings stay in force.

use std::path::Path;

use super::build::Service;
use super::notify::notify_systemd;
use crate::config::Settings;
use crate::domain::Actor;
use crate::domain::alarm::AlarmReason;
use crate::domain::causes::with_causes;
use crate::domain::ledger::{Event, Facts};
use crate::effects::thread::asked::ASKS;
use crate::progress::Waiting;
use crate::sandbox;
use crate::store::{Change, Queries, RecordError, Recorder, StateChange};

/// The configuration as it lies there.
pub struct Configuration<'a> {
    /// Where.
    pub path: &'a Path,
    /// Reads and checks it; else every problem.
    pub load: &'a dyn Fn() -> Result<Settings, String>,
}

/// Why a reload waits, as `status` shows it.
pub(super) const PUT_OFF: &str = "a reload, put off until the answer to a return that is being sent is there";
/// The same, while a folder does not let a part of the service go.
pub(super) const PUT_OFF_HANGS: &str =
    "a reload, put off while a folder does not answer: `systemctl restart hbcourier` has the settings in force at once";
/// What the alarm is about.
const ABOUT: &str = "configuration";
/// Of why settings are refused no more is told in an alarm; the log has all of it.
const WHY_CHARS_MAX: usize = 400;

/// The settings to go over to, also if they are the same: timetables and groups that they name may be others. `None` if the
/// old ones stay in force.
pub(super) fn wanted(
    service: &Service,
    started: &Settings,
    configuration: &Configuration<'_>,
) -> Result<Option<Settings>, RecordError> {
    notify_systemd(&[
        sd_notify::NotifyState::Reloading,
        sd_notify::NotifyState::monotonic_usec_now().unwrap_or(
            // Without the time it is an older systemd's message, which it takes too.
            sd_notify::NotifyState::Status("Reloading the configuration"),
        ),
    ]);
    let fit = (configuration.load)().and_then(|settings| {
        let kept = needs_restart(started, &settings, configuration.path);
        if !kept.is_empty() {
            return Err(format!("restart the service for this: {}", kept.join(" ")));
        }
        service.anew(settings.clone()).map(|_| settings).map_err(|fault| with_causes(&fault))
    });
    match fit {
        Ok(settings) => Ok(Some(settings)),
        Err(why) => {
            refuse(service, &why)?;
            Ok(None)
        }
    }
}

/// What a reload must wait for now. An answer that is lost might lead to a second sending; whoever is held by a folder works
/// on something that nobody else may take up.
pub(super) fn must_wait(awaits_answer: bool, waiting: &[Waiting]) -> Option<&'static str> {
    if awaits_answer {
        return Some(PUT_OFF);
    }
    waiting.iter().any(|one| one.worker != ASKS).then_some(PUT_OFF_HANGS)
}

/// Says why a reload waits. It is running meanwhile, by the old settings.
pub(super) fn put_off(why: &str) {
    tracing::info!("The configuration is not taken up yet: {why}");
    ready(why);
}

/// What differs from the settings of the start that a running process cannot change.
fn needs_restart(started: &Settings, wanted: &Settings, configuration: &Path) -> Vec<String> {
    let (old, new) = (&started.service, &wanted.service);
    let mut kept = Vec::new();
    if old.state != new.state {
        kept.push("`service.state` is another folder.".to_owned());
    }
    if old.control_socket != new.control_socket {
        kept.push("`service.control_socket` is another path.".to_owned());
    }
    kept.extend(sandbox::covers(started, wanted, configuration).err().unwrap_or_default());
    kept
}

/// Ends the alarm, if one is raised.
pub(super) fn settled(service: &Service) -> Result<(), RecordError> {
    let facts = Facts { about: Some(ABOUT.to_owned()), ..Facts::default() };
    record(service, Event::AlarmCleared, facts, StateChange::Alarm { about: ABOUT.to_owned(), notice: None })
}

/// Says why the settings that lie there are not in force; on record, unless that stands there in the same words.
pub(super) fn refuse(service: &Service, why: &str) -> Result<(), RecordError> {
    tracing::error!(why, "The configuration was not taken up, and the old one stays in force: {why}");
    let mut notice = AlarmReason::ConfigurationRefused.notice(ABOUT);
    let code = Some(notice.code.to_owned());
    let short: String = why.chars().map(|c| if c == '\n' { ' ' } else { c }).take(WHY_CHARS_MAX).collect();
    notice.says = format!("{} {}.", notice.says, short.trim_end_matches('.'));
    // What cannot be read is told once more.
    let standing = service.store.queries().alarms().unwrap_or_default();
    if !standing.iter().any(|alarm| alarm.about == ABOUT && alarm.says == notice.says) {
        let facts = Facts { code: code.clone(), ..Facts::default() };
        record(service, Event::ConfigurationRefused, facts, StateChange::None)?;
        let facts = Facts { about: Some(ABOUT.to_owned()), code, ..Facts::default() };
        // Raised with other words already: the latest count.
        settled(service)?;
        let state = StateChange::Alarm { about: ABOUT.to_owned(), notice: Some(notice) };
        record(service, Event::AlarmRaised, facts, state)?;
    }
    ready(&format!("The configuration was refused, the old one is in force: {short}"));
    Ok(())
}

fn record(service: &Service, event: Event, facts: Facts, state: StateChange) -> Result<(), RecordError> {
    let (at, actor) = (service.clock.now(), Actor::Service);
    match service.store.recorder().record(Change { at, actor, event, facts, names: Vec::new(), state }) {
        Ok(_) | Err(RecordError::Exists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn ready(status: &str) {
    notify_systemd(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(status)]);
}
