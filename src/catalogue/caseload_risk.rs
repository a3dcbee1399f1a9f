//! Caseload Risk Data: one row per live claim, `AOBWR627_<LAID>_RISK*.csv`.
//!
//! The columns are not public, so only the table's shape is judged: every row as wide as the first.
// DWP A5/2020 paragraphs 14 to 22

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::allowance::{Allowance, is_exceeded};
use super::finding::Finding;
use super::{Confidence, Gathered};
use crate::domain::FileKind;

const ROW_BYTES_MAX: u64 = 1 << 20;
/// Rows looked at where the name says nothing.
const SAMPLE_ROWS: u64 = 20;

/// The name has already claimed the kind; the content must be a table.
pub(super) fn look<R: Read + Seek>(content: &mut R, gathered: &mut Gathered) -> io::Result<(FileKind, Confidence)> {
    gathered.note("its name is that of Caseload Risk Data, AOBWR627_<LAID>_RISK*.csv");
    let shape = read_rows(content, u64::MAX)?;
    match shape.fault {
        Some(fault) => {
            gathered.find(fault);
            return Ok((FileKind::CaseloadRisk, Confidence::Likely));
        }
        None => gathered.note(format!("it is {} comma-separated rows of {} columns", shape.rows, shape.columns)),
    }
    if last_byte(content)? != Some(b'\n') {
        gathered.warning("csv-last-line", "does not end with a line end: its last row may have been cut short");
    }
    Ok((FileKind::CaseloadRisk, Confidence::Certain))
}

/// Whether the content begins as comma-separated rows.
pub(super) fn is_table<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    Ok(read_rows(content, SAMPLE_ROWS)?.fault.is_none())
}

struct Shape {
    rows: u64,
    columns: usize,
    fault: Option<Finding>,
}

fn read_rows<R: Read + Seek>(content: &mut R, rows_max: u64) -> io::Result<Shape> {
    content.seek(SeekFrom::Start(0))?;
    let (source, grant) = Allowance::new(BufReader::new(content), ROW_BYTES_MAX);
    let mut table = ReaderBuilder::new().has_headers(false).from_reader(source);
    let mut row = ByteRecord::new();
    let mut shape = Shape { rows: 0, columns: 0, fault: None };
    while shape.fault.is_none() && shape.rows < rows_max {
        match table.read_byte_record(&mut row) {
            Ok(false) => break,
            Ok(true) => {
                shape.rows += 1;
                shape.columns = row.len();
                shape.fault = row_fault(&row, shape.rows);
            }
            Err(error) => shape.fault = Some(table_fault(error)?),
        }
        grant.set(ROW_BYTES_MAX);
    }
    if shape.rows == 0 && shape.fault.is_none() {
        shape.fault = Some(Finding::error("empty", "has no rows"));
    }
    Ok(shape)
}

fn row_fault(row: &ByteRecord, number: u64) -> Option<Finding> {
    let text = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n');
    if row.len() < 2 {
        return Some(Finding::error("csv-columns", "is not a table: its rows have a single column"));
    }
    if !row.as_slice().iter().all(text) {
        return Some(Finding::error("csv-not-text", format!("is not text: row {number} has control characters")));
    }
    None
}

fn table_fault(error: csv::Error) -> io::Result<Finding> {
    match error.into_kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let place = pos.map(|pos| format!(" in line {}", pos.line())).unwrap_or_default();
            let says = format!("has a row of {len} columns{place}, and {expected_len} in the first");
            Ok(Finding::error("csv-columns", says))
        }
        ErrorKind::Io(error) if is_exceeded(&error) => Ok(Finding::error("csv-row-long", "has a row without an end")),
        ErrorKind::Io(error) => Err(error),
        _ => Ok(Finding::error("csv-broken", "is not comma-separated rows")),
    }
}

fn last_byte<R: Read + Seek>(content: &mut R) -> io::Result<Option<u8>> {
    let length = content.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(None);
    }
    content.seek(SeekFrom::Start(length - 1))?;
    let mut last = [0];
    content.read_exact(&mut last)?;
    Ok(Some(last[0]))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::catalogue::{Identified, Limits, identify};

    const LIMITS: Limits = Limits { members_max: 10, bytes_max: 1 << 20 };

    fn look_at(name: &str, text: impl Into<Vec<u8>>) -> Identified {
        identify(Some(name), &mut Cursor::new(text.into()), &LIMITS).unwrap()
    }

    fn codes(seen: &Identified) -> Vec<&'static str> {
        seen.findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_table_under_its_name() {
        let seen = look_at("AOBWR627_101809_RISK.csv", "CLAIM,SCORE,HIGH\n\"A,1\",0.91,Y\nA2,0.5,N\n");
        assert_eq!((seen.kind, seen.confidence), (FileKind::CaseloadRisk, Confidence::Certain));
        assert_eq!(seen.authority.as_ref().unwrap().as_str(), "101809");
        assert!(seen.findings.is_empty(), "{:?}", seen.findings);
    }

    #[test]
    fn what_is_not_a_table_is_not_let_through() {
        for (text, code) in [
            (&b"a,b\nc,d,e\n"[..], "csv-columns"),
            (b"a\nb\n", "csv-columns"),
            (b"", "empty"),
            (b"a,\0b\n", "csv-not-text"),
            (b"%PDF-1.4,x\n1 0 obj\n", "csv-columns"),
        ] {
            let seen = look_at("AOBWR627_LAID_RISK.csv", text);
            assert_eq!(seen.kind, FileKind::CaseloadRisk);
            assert_eq!(codes(&seen), [code], "{text:?}");
            assert!(!seen.is_sound());
        }
    }

    #[test]
    fn an_unclosed_quote_does_not_swallow_the_file() {
        let mut text = b"a,b\n\"".to_vec();
        text.resize(4 << 20, b'x');
        assert_eq!(codes(&look_at("AOBWR627_LAID_RISK.csv", text)), ["csv-row-long"]);
    }

    #[test]
    fn a_row_cut_short_is_mentioned() {
        let seen = look_at("AOBWR627_LAID_RISK.csv", "a,b\nc,d");
        assert!(seen.is_sound());
        assert_eq!(codes(&seen), ["csv-last-line"]);
    }

    #[test]
    fn a_table_of_another_name_stays_unknown() {
        let seen = look_at("list.csv", "a,b\nc,d\n");
        assert_eq!((seen.kind, seen.confidence), (FileKind::Unknown, Confidence::Guess));
    }
}
