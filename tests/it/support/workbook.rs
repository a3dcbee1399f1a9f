//! Workbooks of Excel 2007 and later with made-up cells.

use hbcourier::cli::demo::samples;

/// Of one sheet with these rows, which are XML.
pub fn with_rows(rows: &str) -> Vec<u8> {
    with_parts(rows, &[])
}

/// The same with macros.
pub fn with_macros(rows: &str) -> Vec<u8> {
    with_parts(rows, &[("xl/vbaProject.bin", b"made up")])
}

/// Its rows are not in the order of their numbers, and the last is not to be read.
pub fn damaged(cell: &str) -> Vec<u8> {
    with_rows(&[row(1, &["A", "B"]), row(9, &[cell, "1"]), row(4, &[cell, "2"])].concat())
}

/// A row of texts.
pub fn row(number: u32, cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<c t=\"inlineStr\"><is><t>{cell}</t></is></c>")).collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

fn with_parts(rows: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let links = |kind: &str, target: &str| {
        format!("<Relationships><Relationship Id=\"r1\" Type=\"u/{kind}\" Target=\"{target}\"/></Relationships>")
    };
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let parts = [
        ("[Content_Types].xml", "<Types/>".to_owned()),
        ("_rels/.rels", links("relationships/officeDocument", "xl/workbook.xml")),
        ("xl/_rels/workbook.xml.rels", links("worksheet", "worksheets/sheet1.xml")),
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"MI\" r:id=\"r1\"/></sheets></workbook>".to_owned()),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, part)| (*name, part.as_bytes())).collect();
    samples::archive(&[&parts[..], more].concat()).unwrap()
}
