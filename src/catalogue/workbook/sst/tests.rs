use std::io::Cursor;

use super::*;
use crate::catalogue::workbook::compound::wrap;
use crate::catalogue::workbook::{Format, first_table};

const MUL_CELLS: u16 = 256;

fn record_of(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &u16::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
}

fn begin(what: u8) -> Vec<u8> {
    record_of(0x0809, &[0, 6, what, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// A workbook of one sheet: these records of its own, and those of the sheet.
fn stream(own: &[u8], sheet: &[u8]) -> Vec<u8> {
    let end = record_of(0x000A, &[]);
    let bound = |at: usize| record_of(0x0085, &[&(at as u32).to_le_bytes()[..], b"\0\0\x01\0S"].concat());
    let at = begin(5).len() + bound(0).len() + own.len() + end.len();
    [begin(5), bound(at), own.to_vec(), end.clone(), begin(0x10), sheet.to_vec(), end].concat()
}

/// A table of shared texts, cut into records as given.
fn table(pieces: &[&[u8]]) -> Vec<u8> {
    let (first, more) = pieces.split_first().unwrap();
    let first = record_of(SST, &[&[0; 8], *first].concat());
    more.iter().fold(first, |records, piece| [records, record_of(CONTINUE, piece)].concat())
}

fn shared_cell(row: u16, index: u32) -> Vec<u8> {
    let row = row.to_le_bytes();
    record_of(LABEL_SST, &[&row[..], &[0; 4], &index.to_le_bytes()].concat())
}

fn read(stream: &[u8]) -> Result<Vec<String>, Fault> {
    let mut texts = Vec::new();
    let read = first_table(&mut Cursor::new(wrap(stream)), Format::Xls, &mut |row| {
        texts.extend(row.cells.iter().map(|cell| cell.text.clone()));
        true
    });
    read.unwrap().map(|_| texts)
}

#[test]
fn the_lengths_are_those_of_the_texts_that_the_library_reads() {
    let pieces: [&[u8]; 3] = [
        // Plain; two formats and four bytes more; wide, which goes on narrow.
        b"\x03\0\0abc\x02\0\x0C\x02\0\x04\0\0\0de\0\0\0\0\0\0\0\0\x01\x02\x03\x04\x05\0\x01f\0g\0",
        b"\0hi",
        b"\x01j\0\x02\0\x01k\0\xAC\x20",
    ];
    let cells: Vec<u8> = (0..4).flat_map(|at| shared_cell(at, u32::from(at))).collect();
    // A name that is cut short, and a code page in which the texts would be others.
    let own = [table(&pieces), record_of(0x0018, &[0]), record_of(0x0042, &[0xE4, 4])].concat();
    let stream = stream(&own, &cells);
    assert_eq!(shared(&stream), Ok(Some(vec![3, 2, 5, 2])));
    assert_eq!(read(&stream).unwrap(), ["abc", "de", "fghij", "k€"]);
}

#[test]
fn a_shared_text_is_not_copied_into_cell_after_cell() {
    let long = [&8000u16.to_le_bytes()[..], &[0], &[b'a'; 8000]].concat();
    let cells = |count: u16| (0..count).flat_map(|row| shared_cell(row, 0)).collect::<Vec<u8>>();
    let of = |count: u16| read(&stream(&table(&[&long]), &cells(count))).map(|texts| texts.len());
    assert_eq!(of(100), Ok(100));
    assert_eq!(of(5700), Err(Fault::TooLarge));
}

#[test]
fn room_is_not_made_for_texts_that_are_not_there() {
    let claims = |kind: u16, before: usize| {
        let data = [&vec![0; before][..], &[0xFF, 0xFF, 0]].concat();
        read(&stream(&[], &record_of(kind, &data).repeat(700)))
    };
    assert_eq!(claims(LABEL, 6), Err(Fault::TooLarge));
    assert_eq!(claims(RSTRING, 6), Err(Fault::TooLarge));
    assert_eq!(claims(STRING, 0), Err(Fault::TooLarge));
}

#[test]
fn cells_at_one_place_are_many_cells() {
    let mut data = vec![0; 6 + 6 * usize::from(MUL_CELLS)];
    data[6 * usize::from(MUL_CELLS) + 4..].copy_from_slice(&(MUL_CELLS - 1).to_le_bytes());
    assert_eq!(read(&stream(&[], &record_of(MUL_RK, &data))).unwrap().len(), usize::from(MUL_CELLS));
    assert_eq!(read(&stream(&[], &record_of(MUL_RK, &data).repeat(8000))), Err(Fault::TooLarge));
}

#[test]
fn tables_that_no_program_writes_are_refused() {
    let refused = |own: &[u8]| bound_texts(&stream(own, &[])).unwrap_err();
    let one = table(&[b"\x01\0\0a"]);
    assert_eq!(refused(&[one.clone(), one].concat()), Fault::Broken);
    assert_eq!(refused(&table(&[b"\x05\0\0ab"])), Fault::Broken);
    assert_eq!(refused(&table(&[b"\x01\0\x04\xFF\xFF\xFF\xFFa"])), Fault::Broken);
    let pieces = [vec![&b"\xFF\xFF\0"[..]], vec![&b"\0"[..]; CONTINUES_MAX + 1]].concat();
    assert_eq!(refused(&table(&pieces)), Fault::TooLarge);
}
