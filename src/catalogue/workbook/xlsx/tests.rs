use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const ROOT: &str = "<Relationships><Relationship Id=\"r1\" Type=\"u/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";

/// A workbook with these shared texts and the rows of so many sheets, which are one part.
fn book(shared: &str, rows: &str, sheets: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let (mut links, mut names) = (String::new(), String::new());
    for sheet in 0..sheets {
        links += &format!("<Relationship Id=\"r{sheet}\" Type=\"u/worksheet\" Target=\"worksheets/sheet.xml\"/>");
        names += &format!("<sheet name=\"S{sheet}\" r:id=\"r{sheet}\"/>");
    }
    for (name, content) in [
        ("[Content_Types].xml", "<Types/>".to_owned()),
        ("_rels/.rels", ROOT.to_owned()),
        ("xl/_rels/workbook.xml.rels", format!("<Relationships>{links}</Relationships>")),
        ("xl/workbook.xml", format!("<workbook><sheets>{names}</sheets></workbook>")),
        ("xl/sharedStrings.xml", format!("<sst>{shared}</sst>")),
        ("xl/worksheets/sheet.xml", format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// How many rows were handed on, and how it ended.
fn rows_of(bytes: &[u8]) -> (usize, Result<usize, Fault>) {
    let mut rows = 0;
    let end = first_table(&mut Cursor::new(bytes), &mut |row| {
        rows += 1;
        assert!(row.cells.iter().map(|cell| cell.text.len()).sum::<usize>() <= super::super::ROW_BYTES_MAX);
        true
    });
    (rows, end.unwrap())
}

fn text(bytes: usize) -> String {
    format!("<si><t>{}</t></si>", "a".repeat(bytes))
}

fn row(cells: usize) -> String {
    format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(cells))
}

#[test]
fn a_shared_text_is_not_copied_into_cell_after_cell() {
    let large = text(60 << 10);
    assert_eq!(rows_of(&book(&large, &row(17), 1)), (1, Ok(1)));
    assert_eq!(rows_of(&book(&large, &row(18), 1)), (0, Err(Fault::TooLarge)));
    let (rows, end) = rows_of(&book(&large, &row(17).repeat(200), 1));
    assert_eq!((rows, end), (128, Err(Fault::TooLarge)), "128 MiB in all");
}

#[test]
fn a_text_larger_than_a_cell_is_refused_before_the_library_keeps_it() {
    let sheet = |cell: &str| book("", &format!("<row>{cell}</row>"), 1);
    let large = "a".repeat((64 << 10) + 1);
    for bytes in [
        book(&text(large.len()), &row(1), 1),
        sheet(&format!("<c t=\"inlineStr\"><is><t>{large}</t></is></c>")),
        sheet(&format!("<c t=\"str\"><v>{large}</v></c>")),
    ] {
        assert_eq!(judge(&mut Cursor::new(&bytes)).unwrap(), Err(Fault::TooLarge));
        assert_eq!(rows_of(&bytes), (0, Err(Fault::TooLarge)));
    }
}

#[test]
fn empty_cells_before_one_that_is_filled_in_are_cells() {
    let far: String = (1..=200).map(|row| format!("<row r=\"{row}\"><c r=\"XFD{row}\"><v>1</v></c></row>")).collect();
    assert_eq!(rows_of(&book("", &far, 1)), (122, Err(Fault::TooLarge)));
}

#[test]
fn one_part_is_not_read_as_sheet_after_sheet() {
    assert_eq!(rows_of(&book("", "", SHEETS_MAX)), (0, Ok(0)));
    assert_eq!(rows_of(&book("", "", SHEETS_MAX + 1)), (0, Err(Fault::TooLarge)));
}
