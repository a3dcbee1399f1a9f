//! A group of the timetable: the authorities that share a week of the cycle, a day, and all of that day's dates.

use std::fmt;

use jiff::civil::{Date, Weekday};
use serde::Serialize;

use crate::domain::authority::Authority;
use crate::domain::kind::ReturnKind;
use crate::domain::period::RelevantMonth;

/// The authorities that transfer together, and when. Every authority of a group keeps every date of the group.
// DWP A5/2020 Annexes B and D print both lists side by side; a line pairs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which week of the cycle and which day.
    pub name: GroupName,
    /// When the SHBE is due.
    pub shbe: Vec<ShbeDate>,
    /// When the HBMS MI return is due: an obligation of its own, also in a year in which the days are the same.
    pub hbms_mi: Vec<HbmsMiDate>,
    /// Who is in the group.
    pub authorities: Vec<Authority>,
}

/// Names a group by its week of the cycle and its day of transfer.
///
/// The day is a name. After a bank holiday a Monday group transfers on a Tuesday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupName {
    /// Week 1 to 4 of the data sharing cycle.
    pub week: u8,
    /// The day of transfer, as the timetable heads it.
    pub weekday: Weekday,
}

/// One month's SHBE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShbeDate {
    /// The month it is for.
    pub relevant_month: RelevantMonth,
    /// The earliest data extraction date.
    pub extract_from: Date,
    /// The data transfer date.
    pub transfer_on: Date,
}

/// One month's HBMS MI return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HbmsMiDate {
    /// The month it is for.
    pub relevant_month: RelevantMonth,
    /// The day on which it must be returned.
    pub transfer_on: Date,
}

/// One month of either return.
pub(super) struct Row {
    pub(super) relevant_month: RelevantMonth,
    pub(super) extract_from: Option<Date>,
    pub(super) transfer_on: Date,
}

impl Group {
    /// The dates of this return, in the order they were given.
    pub(super) fn rows(&self, kind: ReturnKind) -> Vec<Row> {
        match kind {
            ReturnKind::Shbe => self.shbe.iter().map(Row::from).collect(),
            ReturnKind::HbmsMi => self.hbms_mi.iter().map(Row::from).collect(),
        }
    }
}

impl From<&ShbeDate> for Row {
    fn from(date: &ShbeDate) -> Row {
        Row {
            relevant_month: date.relevant_month,
            extract_from: Some(date.extract_from),
            transfer_on: date.transfer_on,
        }
    }
}

impl From<&HbmsMiDate> for Row {
    fn from(date: &HbmsMiDate) -> Row {
        Row { relevant_month: date.relevant_month, extract_from: None, transfer_on: date.transfer_on }
    }
}

impl GroupName {
    /// The day's name in English, as DWP prints it.
    pub fn day(self) -> &'static str {
        match self.weekday {
            Weekday::Monday => "Monday",
            Weekday::Tuesday => "Tuesday",
            Weekday::Wednesday => "Wednesday",
            Weekday::Thursday => "Thursday",
            Weekday::Friday => "Friday",
            Weekday::Saturday => "Saturday",
            Weekday::Sunday => "Sunday",
        }
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "week {} {}", self.week, self.day())
    }
}
