//! The dates of the two annexes, held against each other.
//!
//! In:  a group as both annexes print it. Out: findings where they differ, and rows for the rules.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::finding::Findings;
use super::printed::{Annex, PrintedGroup};
use super::rules::DateRow;

/// The weeks without transfers, if both annexes name the same ones.
pub(super) fn breaks(shbe: &Annex, hbms_mi: &Annex, findings: &mut Findings) -> Vec<Date> {
    let of = |annex: &Annex| annex.breaks.iter().map(|(date, _)| *date).collect::<BTreeSet<Date>>();
    let (first, second) = (of(shbe), of(hbms_mi));
    let all = |dates: &BTreeSet<Date>| dates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if first.is_empty() && second.is_empty() {
        findings.warning("breaks-missing", "No weeks without transfers are named in either annex.");
    } else if first.is_empty() || second.is_empty() {
        let (without, with) = if first.is_empty() { (shbe, hbms_mi) } else { (hbms_mi, shbe) };
        let says = format!(
            "Annex {} names no weeks without transfers; those of Annex {} are taken.",
            without.letter, with.letter
        );
        let line = with.breaks.first().map_or(1, |(_, line)| *line);
        with.at(findings.warning("breaks-missing", says), line);
    } else if first != second {
        let says = format!(
            "The weeks without transfers are {} here and {} in Annex {}.",
            all(&first),
            all(&second),
            hbms_mi.letter
        );
        let differs = |(date, _): &&(Date, usize)| !first.contains(date) || !second.contains(date);
        for annex in [shbe, hbms_mi] {
            for (_, line) in annex.breaks.iter().filter(differs) {
                annex.at(findings.error("breaks-differ", says.clone()), *line);
            }
        }
    }
    first.union(&second).copied().collect()
}

/// Both annexes print the transfer of a month; where they differ, nobody can tell which is right.
pub(super) fn compare(
    (shbe, first): (&Annex, &PrintedGroup),
    (hbms_mi, second): (&Annex, &PrintedGroup),
    findings: &mut Findings,
) {
    for (month, row) in &first.months {
        let Some(other) = second.months.get(month) else { continue };
        let (here, there) = (row.dates.last(), other.dates.last());
        if let (Some(here), Some(there)) = (here, there)
            && here != there
        {
            let name = first.name;
            let says = format!(
                "{name}, {month}: the transfer is on {here} here and on {there} in Annex {} (line {}).",
                hbms_mi.letter, other.line
            );
            shbe.at(findings.error("dates-differ", says), row.line).group(name);
            let says = format!(
                "{name}, {month}: the transfer is on {there} here and on {here} in Annex {} (line {}).",
                shbe.letter, row.line
            );
            hbms_mi.at(findings.error("dates-differ", says), other.line).group(name);
        }
    }
}

/// The group's rows by month, each with whether the other annex prints the same transfer.
pub(super) fn rows(group: &PrintedGroup, other: &PrintedGroup) -> Vec<DateRow> {
    let row = |(&month, row): (&_, &super::row::Dated)| {
        let transfer_on = *row.dates.last()?;
        let extract_from = if row.dates.len() > 1 { row.dates.first().copied() } else { None };
        let confirmed = other.months.get(&month).is_some_and(|other| other.dates.last() == Some(&transfer_on));
        Some(DateRow { month, extract_from, transfer_on, line: Some(row.line), confirmed })
    };
    group.months.iter().filter_map(row).collect()
}
