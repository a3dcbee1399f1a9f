//! A year of the real timetable: 2020-21, every group, with restarts, jumping clocks and both changes of the clocks.
//!
//! Files appear in the returns folders a day after the earliest extraction date.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use hbcourier::cli::returns::{ListArgs, list};
use hbcourier::config::timetable::bundled;
use hbcourier::domain::ReturnKind::{HbmsMi, Shbe};
use hbcourier::domain::ledger::Event;
use hbcourier::domain::timetable::Obligation;
use hbcourier::domain::{Digest, LaNumber, ReturnKind, SubmissionKey};
use hbcourier::effects::clock::{Clock, london};
use jiff::civil::{Date, date};
use jiff::{Span, Timestamp};

use super::council::{Council, Way, extract, whole_day, workbook};

const FIRST_DAY: Date = date(2020, 3, 20);
const LAST_DAY: Date = date(2021, 3, 31);

/// What a council of one authority of each weekday of that week does, day by day.
struct Year {
    council: Council,
    owed: Vec<Obligation>,
}

impl Year {
    fn of_week(week: u8) -> Year {
        let timetables = bundled().unwrap();
        let groups = timetables.iter().flat_map(|timetable| timetable.groups().to_vec());
        let numbers: Vec<LaNumber> =
            groups.filter(|group| group.name.week == week).map(|group| group.authorities[0].number.clone()).collect();
        assert_eq!(numbers.len(), 4, "Monday to Thursday");
        Year::of(&numbers.iter().map(LaNumber::as_str).collect::<Vec<_>>())
    }

    fn of(numbers: &[&str]) -> Year {
        let timetables = bundled().unwrap();
        let council = Council::new(numbers, "2020-03-20 06:00", Way::Folders);
        let owed = numbers
            .iter()
            .flat_map(|number| ReturnKind::ALL.map(|kind| timetables.obligations(&number.parse().unwrap(), kind)))
            .flatten()
            .collect();
        Year { council, owed }
    }

    /// The officers leave what they have ready on that day.
    fn officers_leave_files(&self, day: Date) {
        for obligation in &self.owed {
            let earliest = obligation.extract_from.unwrap_or(obligation.transfer_on - Span::new().days(7));
            if day != earliest + Span::new().days(1) {
                continue;
            }
            let SubmissionKey { kind, authority, month, .. } = &obligation.key;
            let (name, content) = match kind {
                Shbe => (format!("SHBE {month}.txt"), extract(authority.as_str(), &day.to_string(), "x").into_bytes()),
                HbmsMi => (format!("MI {month}.xlsx"), workbook(&obligation.key.to_string())),
            };
            self.council.put(authority.as_str(), *kind, &name, content);
        }
    }

    /// Every obligation went its way exactly once, on its day.
    fn assert_all_sent_once(&self) {
        let mut counts: HashMap<(String, Event), usize> = HashMap::new();
        let days: BTreeMap<String, Date> = self.owed.iter().map(|o| (o.key.to_string(), o.transfer_on)).collect();
        for entry in self.council.ledger() {
            let Some(key) = entry.facts.submission else { continue };
            let on = entry.at.to_zoned(london()).date();
            match entry.event {
                Event::Sent => assert_eq!(on, days[&key], "{key} was sent on another day"),
                Event::Sealed => assert!(on < days[&key], "{key} was sealed late"),
                Event::Scheduled | Event::Sending => {}
                other => panic!("{other} for {key}"),
            }
            *counts.entry((key, entry.event)).or_default() += 1;
        }
        assert_eq!(counts.len(), self.owed.len() * 4, "scheduled, sealed, sending, sent");
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        assert!(self.council.alarms().is_empty(), "{:?}", self.council.alarms());
        self.assert_outgoing();
    }

    fn assert_outgoing(&self) {
        let numbers: BTreeSet<&LaNumber> = self.owed.iter().map(|o| &o.key.authority).collect();
        for number in numbers {
            let files = self.council.outgoing(number.as_str());
            assert_eq!(files.len(), 24, "twelve of each return, none twice, nothing else");
            for kind in ReturnKind::ALL {
                assert_eq!(files.keys().filter(|name| name.starts_with(&format!("{kind}_{number}_"))).count(), 12);
                assert_eq!(self.council.left_in(number.as_str(), kind), 0);
            }
            let distinct: BTreeSet<_> = files.values().collect();
            assert_eq!(distinct.len(), 24);
        }
        for submission in self.council.submissions() {
            let (key, sealed) = (&submission.key, submission.sealed.unwrap());
            let file = &self.council.outgoing(key.authority.as_str())[&sealed.file_name];
            assert_eq!(Digest::of(file), sealed.sealed, "{key}");
            let content = self.council.opened_by_dwp_at(sealed.at, file);
            assert_eq!(Digest::of(&content), sealed.content, "{key}");
            if key.kind == HbmsMi {
                assert_eq!(content, workbook(&key.to_string()), "{key} holds another month's file");
            }
        }
    }
}

/// Small numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn a_turbulent_year(week: u8) {
    let mut year = Year::of_week(week);
    let mut dice = Dice(u64::from(week));
    let mut day = FIRST_DAY;
    while day <= LAST_DAY {
        year.officers_leave_files(day);
        for hour in ["00:30", "08:40", "12:10"] {
            year.council.clock.advance_to(&format!("{day} {hour}"));
            year.council.tick();
            if dice.throw(9) == 0 {
                year.council.restart();
            }
            if dice.throw(40) == 0 {
                year.council.reboot();
            }
        }
        if dice.throw(6) == 0 {
            set_clock_wrong_for_a_while(&year.council, &mut dice);
        }
        if day == date(2020, 3, 29) || day == date(2020, 10, 25) || day == date(2021, 3, 28) {
            change_of_clocks(&year.council, day);
        }
        day = day.tomorrow().unwrap();
    }
    year.assert_all_sent_once();
}

/// Up to three days back, or some hours ahead within the day; ticks there; and back to the right time.
fn set_clock_wrong_for_a_while(council: &Council, dice: &mut Dice) {
    let right = council.clock.now();
    let wrong = match dice.throw(2) {
        0 => right - Span::new().hours(i64::try_from(dice.throw(72)).unwrap()),
        _ => right + Span::new().hours(i64::try_from(dice.throw(11)).unwrap()),
    };
    council.clock.jump_to(wrong);
    council.tick();
    council.tick();
    council.clock.jump_to(right);
    council.tick();
}

/// Every quarter of an hour through the hour that is skipped or repeated.
fn change_of_clocks(council: &Council, day: Date) {
    let noon: Timestamp = council.clock.now();
    let night = day.to_zoned(london()).unwrap().timestamp();
    council.clock.jump_to(night);
    for _ in 0..16 {
        council.tick();
        council.clock.advance(Duration::from_secs(900));
    }
    council.clock.jump_to(noon);
}

#[test]
fn week_1_sends_everything_once() {
    a_turbulent_year(1);
}

#[test]
fn week_2_sends_everything_once() {
    a_turbulent_year(2);
}

#[test]
fn week_3_sends_everything_once() {
    a_turbulent_year(3);
}

#[test]
fn week_4_sends_everything_once() {
    a_turbulent_year(4);
}

/// No sweep and no notification: only what a tick says of when it next has something to do, and when officers come.
#[test]
fn waking_only_when_told_is_enough() {
    let mut year = Year::of(&["12302"]);
    year.council.window = whole_day();
    year.council.restart();
    let mut ticks = 0;
    let mut officers_come = FIRST_DAY;
    while officers_come <= LAST_DAY {
        year.officers_leave_files(officers_come);
        officers_come = officers_come.tomorrow().unwrap();
        let next_visit = officers_come.at(9, 0, 0, 0).to_zoned(london()).unwrap().timestamp();
        while year.council.clock.now() < next_visit {
            let wake = year.council.tick();
            ticks += 1;
            year.council.clock.advance_to_moment(wake.map_or(next_visit, |wake| wake.min(next_visit)));
        }
    }
    year.assert_all_sent_once();
    assert!(ticks < 4000, "{ticks} ticks in a year is not sleeping");
}

#[test]
fn at_the_end_of_the_year_the_list_says_that_none_is_missing() {
    let mut year = Year::of(&["12302"]);
    let mut day = FIRST_DAY;
    while day <= LAST_DAY {
        // May's SHBE is forgotten.
        let may = "shbe/12302/2020-05".parse().unwrap();
        year.owed.retain(|obligation| obligation.key != may || day > date(2020, 6, 1));
        year.officers_leave_files(day);
        year.council.clock.advance_to(&format!("{day} 09:00"));
        year.council.look();
        day = day.tomorrow().unwrap();
    }
    let text = |args| {
        let mut out = Vec::new();
        list(&args, &year.council.queries(), LAST_DAY, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let all = text(ListArgs::default());
    assert!(
        all.contains("SHBE 2020-21 of LA 12302: 12 listed: 11 sent, 1 missed. MISSING: 2020-05 (missed)."),
        "{all}"
    );
    assert!(all.contains("HBMS MI 2020-21 of LA 12302: 12 listed: 12 sent. None is missing."), "{all}");
    let json: serde_json::Value = serde_json::from_str(&text(ListArgs { json: true, ..ListArgs::default() })).unwrap();
    let rows = json["returns"].as_array().unwrap();
    assert_eq!(rows.len(), 24);
    let may = rows.iter().find(|row| row["return"] == "shbe" && row["relevant_month"] == "2020-05").unwrap();
    assert_eq!((may["stage"].as_str(), may["code"].as_str()), (Some("missed"), Some("CN-513")));
    let april = rows.iter().find(|row| row["return"] == "shbe" && row["relevant_month"] == "2020-04").unwrap();
    assert_eq!(april["extract_from"], "2020-04-07");
    let sent = year.council.outgoing("12302").remove("shbe_12302_2020-04.txt.pgp").unwrap();
    assert_eq!(april["sha256"], Digest::of(&sent).to_string());
    let open = text(ListArgs { open: true, ..ListArgs::default() });
    assert!(open.contains("2020-05") && !open.contains("2020-06 "), "{open}");
}
