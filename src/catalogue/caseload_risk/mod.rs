//! Caseload Risk Data: one row per live claim, `AOBWR627_<LAID>_RISK*.csv`.
//!
//! In:  content, and the profile that an authority has written of its columns, which are not public.
//! Out: for identification, whether it is the table it should be; for officers, a [`RiskReport`]; for whoever writes the
//! profile, a [`Draft`].
//! Holds: findings name rows and columns, never a value; memory does not grow with a file of text.
// DWP A5/2020 paragraphs 14 to 22

mod flags;
mod heading;
mod learn;
mod report;
mod rows;
mod shape;
mod text;

use std::io::{self, Read, Seek};

use super::finding::Finding;
use super::workbook;
use super::{Confidence, Gathered};
use crate::domain::FileKind;
use rows::Go;

pub use flags::RowFinding;
pub use learn::{ColumnDraft, Draft, Powers, ShapeCount, learn};
pub use report::{RiskReport, report};
pub use rows::Form;
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
