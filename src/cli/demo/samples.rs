//! Make-believe files for the demonstration: the right shapes, and nobody's data.

use std::io::{self, Cursor, Write};

use jiff::civil::Date;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::catalogue::shbe;

/// A LAID as PDF: one blank page.
pub fn laid_pdf() -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ];
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(objects) {
        offsets.push(pdf.len());
        pdf.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let table = pdf.len();
    pdf.extend(b"xref\n0 4\n0000000000 65535 f \n");
    offsets.iter().for_each(|offset| pdf.extend(format!("{offset:010} 00000 n \n").bytes()));
    pdf.extend(format!("trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").bytes());
    pdf
}

/// A LAID as XML.
pub fn laid_xml() -> Vec<u8> {
    b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LAID><Claim reference=\"DEMO-0001\"/></LAID>\n".to_vec()
}

/// Caseload Risk Data of this many rows, ranked high to low.
pub fn caseload_risk(rows: u32) -> Vec<u8> {
    let mut csv = String::from("CLAIM_REF,SCORE,HIGH_RISK\r\n");
    for row in 0..rows {
        let marked = if row < rows / 10 { "Y" } else { "N" };
        csv.push_str(&format!("DEMO-{row:04},{},{marked}\r\n", rows - row));
    }
    csv.into_bytes()
}

/// The clerical workbook in which HBMS outcomes are returned, with this in its first cell.
pub fn mi_workbook(says: &str) -> io::Result<Vec<u8>> {
    const TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
    const ROOT: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    const LINKS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    const BOOK: &str = r#"<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="MI" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let sheet = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{says}</t></is></c></row></sheetData></worksheet>"#
    );
    archive(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", ROOT.as_bytes()),
        ("xl/_rels/workbook.xml.rels", LINKS.as_bytes()),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// A ZIP of these files.
pub fn archive(members: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in members {
        zip.start_file(*name, options).map_err(io::Error::other)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish().map_err(io::Error::other)?.into_inner())
}

/// A SHBE extracted on this day: a live claim with a member of its household, a review of it, the change that it led to, and
/// what had been overpaid.
pub fn shbe_extract(extracted: Date) -> Vec<u8> {
    let day = extracted.strftime("%d-%m-%Y").to_string();
    let day = day.as_str();
    let claim = [(4, "XX999999A"), (8, "01-01-1980"), (9, "1"), (12, "0"), (33, "1"), (41, "06-04-2015"), (43, "9050")];
    let lines = [
        record("G", &[(274, "1")]),
        record("D", &[&[(2, CLAIM)], &claim[..]].concat()),
        record("S", &[(2, CLAIM), (308, "1"), (315, "01-01-2010")]),
        record("R", &[(2, CLAIM), (171, day), (173, "1"), (174, "Y"), (175, day), (176, "1")]),
        record(
            "T",
            &[
                (2, CLAIM),
                (50, "9050"),
                (248, "8000"),
                (250, "1"),
                (251, day),
                (253, day),
                (254, "8"),
                (255, day),
                (320, "1"),
            ],
        ),
        record("E", &[(2, CLAIM), (320, "1"), (337, "2100"), (338, "1050"), (339, day), (340, day), (341, "1")]),
    ];
    format!("H|SHBE|{day}\r\n{}Z|{}\r\n", lines.concat(), lines.len()).into_bytes()
}

/// The claim of the extract.
const CLAIM: &str = "DEMO-0001";

/// A data line with these fields, by number.
fn record(letter: &str, fields: &[(usize, &str)]) -> String {
    let mut cells = vec![""; shbe::FIELDS];
    for (field, value) in [&[(1, letter)], fields].concat() {
        cells[field - 1] = value;
    }
    cells.join("|") + "\r\n"
}
