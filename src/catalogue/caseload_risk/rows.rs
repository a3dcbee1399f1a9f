//! Reading the table row by row, from separated text or from a workbook.
//!
//! In:  content. Out: every row to the caller, and what is wrong with the table's form.
//! Holds: one row in memory, and none larger than [`ROW_BYTES_MAX`]; a finding names rows and columns, never a value.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use serde::Serialize;

use super::flags::{Flags, WIDTHS};
use super::text::{Decoded, Encoding, detect, ends_a_line};
use crate::catalogue::allowance::{Allowance, is_exceeded};
use crate::catalogue::finding::{Finding, Severity};
use crate::catalogue::workbook::{self, Format};
use crate::domain::risk::RISK_COLUMNS_MAX;

const ROW_BYTES_MAX: u64 = 1 << 20;

/// One row.
pub(super) struct Row<'a> {
    /// As a spreadsheet counts it, from 1.
    pub number: u64,
    pub cells: &'a StringRecord,
    /// Columns, from 0, that a formula of the workbook stands in.
    pub formulas: &'a [usize],
}

/// The form the table came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Separated text.
    Csv,
    /// A workbook of Excel 97 to 2003.
    Xls,
    /// A workbook of Excel 2007 and later.
    Xlsx,
}

/// What a reading tells besides the rows.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub form: Option<Form>,
    pub encoding: Option<Encoding>,
    /// Whether a byte order mark says the encoding.
    pub marked: bool,
    pub delimiter: Option<char>,
    /// Something in the text was no character.
    pub replaced: bool,
    /// All rows, a header too.
    pub rows: u64,
    /// Those of the first row.
    pub columns: usize,
    pub flags: Flags,
}

/// Whether to go on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    On,
    Enough,
}

/// Reads every row. An error means that `content` could not be read.
pub(super) fn read<R: Read + Seek>(content: &mut R, each: &mut dyn FnMut(&Row<'_>) -> Go) -> io::Result<Reading> {
    let mut reading = Reading::default();
    match workbook::format(content)? {
        None => read_text(content, &mut reading, each)?,
        Some(format) => {
            reading.form = Some(if format == Format::Xls { Form::Xls } else { Form::Xlsx });
            read_workbook(content, format, &mut reading, each)?;
        }
    }
    if reading.rows == 0 && reading.flags.is_empty() {
        reading.flags.file(Finding::error("empty", "has no rows"));
    }
    Ok(reading)
}

fn read_text<R: Read + Seek>(
    content: &mut R,
    reading: &mut Reading,
    each: &mut dyn FnMut(&Row<'_>) -> Go,
) -> io::Result<()> {
    let detected = detect(content)?;
    reading.form = Some(Form::Csv);
    reading.encoding = Some(detected.encoding);
    reading.marked = detected.marked;
    let delimiter = delimiter(content, detected.encoding)?;
    reading.delimiter = Some(char::from(delimiter));
    if delimiter != b',' {
        let says = format!("separates its columns by {}, not by commas", delimiter_name(delimiter));
        reading.flags.file(Finding::warning("csv-delimiter", says));
    }
    content.seek(SeekFrom::Start(0))?;
    let decoded = Decoded::new(BufReader::new(&mut *content), detected.encoding);
    let replaced = decoded.replaced();
    let (source, grant) = Allowance::new(decoded, ROW_BYTES_MAX);
    let mut table = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(source);
    let mut cells = StringRecord::new();
    let mut ended_by_itself = false;
    loop {
        match table.read_record(&mut cells) {
            Ok(false) => ended_by_itself = true,
            Ok(true) => {
                grant.set(ROW_BYTES_MAX);
                let row = Row { number: reading.rows + 1, cells: &cells, formulas: &[] };
                if reading.take(&row, each) == Go::On {
                    continue;
                }
            }
            Err(error) => reading.flags.file(fault(error)?),
        }
        break;
    }
    reading.replaced = replaced.get();
    if reading.replaced {
        let says = format!("has bytes that are no characters in {}", detected.encoding.as_str());
        reading.flags.file(Finding::warning("text-undecodable", says));
    }
    drop(table);
    if ended_by_itself && reading.rows > 0 && !ends_a_line(content, detected.encoding)? {
        let says = "does not end with a line end: its last row may have been cut short";
        reading.flags.file(Finding::warning("csv-last-line", says));
    }
    Ok(())
}

impl Reading {
    fn take(&mut self, row: &Row<'_>, each: &mut dyn FnMut(&Row<'_>) -> Go) -> Go {
        self.rows += 1;
        if self.rows == 1 {
            self.columns = row.cells.len();
            if self.columns > RISK_COLUMNS_MAX {
                let says = format!("is not read: it has more than {RISK_COLUMNS_MAX} columns");
                self.flags.file(Finding::error("csv-columns-many", says));
                return Go::Enough;
            }
            if self.columns < 2 {
                let says = "is not a table: its rows have a single column";
                self.flags.file(Finding::error("csv-columns", says));
                return Go::Enough;
            }
        }
        if row.cells.len() != self.columns {
            let says = format!("has rows with more or fewer columns than the {} of the first", self.columns);
            self.flags.row(row.number, None, Severity::Error, WIDTHS, &says);
        }
        for (column, cell) in row.cells.iter().take(self.columns).enumerate() {
            if cell.bytes().any(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n')) {
                let says = "is not text: it has control characters";
                self.flags.row(row.number, Some(column + 1), Severity::Error, "csv-not-text", says);
            }
            if begins_as_formula(cell) || row.formulas.contains(&column) {
                let says = "has cells that a spreadsheet would take for formulas";
                self.flags.row(row.number, Some(column + 1), Severity::Warning, "risk-formula", says);
            }
        }
        each(row)
    }
}

/// Whether a spreadsheet would take the cell for a formula: it begins as one, and is no plain number.
pub fn begins_as_formula(cell: &str) -> bool {
    let Some(first) = cell.chars().next() else { return false };
    match first {
        '=' | '@' | '\t' | '\r' => true,
        '+' | '-' => {
            let rest = &cell[1..];
            let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'%' | b' ');
            // A dash by itself says that there is nothing.
            !rest.bytes().all(plain)
        }
        _ => false,
    }
}

/// The sign that most often separates the first row, a comma if there is none.
fn delimiter<R: Read + Seek>(content: &mut R, encoding: Encoding) -> io::Result<u8> {
    content.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    Decoded::new(BufReader::new(&mut *content), encoding).take(ROW_BYTES_MAX.min(64 << 10)).read_to_end(&mut head)?;
    let mut counts = [(b',', 0u32), (b'\t', 0), (b';', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if !quoted => counts.iter_mut().filter(|(sign, _)| *sign == byte).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    let [comma, others @ ..] = counts;
    let best = others.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0 && comma.1 == 0);
    Ok(best.unwrap_or(comma).0)
}

fn delimiter_name(delimiter: u8) -> &'static str {
    match delimiter {
        b'\t' => "tabs",
        b';' => "semicolons",
        _ => "bars",
    }
}

fn fault(error: csv::Error) -> io::Result<Finding> {
    match error.into_kind() {
        ErrorKind::Io(error) if is_exceeded(&error) => Ok(Finding::error("csv-row-long", "has a row without an end")),
        ErrorKind::Io(error) => Err(error),
        _ => Ok(Finding::error("csv-broken", "is not comma-separated rows")),
    }
}

fn read_workbook<R: Read + Seek>(
    content: &mut R,
    format: Format,
    reading: &mut Reading,
    each: &mut dyn FnMut(&Row<'_>) -> Go,
) -> io::Result<()> {
    let mut cells = StringRecord::new();
    let mut formulas = Vec::new();
    let mut take = |row: &workbook::Row| {
        cells.clear();
        formulas.clear();
        // Cells at the end of a row that were never filled in are not in the file.
        let columns = row.cells.len().max(reading.columns);
        for column in 0..columns {
            cells.push_field(row.cells.get(column).map_or("", |cell| &cell.text));
            if row.cells.get(column).is_some_and(|cell| cell.formula) {
                formulas.push(column);
            }
        }
        reading.take(&Row { number: row.number, cells: &cells, formulas: &formulas }, each) == Go::On
    };
    let sheet = workbook::first_table(content, format, &mut take)?;
    match sheet {
        Err(fault) => reading.flags.file(fault.finding()),
        Ok(sheets) if sheets > 1 => {
            let says = format!("is a workbook in which {sheets} sheets have cells; only the first of them was read");
            reading.flags.file(Finding::warning("workbook-sheets", says));
        }
        Ok(_) => {}
    }
    Ok(())
}
