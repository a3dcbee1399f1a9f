//! The months and years that returns are counted in.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The month a return is for, such as `2020-04`. Not the month in which it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelevantMonth {
    year: i16,
    month: i8,
}

/// The text is not a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month: write it as 2020-04")]
pub struct NotAMonth(pub String);

impl RelevantMonth {
    /// `month` counts from 1; `None` outside 1 to 12.
    pub fn new(year: i16, month: i8) -> Option<RelevantMonth> {
        ((1..=12).contains(&month) && (1000..=9999).contains(&year)).then_some(RelevantMonth { year, month })
    }

    /// The month of this day.
    pub fn of_day(day: Date) -> RelevantMonth {
        RelevantMonth { year: day.year(), month: day.month() }
    }

    /// The month after it.
    pub fn next(self) -> RelevantMonth {
        match self.month {
            12 => RelevantMonth { year: self.year + 1, month: 1 },
            month => RelevantMonth { month: month + 1, ..self },
        }
    }

    /// The month before it.
    pub fn previous(self) -> RelevantMonth {
        match self.month {
            1 => RelevantMonth { year: self.year - 1, month: 12 },
            month => RelevantMonth { month: month - 1, ..self },
        }
    }
}

impl RelevantMonth {
    /// Its first day.
    pub fn first_day(self) -> Date {
        Date::new(self.year, self.month, 1).unwrap_or(Date::MIN)
    }
}

impl FromStr for RelevantMonth {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let bad = || NotAMonth(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(bad)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(bad());
        }
        let parsed = year.parse().ok().zip(month.parse().ok());
        parsed.and_then(|(year, month)| RelevantMonth::new(year, month)).ok_or_else(bad)
    }
}

impl fmt::Display for RelevantMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A timetable's year, April to March, such as `2020-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimetableYear(i16);

/// The text is not a timetable year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a timetable year: write it as 2020-21")]
pub struct NotAYear(pub String);

impl TimetableYear {
    /// The year that begins in the April of `year`.
    pub fn beginning(year: i16) -> TimetableYear {
        TimetableYear(year)
    }

    /// The year that has this month.
    pub fn of(month: RelevantMonth) -> TimetableYear {
        TimetableYear(if month.month >= 4 { month.year } else { month.year - 1 })
    }

    /// The calendar year of its April.
    pub fn first_calendar_year(self) -> i16 {
        self.0
    }

    /// Its months, April to March.
    pub fn months(self) -> impl Iterator<Item = RelevantMonth> {
        let (first, second) = (self.0, self.0.saturating_add(1));
        let (spring, winter) = ((4..=12).map(move |m| (first, m)), (1..=3).map(move |m| (second, m)));
        spring.chain(winter).filter_map(|(year, month)| RelevantMonth::new(year, month))
    }
}

impl FromStr for TimetableYear {
    type Err = NotAYear;

    fn from_str(text: &str) -> Result<Self, NotAYear> {
        let bad = || NotAYear(text.to_owned());
        let (first, second) = text.split_once('-').ok_or_else(bad)?;
        let year: i16 = first.parse().map_err(|_| bad())?;
        let written = TimetableYear(year);
        if first.len() == 4 && second.len() == 2 && written.to_string() == text { Ok(written) } else { Err(bad()) }
    }
}

impl fmt::Display for TimetableYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0, (self.0 + 1) % 100)
    }
}

macro_rules! through_text {
    ($type:ident, $error:ident) => {
        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}

through_text!(RelevantMonth, NotAMonth);
through_text!(TimetableYear, NotAYear);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_as_printed() {
        assert_eq!("2020-04".parse::<RelevantMonth>().unwrap().to_string(), "2020-04");
        assert_eq!("1999-00".parse::<TimetableYear>().unwrap().to_string(), "1999-00");
        let december: RelevantMonth = "2020-12".parse().unwrap();
        assert_eq!((december.next().to_string().as_str(), december.next().previous()), ("2021-01", december));
        for bad in ["2020-13", "2020-4", "20-04", "2020", "2020-00", "+202-04"] {
            assert!(bad.parse::<RelevantMonth>().is_err(), "{bad}");
        }
        for (month, year) in [("2020-04", "2020-21"), ("2021-03", "2020-21"), ("2021-04", "2021-22")] {
            assert_eq!(TimetableYear::of(month.parse().unwrap()).to_string(), year);
        }
        for bad in ["2020-22", "2020", "2020-2021"] {
            assert!(bad.parse::<TimetableYear>().is_err(), "{bad}");
        }
    }
}
