//! Retention: what was kept long enough is erased, and what nobody may erase is not.
//!
//! In:  what is over, by the store; how long it is kept, by the settings; legal holds; the time. Out: originals removed, names
//! overwritten, each with an entry first; and for readers, what is due when ([`outlook()`]).
//! Holds: nothing leaves the disk before its entry is durable; what an entry says is erased is removed at the next look,
//! whatever ended the last one; nothing that is under way, waits for a person or is under a legal hold is erased.

mod erase;
mod keeps;
mod outlook;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Time;

use crate::config::Settings;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Actor, AlarmReason};
use crate::effects::clock::{Clock, london};
use crate::effects::spool::Spool;
use crate::store::{Change, Queries, QueryError, RecordError, Recorder, StateChange};

pub use outlook::{DueOn, Erasable, Outlook, outlook};

/// Erasures recorded in one look at most; the next look goes on.
pub const ERASED_MAX: usize = 1000;

/// Transfers read from the store at once.
const PAGE: usize = 500;

/// When every day what is due is erased, in London: when nobody works and little arrives.
const HOUR: Time = Time::constant(4, 0, 0, 0);

/// What the alarm about it is about.
const ABOUT: &str = "retention";

/// What retention stands on.
pub struct Retention {
    /// The one write path.
    pub recorder: Arc<dyn Recorder>,
    /// Reading the store.
    pub queries: Arc<dyn Queries>,
    /// Where the originals lie.
    pub spool: Arc<Spool>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How long what is kept.
    pub settings: Settings,
    /// Erasures recorded in one look at most.
    pub erased_max: usize,
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

/// What one look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Originals whose erasure was recorded.
    pub originals: usize,
    /// Transfers whose names were erased.
    pub names: usize,
    /// There is more that is due: look again soon.
    pub more: bool,
    /// Something could not be done to its end; an alarm tells of it.
    pub trouble: bool,
}

impl Retention {
    /// Finishes what an earlier look left, then erases what is due, up to a limit.
    pub fn look(&self) -> Result<Looked, Critical> {
        let (looked, trouble) = self.erase_what_is_due()?;
        if let Some(says) = &trouble {
            tracing::warn!(error = %says, "What was kept long enough could not be erased: {says}");
        }
        if looked.originals + looked.names > 0 {
            let Looked { originals, names, .. } = looked;
            tracing::info!(originals, names, "Erased {originals} originals, and the names of {names} transfers");
        }
        self.alarm(trouble.is_some())?;
        Ok(Looked { trouble: trouble.is_some(), ..looked })
    }

    fn alarm(&self, raised: bool) -> Result<(), Critical> {
        let stands = self.queries.alarms()?.iter().any(|alarm| alarm.about == ABOUT);
        if stands == raised {
            return Ok(());
        }
        let notice = raised.then(|| AlarmReason::NotErased.notice(ABOUT));
        let event = if raised { Event::AlarmRaised } else { Event::AlarmCleared };
        let state = StateChange::Alarm { about: ABOUT.to_owned(), notice };
        match self.record(event, Facts::default(), state) {
            Ok(()) | Err(RecordError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn record(&self, event: Event, facts: Facts, state: StateChange) -> Result<(), RecordError> {
        let (at, actor) = (self.clock.now(), Actor::Service);
        self.recorder.record(Change { at, actor, event, facts, names: Vec::new(), state }).map(drop)
    }
}

/// The next time at which what is due is erased without anybody's doing.
pub fn next_look(now: Timestamp) -> Timestamp {
    let here = now.to_zoned(london()).datetime();
    let days = [Some(here.date()), here.date().tomorrow().ok()];
    let moments = days.into_iter().flatten().filter_map(|day| day.to_datetime(HOUR).to_zoned(london()).ok());
    let next = moments.map(|zoned| zoned.timestamp()).find(|moment| *moment > now);
    next.unwrap_or(Timestamp::MAX)
}
