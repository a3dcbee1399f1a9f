//! An annex as printed: its groups, each with a list of months and a list of authorities.
//!
//! In:  the lines of a table. Out: [`Annex`].
//! Holds: a group begins where the day (and, if printed, the week) of the dated rows changes and stays changed; one row that
//! differs from those around it is out of place, and its dates are not used.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};

use super::Severity;
use super::finding::{Findings, TimetableFinding};
use super::pairing::Members;
use super::row::{self, Dated, PrintedAuthority, Row};
use super::table::{Layout, PrintedTable};
use crate::domain::timetable::GroupName;
use crate::domain::{RelevantMonth, TimetableYear};

/// One annex, read.
pub(super) struct Annex {
    pub(super) file: String,
    pub(super) letter: String,
    pub(super) layout: Layout,
    pub(super) breaks: Vec<(Date, usize)>,
    pub(super) groups: Vec<PrintedGroup>,
}

/// One group as printed.
pub(super) struct PrintedGroup {
    pub(super) name: GroupName,
    /// Its first line.
    pub(super) line: usize,
    /// Every month's first row.
    pub(super) months: BTreeMap<RelevantMonth, Dated>,
    pub(super) authorities: Vec<PrintedAuthority>,
    /// The counts printed below it, each with its line.
    subtotals: Vec<(usize, Vec<usize>)>,
}

impl Annex {
    pub(super) fn group(&self, name: GroupName) -> Option<&PrintedGroup> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// Puts the annex's place on a finding.
    pub(super) fn at<'f>(&self, finding: &'f mut TimetableFinding, line: usize) -> &'f mut TimetableFinding {
        finding.file(&self.file).annex(&self.letter).line(line)
    }
}

/// Reads the table's groups.
pub(super) fn annex(table: &PrintedTable, year: TimetableYear, findings: &mut Findings) -> Annex {
    let mut annex = Annex {
        file: table.file.clone(),
        letter: table.annex.clone(),
        layout: table.layout,
        breaks: table.breaks.clone(),
        groups: Vec::new(),
    };
    let rows = rows(table, &annex, findings);
    let dated: Vec<&Dated> = rows.iter().filter_map(|(_, row)| dated_of(row)).collect();
    let mut gathering = Gathering { year, dated_before: 0, last: None };
    for (line, row) in &rows {
        match row {
            Row::Blank => {}
            Row::Subtotal(counts) => match annex.groups.last_mut() {
                Some(group) => group.subtotals.push((*line, counts.clone())),
                None => {
                    annex.at(findings.error("row-unread", "A subtotal stands before the first group."), *line);
                }
            },
            Row::Cells(left, right) => {
                if let Some(row) = left {
                    gathering.dated(row, &dated, &mut annex, findings);
                }
                match (right, annex.groups.last_mut()) {
                    (Some(authority), Some(group)) => group.authorities.push(authority.clone()),
                    (Some(_), None) => {
                        let finding = findings.error("row-unread", "An authority stands before the first group.");
                        annex.at(finding, *line);
                    }
                    (None, _) => {}
                }
            }
        }
    }
    check_months(&annex, year, findings);
    annex
}

fn rows(table: &PrintedTable, annex: &Annex, findings: &mut Findings) -> Vec<(usize, Row)> {
    let mut rows = Vec::new();
    for line in &table.lines {
        match row::read(line, table.layout) {
            Ok(row) => rows.push((line.number, row)),
            Err(unread) => {
                annex.at(findings.error(unread.code, unread.says), line.number);
                rows.push((line.number, Row::Cells(None, unread.authority)));
            }
        }
    }
    rows
}

fn dated_of(row: &Row) -> Option<&Dated> {
    match row {
        Row::Cells(dated, _) => dated.as_ref(),
        Row::Blank | Row::Subtotal(_) => None,
    }
}

/// Where a group's rows end and the next one's begin.
struct Gathering {
    year: TimetableYear,
    dated_before: usize,
    /// Week as printed and weekday of the group at hand.
    last: Option<(Option<u8>, Weekday)>,
}

impl Gathering {
    /// Puts the row into its group, or begins one with it.
    fn dated(&mut self, row: &Dated, all: &[&Dated], annex: &mut Annex, findings: &mut Findings) {
        self.dated_before += 1;
        let key = (row.week, row.weekday);
        if self.last != Some(key) {
            let next = all.get(self.dated_before).map(|next| (next.week, next.weekday));
            if self.last.is_some() && next == self.last {
                let says = "The row is out of place: the rows before and after it are of another group. Its dates are not used.";
                annex.at(findings.error("row-out-of-place", says), row.line);
                return;
            }
            let name = GroupName {
                week: row.week.unwrap_or_else(|| self.next_week(row.weekday, annex)),
                weekday: row.weekday,
            };
            if annex.group(name).is_some() {
                let says = format!("The group {name} begins a second time.");
                annex.at(findings.error("group-twice", says), row.line).group(name);
            }
            self.last = Some(key);
            annex.groups.push(PrintedGroup {
                name,
                line: row.line,
                months: BTreeMap::new(),
                authorities: Vec::new(),
                subtotals: Vec::new(),
            });
        }
        self.month(row, annex, findings);
    }

    /// Where weeks are not printed, one ends when the days begin anew.
    fn next_week(&self, weekday: Weekday, annex: &Annex) -> u8 {
        match annex.groups.last().map(|group| group.name) {
            None => 1,
            Some(last) if weekday.to_monday_zero_offset() > last.weekday.to_monday_zero_offset() => last.week,
            Some(last) => last.week.saturating_add(1),
        }
    }

    fn month(&self, row: &Dated, annex: &mut Annex, findings: &mut Findings) {
        let (file, letter) = (annex.file.clone(), annex.letter.clone());
        let Some(group) = annex.groups.last_mut() else { return };
        let (name, month) = (group.name, row.month);
        let mut find = |severity, code, says: String| {
            findings.add(code, severity, says).file(&file).annex(&letter).line(row.line).group(name);
        };
        if !self.year.months().any(|own| own == month) {
            find(Severity::Error, "month-outside-year", format!("{name}: {month} is no month of {}.", self.year));
            return;
        }
        match group.months.get(&month) {
            Some(first) if first.dates == row.dates => {
                let says = format!("{name}: the row of {month} is printed again, for authorities beyond the dates.");
                find(Severity::Warning, "dates-repeated", says);
            }
            Some(first) => {
                let says = format!("{name}: {month} has other dates here than in line {}.", first.line);
                find(Severity::Error, "month-twice", says);
            }
            None => {
                if let Some((&later, _)) = group.months.range(month..).next() {
                    find(Severity::Warning, "month-out-of-order", format!("{name}: {month} stands after {later}."));
                }
                group.months.insert(month, row.clone());
            }
        }
    }
}

fn check_months(annex: &Annex, year: TimetableYear, findings: &mut Findings) {
    for group in &annex.groups {
        for month in year.months().filter(|month| !group.months.contains_key(month)) {
            let says = format!("{}: {month} is missing.", group.name);
            annex.at(findings.error("month-missing", says), group.line).group(group.name);
        }
        if group.authorities.is_empty() {
            let says = format!("{} has no authorities.", group.name);
            annex.at(findings.error("group-empty", says), group.line).group(group.name);
        }
    }
}

/// Holds the printed counts against what was counted. Where both annexes name the same members, a wrong count is a remark.
// DWP A5/2020 Annex B counts weeks; Annex D counts groups, and beside the Thursdays the weeks too.
pub(super) fn check_subtotals(annex: &Annex, members: &Members, findings: &mut Findings) {
    let week = |week: u8| annex.groups.iter().filter(move |group| group.name.week == week);
    for (at, group) in annex.groups.iter().enumerate() {
        let name = group.name;
        let of_week: usize = week(name.week).map(|group| group.authorities.len()).sum();
        let expected: &[usize] = match annex.layout {
            Layout::Shbe => &[of_week],
            Layout::HbmsMi => &[group.authorities.len(), of_week],
        };
        for (line, counts) in &group.subtotals {
            if counts.len() <= expected.len() && counts.iter().zip(expected).all(|(count, own)| count == own) {
                continue;
            }
            let same_members = match annex.layout {
                Layout::Shbe => week(name.week).all(|group| members.agree_on(group.name)),
                Layout::HbmsMi => members.agree_on(name),
            };
            let severity = if same_members { Severity::Warning } else { Severity::Error };
            let says = format!("{name}: the count printed here is {}, counted were {}.", all(counts), all(expected));
            annex.at(findings.add("subtotal-differs", severity, says), *line).group(name);
        }
        let last_of_week = annex.groups.get(at + 1).is_none_or(|next| next.name.week != name.week);
        let is_last = at + 1 == annex.groups.len();
        let wanted = !is_last && (annex.layout == Layout::HbmsMi || last_of_week);
        if wanted && group.subtotals.is_empty() {
            let says = format!("{name}: no count of authorities is printed below it.");
            annex.at(findings.warning("subtotal-missing", says), group.line).group(name);
        }
    }
}

fn all(counts: &[usize]) -> String {
    counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}
