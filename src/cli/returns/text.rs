//! Returns as people see them: one table for each return of an authority's year, what is missing above it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::civil::Date;

use super::row::Row;
use super::workbooks;
use crate::domain::{ReturnKind, Stage, Submission, TimetableYear, Workbook};

/// Every return, by authority, year and kind.
pub(super) fn tables(
    submissions: &[Submission],
    workbooks: &[Workbook],
    today: Date,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut groups: BTreeMap<_, Vec<&Submission>> = BTreeMap::new();
    for submission in submissions {
        let key = &submission.key;
        groups.entry((key.authority.clone(), TimetableYear::of(key.month), key.kind)).or_default().push(submission);
    }
    if groups.is_empty() {
        return writeln!(out, "No return is recorded. The service records what is owed when it first runs.");
    }
    for (at, ((authority, year, kind), owed)) in groups.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} {year} of LA {authority}: {}. {}", title(*kind), counted(owed), missing(owed, today))?;
        table(owed, today, out)?;
        if *kind == ReturnKind::HbmsMi {
            let its: Vec<&Workbook> = workbooks.iter().filter(|workbook| workbook.authority == *authority).collect();
            workbooks::table(&its, submissions, *year, out)?;
        }
    }
    Ok(())
}

/// One return, with all that is known of it.
pub(super) fn all_of(submission: &Submission, today: Date, out: &mut dyn Write) -> io::Result<()> {
    let row = Row::of(submission);
    writeln!(out, "{} of LA {} for {}", title(submission.key.kind), submission.key.authority, submission.key.period())?;
    let facts = row.facts();
    let width = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
    for (label, value) in &facts {
        writeln!(out, "  {label:<width$}  {value}")?;
    }
    if let Some(attention) = attention(submission, today) {
        writeln!(out, "  {:<width$}  {attention}", "attention")?;
    }
    let words = row.words();
    if !words.is_empty() {
        writeln!(out, "{words}")?;
    }
    row.next().map_or(Ok(()), |next| writeln!(out, "Next: {next}"))
}

fn title(kind: ReturnKind) -> &'static str {
    match kind {
        ReturnKind::Shbe => "SHBE",
        ReturnKind::HbmsMi => "HBMS MI",
    }
}

/// `12 listed: 3 sent, 9 scheduled`
fn counted(owed: &[&Submission]) -> String {
    let mut words: Vec<(&str, usize)> = Vec::new();
    for submission in owed {
        let word = submission.stage.word();
        match words.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => words.push((word, 1)),
        }
    }
    let counts: Vec<String> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("{} listed: {}", owed.len(), counts.join(", "))
}

fn missing(owed: &[&Submission], today: Date) -> String {
    let late: Vec<String> = owed
        .iter()
        .filter_map(|submission| Some(format!("{} ({})", submission.key.period(), attention(submission, today)?)))
        .collect();
    if late.is_empty() { "None is missing.".to_owned() } else { format!("MISSING: {}.", late.join(", ")) }
}

/// What a person should do something about.
fn attention(submission: &Submission, today: Date) -> Option<&'static str> {
    match &submission.stage {
        Stage::Missed { .. } => Some("missed"),
        Stage::Failed { .. } => Some("refused"),
        Stage::Uncertain { .. } => Some("uncertain"),
        Stage::Held { .. } if submission.transfer_on <= today => Some("held, and due"),
        Stage::Held { .. } => Some("held"),
        Stage::Scheduled | Stage::Sealed | Stage::Deferred { .. } | Stage::Sending { .. }
            if submission.transfer_on < today =>
        {
            Some("overdue")
        }
        Stage::Scheduled if submission.transfer_on == today => Some("due today"),
        Stage::Deferred { .. } => Some("not sent yet"),
        Stage::Scheduled
        | Stage::Sealed
        | Stage::Sending { .. }
        | Stage::Sent { .. }
        | Stage::Acknowledged { .. }
        | Stage::Waived { .. } => None,
    }
}

fn table(owed: &[&Submission], today: Date, out: &mut dyn Write) -> io::Result<()> {
    let width = owed.iter().map(|one| one.key.period().len()).max().unwrap_or(0).max(8);
    writeln!(out, "    {:<width$} {:<13} {:<12} {:<12} says", "month", "extract from", "transfer on", "stage")?;
    for submission in owed {
        let extract_from = submission.extract_from.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let mark = if attention(submission, today).is_some() { '!' } else { ' ' };
        let line = format!(
            "  {mark} {:<width$} {extract_from:<13} {:<12} {:<12} {}",
            submission.key.period(),
            submission.transfer_on.to_string(),
            submission.stage.word(),
            Row::of(submission).words(),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
