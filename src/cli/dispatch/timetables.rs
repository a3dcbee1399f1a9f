//! Timetables on the command line: by the record where there is one, else by the built-in ones alone.

use jiff::civil::Date;

use super::super::output::{CliError, Exit, Output};
use super::super::{run, timetable};
use super::ending::{done, fault};
use super::{Cli, authorities, bundled, in_force, today};
use crate::catalogue::circular::Terms;
use crate::config::{Settings, calendars};
use crate::daemon::build;
use crate::domain::LaNumber;
use crate::domain::expectation::Outlook;
use crate::domain::timetable::Timetables;
use crate::effects::clock::{Clock, MachineClock};
use crate::foresight::outlook_of;
use crate::store::{Queries, QueryError, SqliteStore, SubmissionFilter};

impl Cli {
    pub(super) fn timetable(
        &self,
        command: &timetable::Command,
        stdout: &mut dyn std::io::Write,
        out: &mut Output<'_>,
    ) -> Result<Exit, CliError> {
        // An order needs the state directory; everything else can do without a configuration.
        let is_order = matches!(command, timetable::Command::Activate(_));
        let settings = if self.is_without_configuration() && !is_order { None } else { Some(self.settings()?) };
        let settings = settings.as_ref();
        let bank_holidays = || calendars::bank_holidays().map_err(|fault| CliError::of(Exit::CouldNot, &fault));
        match command {
            timetable::Command::Simulate(args) => {
                let (timetables, _) = timetables_and_recorded(settings)?;
                let configured = settings.map(|settings| settings.authorities.as_slice()).unwrap_or_default();
                timetable::simulate(args, &timetables, configured, out)
            }
            timetable::Command::Activate(args) => {
                let (timetables, _) = timetables_and_recorded(settings)?;
                let (authorities, bank_holidays) = (authorities(settings)?, bank_holidays()?);
                timetable::activate(args, &self.settings()?, &timetables, (&authorities, &bank_holidays), out)
            }
            timetable::Command::Lint(args) => {
                let (timetables, _) = timetables_and_recorded(settings)?;
                timetable::lint(args, &timetables, &authorities(settings)?, &bank_holidays()?, out)
            }
            timetable::Command::Import(args) => {
                let (timetables, _) = timetables_and_recorded(settings)?;
                let (authorities, bank_holidays) = (authorities(settings)?, bank_holidays()?);
                let terms = Terms { year: args.year, authorities: &authorities, bank_holidays: &bank_holidays };
                timetable::import(args, &timetables, &terms, out)
            }
            timetable::Command::Export(args) => {
                let (timetables, _) = timetables_and_recorded(settings)?;
                done(timetable::export(args, &timetables, MachineClock.now(), stdout), |error| error.exit_status())
            }
            timetable::Command::Ask(question) => {
                let (timetables, recorded) = timetables_and_recorded(settings)?;
                let outlook = |number: &LaNumber, on| expected(settings, &timetables, number, on);
                let authorities = authorities(settings)?;
                let shown = timetable::run(question, &timetables, &authorities, &recorded, &outlook, today(), stdout);
                done(shown, |error| error.exit_status())
            }
        }
    }
}

/// The timetables in force, and every return that is recorded.
pub(super) fn timetables_and_recorded(
    settings: Option<&Settings>,
) -> Result<(Timetables, timetable::Recorded), CliError> {
    let none = timetable::Recorded::new;
    let Some(settings) = settings else { return Ok((bundled()?, none())) };
    let Ok(store) = SqliteStore::read_only(&settings.service.state) else {
        let timetables = build::timetables(&settings.timetables).map_err(|fault| run::not_started(&fault))?;
        return Ok((timetables, none()));
    };
    let timetables = in_force(settings, &store)?;
    let submissions = store.submissions(&SubmissionFilter::default()).map_err(|error| fault(3, &error))?;
    Ok((timetables, submissions.into_iter().map(|one| (one.key.clone(), one)).collect()))
}

/// What DWP owes an authority: by the record if it is configured and there is one, else by the timetables alone.
fn expected(
    settings: Option<&Settings>,
    timetables: &Timetables,
    number: &LaNumber,
    on: Date,
) -> Result<Outlook, QueryError> {
    let configured = settings.and_then(|settings| {
        let authority = settings.authorities.iter().find(|authority| authority.number == *number)?;
        Some((authority, SqliteStore::read_only(&settings.service.state).ok()?))
    });
    match configured {
        Some((authority, store)) => outlook_of(&store, timetables, authority, on),
        None => Ok(timetable::unseen(timetables, number, on)),
    }
}
