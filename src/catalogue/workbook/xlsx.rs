//! Workbooks of Excel 2007 and later: read cell by cell, with the texts they share in memory.

use std::io::{self, BufReader, Read, Seek, Write};

use calamine::{DataRef, Reader, Xlsx, XlsxError};
use memchr::{memchr, memmem};

use super::{BYTES_MAX, Cell, Fault, Row};
use crate::catalogue::Limits;
use crate::catalogue::archive::{Archive, ArchiveError};

const LIMITS: Limits = Limits { members_max: 1000, bytes_max: BYTES_MAX };
/// Digits of the number of shared texts that a workbook may claim.
const COUNT_DIGITS_MAX: usize = 7;

pub(super) fn first_table<R: Read + Seek>(
    content: &mut R,
    take: &mut dyn FnMut(&Row) -> bool,
) -> io::Result<Result<usize, Fault>> {
    if let Err(fault) = judge(content)? {
        return Ok(Err(fault));
    }
    let mut book = match Xlsx::new(BufReader::new(content)) {
        Ok(book) => book,
        Err(error) => return failed(error),
    };
    let mut filled = 0;
    for name in book.sheet_names() {
        match rows(&mut book, &name, filled == 0, take) {
            Ok(true) => filled += 1,
            // Charts and dialogs have no cells.
            Ok(false) | Err(XlsxError::NotAWorksheet(_) | XlsxError::WorksheetNotFound(_)) => {}
            Err(error) => return failed(error),
        }
    }
    Ok(Ok(filled))
}

fn failed(error: XlsxError) -> io::Result<Result<usize, Fault>> {
    match error {
        XlsxError::Io(error) => Err(error),
        XlsxError::Password => Ok(Err(Fault::Locked)),
        _ => Ok(Err(Fault::Broken)),
    }
}

/// Whether the sheet has a cell; each row goes to `take` if it is `wanted`.
fn rows<R: Read + Seek>(
    book: &mut Xlsx<R>,
    name: &str,
    wanted: bool,
    take: &mut dyn FnMut(&Row) -> bool,
) -> Result<bool, XlsxError> {
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
            return Err(XlsxError::Unexpected("rows out of order"));
        }
        if number > row.number {
            if row.number > 0 && !take(&row) {
                return Ok(true);
            }
            row = Row { number, cells: Vec::new() };
        }
        if !row.put(record.pos.1, Cell { text: text(&record.value), formula }) {
            return Err(XlsxError::Unexpected("a column further out than a sheet goes"));
        }
    }
    if filled {
        take(&row);
    }
    Ok(filled)
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
        let mut claims = Claims { is_xml: path.ends_with(".xml"), excessive: false, carried: Vec::new() };
        if let Err(error) = archive.extract(index, &mut claims) {
            return refused(error);
        }
        if claims.excessive {
            return Ok(Err(Fault::TooLarge));
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

/// Watches a part go by for the one number that the library makes room for before it reads on: `uniqueCount`.
struct Claims {
    is_xml: bool,
    excessive: bool,
    /// The end of what went by: the number may go on in the next piece.
    carried: Vec<u8>,
}

impl Write for Claims {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const NAME: &[u8] = b"uniqueCount";
        const NUMBER_BYTES: usize = 64;
        if !self.is_xml {
            return Ok(bytes.len());
        }
        // In UTF-16 the name would not be found; no program writes workbooks so.
        self.excessive |= memchr(0, bytes).is_some();
        self.carried.extend_from_slice(bytes);
        for at in memmem::find_iter(&self.carried, NAME) {
            let after = self.carried[at + NAME.len()..].iter().take(NUMBER_BYTES);
            let number = after.skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
            self.excessive |= number.count() > COUNT_DIGITS_MAX;
        }
        let keep = self.carried.len().saturating_sub(NAME.len() + NUMBER_BYTES);
        self.carried.drain(..keep);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
