//! Whether data lines have a delimiter behind their last field too.
//!
//! In:  every data line that has 341 fields, with such a delimiter or without.
//! Out: one warning where most lines have it, since then it is a habit of the software; and every line that differs from
//! most, since there a field is missing or too much.
//! Holds: of lines of either kind the first are kept and all are counted.

use super::findings::{Findings, Place, SHOWN_PER_RULE};
use super::row::Row;
use crate::domain::ShbeRule;

/// The lines so far.
#[derive(Debug, Default)]
pub(super) struct Delimiters {
    with: Met,
    without: Met,
}

/// Lines of one kind.
#[derive(Debug, Default)]
struct Met {
    count: u64,
    /// Line and record.
    first: Vec<(u64, usize)>,
}

impl Delimiters {
    pub(super) fn met(&mut self, row: &Row<'_>) {
        let kind = if row.delimited { &mut self.with } else { &mut self.without };
        kind.count += 1;
        if kind.first.len() < SHOWN_PER_RULE {
            kind.first.push((row.line, row.record));
        }
    }

    pub(super) fn finish(self, findings: &mut Findings<'_>) {
        let is_habit = self.with.count > self.without.count;
        if let Some((line, record)) = self.with.first.first().filter(|_| is_habit) {
            let place = Place { line: *line, record: Some(*record), field: None };
            findings.add(ShbeRule::TrailingDelimiter, place, String::new);
        }
        let (odd, detail) = if is_habit {
            (self.without, "Other lines have a delimiter behind the last field, and this one has none.")
        } else {
            (self.with, "It has 342, the last one empty, and other lines have 341.")
        };
        let unkept = odd.count - odd.first.len() as u64;
        for (line, record) in &odd.first {
            let place = Place { line: *line, record: Some(*record), field: None };
            findings.add(ShbeRule::FieldCount, place, || detail.to_owned());
        }
        findings.count_more(ShbeRule::FieldCount, unkept);
    }
}
