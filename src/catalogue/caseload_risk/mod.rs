//! Caseload Risk Data: one row per live claim, `AOBWR627_<LAID>_RISK*.csv`.
//!
//! In:  content, and the profile that an authority has written of its columns, which are not public.
//! Out: for identification, whether it is the table it should be; for officers, a [`RiskReport`]; for whoever writes the
//! profile, a [`Draft`].
//! Holds: findings name rows and columns, never a value; memory does not grow with a file of text.
// DWP A5/2020 paragraphs 14 to 22

mod derive;
mod flags;
mod heading;
mod learn;
mod report;
mod rows;
mod shape;
mod text;

use std::io::{self, Read, Seek};

use csv::StringRecord;

use super::finding::Finding;
use super::workbook;
use super::{Confidence, Gathered};
use crate::domain::FileKind;
use rows::Go;

pub use derive::derive;
pub use flags::RowFinding;
pub use learn::{ColumnDraft, Draft, Powers, ShapeCount, learn};
pub use report::{RiskReport, report};
pub use rows::{Form, begins_as_formula};
pub use text::Encoding;

/// Rows looked at where the name says nothing.
const SAMPLE_ROWS: u64 = 20;

/// The name has already claimed the kind; the content must be a table. A workbook is let through unread: what is looked
/// for is what must not be let through.
pub(super) fn look<R: Read + Seek>(content: &mut R, gathered: &mut Gathered) -> io::Result<(FileKind, Confidence)> {
    gathered.note("its name is that of Caseload Risk Data, AOBWR627_<LAID>_RISK*.csv");
    if let Some(format) = workbook::format(content)? {
        gathered.note("it begins as a workbook");
        match workbook::judge(content, format)? {
            Ok(()) => gathered.warning("risk-workbook", "is a workbook, where risk data are comma-separated rows"),
            Err(fault) => gathered.find(fault.finding()),
        }
        return Ok((FileKind::CaseloadRisk, Confidence::Likely));
    }
    let reading = rows::read(content, &mut |_| Go::On)?;
    let sound = reading.flags.is_sound();
    if sound {
        gathered.note(format!("it is {} comma-separated rows of {} columns", reading.rows, reading.columns));
    }
    for found in reading.flags.into_findings() {
        let says = found.in_words();
        gathered.find(Finding { says, ..found.finding });
    }
    Ok((FileKind::CaseloadRisk, if sound { Confidence::Certain } else { Confidence::Likely }))
}

/// Hands each row of a table to `each`, whatever it is written as. Whether it could be read to its end, be its rows of
/// different widths.
pub(in crate::catalogue) fn each_row<R: Read + Seek>(
    content: &mut R,
    each: &mut dyn FnMut(&StringRecord),
) -> io::Result<bool> {
    let reading = rows::read(content, &mut |row| {
        each(row.cells);
        Go::On
    })?;
    Ok(reading.columns > 1 && reading.flags.is_readable())
}

/// Whether a first row names columns: it certainly does, or no cell of it has a digit. Empty cells at its end tell nothing.
pub(in crate::catalogue) fn is_heading(first: &StringRecord) -> bool {
    let filled = first.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty()).map(|(at, _)| at + 1).last();
    let first: StringRecord = first.iter().take(filled.unwrap_or(0)).collect();
    let is_bare = |cell: &str| !cell.trim().is_empty() && !cell.bytes().any(|byte| byte.is_ascii_digit());
    heading::names(&first).is_some() || first.iter().all(is_bare)
}

/// Whether the content begins as comma-separated rows.
pub(super) fn is_table<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    let mut seen = 0;
    let reading = rows::read(content, &mut |_| {
        seen += 1;
        if seen < SAMPLE_ROWS { Go::On } else { Go::Enough }
    })?;
    Ok(reading.flags.is_sound())
}

/// A cell that is a number and nothing else, as a person would write one.
fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'e' | b'E');
    let number = cell.parse::<f64>().ok().filter(|number| number.is_finite());
    number.filter(|_| cell.bytes().all(plain))
}

#[cfg(test)]
mod tests;
