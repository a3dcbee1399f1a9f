//! The checks a timetable passes before it exists.
//!
//! In:  what was read. Out: every fault, so that one round of corrections is enough.
//! Holds: says nothing about spacing or weekdays, because bank holidays move both.

use std::collections::{BTreeMap, HashSet};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::fault::TimetableFault;
use super::group::{Group, GroupName, Row};
use crate::domain::authority::LaNumber;
use crate::domain::kind::ReturnKind;
use crate::domain::period::{RelevantMonth, TimetableYear};

/// Weeks of the data sharing cycle.
const WEEKS: std::ops::RangeInclusive<u8> = 1..=4;

pub(super) fn faults(year: TimetableYear, breaks: &[Date], groups: &[Group]) -> Vec<TimetableFault> {
    let mut faults = Vec::new();
    let odd_breaks = breaks.iter().filter(|date| date.weekday() != Weekday::Monday);
    faults.extend(odd_breaks.map(|&date| TimetableFault::BreakNotMonday { date }));
    if groups.is_empty() {
        faults.push(TimetableFault::NoGroups);
    }
    check_names(groups, &mut faults);
    check_authorities(groups, &mut faults);
    let months: Vec<RelevantMonth> = year.months().collect();
    for group in groups {
        for kind in ReturnKind::ALL {
            let rows = group.rows(kind);
            let list = List { group: group.name, kind, rows: &rows };
            list.check_months(year, &months, &mut faults);
            list.check_dates(breaks, &mut faults);
        }
    }
    faults
}

fn check_names(groups: &[Group], faults: &mut Vec<TimetableFault>) {
    let mut seen = HashSet::new();
    for group in groups.iter().map(|group| group.name) {
        if !WEEKS.contains(&group.week) {
            faults.push(TimetableFault::WeekUnknown { group });
        }
        if !seen.insert(group) {
            faults.push(TimetableFault::GroupTwice { group });
        }
    }
}

fn check_authorities(groups: &[Group], faults: &mut Vec<TimetableFault>) {
    let mut seen: BTreeMap<&LaNumber, GroupName> = BTreeMap::new();
    for group in groups {
        if group.authorities.is_empty() {
            faults.push(TimetableFault::NoAuthorities { group: group.name });
        }
        for authority in &group.authorities {
            let number = &authority.number;
            if authority.name.trim().is_empty() {
                faults.push(TimetableFault::AuthorityUnnamed { number: number.clone(), group: group.name });
            }
            if let Some(&first) = seen.get(number) {
                let second = group.name;
                faults.push(TimetableFault::AuthorityTwice { number: number.clone(), first, second });
            } else {
                seen.insert(number, group.name);
            }
        }
    }
}

/// One group's dates for one return.
struct List<'a> {
    group: GroupName,
    kind: ReturnKind,
    rows: &'a [Row],
}

impl List<'_> {
    fn check_months(&self, year: TimetableYear, months: &[RelevantMonth], faults: &mut Vec<TimetableFault>) {
        let &List { group, kind, rows } = self;
        if rows.is_empty() {
            faults.push(TimetableFault::NoDates { group, kind });
        }
        for month in rows.iter().map(|row| row.relevant_month).filter(|month| !months.contains(month)) {
            faults.push(TimetableFault::MonthOutsideYear { group, kind, month, year });
        }
        for pair in rows.windows(2) {
            let (before, month) = (pair[0].relevant_month, pair[1].relevant_month);
            if month <= before {
                faults.push(TimetableFault::MonthOutOfOrder { group, kind, month, before });
            }
            let between = months.iter().filter(|&&m| before < m && m < month);
            faults.extend(between.map(|&month| TimetableFault::MonthSkipped { group, kind, month }));
        }
    }

    fn check_dates(&self, breaks: &[Date], faults: &mut Vec<TimetableFault>) {
        let &List { group, kind, rows } = self;
        for pair in rows.windows(2) {
            let (before, transfer_on) = (pair[0].transfer_on, pair[1].transfer_on);
            if transfer_on <= before {
                let month = pair[1].relevant_month;
                faults.push(TimetableFault::TransferOutOfOrder { group, kind, month, transfer_on, before });
            }
        }
        for row in rows {
            let (month, transfer_on) = (row.relevant_month, row.transfer_on);
            if let Some(extract_from) = row.extract_from.filter(|&from| from > transfer_on) {
                faults.push(TimetableFault::ExtractAfterTransfer { group, month, extract_from, transfer_on });
            }
            if let Some(&week) = breaks.iter().find(|&&week| in_week(week, transfer_on)) {
                faults.push(TimetableFault::TransferInBreak { group, kind, month, transfer_on, week });
            }
        }
    }
}

fn in_week(monday: Date, date: Date) -> bool {
    monday <= date && date < monday.saturating_add(7.days())
}
