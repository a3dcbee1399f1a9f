//! A copy of risk data in the layout that a back office wants.
//!
//! In:  the table as it was signed, and a [`RiskLayout`]. Out: the copy, or why there is none.
//! Holds: the same bytes and the same layout always give the same copy; what does not fit gives none rather than a wrong
//! one. What was written before that shows is to be thrown away.

use std::io::{self, Read, Seek, Write};

use csv::{ByteRecord, StringRecord, Terminator, WriterBuilder};
use encoding_rs::WINDOWS_1252;

use super::heading;
use super::rows::{Go, begins_as_formula, read};
use crate::catalogue::workbook;
use crate::domain::RiskColumn;
use crate::domain::risk_layout::{LayoutEncoding, RiskLayout, Underivable};

/// Writes the copy, and says how many rows it has without the names.
///
/// `header`: whether the first row of the original names the columns; where it is left open, it must be certain.
pub fn derive<R: Read + Seek>(
    content: &mut R,
    layout: &RiskLayout,
    header: Option<bool>,
    into: &mut dyn Write,
) -> io::Result<Result<u64, Underivable>> {
    if workbook::format(content)?.is_some() {
        return Ok(Err(Underivable::Workbook));
    }
    let mut table = WriterBuilder::new().delimiter(layout.delimiter).terminator(Terminator::CRLF).from_writer(into);
    let mut columns: Option<Vec<usize>> = None;
    let mut rows = 0;
    // What ends the reading early, by the layout or by the disk.
    let mut end: io::Result<Result<(), Underivable>> = Ok(Ok(()));
    let reading = read(content, &mut |row| {
        let begun = columns.is_some();
        if !begun {
            let Some(found) = columns_of(row.cells, layout) else {
                end = Ok(Err(Underivable::Columns));
                return Go::Enough;
            };
            columns = Some(found);
            if let Some(names) = layout.names() {
                end = put(&mut table, names, layout);
            }
            match is_heading(row.cells, layout, header) {
                Ok(true) => return if matches!(end, Ok(Ok(()))) { Go::On } else { Go::Enough },
                Ok(false) => {}
                Err(why) => {
                    end = Ok(Err(why));
                    return Go::Enough;
                }
            }
        }
        let cells = columns.iter().flatten().map(|at| row.cells.get(*at).unwrap_or_default());
        end = put(&mut table, cells, layout);
        rows += 1;
        if matches!(end, Ok(Ok(()))) { Go::On } else { Go::Enough }
    })?;
    if let Err(why) = end? {
        return Ok(Err(why));
    }
    if !reading.flags.is_sound() {
        return Ok(Err(Underivable::Table));
    }
    if reading.replaced {
        return Ok(Err(Underivable::Characters));
    }
    table.flush()?;
    Ok(Ok(rows))
}

fn put<'a, W: Write>(
    table: &mut csv::Writer<W>,
    cells: impl Iterator<Item = &'a str>,
    layout: &RiskLayout,
) -> io::Result<Result<(), Underivable>> {
    let mut record = ByteRecord::new();
    for cell in cells {
        // Read by a spreadsheet, a leading apostrophe makes it text.
        let quoted = layout.quote_formulas && begins_as_formula(cell);
        let cell = if quoted { format!("'{cell}") } else { cell.to_owned() };
        match layout.encoding {
            LayoutEncoding::Utf8 => record.push_field(cell.as_bytes()),
            LayoutEncoding::Windows1252 => {
                let (bytes, _, unknown) = WINDOWS_1252.encode(&cell);
                if unknown {
                    return Ok(Err(Underivable::Characters));
                }
                record.push_field(&bytes);
            }
        }
    }
    match table.write_byte_record(&record).map_err(csv::Error::into_kind) {
        Ok(()) => Ok(Ok(())),
        Err(csv::ErrorKind::Io(error)) => Err(error),
        Err(_) => Ok(Err(Underivable::Table)),
    }
}

/// A claim that is taken for names would be missing in the copy, and names that are taken for a claim would be one too many.
fn is_heading(first: &StringRecord, layout: &RiskLayout, told: Option<bool>) -> Result<bool, Underivable> {
    let named = layout.columns.iter().any(|column| matches!(column.from, RiskColumn::Named(_)));
    match told {
        Some(true) if heading::has_number(first) => Err(Underivable::Header),
        Some(false) if named => Err(Underivable::Header),
        Some(told) => Ok(told),
        None if named || heading::names(first).is_some() => Ok(true),
        None if heading::has_number(first) => Ok(false),
        None => Err(Underivable::Header),
    }
}

/// Where the layout's columns are, from 0. Names count only in a row that can be one of names.
fn columns_of(first: &StringRecord, layout: &RiskLayout) -> Option<Vec<usize>> {
    let numbers = heading::has_number(first);
    let place = |column: &RiskColumn| match column {
        RiskColumn::Number(number) => number.checked_sub(1).filter(|at| *at < first.len()),
        RiskColumn::Named(_) if numbers => None,
        RiskColumn::Named(name) => first.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name)),
    };
    layout.columns.iter().map(|column| place(&column.from)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::domain::risk_layout::LayoutColumn;

    fn layout(columns: &[(&str, &str)]) -> RiskLayout {
        let column = |(from, to): &(&str, &str)| LayoutColumn {
            from: from.parse().unwrap(),
            to: (!to.is_empty()).then(|| (*to).to_owned()),
        };
        RiskLayout {
            columns: columns.iter().map(column).collect(),
            encoding: LayoutEncoding::Windows1252,
            delimiter: b';',
            quote_formulas: true,
        }
    }

    fn derived(text: &[u8], layout: &RiskLayout) -> Result<Vec<u8>, Underivable> {
        derived_with(None, text, layout)
    }

    fn derived_with(header: Option<bool>, text: &[u8], layout: &RiskLayout) -> Result<Vec<u8>, Underivable> {
        let mut out = Vec::new();
        derive(&mut Cursor::new(text), layout, header, &mut out).unwrap().map(|_| out)
    }

    const TEXT: &str = "CLAIM,SCORE,NAME\nHB1,0.9,Café;x\nHB2,-0.5,=1+1\n";

    #[test]
    fn columns_are_chosen_named_ordered_and_made_harmless() {
        let wanted = layout(&[("name", "Who"), ("CLAIM", "Ref"), ("2", "Punkte")]);
        let copy = derived(TEXT.as_bytes(), &wanted).unwrap();
        assert_eq!(copy, b"Who;Ref;Punkte\r\n\"Caf\xE9;x\";HB1;0.9\r\n'=1+1;HB2;-0.5\r\n");
        assert_eq!(derived(TEXT.as_bytes(), &wanted).unwrap(), copy, "the same each time");
        let kept = RiskLayout { quote_formulas: false, ..layout(&[("3", "")]) };
        assert_eq!(derived(TEXT.as_bytes(), &kept).unwrap(), b"\"Caf\xE9;x\"\r\n=1+1\r\n");
    }

    #[test]
    fn a_first_row_is_a_claim_or_names_only_where_that_is_certain() {
        const BARE: &[u8] = b"HB000001,Y,High\nHB000002,N,Low\n";
        let wanted = layout(&[("1", "Ref"), ("2", "Mark")]);
        assert_eq!(derived(BARE, &wanted).unwrap_err(), Underivable::Header, "nothing in it is a number");
        let all = derived_with(Some(false), BARE, &wanted).unwrap();
        assert_eq!(all, b"Ref;Mark\r\nHB000001;Y\r\nHB000002;N\r\n", "the first claim too");
        assert_eq!(derived_with(Some(true), BARE, &wanted).unwrap(), b"Ref;Mark\r\nHB000002;N\r\n", "as was said");
        assert_eq!(derived(b"HB1,0.9\nHB2,0.8\n", &wanted).unwrap(), b"Ref;Mark\r\nHB1;0.9\r\nHB2;0.8\r\n");
        assert_eq!(derived(b"CLAIM,SCORE\nHB1,0.9\n", &wanted).unwrap(), b"Ref;Mark\r\nHB1;0.9\r\n");
        assert_eq!(derived_with(Some(true), b"HB1,0.9\nHB2,0.8\n", &wanted).unwrap_err(), Underivable::Header);
    }

    #[test]
    fn what_does_not_fit_gives_no_copy() {
        let one = |from: &str| layout(&[(from, "x")]);
        assert_eq!(derived(TEXT.as_bytes(), &one("OTHER")).unwrap_err(), Underivable::Columns);
        assert_eq!(derived(TEXT.as_bytes(), &one("4")).unwrap_err(), Underivable::Columns);
        assert_eq!(derived(b"HB1,0.9\nHB2,0.8\n", &one("HB1")).unwrap_err(), Underivable::Columns);
        assert_eq!(derived(b"CLAIM,SCORE\nA\n", &one("CLAIM")).unwrap_err(), Underivable::Table);
        assert_eq!(derived("CLAIM,SCORE\nŁ,1\n".as_bytes(), &one("1")).unwrap_err(), Underivable::Characters);
        assert_eq!(derived(b"PK\x03\x04", &one("1")).unwrap_err(), Underivable::Workbook);
    }
}
