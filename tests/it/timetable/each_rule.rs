//! Each rule that a printed timetable is held against: a copy that breaks it, and the circular, which does not.

use std::collections::BTreeSet;

use hbcourier::catalogue::circular::{Reading, Source, Terms, read};
use hbcourier::domain::working_days::BankHolidays;

use super::CIRCULAR;
use super::import::read_all;
use crate::support::council::command;

/// What the circular as published is told of.
const OF_THE_CIRCULAR: [&str; 5] =
    ["dates-repeated", "extraction-on-bank-holiday", "name-variant", "number-misprinted", "weekday-shifted"];

/// The lines of the circular, counted from 1, to be changed.
struct Copy(Vec<String>);

impl Copy {
    fn line(&mut self, number: usize) -> &mut String {
        &mut self.0[number - 1]
    }

    fn change(&mut self, number: usize, from: &str, to: &str) {
        let line = self.line(number);
        assert!(line.contains(from), "line {number} is {line}");
        *line = line.replace(from, to);
    }

    fn insert(&mut self, before: usize, line: &str) {
        self.0.insert(before - 1, line.to_owned());
    }

    /// The first line that begins so.
    fn find(&self, beginning: &str) -> usize {
        self.0.iter().position(|line| line.starts_with(beginning)).unwrap() + 1
    }
}

fn codes(reading: &Reading) -> BTreeSet<&'static str> {
    reading.findings.iter().map(|found| found.code).collect()
}

fn codes_after(damage: impl FnOnce(&mut Copy)) -> BTreeSet<&'static str> {
    let mut copy = Copy(CIRCULAR.lines().map(str::to_owned).collect());
    damage(&mut copy);
    codes(&read_all(&[("copy.txt", copy.0.join("\n").as_bytes())]))
}

#[test]
fn the_circular_breaks_none_but_those_that_are_known_of_it() {
    assert_eq!(codes_after(|_| ()), OF_THE_CIRCULAR.into());
}

/// Line 459 is Annex B's first row, 884 Annex D's.
#[test]
fn rows_counts_and_groups() {
    type Damage = fn(&mut Copy);
    let rules: [(&str, Damage); 10] = [
        ("subtotal-missing", |copy| copy.line(897).clear()),
        ("subtotal-differs", |copy| copy.change(897, "13", "14")),
        ("row-out-of-place", |copy| copy.insert(900, "Week 1 Monday Apr-20 14/04/2020")),
        ("group-twice", |copy| {
            let wednesday = copy.find("Week 1 Wednesday");
            copy.insert(wednesday, "Week 1 Monday May-20 11/05/2020");
            copy.insert(wednesday, "Week 1 Monday Apr-20 14/04/2020");
        }),
        ("group-empty", |copy| {
            for line in 884..=896 {
                let dates: Vec<&str> = CIRCULAR.lines().nth(line - 1).unwrap().split(' ').take(5).collect();
                *copy.line(line) = dates.join(" ");
            }
        }),
        ("group-in-one-annex", |copy| copy.0.retain(|line| !line.starts_with("Week 4 Thursday"))),
        ("group-differs", |copy| {
            copy.change(884, "Blackpool 12302", "Allerdale 10901");
            copy.change(898, "Allerdale 10901", "Blackpool 12302");
        }),
        ("authority-twice", |copy| copy.insert(885, "\u{a0} \u{a0} \u{a0} \u{a0} Blackpool 12302")),
        ("authority-in-one-annex", |copy| copy.change(459, " Blackpool 12302", "")),
        ("authority-absent", |copy| {
            copy.change(459, " Blackpool 12302", "");
            copy.change(884, " Blackpool 12302", "");
        }),
    ];
    for (code, damage) in rules {
        let found = codes_after(damage);
        assert!(found.contains(code), "{code}: {found:?}");
    }
}

#[test]
fn months_dates_breaks_and_headings() {
    type Damage = fn(&mut Copy);
    let rules: [(&str, Damage); 10] = [
        ("month-missing", |copy| copy.change(886, "Week 1 Monday Jun-20 08/06/2020", "\u{a0} \u{a0} \u{a0} \u{a0}")),
        ("month-twice", |copy| copy.change(886, "Jun-20", "May-20")),
        ("month-out-of-order", |copy| copy.0.swap(884, 885)),
        ("month-outside-year", |copy| copy.change(886, "Jun-20", "Jun-22")),
        ("extraction-rule", |copy| copy.change(460, "04/05/2020", "05/05/2020")),
        ("dates-differ", |copy| copy.change(460, "11/05/2020", "12/05/2020")),
        ("breaks-missing", |copy| copy.line(881).clear()),
        ("breaks-differ", |copy| copy.change(881, "21/12/2020", "14/12/2020")),
        ("headings-out-of-place", |copy| {
            let headings = copy.line(883).clone();
            copy.insert(461, &headings);
        }),
        ("annex-too-long", |copy| drop(copy.0.splice(899..899, vec![String::from("Any sentence."); LONG]))),
    ];
    for (code, damage) in rules {
        let found = codes_after(damage);
        assert!(found.contains(code), "{code}: {found:?}");
    }
}

/// More lines than an annex may have.
const LONG: usize = 5_001;

#[test]
fn dates_that_no_bank_holidays_are_known_for_are_told() {
    let authorities = hbcourier::config::authorities::authorities(None).unwrap();
    let none = BankHolidays::default();
    let terms = Terms { year: "2020-21".parse().unwrap(), authorities: &authorities, bank_holidays: &none };
    let circular = Source { name: "copy.txt", bytes: CIRCULAR.as_bytes() };
    assert!(codes(&read(&[circular], &terms)).contains("bank-holidays-unknown"));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let large = vec![b' '; (4 << 20) + 1];
    assert!(codes(&read_all(&[("copy.txt", &large)])).contains("file-too-large"));
}

#[test]
fn a_timetable_that_is_none_is_a_finding_with_its_words() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("none.toml");
    std::fs::write(&file, "year = \"2021-22\"\n").unwrap();
    let answer = command().args(["timetable", "lint", "--json"]).arg(&file).output().unwrap();
    assert_eq!(answer.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let found = &answer["findings"][0];
    assert_eq!((&found["code"], &found["severity"]), (&"timetable-fault".into(), &"error".into()), "{answer}");
}
