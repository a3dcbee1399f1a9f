//! The order that puts a timetable into force.
//!
//! In:  the text of a timetable file, with a reason and the findings that a person has ruled on. Out: it is in force for its
//! year from now on; what is recorded already keeps its dates, and the answer says where that makes a difference.
//! Holds: a text that is no whole timetable, or with an error that nobody has ruled on, is refused; the text is kept with its
//! entry in one transaction.

mod judgement;
mod recorded;
mod ruling;

use std::path::Path;

use super::{Done, NO_REASON, Operator, Refused};
use crate::catalogue::circular::Terms;
use crate::config::{authorities, calendars, timetable};
use crate::domain::Actor;
use crate::domain::causes::with_causes;
use crate::domain::ledger::{Event, Facts};
use crate::domain::timetable::Timetable;
use crate::store::{RecordError, StateChange, SubmissionFilter};

pub use judgement::{fewer, judge};
pub use recorded::differing;
pub use ruling::{Ruling, RulingFault, unruled};

/// What the findings call a text that came with an order.
const GIVEN: &str = "given with the order";
/// Findings or rulings that an answer or an entry names one by one.
const NAMED_MAX: usize = 10;

impl Operator {
    pub(super) fn activate(
        &self,
        actor: &Actor,
        text: &str,
        accept: &[Ruling],
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        if reason.trim().is_empty() {
            return Err(Refused::Unfit(NO_REASON.to_owned()));
        }
        let read = timetable::read(Path::new(GIVEN), text);
        let timetable = read.map_err(|error| Refused::Unfit(with_causes(&error)))?;
        self.is_ruled_on(&timetable, text, accept)?;
        let year = timetable.year();
        let recorded = self.queries.submissions(&SubmissionFilter { open: true, ..SubmissionFilter::default() })?;
        let why = match accept {
            [] => reason.to_owned(),
            accept => format!("{reason} (taken as it is: {})", named(accept)),
        };
        let facts = Facts { about: by.map(str::to_owned), why: Some(why), ..Facts::default() };
        let state = StateChange::ActivateTimetable { year, text: text.to_owned() };
        match self.record(actor, Event::TimetableActivated, facts, state) {
            Err(RecordError::Exists { .. }) => {
                return Err(Refused::Unfit(format!("exactly this timetable is in force for {year} already")));
            }
            recorded => recorded?,
        }
        let (groups, members) = (timetable.groups().len(), timetable.authorities().len());
        let kept = recorded::kept_dates(&recorded, &timetable);
        self.timetables.take_up(timetable);
        let says = format!("The timetable of {year} is in force: {groups} groups, {members} authorities. {kept}");
        Ok(Done::saying(says))
    }

    /// Refuses what is odd at the level of an error, unless a person has ruled on it.
    fn is_ruled_on(&self, timetable: &Timetable, text: &str, accept: &[Ruling]) -> Result<(), Refused> {
        // An operator's own table of numbers changes warnings only.
        let authorities = authorities::authorities(None).map_err(|fault| Refused::Unfinished(with_causes(&fault)))?;
        let bank_holidays = calendars::bank_holidays().map_err(|fault| Refused::Unfinished(with_causes(&fault)))?;
        let terms = Terms { year: timetable.year(), authorities: &authorities, bank_holidays: &bank_holidays };
        let findings = judge(timetable, GIVEN, text, &terms, &self.timetables.now());
        let open = unruled(&findings, accept).map_err(|fault| Refused::Unfit(fault.to_string()))?;
        if open.is_empty() {
            return Ok(());
        }
        let rulings: Vec<Ruling> = open.into_iter().map(Ruling::on).collect();
        Err(Refused::Unfit(format!(
            "findings at the level of an error stand against it that nobody has ruled on: {}; `hbcourier timetable lint` \
             says what they are",
            named(&rulings)
        )))
    }
}

fn named(rulings: &[Ruling]) -> String {
    let named = rulings.iter().take(NAMED_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match rulings.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
