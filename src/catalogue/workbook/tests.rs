use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/workbooks/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn table(bytes: &[u8]) -> Result<(usize, Vec<Row>), Fault> {
    let mut content = Cursor::new(bytes);
    let Some(format) = format(&mut content).unwrap() else { return Err(Fault::NoWorkbook) };
    let mut rows = Vec::new();
    let mut take = |row: &Row| {
        rows.push(Row { number: row.number, cells: row.cells.clone() });
        true
    };
    let sheets = first_table(&mut content, format, &mut take).unwrap()?;
    Ok((sheets, rows))
}

fn texts(row: &Row) -> Vec<&str> {
    row.cells.iter().map(|cell| cell.text.as_str()).collect()
}

#[test]
fn old_and_new_have_the_same_cells() {
    let (_, old) = table(&fixture("risk.xls")).unwrap();
    let (sheets, new) = table(&fixture("risk.xlsx")).unwrap();
    assert_eq!((sheets, old.len(), new.len()), (1, 3001, 3001));
    assert_eq!(texts(&old[0]), ["CLAIM_REFERENCE", "RISK_SCORE", "HIGH_RISK", "TENURE"]);
    for (old, new) in old.iter().zip(&new) {
        assert_eq!((old.number, texts(old)), (new.number, texts(new)));
    }
    assert_eq!(texts(&old[1])[2], "Y");
}

#[test]
fn formulas_are_told_and_empty_sheets_passed_over() {
    let (_, rows) = table(&fixture("risk-formula.xlsx")).unwrap();
    let formulas: Vec<(u64, usize)> = rows
        .iter()
        .flat_map(|row| row.cells.iter().enumerate().filter(|(_, cell)| cell.formula).map(|(at, _)| (row.number, at)))
        .collect();
    assert_eq!(formulas, [(11, 1)]);
    let (_, returned) = table(&fixture("HBMS MI return.xls")).unwrap();
    let sums = returned.last().unwrap();
    assert_eq!(sums.cells.iter().filter(|cell| cell.formula).count(), 7, "{sums:?}");
    assert_eq!(table(&fixture("risk-two-sheets.xlsx")).unwrap().1.len(), 21);
}

#[test]
fn macros_stop_the_reading_whatever_the_name() {
    for name in ["risk-macros.xlsm", "risk-macros.xls"] {
        assert_eq!(table(&fixture(name)).unwrap_err(), Fault::Macros, "{name}");
        let mut content = Cursor::new(fixture(name));
        let format = format(&mut content).unwrap().unwrap();
        assert_eq!(judge(&mut content, format).unwrap(), Err(Fault::Macros));
    }
}

#[test]
fn what_a_file_claims_is_not_made_room_for() {
    let bytes = fixture("risk.xls");
    // Every sector is followed by itself: a reader that follows would never end.
    let mut circles = bytes.clone();
    let table_at = 512 * (1 + u32::from_le_bytes(circles[76..80].try_into().unwrap()) as usize);
    for link in 0..128u32 {
        circles[table_at + 4 * link as usize..][..4].copy_from_slice(&link.to_le_bytes());
    }
    assert_eq!(table(&circles).unwrap_err(), Fault::Broken);

    let mut far = xls::tests::stream_of(&bytes);
    let cell = far.windows(4).rposition(|head| head == [0xFD, 0, 10, 0]).unwrap();
    far[cell + 4..cell + 8].copy_from_slice(&[0xFF; 4]);
    assert_eq!(table(&compound::wrap(&far)).unwrap_err(), Fault::TooLarge);
}

#[test]
fn a_zip_of_other_things_and_a_cut_workbook_are_told() {
    assert_eq!(table(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap_err(), Fault::NoWorkbook);
    for name in ["risk.xls", "risk.xlsx"] {
        let whole = fixture(name);
        assert_eq!(table(&whole[..whole.len() / 2]).unwrap_err(), Fault::Broken, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever byte is altered, and wherever it is cut, there are rows or a finding.
    #[test]
    fn nothing_ends_the_process(
        name in prop::sample::select(vec!["HBMS MI return.xls", "risk-formula.xlsx", "risk-two-sheets.xlsx", "risk-macros.xls"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = table(&bytes);
    }
}
