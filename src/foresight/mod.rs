//! What a person must know before it is too late: what DWP owes and has not sent, what is due and not picked up, keys and
//! timetables that end.
//!
//! In:  the timetables, what arrived, what is owed, the keys, the time. Out: alarms, raised once and cleared when they no
//! longer hold; and for readers, [`outlook_of`].
//! Holds: an alarm follows from the present state alone, so that neither a restart nor a jump of the clock loses or doubles
//! one. Nothing here moves a transfer or a return.

mod arrivals;
mod due;
pub mod keys;
mod nights;
mod notices;
mod owed;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::config::Settings;
use crate::domain::ledger::{Event, Facts};
use crate::domain::timetable::{InForce, Timetables};
use crate::domain::working_days::BankHolidays;
use crate::domain::{Actor, Notice};
use crate::effects::clock::{Clock, london};
use crate::effects::pgp::KeyRing;
use crate::store::{Alarm, Change, Queries, QueryError, RecordError, Recorder, StateChange};

pub use arrivals::{outlook_lately, outlook_of, outlook_since};
pub use nights::{Night, nights_of, silence_of};
pub use notices::{EXCEPTION_ENDS_DAYS, overdue};
pub use owed::{Owed, Split, overdue_of_all, owed};

/// What foresight stands on.
pub struct Foresight {
    /// The one write path.
    pub recorder: Arc<dyn Recorder>,
    /// Reading the store.
    pub queries: Arc<dyn Queries>,
    /// Own keys and trusted certificates.
    pub keys: Arc<KeyRing>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is owed when.
    pub timetables: InForce,
    /// Which days are working days.
    pub holidays: BankHolidays,
    /// Whose, and when to say what.
    pub settings: Settings,
}

/// What is looked at. Whoever only reads may have it without the service.
pub struct View<'a> {
    /// Reading the store.
    pub queries: &'a dyn Queries,
    /// Own keys and trusted certificates.
    pub keys: &'a KeyRing,
    /// What is owed when.
    pub timetables: &'a Timetables,
    /// Which days are working days.
    pub holidays: &'a BankHolidays,
    /// Whose, and when to say what.
    pub settings: &'a Settings,
}

/// What must stop the service: it can no longer record or read what it does.
#[derive(Debug, thiserror::Error)]
pub enum Critical {
    /// The store cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// What the alarms of this module are about begins with one of these; nothing else's does.
const OURS: [&str; 4] = ["due-", "expected-", "expires-", "timetable-"];

impl Foresight {
    /// Raises what holds now and clears what no longer does. Returns when time alone next changes anything.
    pub fn look(&self) -> Result<Timestamp, Critical> {
        let now = self.clock.now();
        let timetables = self.timetables.now();
        let (queries, keys, holidays, settings) = (&*self.queries, &*self.keys, &self.holidays, &self.settings);
        let wanted = View { queries, keys, timetables: &timetables, holidays, settings }.foreseen(now)?;
        let raised = self.queries.alarms()?;
        let ours = |about: &str| OURS.iter().any(|beginning| about.starts_with(beginning));
        for alarm in raised.iter().filter(|alarm| ours(&alarm.about)) {
            let holds = wanted.iter().any(|(about, notice)| is_same(alarm, about, notice));
            if !holds {
                self.record(&alarm.about, None)?;
            }
        }
        for (about, notice) in &wanted {
            if !raised.iter().any(|alarm| is_same(alarm, about, notice)) {
                self.record(about, Some(notice))?;
            }
        }
        Ok(self.next_look(now))
    }

    fn record(&self, about: &str, notice: Option<&Notice>) -> Result<(), Critical> {
        match notice {
            Some(notice) => tracing::warn!(about, code = notice.code, "{} {}", notice.says, notice.next),
            None => tracing::info!(about, "Well again: {about}"),
        }
        let event = if notice.is_some() { Event::AlarmRaised } else { Event::AlarmCleared };
        let facts = Facts {
            about: Some(about.to_owned()),
            code: notice.map(|notice| notice.code.to_owned()),
            ..Facts::default()
        };
        let state = StateChange::Alarm { about: about.to_owned(), notice: notice.cloned() };
        let at = self.clock.now();
        let change = Change { at, actor: Actor::Service, event, facts, names: Vec::new(), state };
        match self.recorder.record(change) {
            Ok(_) | Err(RecordError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The next midnight or noon in London, or the next beginning of a window in which a return is sent.
    fn next_look(&self, now: Timestamp) -> Timestamp {
        let here = now.to_zoned(london()).datetime();
        let windows = self.settings.authorities.iter().flat_map(|authority| &authority.returns);
        let times = windows.map(|settings| settings.window.from).chain([crate::domain::expectation::NIGHT_BEGINS]);
        let today = times.filter(|time| *time > here.time()).map(|time| here.date().to_datetime(time));
        let tomorrow = here.date().tomorrow().map(|day| day.at(0, 0, 0, 0));
        let moments = today.chain(tomorrow).filter_map(|civil| civil.to_zoned(london()).ok());
        let later = moments.map(|zoned| zoned.timestamp()).filter(|moment| *moment > now).min();
        later.unwrap_or_else(|| now.checked_add(Duration::from_secs(3600)).unwrap_or(Timestamp::MAX))
    }
}

fn is_same(alarm: &Alarm, about: &str, notice: &Notice) -> bool {
    alarm.about == about && alarm.code == notice.code && alarm.says == notice.says
}

/// The day it is in London.
fn london_date(now: Timestamp) -> Date {
    now.to_zoned(london()).date()
}
