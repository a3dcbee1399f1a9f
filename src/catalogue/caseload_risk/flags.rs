//! What is wrong with rows of the table: each kind once, with the first rows it was found in.
//!
//! Holds: row and column numbers, never a value.

use serde::Serialize;

use crate::catalogue::finding::{Finding, Severity};

/// The code of rows with more or fewer columns than the first.
pub(super) const WIDTHS: &str = "csv-columns";

/// The rows that are named of one kind of finding; the rest is counted.
const ROWS_NAMED_MAX: usize = 20;

/// A finding, with the rows and the column it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowFinding {
    /// What, and how bad.
    #[serde(flatten)]
    pub finding: Finding,
    /// The first rows it was found in, as a spreadsheet counts them; none where it is about the whole file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u64>,
    /// How many rows in all.
    #[serde(skip_serializing_if = "is_nothing")]
    pub rows_found: u64,
    /// The column, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_nothing(count: &u64) -> bool {
    *count == 0
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Flags(Vec<RowFinding>);

impl Flags {
    /// About the whole file; the first of a kind stays.
    pub(super) fn file(&mut self, finding: Finding) {
        if !self.0.iter().any(|known| known.finding.code == finding.code) {
            self.0.push(RowFinding { finding, rows: Vec::new(), rows_found: 0, column: None });
        }
    }

    /// About one row, and perhaps a column of it.
    pub(super) fn row(&mut self, row: u64, column: Option<usize>, severity: Severity, code: &'static str, says: &str) {
        let same = |known: &&mut RowFinding| known.finding.code == code && known.column == column;
        let found = match self.0.iter_mut().find(same) {
            Some(found) => found,
            None => {
                let finding = Finding { code, severity, says: says.to_owned() };
                self.0.push(RowFinding { finding, rows: Vec::new(), rows_found: 0, column });
                let Some(added) = self.0.last_mut() else { return };
                added
            }
        };
        found.rows_found += 1;
        if found.rows.len() < ROWS_NAMED_MAX {
            found.rows.push(row);
        }
    }

    /// One that was gathered elsewhere.
    pub(super) fn add(&mut self, found: RowFinding) {
        self.0.push(found);
    }

    /// Whether nothing was found at the level of an error.
    pub(super) fn is_sound(&self) -> bool {
        self.0.iter().all(|found| found.finding.severity != Severity::Error)
    }

    /// Whether all was read: at most the widths of its rows differ.
    pub(super) fn is_readable(&self) -> bool {
        let is_width = |found: &RowFinding| found.finding.code == WIDTHS;
        self.0.iter().all(|found| found.finding.severity != Severity::Error || is_width(found))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_findings(self) -> Vec<RowFinding> {
        self.0
    }
}

impl RowFinding {
    /// The finding in one sentence that completes "this file …", with its rows and its column.
    pub fn in_words(&self) -> String {
        let mut words = self.finding.says.clone();
        if let Some(column) = self.column {
            words.push_str(&format!(", column {column}"));
        }
        if self.rows.is_empty() {
            return words;
        }
        let rows: Vec<String> = self.rows.iter().map(u64::to_string).collect();
        let more = self.rows_found.saturating_sub(self.rows.len() as u64);
        words.push_str(if self.rows_found == 1 { ", row " } else { ", rows " });
        words.push_str(&rows.join(", "));
        if more > 0 {
            words.push_str(&format!(" and {more} more"));
        }
        words
    }
}
