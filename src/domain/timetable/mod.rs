//! DWP's timetable of returns for one year: who sends what on which day.
//!
//! In:  groups of authorities with their dates, as read by `config`.
//! Out: what an authority owes ([`Obligation`]), where it stands in the cycle, when a referral pack is to be expected.
//! Holds: a [`Timetable`] that exists has passed every check in [`check`]; its dates are data and never derived.

mod check;
mod difference;
mod fault;
mod group;
mod in_force;
mod pack;
mod years;

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::authority::{Authority, LaNumber};
use super::kind::ReturnKind;
use super::period::TimetableYear;
use super::submission::SubmissionKey;

pub use difference::{ChangedDate, Dates, Difference, Moved, Placed, Renamed};
pub use fault::TimetableFault;
pub use group::{Group, GroupName, HbmsMiDate, ShbeDate};
pub use in_force::InForce;
pub use pack::{ExpectedPack, PACK_EARLY_DAYS_MAX, PACK_WEEKS_AFTER_TRANSFER};
pub use years::Timetables;

/// One year's timetable: every authority in exactly one group, every group with its dates in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    year: TimetableYear,
    breaks: Vec<Date>,
    groups: Vec<Group>,
    /// For each authority, the place of its group and its place within the group.
    places: BTreeMap<LaNumber, (usize, usize)>,
}

/// One return owed on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// Which return, whose, for which month.
    pub key: SubmissionKey,
    /// SHBE: the data may not be extracted before this day. The MI return has none.
    pub extract_from: Option<Date>,
    /// The day on which it must be sent, Europe/London.
    pub transfer_on: Date,
}

impl Timetable {
    /// A timetable, if all of it holds together; otherwise everything that is wrong with it.
    ///
    /// `breaks` are the Mondays of the weeks in which nothing is transferred.
    pub fn new(year: TimetableYear, breaks: Vec<Date>, groups: Vec<Group>) -> Result<Timetable, Vec<TimetableFault>> {
        let faults = check::faults(year, &breaks, &groups);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut places = BTreeMap::new();
        for (at, group) in groups.iter().enumerate() {
            places.extend(group.authorities.iter().enumerate().map(|(within, a)| (a.number.clone(), (at, within))));
        }
        Ok(Timetable { year, breaks, groups, places })
    }

    /// The year it is for.
    pub fn year(&self) -> TimetableYear {
        self.year
    }

    /// The Mondays of the weeks in which nothing is transferred.
    pub fn breaks(&self) -> &[Date] {
        &self.breaks
    }

    /// The groups, in the order they were given.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Every authority, by ascending number as text.
    pub fn authorities(&self) -> impl ExactSizeIterator<Item = &Authority> {
        self.places.values().map(|&(at, within)| &self.groups[at].authorities[within])
    }

    /// The authority of this number.
    pub fn authority(&self, number: &LaNumber) -> Option<&Authority> {
        self.places.get(number).map(|&(at, within)| &self.groups[at].authorities[within])
    }

    /// The group whose dates this authority keeps.
    pub fn group_of(&self, number: &LaNumber) -> Option<&Group> {
        self.places.get(number).map(|&(at, _)| &self.groups[at])
    }

    /// What this authority owes of this return, by ascending transfer date. Empty for a number that is not in the timetable.
    pub fn obligations(&self, number: &LaNumber, kind: ReturnKind) -> Vec<Obligation> {
        let rows = self.group_of(number).map(|group| group.rows(kind)).unwrap_or_default();
        rows.into_iter()
            .map(|row| Obligation {
                key: SubmissionKey { kind, authority: number.clone(), month: row.relevant_month, workbook: None },
                extract_from: row.extract_from,
                transfer_on: row.transfer_on,
            })
            .collect()
    }
}
