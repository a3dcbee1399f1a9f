//! Workbooks of Excel 97 to 2003: read as a whole, so what they claim is bounded first.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use calamine::{Data, Reader, Xls, XlsError};

use super::compound::{Compound, wrap};
use super::sst::bound_texts;
use super::{Allowed, CELLS_MAX, Cell, Fault, OLD_BYTES_MAX, Row};

const SHEETS_MAX: usize = 255;

// [MS-XLS] 2.3
const BOUND_SHEET: u16 = 0x0085;
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const DIMENSIONS: u16 = 0x0200;
const FORMULA: u16 = 0x0006;
/// What a name stands for: the library would write the sheet's name before each.
const NAME: u16 = 0x0018;
const CODE_PAGE: u16 = 0x0042;
/// A kind of record that means nothing.
const NONE: [u8; 2] = [0; 2];
pub(super) const MUL_RK: u16 = 0x00BD;
const LOCKED: u16 = 0x002F;
/// NUMBER, LABEL, RSTRING, BOOLERR, RK, LABELSST, FORMULA, MULRK: they begin with row and column.
pub(super) const CELLS: [u16; 8] = [0x0203, 0x0204, 0x00D6, 0x0205, 0x027E, 0x00FD, FORMULA, MUL_RK];
const MACRO_SHEET: u8 = 1;

pub(super) fn first_table<R: Read + Seek>(
    content: &mut R,
    take: &mut dyn FnMut(&Row) -> bool,
) -> io::Result<Result<usize, Fault>> {
    let stream = match bounded(content)? {
        Ok(stream) => stream,
        Err(fault) => return Ok(Err(fault)),
    };
    let book = match Xls::new(Cursor::new(wrap(&stream))) {
        Ok(book) => book,
        Err(XlsError::Password) => return Ok(Err(Fault::Locked)),
        Err(_) => return Ok(Err(Fault::Broken)),
    };
    Ok(rows(book, take))
}

pub(super) fn judge<R: Read + Seek>(content: &mut R) -> io::Result<Result<(), Fault>> {
    Ok(bounded(content)?.map(drop))
}

/// The workbook's stream, if there is nothing against reading it.
fn bounded<R: Read + Seek>(content: &mut R) -> io::Result<Result<Vec<u8>, Fault>> {
    content.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    content.by_ref().take(OLD_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > OLD_BYTES_MAX {
        return Ok(Err(Fault::TooLarge));
    }
    Ok(stream(&bytes).and_then(|mut stream| bound(&mut stream).map(|()| stream)))
}

fn stream(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let file = Compound::open(bytes)?;
    if file.has("EncryptedPackage") {
        return Err(Fault::Locked);
    }
    if ["_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros"].iter().any(|name| file.has(name)) {
        return Err(Fault::Macros);
    }
    let stream = file.stream("Workbook")?;
    stream.map_or_else(|| file.stream("Book"), |stream| Ok(Some(stream)))?.ok_or(Fault::NoWorkbook)
}

/// Holds what the sheets claim against the limits. Formulas are told of and never read, so their words are taken out, and so is
/// the size that a sheet announces: the cells themselves tell it. Shared texts are in UTF-16, whatever code page is named.
fn bound(stream: &mut [u8]) -> Result<(), Fault> {
    let is_utf16 = bound_texts(stream)?;
    let mut sheets = Vec::new();
    let mut begins = Vec::new();
    let mut at = 0;
    while let Some((kind, data)) = record(stream, at) {
        match kind {
            BOF => begins.push(at),
            LOCKED => return Err(Fault::Locked),
            BOUND_SHEET => {
                let place = stream[data.clone()].first_chunk::<4>().ok_or(Fault::Broken)?;
                sheets.push(u32::from_le_bytes(*place) as usize);
                if stream[data.clone()].get(5) == Some(&MACRO_SHEET) {
                    return Err(Fault::Macros);
                }
            }
            NAME => stream[at..at + 2].copy_from_slice(&NONE),
            CODE_PAGE if is_utf16 => stream[at..at + 2].copy_from_slice(&NONE),
            DIMENSIONS => stream[data.clone()].fill(0),
            FORMULA => stream[data.clone()].iter_mut().skip(20).for_each(|byte| *byte = 0),
            _ => {}
        }
        at = data.end;
    }
    // Two names for one sheet, or a sheet that begins nowhere, no program writes.
    let told = sheets.len();
    sheets.sort_unstable();
    sheets.dedup();
    if sheets.len() < told || sheets.len() > SHEETS_MAX {
        return Err(Fault::Broken);
    }
    let mut cells = 0u64;
    for sheet in sheets {
        if begins.binary_search(&sheet).is_err() {
            return Err(Fault::Broken);
        }
        cells = cells.saturating_add(area(stream, sheet));
        if cells > CELLS_MAX {
            return Err(Fault::TooLarge);
        }
    }
    Ok(())
}

/// The kind of the record at `at`, and where its data lie.
pub(super) fn record(stream: &[u8], at: usize) -> Option<(u16, std::ops::Range<usize>)> {
    let head = stream.get(at..)?.first_chunk::<4>()?;
    let (kind, length) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
    let data = at + 4..at + 4 + usize::from(length);
    (data.end <= stream.len()).then_some((kind, data))
}

/// The cells of the rectangle that a sheet's cells lie in.
fn area(stream: &[u8], sheet: usize) -> u64 {
    let mut corner: Option<[u16; 4]> = None;
    let (mut at, mut depth) = (sheet, 0);
    while let Some((kind, data)) = record(stream, at) {
        at = data.end;
        match kind {
            BOF => depth += 1,
            EOF if depth <= 1 => break,
            EOF => depth -= 1,
            _ => {}
        }
        let Some(place) = stream[data.clone()].first_chunk::<4>().filter(|_| CELLS.contains(&kind)) else { continue };
        let (row, column) = (u16::from_le_bytes([place[0], place[1]]), u16::from_le_bytes([place[2], place[3]]));
        let last = match stream[data].last_chunk::<2>() {
            Some(last) if kind == MUL_RK => u16::from_le_bytes(*last).max(column),
            _ => column,
        };
        let [top, left, bottom, right] = corner.unwrap_or([row, column, row, last]);
        corner = Some([top.min(row), left.min(column), bottom.max(row), right.max(last)]);
    }
    let side = |from: u16, to: u16| u64::from(to - from) + 1;
    corner.map_or(0, |[top, left, bottom, right]| side(top, bottom) * side(left, right))
}

fn rows<R: Read + Seek>(mut book: Xls<R>, take: &mut dyn FnMut(&Row) -> bool) -> Result<usize, Fault> {
    let mut filled = 0;
    for name in book.sheet_names() {
        let Ok(range) = book.worksheet_range(&name) else { continue };
        if range.is_empty() {
            continue;
        }
        filled += 1;
        if filled > 1 {
            continue;
        }
        let formulas = book.worksheet_formula(&name).map_err(|_| Fault::Broken)?;
        let mut allowed = Allowed::new();
        let (top, left) = range.start().unwrap_or_default();
        for (down, cells) in (top..).zip(range.rows()) {
            let mut row = Row { number: u64::from(down) + 1, cells: Vec::new() };
            allowed.next_row();
            for (column, value) in (left..).zip(cells) {
                let formula = formulas.get_value((down, column)).is_some_and(|formula| !formula.is_empty());
                if *value != Data::Empty || formula {
                    allowed.text(if let Data::String(text) = value { text.len() } else { 0 })?;
                    row.put(column, Cell { text: text(value), formula }, &mut allowed)?;
                }
            }
            if !row.cells.is_empty() && !take(&row) {
                break;
            }
        }
    }
    Ok(filled)
}

fn text(value: &Data) -> String {
    match value {
        Data::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(moment) => moment.as_f64().to_string(),
        Data::Error(_) => "#ERROR".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The workbook's stream of a file.
    pub(in crate::catalogue::workbook) fn stream_of(bytes: &[u8]) -> Vec<u8> {
        stream(bytes).unwrap()
    }
}
