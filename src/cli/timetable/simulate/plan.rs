//! The year that is simulated: whose, from when to when, and what happens in it that the service does not do itself.
//!
//! In:  what was asked, the timetables, the authorities of a configuration. Out: a [`Plan`].
//! Holds: pure; its moments ascend.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};

use super::Args;
use super::asked::{Files, Outage};
use crate::cli::output::{CliError, Exit};
use crate::cli::timetable::show::not_in_year;
use crate::cli::timetable::{CliFault, unknown_year};
use crate::config::settings::{AuthoritySettings, ReturnSettings};
use crate::domain::timetable::{Obligation, Timetable, Timetables};
use crate::domain::{Authority, LaNumber, ReturnKind, SubmissionKey};
use crate::effects::clock::london;
use crate::outbound::due::day_begins;

/// Authorities of one simulation.
const AUTHORITIES_MAX: usize = 32;
/// Outages of one simulation.
const OUTAGES_MAX: usize = 12;
/// When officers come, by London's clocks.
const OFFICERS_COME_AT: i8 = 9;
/// So long before its transfer date an HBMS MI return lies in its folder.
const MI_DAYS_BEFORE: i64 = 7;

/// Something that happens to the service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// London's clocks change.
    ClocksChange {
        /// To summer time.
        forward: bool,
    },
    /// From now on nothing can be sealed to the partner's certificate.
    KeyExpires,
    /// An outage begins.
    ServiceStops,
    /// The service starts, at first or after an outage.
    ServiceStarts,
    /// Officers leave the file of this return in its folder.
    FilePut(SubmissionKey),
}

/// What is simulated.
pub(super) struct Plan {
    /// The one year's timetable.
    pub(super) timetables: Timetables,
    /// Whose returns.
    pub(super) authorities: Vec<Authority>,
    /// How a configuration has each authority's returns; without an entry, all of them by default.
    pub(super) configured: BTreeMap<LaNumber, Vec<ReturnSettings>>,
    /// The first moment.
    pub(super) begins: Timestamp,
    /// The first day.
    pub(super) first_day: Date,
    /// The last day.
    pub(super) last_day: Date,
    /// The first moment after it.
    pub(super) ends: Timestamp,
    /// When the partner's certificate expires, if that was asked.
    pub(super) key_expires: Option<Timestamp>,
    /// What happens, in order.
    pub(super) moments: Vec<(Timestamp, Moment)>,
    /// What was asked and makes no difference.
    pub(super) warnings: Vec<String>,
}

impl Plan {
    /// Makes the plan, or says what was asked wrongly.
    pub(super) fn new(
        args: &Args,
        timetables: &Timetables,
        configured: &[AuthoritySettings],
    ) -> Result<Plan, CliError> {
        let year = timetables.year(args.year).ok_or_else(|| unknown_year(args.year, timetables))?;
        let numbers: BTreeSet<&LaNumber> = args.authority.iter().collect();
        at_most("authorities", numbers.len(), AUTHORITIES_MAX)?;
        at_most("outages", args.outage.len(), OUTAGES_MAX)?;
        let known = |number: &&LaNumber| {
            year.authority(number).cloned().ok_or_else(|| not_in_year(number, args.year, timetables))
        };
        let authorities: Vec<Authority> = numbers.iter().map(known).collect::<Result<_, CliFault>>()?;
        let is_asked = |one: &&AuthoritySettings| numbers.contains(&one.number) && !one.returns.is_empty();
        let configured =
            configured.iter().filter(is_asked).map(|one| (one.number.clone(), one.returns.clone())).collect();
        let mut plan = Plan {
            timetables: Timetables::new([year.clone()]).unwrap_or_default(),
            authorities,
            configured,
            begins: Timestamp::MIN,
            first_day: Date::MIN,
            last_day: Date::MAX,
            ends: Timestamp::MAX,
            key_expires: args.key_expires.map(day_begins),
            moments: Vec::new(),
            warnings: Vec::new(),
        };
        plan.set_span(year);
        plan.take_in(args)?;
        Ok(plan)
    }

    /// What is owed in that year.
    pub(super) fn obligations(&self) -> Vec<Obligation> {
        let of = |authority: &Authority| {
            let kinds = self.kinds(&authority.number);
            kinds.into_iter().flat_map(|kind| self.timetables.obligations(&authority.number, kind)).collect::<Vec<_>>()
        };
        self.authorities.iter().flat_map(of).collect()
    }

    /// Which returns are simulated.
    pub(super) fn kinds(&self, number: &LaNumber) -> Vec<ReturnKind> {
        let configured = self.configured.get(number);
        configured.map_or(ReturnKind::ALL.to_vec(), |returns| returns.iter().map(|one| one.kind).collect())
    }

    /// From the middle of March, before any clock changes, to the end of March; further where the timetable goes further.
    fn set_span(&mut self, timetable: &Timetable) {
        let april = timetable.year().first_calendar_year();
        let owed = self.obligations();
        let earliest = owed.iter().map(|one| one.extract_from.unwrap_or(one.transfer_on).min(one.transfer_on)).min();
        let latest = owed.iter().map(|one| one.transfer_on).max();
        let first = earliest.map(|day| day.saturating_sub(MI_DAYS_BEFORE.days()));
        self.first_day = first.unwrap_or(Date::MAX).min(date(april, 3, 15));
        self.begins = day_begins(self.first_day);
        // A day more, so that it is seen what was missed on the last.
        let last = latest.map(|day| day.saturating_add(1.day()));
        self.last_day = last.unwrap_or(Date::MIN).max(date(april + 1, 3, 31));
        self.ends = day_begins(self.last_day.saturating_add(1.day()));
    }

    /// Takes in everything that happens.
    fn take_in(&mut self, args: &Args) -> Result<(), CliError> {
        self.take_in_outages(&args.outage);
        self.take_in_key(args)?;
        let clocks = london();
        let changes = clocks.following(self.begins).take_while(|change| change.timestamp() < self.ends);
        self.moments.extend(changes.map(|one| (one.timestamp(), Moment::ClocksChange { forward: one.dst().is_dst() })));
        for owed in self.obligations() {
            if let Some(day) = left_on(&owed, args.files) {
                self.moments.push((comes_at(day), Moment::FilePut(owed.key)));
            }
        }
        let (begins, ends) = (self.begins, self.ends);
        self.moments.retain(|(at, _)| (begins..ends).contains(at));
        self.moments.sort();
        Ok(())
    }

    fn take_in_outages(&mut self, asked: &[Outage]) {
        let mut asked = asked.to_vec();
        asked.sort();
        let mut outages: Vec<(Timestamp, Timestamp)> = Vec::new();
        for outage in asked {
            let (stops, starts) = (day_begins(outage.from), day_begins(outage.to));
            if stops < self.begins || starts >= self.ends {
                self.warnings.push(format!(
                    "The outage {outage} is not wholly within what is simulated, {}.",
                    self.span_in_words()
                ));
            }
            match outages.last_mut().filter(|(_, back)| stops <= *back) {
                Some((_, back)) => *back = starts.max(*back),
                None => outages.push((stops, starts)),
            }
        }
        if !outages.iter().any(|(stops, starts)| *stops <= self.begins && self.begins < *starts) {
            self.moments.push((self.begins, Moment::ServiceStarts));
        }
        for (stops, starts) in outages {
            if starts > self.begins {
                self.moments.extend([(stops, Moment::ServiceStops), (starts, Moment::ServiceStarts)]);
            }
        }
    }

    fn take_in_key(&mut self, args: &Args) -> Result<(), CliError> {
        let (Some(day), Some(at)) = (args.key_expires, self.key_expires) else { return Ok(()) };
        if at <= self.begins {
            return Err(CliError::new(
                Exit::Usage,
                format!(
                    "A certificate that expires on {day} is of no use in what is simulated, {}.",
                    self.span_in_words()
                ),
                "Name a day within it; without --key-expires no certificate expires.",
            ));
        }
        if at >= self.ends {
            self.warnings
                .push(format!("The certificate expires on {day}, after what is simulated, {}.", self.span_in_words()));
        }
        self.moments.push((at, Moment::KeyExpires));
        Ok(())
    }

    fn span_in_words(&self) -> String {
        format!("{} to {}", self.first_day, self.last_day)
    }
}

/// The day on which officers leave the file of this return.
fn left_on(owed: &Obligation, files: Files) -> Option<Date> {
    let days_after = match files {
        Files::Never => return None,
        Files::Ready => 1,
        Files::AfterExtraction(days) => i64::from(days),
    };
    Some(match owed.extract_from {
        Some(extract_from) => extract_from.saturating_add(days_after.days()),
        None => owed.transfer_on.saturating_sub(MI_DAYS_BEFORE.days()),
    })
}

fn comes_at(day: Date) -> Timestamp {
    let nine = day.at(OFFICERS_COME_AT, 0, 0, 0).to_zoned(london());
    nine.map_or_else(|_| day_begins(day), |nine| nine.timestamp())
}

fn at_most(what: &str, asked: usize, max: usize) -> Result<(), CliError> {
    if asked <= max {
        return Ok(());
    }
    let says = format!("A simulation takes at most {max} {what}, and {asked} were asked for.");
    Err(CliError::new(Exit::Usage, says, "Ask for some of them, and then for the others."))
}
