//! What the reading commands answer from. They change nothing.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::cli::output::{CliError, Exit};
use crate::config::Settings;
use crate::daemon::health::ServiceStatus;
use crate::domain::timetable::Timetables;
use crate::effects::clock::london;
use crate::effects::pgp::KeyRing;
use crate::store::Queries;

/// Everything a reading command may look at.
pub struct Reading<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The store.
    pub queries: &'a dyn Queries,
    /// Own keys and trusted certificates.
    pub keys: &'a KeyRing,
    /// The timetables in force.
    pub timetables: &'a Timetables,
    /// What the running service said of itself; `None` if none is running.
    pub service: Option<&'a ServiceStatus>,
    /// Now.
    pub now: Timestamp,
}

impl Reading<'_> {
    /// Today in London.
    pub fn today(&self) -> Date {
        self.now.to_zoned(london()).date()
    }
}

/// The first moment of a day in London.
pub(super) fn beginning_of(day: Date) -> Result<Timestamp, CliError> {
    day.to_zoned(london()).map(|midnight| midnight.timestamp()).map_err(|error| {
        let says = format!("Could not find the beginning of the day {day} in Europe/London: {error}.");
        CliError::new(Exit::Usage, says, "Name another day.")
    })
}

/// The first moment after a day in London.
pub(super) fn end_of(day: Date) -> Result<Timestamp, CliError> {
    day.tomorrow().map_or(Ok(Timestamp::MAX), beginning_of)
}
