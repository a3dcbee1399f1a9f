//! Which days are working days: Monday to Friday, less the bank holidays of the part of the country.
//!
//! In:  bank holidays as dated data, read by `config`. Out: whether a day is one on which an office works.
//! Holds: nothing is computed from a rule; of a year without data nothing is known, and [`BankHolidays::covers`] says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// A part of the country with bank holidays of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Division {
    /// England and Wales, which share theirs.
    EnglandAndWales,
    /// Scotland.
    Scotland,
}

/// The text names no division.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no division: write england-and-wales or scotland")]
pub struct NotADivision(pub String);

impl Division {
    /// Both.
    pub const ALL: [Division; 2] = [Division::EnglandAndWales, Division::Scotland];

    /// As it is written in data and in answers to scripts.
    pub fn word(self) -> &'static str {
        match self {
            Division::EnglandAndWales => "england-and-wales",
            Division::Scotland => "scotland",
        }
    }
}

impl FromStr for Division {
    type Err = NotADivision;

    fn from_str(text: &str) -> Result<Self, NotADivision> {
        Division::ALL.into_iter().find(|division| division.word() == text).ok_or_else(|| NotADivision(text.to_owned()))
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Division::EnglandAndWales => "England and Wales",
            Division::Scotland => "Scotland",
        })
    }
}

/// The bank holidays that are known, by day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankHolidays {
    days: BTreeMap<(Division, Date), String>,
    years: BTreeSet<(Division, i16)>,
}

impl BankHolidays {
    /// These days, each with its name. A year with at least one of them counts as known.
    pub fn new(days: impl IntoIterator<Item = (Division, Date, String)>) -> BankHolidays {
        let days: BTreeMap<_, _> = days.into_iter().map(|(division, date, name)| ((division, date), name)).collect();
        let years = days.keys().map(|(division, date)| (*division, date.year())).collect();
        BankHolidays { days, years }
    }

    /// The bank holiday's name, if the day is one there.
    pub fn name(&self, division: Division, date: Date) -> Option<&str> {
        self.days.get(&(division, date)).map(String::as_str)
    }

    /// Whether the bank holidays of the day's year are known there.
    pub fn covers(&self, division: Division, date: Date) -> bool {
        self.years.contains(&(division, date.year()))
    }

    /// Whether an office there works on this day. In a year without data every day from Monday to Friday counts.
    pub fn is_working_day(&self, division: Division, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        !weekend && self.name(division, date).is_none()
    }

    /// The day that is `count` working days after this one; with 0 the day itself, whatever it is.
    pub fn working_days_after(&self, division: Division, date: Date, count: u8) -> Date {
        let (mut day, mut left) = (date, count);
        while left > 0 && day < Date::MAX {
            day = day.saturating_add(1.day());
            if self.is_working_day(division, day) {
                left -= 1;
            }
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn easter() -> BankHolidays {
        let friday = (Division::Scotland, date(2020, 4, 10), "Good Friday".to_owned());
        BankHolidays::new([
            friday,
            (Division::EnglandAndWales, date(2020, 4, 10), "Good Friday".to_owned()),
            (Division::EnglandAndWales, date(2020, 4, 13), "Easter Monday".to_owned()),
        ])
    }

    #[test]
    fn weekends_and_the_divisions_own_bank_holidays_are_no_working_days() {
        let known = easter();
        assert!(!known.is_working_day(Division::EnglandAndWales, date(2020, 4, 13)));
        assert!(known.is_working_day(Division::Scotland, date(2020, 4, 13)));
        assert!(!known.is_working_day(Division::Scotland, date(2020, 4, 11)));
        assert_eq!(known.name(Division::EnglandAndWales, date(2020, 4, 13)), Some("Easter Monday"));
    }

    #[test]
    fn working_days_are_counted_over_weekends_and_bank_holidays() {
        let known = easter();
        let thursday = date(2020, 4, 9);
        assert_eq!(known.working_days_after(Division::EnglandAndWales, thursday, 1), date(2020, 4, 14));
        assert_eq!(known.working_days_after(Division::Scotland, thursday, 1), date(2020, 4, 13));
        assert_eq!(known.working_days_after(Division::Scotland, thursday, 0), thursday);
    }

    #[test]
    fn of_a_year_without_data_nothing_is_known() {
        assert!(easter().covers(Division::Scotland, date(2020, 12, 25)));
        assert!(!easter().covers(Division::Scotland, date(2021, 1, 1)));
    }
}
