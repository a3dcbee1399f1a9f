//! A timetable file as it is written: every field as text, so that each can be judged for itself.
//!
//! In:  what serde made of the TOML.
//! Out: a checked [`Timetable`], or every problem, each with its place.

use std::fmt::Display;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use serde::Deserialize;

use crate::domain::timetable::{Group, GroupName, HbmsMiDate, ShbeDate, Timetable, TimetableFault};
use crate::domain::{Authority, LaNumber, RelevantMonth, TimetableYear};

/// One year's timetable.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimetable {
    /// Such as "2020-21".
    year: String,
    /// The document it was taken from. For people.
    #[serde(default, rename = "source")]
    _source: String,
    /// The Mondays of the weeks without transfers.
    #[serde(default)]
    breaks: Vec<String>,
    /// The groups.
    #[serde(default)]
    group: Vec<RawGroup>,
}

/// The authorities that share a week, a day and its dates.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    /// 1 to 4.
    week: u8,
    /// The day of transfer in English, such as "Monday".
    weekday: String,
    /// The dates of both returns, where they are the same.
    dates: Option<Vec<RawDate>>,
    /// The dates of the SHBE, where it has its own.
    shbe: Option<Vec<RawDate>>,
    /// The dates of the HBMS MI return, where it has its own.
    hbms_mi: Option<Vec<RawDate>>,
    /// Number and name of each authority.
    authorities: Vec<(String, String)>,
}

/// One month.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDate {
    /// Such as "2020-04".
    relevant_month: String,
    /// SHBE only: the earliest data extraction date.
    extract_from: Option<String>,
    /// The data transfer date.
    transfer_on: String,
}

/// One month whose texts have been read.
struct ReadDate {
    relevant_month: RelevantMonth,
    extract_from: Option<Date>,
    transfer_on: Date,
}

/// What is wrong so far, each with the place it was found in.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, place: &str, problem: impl Display) {
        self.0.push(format!("{place}: {problem}"));
    }

    fn read<T: FromStr<Err: Display>>(&mut self, place: &str, text: &str) -> Option<T> {
        text.parse().map_err(|problem| self.add(place, problem)).ok()
    }

    fn read_date(&mut self, place: &str, text: &str) -> Option<Date> {
        // jiff reads more than the form we print: times, zones and compact dates are not what an editor meant.
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
        if date.is_none() {
            self.add(place, format_args!("`{text}` is not a date: write it as 2020-04-14"));
        }
        date
    }
}

impl RawTimetable {
    /// The timetable, or everything that is wrong with it.
    pub(super) fn check(self) -> Result<Timetable, Vec<String>> {
        let mut problems = Problems::default();
        let year: Option<TimetableYear> = problems.read("year", &self.year);
        let breaks = self.breaks.iter().filter_map(|text| problems.read_date("breaks", text)).collect();
        let groups = self.group.into_iter().filter_map(|group| group.check(&mut problems)).collect();
        let Some(year) = year else { return Err(problems.0) };
        let faults = match Timetable::new(year, breaks, groups) {
            Ok(timetable) if problems.0.is_empty() => return Ok(timetable),
            Ok(_) => Vec::new(),
            Err(faults) => faults,
        };
        // What could not be read is missing from what was checked; that is not a second problem.
        let unread = !problems.0.is_empty();
        let genuine = faults.iter().filter(|fault| !(unread && is_absence(fault)));
        problems.0.extend(genuine.map(ToString::to_string));
        Err(problems.0)
    }
}

/// Whether the fault is that something is not there.
fn is_absence(fault: &TimetableFault) -> bool {
    use TimetableFault::*;
    match fault {
        NoGroups | NoAuthorities { .. } | NoDates { .. } | MonthSkipped { .. } => true,
        WeekUnknown { .. }
        | GroupTwice { .. }
        | AuthorityTwice { .. }
        | AuthorityUnnamed { .. }
        | MonthOutsideYear { .. }
        | MonthOutOfOrder { .. }
        | TransferOutOfOrder { .. }
        | ExtractAfterTransfer { .. }
        | TransferInBreak { .. }
        | BreakNotMonday { .. }
        | YearTwice { .. } => false,
    }
}

impl RawGroup {
    fn check(self, problems: &mut Problems) -> Option<Group> {
        let place = format!("week {} {}", self.week, self.weekday);
        let weekday = weekday(&self.weekday);
        if weekday.is_none() {
            problems.add(&place, format_args!("`{}` is not a day of the week: write it as Monday", self.weekday));
        }
        if self.dates.is_some() && self.shbe.is_some() && self.hbms_mi.is_some() {
            problems.add(&place, "`dates` is not used, because `shbe` and `hbms_mi` are both given");
        }
        let shared = read_dates(&place, self.dates.unwrap_or_default(), problems);
        let own_shbe = self.shbe.map(|dates| read_dates(&place, dates, problems));
        let own_mi = self.hbms_mi.map(|dates| read_dates(&place, dates, problems));
        let shbe = shbe_dates(&place, own_shbe.as_ref().unwrap_or(&shared), problems);
        for own in own_mi.iter().flatten().filter(|date| date.extract_from.is_some()) {
            let month = own.relevant_month;
            problems.add(&place, format_args!("hbms_mi, {month}: `extract_from` belongs to the SHBE alone"));
        }
        let hbms_mi = own_mi.as_ref().unwrap_or(&shared).iter();
        let hbms_mi = hbms_mi.map(|d| HbmsMiDate { relevant_month: d.relevant_month, transfer_on: d.transfer_on });
        let mut authorities = Vec::new();
        for (number, name) in self.authorities {
            let number: Option<LaNumber> = problems.read(&place, &number);
            authorities.extend(number.map(|number| Authority { number, name }));
        }
        let name = GroupName { week: self.week, weekday: weekday? };
        Some(Group { name, shbe, hbms_mi: hbms_mi.collect(), authorities })
    }
}

fn read_dates(place: &str, dates: Vec<RawDate>, problems: &mut Problems) -> Vec<ReadDate> {
    let mut read = |date: RawDate| {
        let place = format!("{place}, {}", date.relevant_month);
        let relevant_month = problems.read(&place, &date.relevant_month);
        let transfer_on = problems.read_date(&place, &date.transfer_on);
        let extract_from = match date.extract_from {
            Some(text) => Some(problems.read_date(&place, &text)?),
            None => None,
        };
        Some(ReadDate { relevant_month: relevant_month?, extract_from, transfer_on: transfer_on? })
    };
    dates.into_iter().filter_map(&mut read).collect()
}

fn shbe_dates(place: &str, dates: &[ReadDate], problems: &mut Problems) -> Vec<ShbeDate> {
    let mut with_extraction = |date: &ReadDate| {
        let &ReadDate { relevant_month, extract_from, transfer_on } = date;
        if extract_from.is_none() {
            problems.add(place, format_args!("shbe, {relevant_month}: `extract_from` is missing"));
        }
        extract_from.map(|extract_from| ShbeDate { relevant_month, extract_from, transfer_on })
    };
    dates.iter().filter_map(&mut with_extraction).collect()
}

fn weekday(name: &str) -> Option<Weekday> {
    use Weekday::*;
    let all = [Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday];
    all.into_iter().find(|&weekday| GroupName { week: 1, weekday }.day() == name)
}
