//! Lines, rows and small annexes. The real ones are read in `tests/it/timetable`.

use jiff::civil::{Weekday, date};

use super::row::{self, Row};
use super::table::Layout;
use super::text::{self, Line};
use super::*;

fn row(text: &str, layout: Layout) -> Result<Row, &'static str> {
    let line = Line { number: 7, words: text::plain(text) };
    row::read(&line, layout).map_err(|unread| unread.code)
}

#[test]
fn a_row_has_a_month_an_authority_or_both_and_they_have_nothing_to_do_with_each_other() {
    let both = row("Monday Apr-20 07/04/2020 14/04/2020 Cheshire West & Chester UA 10610", Layout::Shbe).unwrap();
    let Row::Cells(Some(dated), Some(authority)) = both else { panic!("{both:?}") };
    assert_eq!((dated.week, dated.weekday, dated.month.to_string().as_str()), (None, Weekday::Monday, "2020-04"));
    assert_eq!(dated.dates, [date(2020, 4, 7), date(2020, 4, 14)]);
    assert_eq!((authority.number.as_str(), authority.name.as_str()), ("10610", "Cheshire West & Chester UA"));
    let dates_alone = row("Week 3 Monday Mar-21 15/03/2021 \u{a0} \u{a0} ", Layout::HbmsMi).unwrap();
    assert!(matches!(dates_alone, Row::Cells(Some(dated), None) if dated.week == Some(3)));
    let name_alone =
        row("\u{a0} \u{a0} \u{a0} West Suffolk (Prev: Forest Heath, St Edmundsbury) 13508 \u{a0}", Layout::Shbe);
    assert!(matches!(name_alone.unwrap(), Row::Cells(None, Some(authority)) if authority.number == "13508"));
}

#[test]
fn counts_are_told_from_numbers() {
    assert_eq!(row("15 75 \u{a0}", Layout::HbmsMi), Ok(Row::Subtotal(vec![15, 75])));
    assert_eq!(row("87", Layout::Shbe), Ok(Row::Subtotal(vec![87])));
    assert_eq!(row(" \u{a0} ", Layout::Shbe), Ok(Row::Blank));
    assert_eq!(row("12302", Layout::Shbe), Err("row-unread"));
    assert_eq!(row("1 2 3", Layout::Shbe), Err("row-unread"));
}

#[test]
fn what_is_cut_or_garbled_is_not_read_in_part() {
    for (text, layout, code) in [
        ("Apr-20 07/04/2020 14/04/2020 Blackpool 12302", Layout::Shbe, "row-incomplete"),
        ("Monday Apr-20 14/04/2020 Blackpool 12302", Layout::Shbe, "row-incomplete"),
        ("Monday Apr-20 14/04/2020 Blackpool 12302", Layout::HbmsMi, "row-incomplete"),
        ("Week 1 Monday Apr-20 07/04/2020 14/04/2020 Blackpool 12302", Layout::HbmsMi, "row-incomplete"),
        ("Week 1 Monday Apr-20 14/04/202O Blackpool 12302", Layout::HbmsMi, "date-unread"),
        ("Week 1 Monday Apr-20 31/04/2020 Blackpool 12302", Layout::HbmsMi, "date-unread"),
        ("Week 1 Monday Apr-2O 14/04/2020 Blackpool 12302", Layout::HbmsMi, "row-unread"),
        ("Week 1 Mon Apr-20 14/04/2020 Blackpool 12302", Layout::HbmsMi, "row-unread"),
        ("Week 1 Monday Apr-20 14/04/2020 Blackpool", Layout::HbmsMi, "row-unread"),
        ("Week 1 Monday Apr-20 14/04/2020 12302", Layout::HbmsMi, "row-unread"),
        ("Any sentence that strayed in.", Layout::Shbe, "row-unread"),
    ] {
        assert_eq!(row(text, layout), Err(code), "{text}");
    }
}

#[test]
fn lines_are_the_same_however_they_were_saved() {
    let plain = text::lines("a  b\nStoke-on-Trent\n".as_bytes());
    for saved in [
        "a\u{a0}b\r\nStoke\u{2011}on\u{2013}Trent\r\n",
        "\u{feff}a\tb\rStoke-on-Trent\r",
        " a b \nStoke\u{ad}-on-Trent \n",
    ] {
        assert_eq!(text::lines(saved.as_bytes()), plain, "{saved:?}");
    }
    // Windows-1252: a no-break space and an en dash.
    assert_eq!(text::lines(b"a\xa0b\nStoke\x96on\x96Trent\n"), plain);
    let wide: Vec<u8> = "\u{feff}a b\nStoke-on-Trent\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(text::lines(&wide), plain);
}

#[test]
fn csv_is_read_by_its_headings_with_the_lines_of_the_file() {
    let text = "Annex B,,,,,\nLocal Authority number,Local Authority name,Day of transfer,Relevant month,\
                Earliest data extraction date,Data transfer date\n12302,Blackpool,Monday,Apr-20,07/04/2020,14/04/2020\n\
                ,,,,,\n20107,\"Stock, port\",,,,\n";
    let lines = text::lines(text.as_bytes());
    assert_eq!(Layout::of(&lines[1].words), Some(Layout::Shbe));
    assert_eq!((lines[2].number, lines[2].words.as_str()), (3, "Monday Apr-20 07/04/2020 14/04/2020 Blackpool 12302"));
    assert_eq!((lines[4].number, lines[4].words.as_str()), (5, "Stock, port 20107"));
}

#[test]
fn an_annex_is_known_by_its_columns() {
    assert_eq!(Layout::of("Day of transfer Relevant month Data transfer date Local Authority name"), None);
    let source = Source { name: "x.txt", bytes: b"Annex B provides dates.\nAnnex Q: Returns 2021-22\nWeek commencing 29/03/2021\nWeek number Day of transfer Relevant month Data transfer date Local Authority name Local Authority number\nrow\nAnnex R: Other\nnot a row\n" };
    let mut findings = Findings::default();
    let tables = table::tables(&source, &mut findings);
    assert_eq!(tables.len(), 1);
    let table = &tables[0];
    assert_eq!((table.layout, table.annex.as_str(), table.line, table.lines.len()), (Layout::HbmsMi, "Q", 4, 1));
    assert_eq!(table.breaks, [(date(2021, 3, 29), 3)]);
    table.check_year("2020-21".parse().unwrap(), &mut findings);
    let found = findings.into_sorted();
    assert_eq!((found[0].code, found[0].line, found[0].annex.as_deref()), ("year-differs", Some(2), Some("Q")));
}
