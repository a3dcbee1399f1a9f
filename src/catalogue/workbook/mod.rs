//! The cells of an Excel workbook, old or new, row by row.
//!
//! In:  content that begins as a workbook. Out: the rows of its first sheet that has any; or why it is not read.
//! Holds: macros are never run nor read, formulas never reckoned; a workbook with macros is not read at all. The library that
//! reads workbooks (calamine) believes what a file says of its own size, and a failed allocation ends the process; so
//! nothing reaches it before its claims were held against [`CELLS_MAX`], [`STRINGS_MAX`] and [`BYTES_MAX`]; and no text is
//! copied before it was held against [`Allowed`]. What the library panics over is a finding.

mod compound;
mod part;
mod sst;
mod xls;
mod xlsx;

use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::archive;
use super::finding::Finding;
use super::hbms_mi::is_ole2;

/// Bytes of a workbook, unpacked, that are read: a hundred thousand rows of ten columns are some 60 MiB.
const BYTES_MAX: u64 = 128 << 20;
/// Bytes of an old workbook, which is read into memory as a whole: all the rows it may have take some 10 MiB.
const OLD_BYTES_MAX: u64 = 16 << 20;
/// Cells, empty ones within the table too.
const CELLS_MAX: u64 = 2_000_000;
/// Texts that cells share.
const STRINGS_MAX: u64 = 1_000_000;
/// Bytes of one cell's text; Excel itself has no more than 32,767 characters.
const CELL_BYTES_MAX: usize = 64 << 10;
/// Bytes of one row's texts, as of a row of separated text.
const ROW_BYTES_MAX: usize = 1 << 20;

/// The code of the finding that a workbook has macros.
pub(super) const MACROS: &str = "workbook-macros";

/// Which kind of workbook a file begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Excel 97 to 2003: a compound file.
    Xls,
    /// Excel 2007 and later: a ZIP.
    Xlsx,
}

/// A row that has cells.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// As the sheet counts it, from 1.
    pub number: u64,
    /// From the sheet's first column to the last that is filled in.
    pub cells: Vec<Cell>,
}

/// One cell.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    /// As the file has it: formats for display are left out.
    pub text: String,
    /// What it shows was reckoned.
    pub formula: bool,
}

/// Why a workbook is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Macros,
    Locked,
    TooLarge,
    NoWorkbook,
    Broken,
}

impl Fault {
    pub(super) fn finding(self) -> Finding {
        let (code, says) = match self {
            Fault::Macros => {
                (MACROS, "carries macros, so it was not read: do not open it, and ask for it without".to_owned())
            }
            Fault::Locked => ("workbook-locked", "is locked with a password".to_owned()),
            Fault::TooLarge => {
                let (new, old) = (BYTES_MAX >> 20, OLD_BYTES_MAX >> 20);
                let says = format!(
                    "is a workbook of more than {new} MiB unpacked (an old one: {old} MiB) or {CELLS_MAX} cells, or with \
                    a text or a row longer than any office program writes: ask for it as CSV"
                );
                ("workbook-large", says)
            }
            Fault::NoWorkbook => ("workbook-none", "is an archive and no workbook".to_owned()),
            Fault::Broken => ("workbook-broken", "is a workbook that cannot be read: it is damaged".to_owned()),
        };
        Finding::error(code, says)
    }
}

/// What `content` begins as; `None` where that is no workbook.
pub(super) fn format<R: Read + Seek>(content: &mut R) -> io::Result<Option<Format>> {
    content.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    content.by_ref().take(8).read_to_end(&mut head)?;
    content.seek(SeekFrom::Start(0))?;
    Ok(if is_ole2(&head) {
        Some(Format::Xls)
    } else if archive::is_zip(&head) {
        Some(Format::Xlsx)
    } else {
        None
    })
}

/// What is wrong with a workbook by its build alone: its cells are not read.
pub(super) fn judge<R: Read + Seek>(content: &mut R, format: Format) -> io::Result<Result<(), Fault>> {
    match format {
        Format::Xls => xls::judge(content),
        Format::Xlsx => xlsx::judge(content),
    }
}

/// Hands each row of the first sheet that has cells to `take`, until that says no; says how many sheets have cells.
pub(super) fn first_table<R: Read + Seek>(
    content: &mut R,
    format: Format,
    take: &mut dyn FnMut(&Row) -> bool,
) -> io::Result<Result<usize, Fault>> {
    // What the closure leaves half done is the library's, and is thrown away.
    let read = catch_unwind(AssertUnwindSafe(|| match format {
        Format::Xls => xls::first_table(content, take),
        Format::Xlsx => xlsx::first_table(content, take),
    }));
    match read.unwrap_or(Ok(Err(Fault::Broken))) {
        // What the disk says has a code of the system; what the library makes of a damaged file has none.
        Err(error) if error.raw_os_error().is_none() => Ok(Err(Fault::Broken)),
        read => read,
    }
}

/// What may still be read of a table.
#[derive(Debug)]
struct Allowed {
    row: usize,
    texts: u64,
    cells: u64,
}

impl Allowed {
    fn new() -> Allowed {
        Allowed { row: ROW_BYTES_MAX, texts: BYTES_MAX, cells: CELLS_MAX }
    }

    fn next_row(&mut self) {
        self.row = ROW_BYTES_MAX;
    }

    /// Takes a text of so many bytes off, before it is copied.
    fn text(&mut self, bytes: usize) -> Result<(), Fault> {
        let row = self.row.checked_sub(bytes).filter(|_| bytes <= CELL_BYTES_MAX);
        let texts = self.texts.checked_sub(bytes as u64);
        (self.row, self.texts) = row.zip(texts).ok_or(Fault::TooLarge)?;
        Ok(())
    }

    fn cells(&mut self, cells: usize) -> Result<(), Fault> {
        self.cells = self.cells.checked_sub(cells as u64).ok_or(Fault::TooLarge)?;
        Ok(())
    }
}

impl Row {
    /// Puts a cell into its column, counted from 0. None is further out than any sheet goes, nor more than `allowed`.
    fn put(&mut self, column: u32, cell: Cell, allowed: &mut Allowed) -> Result<(), Fault> {
        const COLUMNS_MAX: usize = 1 << 14;
        let column = column as usize;
        if column >= COLUMNS_MAX {
            return Err(Fault::Broken);
        }
        if self.cells.len() <= column {
            allowed.cells(column + 1 - self.cells.len())?;
            self.cells.resize(column + 1, Cell::default());
        }
        self.cells[column] = cell;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
