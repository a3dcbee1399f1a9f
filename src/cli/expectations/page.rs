//! The page of what DWP owes, for people.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Document, OfAuthority, Row};
use crate::cli::output::{Table, Text, Tone};
use crate::domain::{FileKind, RelevantMonth};

pub(super) fn write(document: &Document, overdue: bool, text: &mut Text) {
    for authority in &document.authorities {
        text.gap();
        let OfAuthority { authority: number, name, .. } = authority;
        let what = if overdue { "what DWP owes and has not come" } else { "what DWP owes, and what came" };
        text.line(format_args!("{name} ({number}): {what}, on {}", day(document.on)));
        text.gap();
        write_months(authority, overdue, text);
        write_irregular(authority, text);
        write_nights(authority, text);
    }
}

fn write_months(authority: &OfAuthority, overdue: bool, text: &mut Text) {
    let mut months: BTreeMap<RelevantMonth, Vec<&Row>> = BTreeMap::new();
    for row in &authority.expectations {
        months.entry(row.relevant_month).or_default().push(row);
    }
    let mut table = Table::new(["Month", "Week from", "Due by", "Pack", "Risk file"]);
    for (month, rows) in &months {
        let Some(first) = rows.first() else { continue };
        let of = |kind| rows.iter().find(|row| row.kind == kind).map_or_else(|| "-".to_owned(), |row| stands(row));
        table.row([
            month.to_string(),
            day(first.from),
            day(first.due_by),
            of(FileKind::HbmsPack),
            of(FileKind::CaseloadRisk),
        ]);
    }
    match (table.is_empty(), overdue) {
        (false, _) => text.table(&table),
        (true, true) => text.line("  Nothing."),
        (true, false) => text.line("  Nothing, in the time since this service has been there to see it arrive."),
    }
}

fn stands(row: &Row) -> String {
    let arrived = row.arrived.map(|on| format!(" {}", day(on))).unwrap_or_default();
    format!("{}{arrived}", row.state)
}

fn write_irregular(authority: &OfAuthority, text: &mut Text) {
    if authority.irregular.is_empty() {
        return;
    }
    text.gap();
    text.line("Irregular");
    for one in &authority.irregular {
        text.line(format_args!("  {} ({})", one.says, one.transfer));
    }
}

fn write_nights(authority: &OfAuthority, text: &mut Text) {
    if let Some(nights) = &authority.nights {
        text.gap();
        text.line("LAIDs by night, each from noon to noon");
        let mut table = Table::new(["Night of", "PDF", "XML", "Held", "State"]);
        for night in nights {
            table.row([
                day(night.night),
                night.pdf.to_string(),
                night.xml.to_string(),
                night.held.to_string(),
                night.state.to_owned(),
            ]);
        }
        text.table(&table);
    }
    if let Some(silence) = &authority.laid_silence {
        text.gap();
        let since = silence.since.map(|night| format!(", since that of {}", day(night))).unwrap_or_default();
        let nights = silence.nights;
        text.toned(Tone::Bad, "No LAID", format_args!(" has come in {nights} nights of working days{since}."));
    }
}

fn day(date: Date) -> String {
    date.strftime("%a %Y-%m-%d").to_string()
}
