//! The claims that risk data name, as fingerprints; and the columns of the comma-separated tables that referrals come in.
//!
//! In:  a table, and the column by its name in the first row, in letters of either case, or by its number, from 1.
//! Out: of risk data the fingerprints of claims; of other tables the rows one by one.
//! Holds: no row and no value is kept. Risk data are judged as `hbcourier risk report` judges them.

use std::io::{self, Read, Seek};

use csv::{ByteRecord, ErrorKind, ReaderBuilder, StringRecord};

use super::fingerprint::{Fingerprints, Key};
use crate::catalogue::Severity;
use crate::catalogue::allowance::{Allowance, is_exceeded};
use crate::catalogue::caseload_risk;
use crate::domain::{RiskColumn, RiskProfile};

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
    /// It is no table of risk data.
    #[error("it {0}")]
    NoRiskData(String),
    /// The file could not be read.
    #[error("it could not be read")]
    Read(#[source] io::Error),
}

/// Adds the claims of risk data: text in any encoding that is known, or a workbook. `header` says whether the first row names
/// the columns; where nobody says it, the file itself shall tell.
pub fn read_claims<R: Read + Seek>(
    content: &mut R,
    column: &RiskColumn,
    header: Option<bool>,
    claims: &mut ClaimSet,
) -> Result<(), ColumnError> {
    let profile = RiskProfile { claim: Some(column.clone()), header, ..RiskProfile::default() };
    let report = caseload_risk::report(content, Some(&profile)).map_err(ColumnError::Read)?;
    let errors = || report.findings.iter().filter(|found| found.finding.severity == Severity::Error);
    if errors().any(|found| found.finding.code == "risk-column-missing") {
        return Err(ColumnError::NoColumn { row: 1 });
    }
    if let Some(found) = errors().next() {
        return Err(ColumnError::NoRiskData(found.in_words()));
    }
    let mut at = None;
    let mut each = |cells: &StringRecord| {
        let is_first = at.is_none();
        let column = *at.get_or_insert_with(|| match column {
            RiskColumn::Number(number) => number.saturating_sub(1),
            // The report has found it.
            RiskColumn::Named(name) => {
                cells.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name)).unwrap_or(cells.len())
            }
        });
        if !(is_first && report.header) {
            claims.add(cells.get(column).unwrap_or_default().as_bytes());
        }
    };
    caseload_risk::each_row(content, &mut each).map(drop).map_err(ColumnError::Read)
}

/// Reads the rows of a table with the places of the columns in them. A first row that names columns is left out, and so are
/// rows without anything in them.
pub(super) fn read_columns<R: Read, const N: usize>(
    content: R,
    columns: [&RiskColumn; N],
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
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        let is_first = found.is_none();
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
        if !(is_first && is_heading(&record, columns, &at)) {
            each(&record, &at);
        }
    }
}

/// Where a column is named, its name stands in the first row. Else the row is one of names where it is that in risk data too,
/// or if what stands in the first of the columns has letters and no digit, as no number of a referral is written.
fn is_heading<const N: usize>(first: &ByteRecord, columns: [&RiskColumn; N], at: &[usize; N]) -> bool {
    let is_name = |cell: &[u8]| cell.iter().any(u8::is_ascii_alphabetic) && !cell.iter().any(u8::is_ascii_digit);
    columns.iter().any(|column| matches!(column, RiskColumn::Named(_)))
        || at.first().is_some_and(|at| is_name(&first[*at]))
        || caseload_risk::is_heading(&StringRecord::from_byte_record_lossy(first.clone()))
}

fn position(column: &RiskColumn, heading: &ByteRecord) -> Option<usize> {
    match column {
        RiskColumn::Number(number) => number.checked_sub(1),
        RiskColumn::Named(name) => heading.iter().position(|cell| {
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
    use std::io::Cursor;

    use super::*;

    fn column(table: &str, column: &str) -> Result<Vec<String>, ColumnError> {
        let mut values = Vec::new();
        read_columns(table.as_bytes(), [&column.parse().unwrap()], |record, [at]| {
            values.push(String::from_utf8_lossy(&record[*at]).into_owned());
        })
        .map(|()| values)
    }

    /// The claims of a table whose column with them is this.
    fn claims(table: &[u8], column: &str, header: Option<bool>) -> Result<ClaimSet, ColumnError> {
        let mut claims = ClaimSet::default();
        read_claims(&mut Cursor::new(table), &column.parse().unwrap(), header, &mut claims).map(|()| claims)
    }

    #[test]
    fn a_column_is_found_by_name_or_number() {
        let table = "\u{feff}Claim_Ref,SCORE\r\n\"A, 1\",9\r\nB2,8\r\n";
        assert_eq!(column(table, "CLAIM_REF").unwrap(), ["A, 1", "B2"]);
        assert_eq!(column(table, "2").unwrap(), ["9", "8"], "a heading is none, however the column is told");
        assert_eq!(column("90001,a\n90002,b\n", "1").unwrap(), ["90001", "90002"]);
        assert_eq!(column("RMS1,a\n", "1").unwrap(), ["RMS1"]);
        assert_eq!(column("NUMBER 1,CLAIM REFERENCE\n90001,HB1\n", "1").unwrap(), ["90001"], "as in risk data");
        assert!(column("", "CLAIM_REF").unwrap().is_empty());
    }

    #[test]
    fn rows_with_nothing_in_them_are_none() {
        assert_eq!(column(",,\nX,NUMBER\na,1\n,\n \n\"\"\nb,2\n\n", "NUMBER").unwrap(), ["1", "2"]);
        assert_eq!(column(" , \n90001,a\n", "1").unwrap(), ["90001"]);
    }

    #[test]
    fn risk_data_are_read_in_whatever_form_they_come() {
        let text = "CLAIM_REF;RISK_SCORE\nHB1;9\nHB2;8\n";
        let utf16: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for table in [text.as_bytes(), &utf16, &text.replace(';', ",").into_bytes()] {
            let claims = claims(table, "claim_ref", None).unwrap();
            assert!(claims.has(b"HB1") && claims.has(b"HB2") && claims.len() == 2);
        }
        assert_eq!(claims(b"HB1,9\nHB2,8\n", "1", None).unwrap().len(), 2, "no heading");
        assert_eq!(claims(b"abc,def\nHB2,8\n", "1", Some(false)).unwrap().len(), 2, "as it is told");
        assert_eq!(claims(b"abc,def\nHB2,8\n", "1", Some(true)).unwrap().len(), 1, "as it is told");
    }

    #[test]
    fn what_is_no_table_of_risk_data_is_told_to_be_none() {
        assert!(matches!(claims(b"A,B\nx,1\n", "C", None), Err(ColumnError::NoColumn { row: 1 })));
        for table in [&b"PK\x03\x04broken"[..], b"", b"nothing\nof the kind\n", b"%PDF-1.4\n", b"HB1,2\nHB1,2,3\n"] {
            let refused = claims(table, "1", None).unwrap_err();
            assert!(matches!(&refused, ColumnError::NoRiskData(_)), "{refused}");
            assert!(!refused.to_string().contains("HB1"), "{refused}");
        }
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
