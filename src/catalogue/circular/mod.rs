//! DWP's printed timetable of returns: the annexes of a circular, as text or as CSV.
//!
//! In:  the bytes of one or more files, the year wanted, the table of LA numbers, the bank holidays.
//! Out: [`Reading`]: the timetable, if nothing stands against it, and everything that was found on the way.
//! The way: [`text`] makes plain lines, [`table`] finds the annexes, [`row`] reads a line, [`printed`] gathers groups,
//! [`dates`] and [`pairing`] hold the annexes against each other, [`rules`] holds the result against what is known.
//! Holds: an annex is two lists side by side. A line pairs nothing; every authority of a group gets every date of the group.
//! Dates are read and judged, never derived.
// DWP A5/2020 Annex B (SHBE) and Annex D (HBMS MI).

mod dates;
pub mod finding;
mod name;
mod pairing;
mod printed;
mod row;
pub mod rules;
mod table;
mod text;

use std::collections::BTreeMap;

use crate::domain::authorities::Authorities;
use crate::domain::timetable::{Group, GroupName, HbmsMiDate, ShbeDate, Timetable};
use crate::domain::working_days::BankHolidays;
use crate::domain::{LaNumber, RelevantMonth, TimetableYear};

use super::Severity;
use finding::Findings;
pub use finding::TimetableFinding;
use printed::{Annex, PrintedGroup};
use table::Layout;

/// Largest file that is read, in bytes. A whole circular is 100 KB.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One file.
pub struct Source<'a> {
    /// Its name, for findings.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What a timetable is held against.
pub struct Terms<'a> {
    /// The year it shall be for.
    pub year: TimetableYear,
    /// The LA numbers that are known.
    pub authorities: &'a Authorities,
    /// The bank holidays that are known.
    pub bank_holidays: &'a BankHolidays,
}

/// What came of reading.
pub struct Reading {
    /// The timetable; `None` where it does not hold together. With findings at the level of an error it is not to be used.
    pub timetable: Option<Timetable>,
    /// The authorities that others have gone into, as the annexes note.
    pub predecessors: BTreeMap<LaNumber, Vec<String>>,
    /// Everything that was found, in the order of the files and their lines.
    pub findings: Vec<TimetableFinding>,
}

impl Reading {
    /// Whether nothing was found at the level of an error.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }
}

/// Reads the annexes in these files, which belong together.
pub fn read(sources: &[Source<'_>], terms: &Terms<'_>) -> Reading {
    let mut findings = Findings::default();
    let tables: Vec<_> = sources.iter().flat_map(|source| table::tables(source, &mut findings)).collect();
    for table in &tables {
        table.check_year(terms.year, &mut findings);
    }
    let one = |layout: Layout, findings: &mut Findings| {
        let mut found = tables.iter().filter(|table| table.layout == layout);
        let first = found.next();
        if first.is_none() {
            findings.error("annex-missing", layout.missing());
        }
        for table in found {
            let says = format!("Annex {} is here a second time; only the first one is read.", table.annex);
            findings.error("annex-twice", says).file(&table.file).annex(&table.annex).line(table.line);
        }
        first.map(|table| printed::annex(table, terms.year, findings))
    };
    let (shbe, hbms_mi) = (one(Layout::Shbe, &mut findings), one(Layout::HbmsMi, &mut findings));
    let (Some(shbe), Some(hbms_mi)) = (shbe, hbms_mi) else {
        return Reading { timetable: None, predecessors: BTreeMap::new(), findings: findings.into_sorted() };
    };
    let breaks = dates::breaks(&shbe, &hbms_mi, &mut findings);
    let members = pairing::pair(&shbe, &hbms_mi, terms, &mut findings);
    let mut groups = Vec::new();
    for name in names(&shbe, &hbms_mi) {
        let pair = (shbe.group(name), hbms_mi.group(name));
        let (Some(first), Some(second)) = pair else {
            in_one_annex(name, pair, (&shbe, &hbms_mi), &mut findings);
            continue;
        };
        dates::compare((&shbe, first), (&hbms_mi, second), &mut findings);
        let authorities = members.of(name);
        let divisions = rules::divisions(&authorities, terms);
        for (annex, group, other) in [(&shbe, first, second), (&hbms_mi, second, first)] {
            let place = rules::Place { file: &annex.file, annex: Some(&annex.letter), group: name };
            rules::of_dates(&place, &dates::rows(group, other), &breaks, &divisions, terms, &mut findings);
        }
        groups.push(Group { name, shbe: shbe_dates(first), hbms_mi: hbms_mi_dates(second), authorities });
    }
    printed::check_subtotals(&shbe, &members, &mut findings);
    printed::check_subtotals(&hbms_mi, &members, &mut findings);
    let timetable = match Timetable::new(terms.year, breaks, groups) {
        Ok(timetable) => {
            rules::of_members(&timetable, terms, &mut findings);
            Some(timetable)
        }
        Err(faults) => {
            for fault in faults {
                findings.error("timetable-fault", format!("The timetable does not hold together: {fault}."));
            }
            None
        }
    };
    Reading { timetable, predecessors: members.predecessors, findings: findings.into_sorted() }
}

/// The year that the title of the first annex in the file names.
pub fn year(source: &Source<'_>) -> Option<TimetableYear> {
    table::tables(source, &mut Findings::default()).iter().find_map(table::PrintedTable::year)
}

/// Every group's name, in the order of Annex D, which prints them in full.
fn names(shbe: &Annex, hbms_mi: &Annex) -> Vec<GroupName> {
    let mut names: Vec<GroupName> = Vec::new();
    for group in hbms_mi.groups.iter().chain(&shbe.groups) {
        if !names.contains(&group.name) {
            names.push(group.name);
        }
    }
    names
}

fn in_one_annex(
    name: GroupName,
    pair: (Option<&PrintedGroup>, Option<&PrintedGroup>),
    annexes: (&Annex, &Annex),
    findings: &mut Findings,
) {
    let (group, here, other) = match pair {
        (Some(group), _) => (group, annexes.0, annexes.1),
        (None, Some(group)) => (group, annexes.1, annexes.0),
        (None, None) => return,
    };
    let says = format!("Annex {} has a group {name}, Annex {} has none.", here.letter, other.letter);
    findings.error("group-in-one-annex", says).file(&here.file).annex(&here.letter).line(group.line).group(name);
}

fn shbe_dates(group: &PrintedGroup) -> Vec<ShbeDate> {
    let date = |(&relevant_month, row): (&RelevantMonth, &row::Dated)| {
        let [extract_from, transfer_on] = *row.dates.as_slice() else { return None };
        Some(ShbeDate { relevant_month, extract_from, transfer_on })
    };
    group.months.iter().filter_map(date).collect()
}

fn hbms_mi_dates(group: &PrintedGroup) -> Vec<HbmsMiDate> {
    let date = |(&relevant_month, row): (&RelevantMonth, &row::Dated)| {
        Some(HbmsMiDate { relevant_month, transfer_on: *row.dates.last()? })
    };
    group.months.iter().filter_map(date).collect()
}

#[cfg(test)]
mod tests;
