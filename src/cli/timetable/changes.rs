//! What a timetable changes against what is in force, for people.

use crate::cli::output::Text;
use crate::domain::timetable::{ChangedDate, Dates, Difference, Moved, Placed, Renamed, Timetable, Timetables};

/// Against the one in force for the same year; otherwise the latest before it, otherwise nothing.
pub(super) fn against(timetable: &Timetable, in_force: &Timetables) -> Difference {
    let year = timetable.year();
    let before = || in_force.iter().rev().find(|earlier| earlier.year() < year);
    Difference::between(in_force.year(year).or_else(before), timetable)
}

pub(super) fn write(difference: &Difference, text: &mut Text) {
    match difference.against {
        Some(year) if difference.is_empty() => {
            text.line(format_args!("Against the timetable of {year} that is in force nothing changes."))
        }
        Some(year) => text.line(format_args!("Against the timetable of {year} that is in force:")),
        None => text.line("No timetable is in force to compare it with."),
    }
    for ChangedDate { group, kind, relevant_month, before, after } in &difference.dates {
        let said = |dates: &Option<Dates>| match dates {
            None => "no date".to_owned(),
            Some(Dates { extract_from: Some(from), transfer_on }) => format!("{transfer_on} (extraction from {from})"),
            Some(Dates { extract_from: None, transfer_on }) => transfer_on.to_string(),
        };
        text.line(format_args!("  {group}, {kind}, {relevant_month}: {} instead of {}", said(after), said(before)));
    }
    for Moved { authority, from, to } in &difference.moved {
        text.line(format_args!("  {} ({}) moves from {from} to {to}", authority.name, authority.number));
    }
    for (word, placed) in [("added to", &difference.added), ("gone from", &difference.removed)] {
        // In a first timetable everybody is new; that is no news.
        for Placed { authority, group } in placed.iter().filter(|_| difference.against.is_some()) {
            text.line(format_args!("  {} ({}) is {word} {group}", authority.name, authority.number));
        }
    }
    for Renamed { number, before, after } in &difference.renamed {
        text.line(format_args!("  {number} is `{after}` instead of `{before}`"));
    }
}
