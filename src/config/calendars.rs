//! Bank holidays as data.
//!
//! In:  CSV with a heading line `division,date,name`, as in `config/calendars/bank-holidays.csv`.
//! Out: [`BankHolidays`], or the first line that cannot be read.

use jiff::civil::Date;

use crate::domain::working_days::{BankHolidays, Division};

const BUNDLED: &str = include_str!("../../config/calendars/bank-holidays.csv");
const HEADING: &str = "division,date,name";

/// A line that is no bank holiday.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the bank holidays: {says}; write it as scotland,2020-11-30,St Andrew's Day")]
pub struct CalendarFault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub says: String,
}

/// The bank holidays this build brings along: England and Wales, and Scotland, 2019 to 2027.
pub fn bank_holidays() -> Result<BankHolidays, CalendarFault> {
    read(BUNDLED)
}

/// The bank holidays of this text. Lines that begin with `#` are for people.
pub fn read(text: &str) -> Result<BankHolidays, CalendarFault> {
    let mut days = Vec::new();
    let mut heading = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |says: String| CalendarFault { line: at + 1, says };
        if !heading {
            if line.trim() != HEADING {
                return Err(fault(format!("the heading `{HEADING}` is missing")));
            }
            heading = true;
            continue;
        }
        let mut cells = line.splitn(3, ',').map(str::trim);
        let (Some(division), Some(date), Some(name)) = (cells.next(), cells.next(), cells.next()) else {
            return Err(fault("there are not three columns".to_owned()));
        };
        let division: Division = division.parse().map_err(|error| fault(format!("{error}")))?;
        let date: Date = date.parse().map_err(|_| fault(format!("`{date}` is not a date")))?;
        days.push((division, date, name.to_owned()));
    }
    Ok(BankHolidays::new(days))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};

    use super::*;

    #[test]
    fn the_bundled_ones_cover_2019_to_2027_and_fall_on_no_weekend() {
        let known = bank_holidays().unwrap();
        for year in 2019..=2027 {
            for division in Division::ALL {
                assert!(known.covers(division, date(year, 1, 1)), "{division} {year}");
            }
        }
        let dates = BUNDLED.lines().filter_map(|line| line.split(',').nth(1)?.parse::<Date>().ok());
        assert_eq!(dates.clone().count(), 160);
        for date in dates {
            assert!(!matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday), "{date}");
        }
    }

    #[test]
    fn moved_and_single_days_are_as_proclaimed() {
        let known = bank_holidays().unwrap();
        let both = |day| Division::ALL.map(|division| known.name(division, day).is_some());
        // The early May bank holiday of 2020 was moved from the 4th to the 8th.
        assert_eq!([both(date(2020, 5, 4)), both(date(2020, 5, 8))], [[false; 2], [true; 2]]);
        assert_eq!([both(date(2022, 9, 19)), both(date(2023, 5, 8))], [[true; 2]; 2]);
        // Easter Monday is one in England and Wales alone, the second of January in Scotland alone.
        assert_eq!([both(date(2021, 4, 5)), both(date(2020, 1, 2))], [[true, false], [false, true]]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for (text, line) in [
            ("date,name\n", 1),
            ("division,date,name\nscotland,2020-13-01,x\n", 2),
            ("division,date,name\n\nwales,2020-12-25,x\n", 3),
        ] {
            assert_eq!(read(text).unwrap_err().line, line, "{text}");
        }
    }
}
