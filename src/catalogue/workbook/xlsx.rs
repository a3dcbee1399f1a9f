//! Workbooks of Excel 2007 and later: read cell by cell, with the texts they share in memory.

use std::io::{self, BufReader, Read, Seek};

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use super::part::Part;
use super::{Allowed, BYTES_MAX, Cell, Fault, Row};
use crate::catalogue::Limits;
use crate::catalogue::archive::{Archive, ArchiveError};

const LIMITS: Limits = Limits { members_max: 1000, bytes_max: BYTES_MAX };
/// Sheets, of which several may be one part that is read again and again.
const SHEETS_MAX: usize = 64;

pub(super) fn first_table<R: Read + Seek>(
    content: &mut R,
    take: &mut dyn FnMut(&Row) -> bool,
) -> io::Result<Result<usize, Fault>> {
    if let Err(fault) = judge(content)? {
        return Ok(Err(fault));
    }
    let mut book = match Xlsx::new(BufReader::new(content)) {
        Ok(book) => book,
        Err(error) => return failed(error.into()),
    };
    let names = book.sheet_names();
    if names.len() > SHEETS_MAX {
        return Ok(Err(Fault::TooLarge));
    }
    let mut filled = 0;
    for name in names {
        match rows(&mut book, &name, filled == 0, take) {
            Ok(true) => filled += 1,
            // Charts and dialogs have no cells.
            Ok(false) | Err(Stopped::Library(XlsxError::NotAWorksheet(_) | XlsxError::WorksheetNotFound(_))) => {}
            Err(stopped) => return failed(stopped),
        }
    }
    Ok(Ok(filled))
}

/// Why the reading ended early.
enum Stopped {
    Library(XlsxError),
    Fault(Fault),
}

impl From<XlsxError> for Stopped {
    fn from(error: XlsxError) -> Stopped {
        Stopped::Library(error)
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Stopped {
        Stopped::Fault(fault)
    }
}

fn failed(stopped: Stopped) -> io::Result<Result<usize, Fault>> {
    match stopped {
        Stopped::Library(XlsxError::Io(error)) => Err(error),
        Stopped::Library(XlsxError::Password) => Ok(Err(Fault::Locked)),
        Stopped::Library(_) => Ok(Err(Fault::Broken)),
        Stopped::Fault(fault) => Ok(Err(fault)),
    }
}

/// Whether the sheet has a cell; each row goes to `take` if it is `wanted`.
fn rows<R: Read + Seek>(
    book: &mut Xlsx<R>,
    name: &str,
    wanted: bool,
    take: &mut dyn FnMut(&Row) -> bool,
) -> Result<bool, Stopped> {
    let mut allowed = Allowed::new();
    let mut cells = book.worksheet_cells_reader(name)?;
    let mut row = Row::default();
    let mut filled = false;
    while let Some(record) = cells.next_cell_with_formula_metadata()? {
        let formula = record.formula.is_some();
        if record.value == DataRef::Empty && !formula {
            continue;
        }
        filled = true;
        if !wanted {
            return Ok(true);
        }
        let number = u64::from(record.pos.0) + 1;
        if number < row.number {
            return Err(Fault::Broken.into());
        }
        if number > row.number {
            if row.number > 0 && !take(&row) {
                return Ok(true);
            }
            row = Row { number, cells: Vec::new() };
            allowed.next_row();
        }
        allowed.text(length(&record.value))?;
        row.put(record.pos.1, Cell { text: text(&record.value), formula }, &mut allowed)?;
    }
    if filled {
        take(&row);
    }
    Ok(filled)
}

/// Bytes of a text as it stands in the workbook; numbers are short.
fn length(value: &DataRef<'_>) -> usize {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.len(),
        DataRef::SharedString(text) => text.len(),
        _ => 0,
    }
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(moment) => moment.as_f64().to_string(),
        DataRef::Error(_) => "#ERROR".to_owned(),
        DataRef::Empty => String::new(),
    }
}

/// Unpacks every part once, to nowhere: what the archive claims of itself is true, and what it holds is within limits.
pub(super) fn judge<R: Read + Seek>(content: &mut R) -> io::Result<Result<(), Fault>> {
    let mut archive = match Archive::open(content, &LIMITS) {
        Ok(archive) => archive,
        Err(error) => return refused(error),
    };
    let paths: Vec<String> = archive.members().iter().map(|member| member.path.to_ascii_lowercase()).collect();
    if paths.iter().any(|path| path.ends_with("vbaproject.bin") || path.contains("macrosheets/")) {
        return Ok(Err(Fault::Macros));
    }
    if !paths.iter().any(|path| path == "xl/workbook.xml") {
        return Ok(Err(Fault::NoWorkbook));
    }
    for (index, path) in paths.iter().enumerate() {
        let fault = if path.ends_with(".xml") || path.ends_with(".rels") {
            let mut part = Part::new();
            archive.extract(index, &mut part).map(|_| part.finish().err())
        } else {
            archive.extract(index, &mut io::sink()).map(|_| None)
        };
        match fault {
            Ok(None) => {}
            Ok(Some(fault)) => return Ok(Err(fault)),
            Err(error) => return refused(error),
        }
    }
    Ok(Ok(()))
}

fn refused(error: ArchiveError) -> io::Result<Result<(), Fault>> {
    match error {
        ArchiveError::Read(error) => Err(error),
        ArchiveError::TooManyBytes { .. } | ArchiveError::TooManyMembers { .. } => Ok(Err(Fault::TooLarge)),
        _ => Ok(Err(Fault::Broken)),
    }
}

#[cfg(test)]
mod tests;
