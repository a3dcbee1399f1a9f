//! Damaged copies of the circular: the right timetable, or a finding that names what is wrong. Never a date that is wrong
//! and not said.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use hbcourier::catalogue::Severity;
use hbcourier::catalogue::circular::{Reading, TimetableFinding};
use hbcourier::domain::timetable::{Group, Timetable};
use jiff::ToSpan;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::import::read_all;
use super::{CIRCULAR, year_2020};

/// A circular with something done to it.
struct Damaged {
    text: String,
    /// The lines concerned, as the circular counts them.
    original: Vec<usize>,
    /// Where they lie in the copy.
    lines: Vec<usize>,
    what: String,
}

/// For each line the name of the group that it belongs to; `None` for a line that is no row.
static GROUPS: LazyLock<Vec<Option<String>>> = LazyLock::new(|| {
    let (mut week, mut weekday, mut within) = (0, "", false);
    let mut group_of = |line: &'static str| {
        if line.starts_with("Annex ") {
            (week, weekday, within) = (0, "", false);
        }
        within |= line.ends_with("Local Authority number");
        let words: Vec<&str> = line.split_whitespace().collect();
        let day = words.iter().find(|word| ["Monday", "Tuesday", "Wednesday", "Thursday"].contains(word));
        if let Some(day) = day.filter(|_| within) {
            if words[0] == "Week" {
                week = words[1].parse().unwrap();
            } else if *day == "Monday" && weekday != "Monday" {
                week += 1;
            }
            weekday = day;
        }
        (within && week > 0).then(|| format!("week {week} {weekday}"))
    };
    CIRCULAR.lines().map(&mut group_of).collect()
});

static RIGHT: LazyLock<Timetable> = LazyLock::new(year_2020);

/// Whether every authority has exactly its dates; the order within a group says nothing.
fn is_right(reading: &Reading) -> bool {
    let ordered = |group: &Group| {
        let mut group = group.clone();
        group.authorities.sort_by(|a, b| a.number.cmp(&b.number));
        group
    };
    let Some(timetable) = &reading.timetable else { return false };
    timetable.breaks() == RIGHT.breaks()
        && timetable.groups().iter().map(ordered).eq(RIGHT.groups().iter().map(ordered))
}

/// Whether the reading is right, or says what is wrong with it at the place that was damaged.
fn holds(damaged: &Damaged, reading: &Reading) -> Result<(), String> {
    let right = is_right(reading);
    if right && reading.is_sound() {
        return Ok(());
    }
    let groups: BTreeSet<&String> = damaged.original.iter().filter_map(|&at| GROUPS[at - 1].as_ref()).collect();
    let names_it = |found: &&TimetableFinding| {
        let line = found.line.is_some_and(|line| damaged.lines.contains(&line));
        let group = found.group.is_some_and(|group| groups.contains(&group.to_string()));
        // A heading belongs to no group: then the annex is what is wrong.
        line || group || groups.is_empty()
    };
    let errors = reading.findings.iter().filter(|found| found.severity == Severity::Error);
    let named = match right {
        // Right, and refused all the same: something is said of the place.
        true => reading.findings.iter().filter(names_it).count(),
        false => errors.filter(names_it).count(),
    };
    if named > 0 { Ok(()) } else { Err(format!("{}: {:#?}", damaged.what, reading.findings)) }
}

fn check(damaged: &Damaged) {
    let reading = read_all(&[("a.txt", damaged.text.as_bytes())]);
    if let Err(says) = holds(damaged, &reading) {
        panic!("{says}");
    }
}

/// The lines of both annexes, from title to end, counted from 1.
fn annex_lines() -> Vec<usize> {
    let starts = |prefix: &str| CIRCULAR.lines().position(|line| line.starts_with(prefix)).unwrap() + 1;
    (starts("Annex B:")..starts("Annex C:")).chain(starts("Annex D:")..starts("Annex E:")).collect()
}

fn with_lines(change: impl FnOnce(&mut Vec<&str>)) -> String {
    let mut lines: Vec<&str> = CIRCULAR.lines().collect();
    change(&mut lines);
    lines.join("\n")
}

/// Does `times` seeded damages of one kind.
fn many(seed: u64, times: usize, mut damage: impl FnMut(&mut StdRng) -> Damaged) {
    let mut random = StdRng::seed_from_u64(seed);
    (0..times).for_each(|_| check(&damage(&mut random)));
}

#[test]
fn a_line_that_is_missing() {
    for at in annex_lines() {
        let text = with_lines(|lines| {
            lines.remove(at - 1);
        });
        check(&Damaged { text, original: vec![at], lines: vec![at], what: format!("without line {at}") });
    }
}

#[test]
fn a_line_that_is_there_twice() {
    for at in annex_lines() {
        let text = with_lines(|lines| lines.insert(at, lines[at - 1]));
        check(&Damaged { text, original: vec![at], lines: vec![at, at + 1], what: format!("line {at} twice") });
    }
}

#[test]
fn two_lines_that_are_swapped() {
    let lines = annex_lines();
    many(1, 400, |random| {
        let (one, other) = (*lines.choose(random).unwrap(), *lines.choose(random).unwrap());
        let text = with_lines(|lines| lines.swap(one - 1, other - 1));
        let both = vec![one, other];
        Damaged { text, original: both.clone(), lines: both, what: format!("lines {one} and {other} swapped") }
    });
}

#[test]
fn two_neighbours_that_are_swapped() {
    for one in annex_lines() {
        let text = with_lines(|lines| lines.swap(one - 1, one));
        let both = vec![one, one + 1];
        check(&Damaged {
            text,
            original: both.clone(),
            lines: both,
            what: format!("lines {one} and {} swapped", one + 1),
        });
    }
}

#[test]
fn a_digit_of_a_date_that_is_another() {
    let lines = annex_lines();
    let with_dates: Vec<usize> =
        lines.into_iter().filter(|&at| CIRCULAR.lines().nth(at - 1).unwrap().contains('/')).collect();
    many(2, 600, |random| {
        let at = *with_dates.choose(random).unwrap();
        let line = CIRCULAR.lines().nth(at - 1).unwrap();
        // Any digit of a word with a slash.
        let digits: Vec<usize> = line
            .char_indices()
            .filter(|(place, c)| c.is_ascii_digit() && word_at(line, *place).contains('/'))
            .map(|(place, _)| place)
            .collect();
        let place = *digits.choose(random).unwrap();
        let old = line.as_bytes()[place] - b'0';
        let new = (old + random.random_range(1..10)) % 10;
        let changed = format!("{}{new}{}", &line[..place], &line[place + 1..]);
        let text = with_lines(|lines| lines[at - 1] = Box::leak(changed.clone().into_boxed_str()));
        Damaged { text, original: vec![at], lines: vec![at], what: format!("line {at} is now {changed}") }
    });
}

/// No day of the week, no interval and no extraction is odd then: only the other annex tells.
#[test]
fn a_whole_group_of_one_annex_that_lies_a_week_later() {
    let mut original = Vec::new();
    let shifted = |(at, line): (usize, &str)| {
        if !line.starts_with("Week 2 Wednesday ") {
            return line.to_owned();
        }
        original.push(at + 1);
        let word = line.split(' ').find(|word| word.contains('/')).unwrap();
        let date = jiff::fmt::strtime::parse("%d/%m/%Y", word).unwrap().to_date().unwrap();
        line.replace(word, &date.saturating_add(7.days()).strftime("%d/%m/%Y").to_string())
    };
    let text = CIRCULAR.lines().enumerate().map(shifted).collect::<Vec<_>>().join("\n");
    let reading = read_all(&[("a.txt", text.as_bytes())]);
    let differ =
        reading.findings.iter().filter(|found| found.code == "dates-differ" && found.severity == Severity::Error);
    let lines: BTreeSet<usize> =
        differ.filter(|found| found.annex.as_deref() == Some("D")).filter_map(|found| found.line).collect();
    assert_eq!(lines.into_iter().collect::<Vec<_>>(), original);
    assert_eq!(original.len(), 12);
}

fn word_at(line: &str, place: usize) -> &str {
    let begin = line[..place].rfind(' ').map_or(0, |space| space + 1);
    let end = line[place..].find(' ').map_or(line.len(), |space| place + space);
    &line[begin..end]
}

/// Every row of one annex without what `cut` takes out of it.
fn without_column(annex: &str, cut: impl Fn(&str) -> String) -> Damaged {
    let mut within = false;
    let (mut changed, mut original) = (Vec::new(), Vec::new());
    let mut rows = false;
    for (at, line) in CIRCULAR.lines().enumerate() {
        if line.starts_with("Annex ") {
            (within, rows) = (line.starts_with(annex), false);
        }
        if within && rows && !line.trim().is_empty() {
            original.push(at + 1);
            changed.push(cut(line));
        } else {
            changed.push(line.to_owned());
        }
        rows |= within && line.ends_with("Local Authority number");
    }
    Damaged { text: changed.join("\n"), lines: original.clone(), original, what: format!("{annex} without a column") }
}

#[test]
fn a_column_that_is_cut_out() {
    for annex in ["Annex B:", "Annex D:"] {
        for column in 0..6 {
            check(&without_column(annex, |line| {
                let mut words: Vec<&str> = line.split_whitespace().collect();
                if column < words.len() {
                    words.remove(column);
                }
                words.join(" ")
            }));
            // From the right: the number, the last word of the name, and so on.
            check(&without_column(annex, |line| {
                let mut words: Vec<&str> = line.split_whitespace().collect();
                let kept = words.len().saturating_sub(column + 1);
                if kept < words.len() {
                    words.remove(kept);
                }
                words.join(" ")
            }));
        }
    }
}

#[test]
fn characters_cut_out_of_every_row() {
    many(3, 60, |random| {
        let (annex, from, width) = (
            ["Annex B:", "Annex D:"][random.random_range(0..2)],
            random.random_range(0..60),
            random.random_range(1..12),
        );
        without_column(annex, |line| {
            let kept = line.chars().enumerate().filter(|(at, _)| *at < from || *at >= from + width).map(|(_, c)| c);
            kept.collect()
        })
    });
}

#[test]
fn the_right_edge_cut_off_leaves_the_numbers_of_the_other_annex() {
    for annex in ["Annex B:", "Annex D:"] {
        let damaged = without_column(annex, |line| {
            let line = line.trim_end();
            line.chars().take(line.chars().count() - 1).collect()
        });
        check(&damaged);
    }
}

#[test]
fn other_line_ends_spaces_and_dashes_change_nothing() {
    let windows = CIRCULAR.replace('\n', "\r\n");
    let spaces = CIRCULAR.replace(' ', "\u{a0}");
    let tabs = CIRCULAR.replace(' ', "\t");
    let dashes = CIRCULAR.replace('-', "\u{2013}");
    let expected = read_all(&[("a.txt", CIRCULAR.as_bytes())]);
    for text in [windows, spaces, tabs, dashes] {
        let reading = read_all(&[("a.txt", text.as_bytes())]);
        assert_eq!(reading.timetable, expected.timetable);
        assert_eq!(reading.findings, expected.findings);
    }
    // Windows-1252, as old spreadsheets save it; what it has no character for is a question mark.
    let (old, _, _) = encoding_rs::WINDOWS_1252.encode(CIRCULAR);
    let reading = read_all(&[("a.txt", &old)]);
    assert_eq!(reading.timetable, expected.timetable);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!read_all(&[("a.txt", &bytes)]).is_sound());
    }

    /// Rows made of the annexes' own words, below real headings.
    #[test]
    fn arbitrary_rows_never_panic(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..300)) {
        let rows = words.join(" ");
        let text = format!("{HEADING_B}\n{rows}\nAnnex D: x\n{HEADING_D}\n{rows}");
        prop_assert!(!read_all(&[("a.txt", text.as_bytes())]).is_sound());
    }

    /// A few octets of the real text replaced.
    #[test]
    fn garbled_octets_are_found_or_do_no_harm(at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = CIRCULAR.as_bytes().to_vec();
        for (index, octet) in at {
            let place = index.index(bytes.len());
            bytes[place] = octet;
        }
        let reading = read_all(&[("a.txt", &bytes)]);
        prop_assert!(!reading.is_sound() || is_right(&reading) || only_names_differ(&reading));
    }
}

/// A letter of a name is not something that dates or numbers hang on; it is said, as a warning.
fn only_names_differ(reading: &Reading) -> bool {
    let timetable = reading.timetable.as_ref().unwrap();
    let said = reading.findings.iter().any(|found| ["name-differs", "name-variant"].contains(&found.code));
    let same = timetable.groups().iter().zip(RIGHT.groups()).all(|(ours, right)| {
        ours.shbe == right.shbe
            && ours.hbms_mi == right.hbms_mi
            && ours.authorities.iter().map(|a| &a.number).eq(right.authorities.iter().map(|a| &a.number))
    });
    said && same && timetable.breaks() == RIGHT.breaks()
}

const HEADING_B: &str = "Day of transfer Relevant month Earliest data extraction date Data transfer date Local Authority name Local Authority number";
const HEADING_D: &str =
    "Week number Day of transfer Relevant month Data transfer date Local Authority name Local Authority number";
const WORDS: [&str; 16] = [
    "Week",
    "1",
    "4",
    "9",
    "Monday",
    "Thursday",
    "Apr-20",
    "Mar-21",
    "07/04/2020",
    "14/04/2020",
    "99/99/9999",
    "Dover",
    "16104",
    "6104",
    "\n",
    "75",
];
