//! What the columns of a risk table look like, and a guess at what they mean: the draft of a profile.
//!
//! In:  a real file. Out: a [`Draft`], to be read by a person before it counts.
//! Holds: no value. Of each column there are counts, shapes that many rows have, powers of ten, and marks of a single
//! character where there are three at most.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek};

use serde::Serialize;

use super::flags::RowFinding;
use super::rows::{Go, Row, read};
use super::shape::Shapes;
use super::text::Encoding;
use super::{Form, heading, number};
use crate::catalogue::finding::{Finding, Severity};

const SHAPES_TOLD: usize = 3;
/// Different values that are counted; beyond, a column has "many".
const DISTINCT_MAX: usize = 50;
/// Values by which it is judged whether a column's are all different.
const COMPARED_MAX: usize = 4096;
const MARKS_MAX: usize = 3;
/// Fewer rows prove no order.
const RANKED_ROWS_MIN: u64 = 10;

/// What a file shows of its columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Draft {
    /// Separated text or a workbook.
    pub form: Option<Form>,
    /// How text is written.
    pub encoding: Option<Encoding>,
    /// Whether the first row names the columns.
    pub header: bool,
    /// Rows without the header.
    pub rows: u64,
    /// Column by column.
    pub columns: Vec<ColumnDraft>,
    /// The column that may be the claim's reference, from 1.
    pub claim: Option<usize>,
    /// The one that may be the score.
    pub score: Option<usize>,
    /// The one that may be the mark of high risk.
    pub high_risk: Option<usize>,
    /// What may stand there for a marked claim.
    pub high_risk_value: Option<char>,
    /// What is wrong or odd.
    pub findings: Vec<RowFinding>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnDraft {
    /// Its place, from 1.
    pub number: usize,
    /// Its name, where the first row is certainly one of names.
    pub name: Option<String>,
    /// Of a hundred cells, so many are empty.
    pub empty_percent: f64,
    /// The commonest shapes: letters as A, digits as 9.
    pub shapes: Vec<ShapeCount>,
    /// If all that is filled in are numbers: between which powers of ten.
    pub numbers: Option<Powers>,
    /// Whether the numbers never rise from row to row.
    pub falling: bool,
    /// How many different values, if they are few.
    pub distinct: Option<usize>,
    /// The values themselves, only where each is a single letter or digit and there are three at most.
    pub marks: Vec<char>,
    #[serde(skip)]
    all_different: bool,
    #[serde(skip)]
    first_mark: Option<char>,
}

/// A shape and how many rows have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShapeCount {
    /// Letters as A, digits as 9.
    pub shape: String,
    /// In so many rows.
    pub rows: u64,
}

/// Numbers, by powers of ten below and above them all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Powers {
    /// All are at least this.
    pub from: f64,
    /// All are at most this.
    pub to: f64,
    /// Whether some are no whole numbers.
    pub fractions: bool,
}

/// Reads the whole file. An error means that `content` could not be read.
pub fn learn<R: Read + Seek>(content: &mut R) -> io::Result<Draft> {
    let mut header = None;
    let mut doubtful = false;
    let mut rows = 0;
    let mut columns: Vec<Column> = Vec::new();
    let reading = read(content, &mut |row: &Row<'_>| {
        if columns.is_empty() {
            columns.resize_with(row.cells.len(), Column::default);
            header = heading::names(row.cells);
            doubtful = header.is_none() && !heading::has_number(row.cells);
            if header.is_some() || doubtful {
                return Go::On;
            }
        }
        rows += 1;
        columns.iter_mut().enumerate().for_each(|(at, column)| column.take(row.cells.get(at).unwrap_or_default()));
        Go::On
    })?;
    let mut flags = reading.flags;
    if doubtful {
        flags.file(heading::doubtful());
    }
    if rows == 0 && reading.columns > 1 {
        flags.file(Finding::error("empty", "has no rows"));
    }
    let name = |at: usize| header.as_ref().and_then(|names: &Vec<Option<String>>| names.get(at).cloned().flatten());
    let columns: Vec<ColumnDraft> =
        columns.into_iter().enumerate().map(|(at, column)| column.conclude(at + 1, name(at), rows)).collect();
    let score = score(&columns, rows);
    let mark = columns.iter().filter(|column| Some(column.number) != score).find(|column| column.marks.len() == 2);
    Ok(Draft {
        form: reading.form,
        encoding: reading.encoding,
        header: header.is_some() || doubtful,
        rows,
        claim: columns.iter().find(|column| column.all_different && Some(column.number) != score).map(|c| c.number),
        score,
        high_risk: mark.map(|column| column.number),
        // The highest risks come first.
        high_risk_value: mark.and_then(|column| column.first_mark),
        columns,
        findings: flags.into_findings(),
    })
}

impl Draft {
    /// Whether nothing was found at the level of an error.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|found| found.finding.severity != Severity::Error)
    }
}

/// Numbers that never rise and are not all the same: with fractions rather than without.
fn score(columns: &[ColumnDraft], rows: u64) -> Option<usize> {
    let may_be = |column: &&ColumnDraft| {
        rows >= RANKED_ROWS_MIN && column.falling && column.numbers.is_some() && column.distinct != Some(1)
    };
    let fractions = |column: &&ColumnDraft| column.numbers.is_some_and(|numbers| numbers.fractions);
    let named = |column: &&ColumnDraft| column.name.as_ref().is_some_and(|n| n.to_ascii_uppercase().contains("SCORE"));
    let candidates = || columns.iter().filter(may_be);
    let best = candidates().find(named).or_else(|| candidates().find(fractions)).or_else(|| candidates().next());
    best.map(|column| column.number)
}

/// What is kept of a column while it is read.
#[derive(Debug, Default)]
struct Column {
    filled: u64,
    shapes: Shapes,
    numbers: u64,
    lowest: Option<f64>,
    highest: Option<f64>,
    last: Option<f64>,
    fractions: bool,
    rises: bool,
    /// Hashes of values, which say no more than that two differ.
    different: HashSet<u64>,
    repeats: bool,
    marks: Vec<char>,
    no_marks: bool,
}

impl Column {
    fn take(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        self.shapes.count(cell);
        if let Some(value) = number(cell) {
            self.numbers += 1;
            self.rises |= self.last.is_some_and(|last| value > last);
            self.fractions |= value.fract() != 0.0;
            self.lowest = Some(self.lowest.map_or(value, |lowest| lowest.min(value)));
            self.highest = Some(self.highest.map_or(value, |highest| highest.max(value)));
            self.last = Some(value);
        }
        if self.different.len() < COMPARED_MAX {
            let mut hasher = DefaultHasher::new();
            cell.hash(&mut hasher);
            self.repeats |= !self.different.insert(hasher.finish());
        }
        self.take_mark(cell);
    }

    fn take_mark(&mut self, cell: &str) {
        let mut characters = cell.chars();
        let single = characters.next().filter(|c| c.is_ascii_alphanumeric() && characters.next().is_none());
        match single {
            Some(mark) if self.marks.contains(&mark) => {}
            Some(mark) if self.marks.len() < MARKS_MAX => self.marks.push(mark),
            _ => self.no_marks = true,
        }
    }

    fn conclude(self, number: usize, name: Option<String>, rows: u64) -> ColumnDraft {
        let all_numbers = self.filled > 0 && self.numbers == self.filled;
        let few = self.different.len() <= DISTINCT_MAX && self.different.len() < COMPARED_MAX;
        let mut marks = if self.no_marks { Vec::new() } else { self.marks };
        let first_mark = marks.first().copied();
        marks.sort_unstable();
        let empty = (rows - self.filled) as f64;
        ColumnDraft {
            number,
            name,
            empty_percent: if rows == 0 { 0.0 } else { (empty * 1000.0 / rows as f64).round() / 10.0 },
            shapes: self.shapes.commonest(rows, SHAPES_TOLD).into_iter().map(ShapeCount::from).collect(),
            numbers: self.lowest.zip(self.highest).filter(|_| all_numbers).map(|(lowest, highest)| Powers {
                from: power_below(lowest),
                to: -power_below(-highest),
                fractions: self.fractions,
            }),
            falling: all_numbers && !self.rises,
            distinct: few.then_some(self.different.len()),
            all_different: self.filled > 1 && self.filled == rows && !self.repeats,
            marks,
            first_mark,
        }
    }
}

impl From<(String, u64)> for ShapeCount {
    fn from((shape, rows): (String, u64)) -> ShapeCount {
        ShapeCount { shape, rows }
    }
}

/// Of nought and the powers of ten, with their negatives, the highest that is no higher than `value`. Between 0 and 1 there
/// is none.
fn power_below(value: f64) -> f64 {
    if value < 0.0 {
        return -10f64.powf((-value).log10().ceil().max(0.0));
    }
    if value < 1.0 { 0.0 } else { 10f64.powf(value.log10().floor()) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn table(rows: u32) -> String {
        let row = |at: u32| {
            let mark = if at < rows / 10 { "Y" } else { "N" };
            format!(
                "QQ{:06}C,HB{:05},{:.3},{mark}\n",
                at * 37 % 999_999,
                at * 7919 % 99_999,
                0.987 - f64::from(at) / 4000.0
            )
        };
        (0..rows).map(row).collect()
    }

    #[test]
    fn a_file_with_names_gives_a_profile() {
        let text = format!("NINO,CLAIM_REF,RISK_SCORE,HIGH_RISK\n{}", table(200));
        let draft = learn(&mut Cursor::new(text)).unwrap();
        assert!(draft.header && draft.is_sound(), "{draft:?}");
        assert_eq!(
            (draft.rows, draft.score, draft.high_risk, draft.high_risk_value),
            (200, Some(3), Some(4), Some('Y'))
        );
        assert_eq!(draft.columns[0].name.as_deref(), Some("NINO"));
        assert_eq!(draft.columns[0].shapes, [ShapeCount { shape: "AA999999A".to_owned(), rows: 200 }]);
        assert_eq!(draft.columns[2].numbers, Some(Powers { from: 0.0, to: 1.0, fractions: true }));
        assert_eq!(draft.columns[3].marks, ['N', 'Y']);
    }

    #[test]
    fn without_names_no_row_passes_for_them() {
        let draft = learn(&mut Cursor::new(table(50))).unwrap();
        assert!(!draft.header && draft.columns.iter().all(|column| column.name.is_none()));
        assert_eq!((draft.rows, draft.score, draft.claim), (50, Some(3), Some(1)));
    }

    #[test]
    fn powers_of_ten_hold_every_number() {
        for (value, below, above) in [
            (0.0, 0.0, 0.0),
            (0.5, 0.0, 1.0),
            (7.0, 1.0, 10.0),
            (1234.5, 1000.0, 10_000.0),
            (-0.2, -1.0, 0.0),
            (-42.0, -100.0, -10.0),
        ] {
            assert_eq!((power_below(value), -power_below(-value)), (below, above), "{value}");
        }
    }

    proptest! {
        /// Whatever stands in the cells, nothing of it is told but single characters.
        #[test]
        fn no_value_is_told(
            cells in prop::collection::vec(("[A-Za-z]{3,12}", "[0-9]{3,9}", "[A-Z]{2}[0-9]{6}[A-D]"), 6..60),
            header in any::<bool>(),
        ) {
            let mut text = String::new();
            if header {
                text.push_str("CLAIM_REF,RISK SCORE,NINO\n");
            }
            for (a, b, c) in &cells {
                text.push_str(&format!("canary{a},77{b},{c}\n"));
            }
            let told = serde_json::to_string(&learn(&mut Cursor::new(text)).unwrap()).unwrap();
            for (a, b, c) in &cells {
                prop_assert!(!told.contains(&format!("canary{a}")), "{told}");
                prop_assert!(!told.contains(&format!("77{b}")) && !told.contains(c.as_str()), "{told}");
            }
        }
    }
}
