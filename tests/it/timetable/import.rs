//! Reading the circular: the whole of it, the annexes alone, and as CSV.

use std::sync::LazyLock;

use hbcourier::catalogue::Severity;
use hbcourier::catalogue::circular::{Reading, Source, Terms, TimetableFinding, read};
use hbcourier::config::{authorities, calendars};
use hbcourier::domain::authorities::Authorities;
use hbcourier::domain::working_days::BankHolidays;

use super::annex;
use super::{ANNEX_B, ANNEX_D, CIRCULAR, year_2020};

static TABLE: LazyLock<Authorities> = LazyLock::new(|| authorities::authorities(None).unwrap());
static BANK_HOLIDAYS: LazyLock<BankHolidays> = LazyLock::new(|| calendars::bank_holidays().unwrap());

/// Reads these files as the timetable of 2020-21.
pub(super) fn read_all(files: &[(&str, &[u8])]) -> Reading {
    read_with(files, "2020-21", &TABLE)
}

fn read_with(files: &[(&str, &[u8])], year: &str, authorities: &Authorities) -> Reading {
    let sources: Vec<Source> = files.iter().map(|(name, bytes)| Source { name, bytes }).collect();
    read(&sources, &Terms { year: year.parse().unwrap(), authorities, bank_holidays: &BANK_HOLIDAYS })
}

fn codes(reading: &Reading) -> Vec<(&'static str, Option<&str>, Option<usize>)> {
    reading.findings.iter().map(|found| (found.code, found.annex.as_deref(), found.line)).collect()
}

fn of<'a>(reading: &'a Reading, code: &str) -> Vec<&'a TimetableFinding> {
    reading.findings.iter().filter(|found| found.code == code).collect()
}

#[test]
fn the_circular_as_published_is_the_bundled_timetable() {
    let reading = read_all(&[("a5-2020.txt", CIRCULAR.as_bytes())]);
    assert!(reading.is_sound(), "{:#?}", reading.findings);
    let timetable = reading.timetable.unwrap();
    assert_eq!(timetable, year_2020());
    assert_eq!((timetable.groups().len(), timetable.authorities().len()), (16, 377));
    let suffolk = &reading.predecessors[&"13509".parse().unwrap()];
    assert_eq!(suffolk, &["Suffolk Coastal", "Waveney"]);
    assert_eq!(reading.predecessors.len(), 2);
}

#[test]
fn what_is_odd_in_the_circular_is_found_at_its_line() {
    let reading = read_all(&[("a5-2020.txt", CIRCULAR.as_bytes())]);
    let line = |number: usize| CIRCULAR.lines().nth(number - 1).unwrap();
    let misprints = of(&reading, "number-misprinted");
    let said: Vec<_> = misprints.iter().map(|found| (found.authority.as_deref(), found.annex.as_deref())).collect();
    assert_eq!(said, [(Some("16104"), Some("B")), (Some("71405"), Some("B"))]);
    assert!(line(misprints[0].line.unwrap()).ends_with("Dover 6104"));
    assert!(line(misprints[1].line.unwrap()).ends_with("Monmouthshire 1405"));
    // Three Mondays, in both annexes, each explained by a bank holiday.
    let shifted = of(&reading, "weekday-shifted");
    assert_eq!(shifted.len(), 6);
    for (found, date) in shifted.iter().zip(["14/04/2020", "01/09/2020", "26/05/2020"].iter().cycle()) {
        let row = line(found.line.unwrap());
        assert!(row.contains(date) && row.contains("Monday"), "{row}");
        assert!(found.says.contains("bank holiday"), "{}", found.says);
    }
    let variants: Vec<_> = of(&reading, "name-variant").iter().map(|found| line(found.line.unwrap())).collect();
    assert_eq!(variants.len(), 3, "{variants:?}");
    for (variant, part) in variants.iter().zip(["Cheshire West &", "City Of", "Comhairle nan Eilean Siar)"]) {
        assert!(variant.contains(part), "{variant}");
    }
    let repeated = of(&reading, "dates-repeated");
    assert_eq!(repeated.len(), 5, "{repeated:#?}");
    let clashes: Vec<_> =
        of(&reading, "extraction-on-bank-holiday").iter().map(|found| line(found.line.unwrap())).collect();
    let days = ["28/12/2020", "13/04/2020", "31/08/2020", "25/05/2020"];
    assert_eq!(clashes.len(), days.len(), "{clashes:?}");
    for (row, day) in clashes.iter().zip(days) {
        assert!(row.contains(&format!(" {day} ")), "{row}");
    }
    assert!(of(&reading, "transfer-on-bank-holiday").is_empty());
    assert_eq!(reading.findings.len(), 2 + 6 + 3 + 5 + 4, "{:#?}", codes(&reading));
    assert!(reading.findings.iter().all(|found| found.severity == Severity::Warning));
}

#[test]
fn an_independent_reader_of_the_annexes_says_the_same() {
    let reading = read_all(&[("b.txt", ANNEX_B.as_bytes()), ("d.txt", ANNEX_D.as_bytes())]);
    let timetable = reading.timetable.unwrap();
    for (ours, printed) in timetable.groups().iter().zip(annex::read(ANNEX_D)) {
        let numbers: Vec<&str> = ours.authorities.iter().map(|authority| authority.number.as_str()).collect();
        let expected: Vec<&str> = printed.authorities.iter().map(|(number, _)| number.as_str()).collect();
        assert_eq!(numbers, expected);
        assert!(ours.hbms_mi.iter().map(|date| date.transfer_on).eq(printed.rows.iter().map(|(_, dates)| dates[0])));
    }
    for (ours, printed) in timetable.groups().iter().zip(annex::read(ANNEX_B)) {
        let dates = ours.shbe.iter().map(|date| vec![date.extract_from, date.transfer_on]);
        assert!(dates.eq(printed.rows.iter().map(|(_, dates)| dates.clone())));
    }
}

/// The annex as a spreadsheet saves it: a cell for every column, lines as they are.
fn as_csv(annex: &str, with_weeks: bool) -> String {
    let mut csv = String::new();
    for line in annex.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let numeric = !words.is_empty() && words.iter().all(|word| word.parse::<u32>().is_ok());
        if line.ends_with("Local Authority number") {
            let week = if with_weeks { "Week number," } else { "" };
            let extraction = if with_weeks { "" } else { "Earliest data extraction date," };
            csv += &format!(
                "{week}Day of transfer,Relevant month,{extraction}Data transfer date,Local Authority name,Local Authority number\r\n"
            );
            continue;
        }
        let dated = words.first().is_some_and(|word| *word == "Week" || word.ends_with("day"));
        let left = match (dated, with_weeks) {
            (true, true) => 5,
            (true, false) => 4,
            (false, _) => 0,
        };
        if numeric
            || words.is_empty()
            || line.contains("ommencing")
            || line.starts_with("Annex")
            || line.starts_with("Breaks")
        {
            csv += &format!("\"{}\",,,,,\r\n", line.trim());
            continue;
        }
        let mut cells: Vec<String> = words[..left].iter().map(|word| (*word).to_owned()).collect();
        if dated && with_weeks {
            let week = cells.remove(0);
            cells[0] = format!("{week} {}", cells[0]);
        }
        cells.resize(4, String::new());
        let rest = &words[left..];
        let (number, name) = rest.split_last().map_or(("", String::new()), |(number, name)| (*number, name.join(" ")));
        csv += &format!("{},\"{name}\",{number}\r\n", cells.join(","));
    }
    csv
}

#[test]
fn the_annexes_as_csv_are_the_same_timetable_with_the_same_lines() {
    let (b, d) = (as_csv(ANNEX_B, false), as_csv(ANNEX_D, true));
    let csv = read_all(&[("b.csv", b.as_bytes()), ("d.csv", d.as_bytes())]);
    assert!(csv.is_sound(), "{:#?}", csv.findings);
    assert_eq!(csv.timetable.as_ref().unwrap(), &year_2020());
    let text = read_all(&[("b.csv", ANNEX_B.as_bytes()), ("d.csv", ANNEX_D.as_bytes())]);
    assert_eq!(csv.findings, text.findings);
}

#[test]
fn the_order_of_the_files_does_not_matter_and_one_annex_alone_is_not_enough() {
    let files = [("d.txt", ANNEX_D.as_bytes()), ("b.txt", ANNEX_B.as_bytes())];
    assert_eq!(read_all(&files).timetable.unwrap(), year_2020());
    let alone = read_all(&files[..1]);
    assert!(alone.timetable.is_none());
    assert!(of(&alone, "annex-missing")[0].says.contains("Annex B"));
    let twice = read_all(&[files[0], files[1], files[0]]);
    assert!(!twice.is_sound());
    assert_eq!(of(&twice, "annex-twice").len(), 1);
}

#[test]
fn another_year_than_the_one_asked_for_is_refused() {
    let reading = read_with(&[("a.txt", CIRCULAR.as_bytes())], "2021-22", &TABLE);
    assert!(!reading.is_sound());
    let lines: Vec<_> = of(&reading, "year-differs").iter().map(|found| found.line.unwrap()).collect();
    assert!(lines.iter().all(|&line| CIRCULAR.lines().nth(line - 1).unwrap().starts_with("Annex ")));
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_number_that_the_table_does_not_have_is_said_and_a_misprint_without_support_is_an_error() {
    let unknown = read_with(&[("a.txt", CIRCULAR.as_bytes())], "2020-21", &Authorities::default());
    // Six digits against four: only one of them can be a number at all.
    assert!(unknown.is_sound(), "{:#?}", unknown.findings);
    assert_eq!(unknown.timetable.as_ref().unwrap(), &year_2020());
    assert_eq!(of(&unknown, "number-unknown").len(), 61, "60 told, and how many more");
    let changed = CIRCULAR.replacen("Dover 6104", "Dover 16114", 1);
    let one_wrong = read_with(&[("a.txt", changed.as_bytes())], "2020-21", &Authorities::default());
    let found = of(&one_wrong, "number-misprinted");
    assert_eq!((found[0].severity, found[0].authority.as_deref()), (Severity::Error, Some("16114")));
    let supported = read_all(&[("a.txt", changed.as_bytes())]);
    assert_eq!(supported.timetable.unwrap(), year_2020());
}
