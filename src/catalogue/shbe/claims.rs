//! A column of a comma-separated table: the claims that a risk file names, or the referrals of a pack.
//!
//! In:  a table, and the column by its name in the first row or by its number.
//! Out: its values one by one, or of claims the fingerprints.
//! Holds: no row and no value is kept.

use std::io::{self, Read};
use std::num::NonZeroUsize;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::fingerprint::{Fingerprints, Key};
use crate::catalogue::allowance::{Allowance, is_exceeded};

const ROW_BYTES_MAX: u64 = 1 << 20;

/// Claim references, of which only fingerprints are kept.
#[derive(Clone, Debug, Default)]
pub struct ClaimSet {
    key: Key,
    claims: Fingerprints,
}

impl ClaimSet {
    /// Adds a reference, in whichever field an extract has it. An empty one is none.
    pub fn add(&mut self, reference: &[u8]) {
        let reference = reference.trim_ascii();
        if !reference.is_empty() {
            self.claims.add(self.key.of(0, reference));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.claims.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn has(&self, reference: &[u8]) -> bool {
        !reference.is_empty() && self.claims.has(self.key.of(0, reference))
    }

    /// Whether no more are kept.
    pub(super) fn is_full(&self) -> bool {
        self.claims.is_full()
    }
}

/// Which column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// By its number, from 1. The first row is a row like any other.
    Number(NonZeroUsize),
    /// By its name in the first row, in letters of either case.
    Name(String),
}

impl From<&str> for Column {
    fn from(text: &str) -> Column {
        text.parse().map_or_else(|_| Column::Name(text.trim().to_owned()), Column::Number)
    }
}

/// Why a column could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ColumnError {
    /// It is not there.
    #[error("it has no such column in row {row}")]
    NoColumn {
        /// Counts from 1.
        row: u64,
    },
    /// The table cannot be read as one.
    #[error("it is no comma-separated table, from row {row} on")]
    NoTable {
        /// Counts from 1.
        row: u64,
    },
    /// The file could not be read.
    #[error("it could not be read")]
    Read(#[source] io::Error),
}

/// Reads the column of every row. A byte order mark is left out.
pub fn read_column<R: Read>(content: R, column: &Column, mut each: impl FnMut(&[u8])) -> Result<(), ColumnError> {
    read_columns(content, [column], |record, [at]| each(&record[*at]))
}

/// As [`read_column`], several at once: rows, with the places of the columns in them.
pub(super) fn read_columns<R: Read, const N: usize>(
    content: R,
    columns: [&Column; N],
    mut each: impl FnMut(&ByteRecord, &[usize; N]),
) -> Result<(), ColumnError> {
    let (source, grant) = Allowance::new(content, ROW_BYTES_MAX);
    let mut table = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source);
    let (mut record, mut row, mut found) = (ByteRecord::new(), 0, None::<[usize; N]>);
    loop {
        row += 1;
        if !table.read_byte_record(&mut record).map_err(|error| fault(error, row))? {
            // Without any row there is nothing to name.
            return Ok(());
        }
        grant.set(ROW_BYTES_MAX);
        let at = match found {
            Some(at) => at,
            None => {
                let at = columns.map(|column| position(column, &record));
                if at.contains(&None) {
                    return Err(ColumnError::NoColumn { row });
                }
                *found.insert(at.map(Option::unwrap_or_default))
            }
        };
        if at.iter().any(|at| *at >= record.len()) {
            return Err(ColumnError::NoColumn { row });
        }
        let is_heading = row == 1 && columns.iter().any(|column| matches!(column, Column::Name(_)));
        if !is_heading {
            each(&record, &at);
        }
    }
}

fn position(column: &Column, heading: &ByteRecord) -> Option<usize> {
    match column {
        Column::Number(number) => Some(number.get() - 1),
        Column::Name(name) => heading.iter().position(|cell| {
            let cell = cell.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(cell);
            cell.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
        }),
    }
}

fn fault(error: csv::Error, row: u64) -> ColumnError {
    match error.into_kind() {
        ErrorKind::Io(error) if !is_exceeded(&error) => ColumnError::Read(error),
        _ => ColumnError::NoTable { row },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(table: &str, column: &str) -> Result<Vec<String>, ColumnError> {
        let mut values = Vec::new();
        let each = |value: &[u8]| values.push(String::from_utf8_lossy(value).into_owned());
        read_column(table.as_bytes(), &Column::from(column), each).map(|()| values)
    }

    #[test]
    fn a_column_is_found_by_name_or_number() {
        let table = "\u{feff}Claim_Ref,SCORE\r\n\"A, 1\",9\r\nB2,8\r\n";
        assert_eq!(column(table, "CLAIM_REF").unwrap(), ["A, 1", "B2"]);
        assert_eq!(column(table, "2").unwrap(), ["SCORE", "9", "8"]);
        assert!(column("", "CLAIM_REF").unwrap().is_empty());
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_its_row() {
        assert!(matches!(column("A,B\n1,2\n", "C"), Err(ColumnError::NoColumn { row: 1 })));
        assert!(matches!(column("A,B\n1,2\n3\n", "B"), Err(ColumnError::NoColumn { row: 3 })));
        assert!(matches!(column("A,B\n1,2\n", "3"), Err(ColumnError::NoColumn { row: 1 })));
        let endless = format!("A,B\n\"{}", "x".repeat(3 << 20));
        assert!(matches!(column(&endless, "A"), Err(ColumnError::NoTable { row: 2 })));
    }

    #[test]
    fn a_reference_is_known_again_without_its_spaces() {
        let mut claims = ClaimSet::default();
        claims.add(b" 123 ");
        claims.add(b"  ");
        assert!(claims.has(b"123") && !claims.has(b"") && !claims.has(b"12"));
        assert_eq!(claims.len(), 1);
    }
}
