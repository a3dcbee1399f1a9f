//! Several years' timetables as one.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::{ExpectedPack, Obligation, PACK_WEEKS_AFTER_TRANSFER, Timetable, TimetableFault};
use crate::domain::authority::{Authority, LaNumber};
use crate::domain::kind::ReturnKind;
use crate::domain::period::{RelevantMonth, TimetableYear};

/// The timetables in force, at most one a year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timetables(BTreeMap<TimetableYear, Timetable>);

impl Timetables {
    /// These timetables, unless two are for the same year.
    pub fn new(timetables: impl IntoIterator<Item = Timetable>) -> Result<Timetables, Vec<TimetableFault>> {
        let (mut by_year, mut faults) = (BTreeMap::new(), Vec::new());
        for timetable in timetables {
            let year = timetable.year();
            if by_year.insert(year, timetable).is_some() {
                faults.push(TimetableFault::YearTwice { year });
            }
        }
        if faults.is_empty() { Ok(Timetables(by_year)) } else { Err(faults) }
    }

    /// These and one more, which takes the place of any other for its year.
    pub fn with(mut self, timetable: Timetable) -> Timetables {
        self.0.insert(timetable.year(), timetable);
        self
    }

    /// The timetable of one year.
    pub fn year(&self, year: TimetableYear) -> Option<&Timetable> {
        self.0.get(&year)
    }

    /// Every timetable, the earliest year first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Timetable> {
        self.0.values()
    }

    /// The latest timetable that has this authority.
    pub fn latest_with(&self, number: &LaNumber) -> Option<&Timetable> {
        self.iter().rev().find(|timetable| timetable.authority(number).is_some())
    }

    /// The authority of this number, as the latest timetable that has it names it.
    pub fn authority(&self, number: &LaNumber) -> Option<&Authority> {
        self.latest_with(number).and_then(|timetable| timetable.authority(number))
    }

    /// What this authority owes of this return over all years, by ascending transfer date.
    pub fn obligations(&self, number: &LaNumber, kind: ReturnKind) -> Vec<Obligation> {
        let mut all: Vec<_> = self.iter().flat_map(|timetable| timetable.obligations(number, kind)).collect();
        all.sort_by_key(|obligation| obligation.transfer_on);
        all
    }

    /// The month that a pack received on this day goes by: the latest whose week has begun or begins within
    /// [`PACK_EARLY_DAYS_MAX`](super::PACK_EARLY_DAYS_MAX) days, if its SHBE was sent in the two months before; else the calendar's.
    pub fn month_of_pack(&self, number: &LaNumber, received: Date) -> RelevantMonth {
        let shbe = self.obligations(number, ReturnKind::Shbe);
        let begun =
            |shbe: &&Obligation| ExpectedPack::following(shbe, PACK_WEEKS_AFTER_TRANSFER).takes_from() <= received;
        let before = shbe.iter().filter(begun).max_by_key(|one| one.transfer_on);
        let followed = before.filter(|shbe| shbe.transfer_on.saturating_add(62.days()) >= received);
        followed.map_or_else(|| RelevantMonth::of_day(received), |shbe| shbe.key.month)
    }

    /// The referral packs that follow this authority's SHBEs, each `weeks` weeks after the transfer week.
    pub fn expected_packs(&self, number: &LaNumber, weeks: u8) -> Vec<ExpectedPack> {
        let shbe = self.obligations(number, ReturnKind::Shbe);
        shbe.iter().map(|obligation| ExpectedPack::following(obligation, weeks)).collect()
    }

    /// Those of [`Timetables::expected_packs`] whose cycle was not over on the day `since`; all of them without one.
    pub fn packs_since(&self, number: &LaNumber, weeks: u8, since: Option<Date>) -> Vec<ExpectedPack> {
        let mut packs = self.expected_packs(number, weeks);
        if let Some(since) = since {
            let begun = packs.partition_point(|pack| pack.from <= since);
            packs.drain(..begun.saturating_sub(1));
        }
        packs
    }

    /// Whether this day lies in a week in which nothing is transferred.
    pub fn is_break(&self, day: Date) -> bool {
        let into_week = i64::from(day.weekday().to_monday_zero_offset());
        let monday = day.saturating_sub(into_week.days());
        self.iter().any(|timetable| timetable.breaks().contains(&monday))
    }

    /// The last day of which both returns' dates are known; after it nobody would be reminded of one of them.
    pub fn coverage_ends(&self, number: &LaNumber) -> Option<Date> {
        let last = |kind| self.obligations(number, kind).last().map(|obligation| obligation.transfer_on);
        last(ReturnKind::Shbe).zip(last(ReturnKind::HbmsMi)).map(|(shbe, hbms_mi)| shbe.min(hbms_mi))
    }
}
