//! What is expected, week by week, and what meets it.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::domain::SourceName;
use crate::domain::digest::Digest;
use crate::domain::kind::FileKind::{CaseloadRisk, HbmsPack};
use crate::domain::timetable::Timetable;

const BLACKPOOL: &str = "12302";

fn timetables() -> Timetables {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/timetables/2020-21.toml");
    // Only its dates: the file is read by a layer above.
    let text: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let day = |value: &toml::Value| value.as_str().unwrap().parse::<Date>().unwrap();
    let groups = text["group"].as_array().unwrap().iter().map(|group| group_of(group, day)).collect();
    let breaks = text["breaks"].as_array().unwrap().iter().map(day).collect();
    Timetables::new([Timetable::new("2020-21".parse().unwrap(), breaks, groups).unwrap()]).unwrap()
}

fn group_of(group: &toml::Value, day: impl Fn(&toml::Value) -> Date) -> crate::domain::timetable::Group {
    use crate::domain::timetable::{Group, GroupName, HbmsMiDate, ShbeDate};
    let weekday = match group["weekday"].as_str().unwrap() {
        "Monday" => jiff::civil::Weekday::Monday,
        "Tuesday" => jiff::civil::Weekday::Tuesday,
        "Wednesday" => jiff::civil::Weekday::Wednesday,
        _ => jiff::civil::Weekday::Thursday,
    };
    let week = u8::try_from(group["week"].as_integer().unwrap()).unwrap();
    let rows = group["dates"].as_array().unwrap();
    let shbe = rows.iter().map(|row| ShbeDate {
        relevant_month: row["relevant_month"].as_str().unwrap().parse().unwrap(),
        extract_from: day(&row["extract_from"]),
        transfer_on: day(&row["transfer_on"]),
    });
    let shbe: Vec<_> = shbe.collect();
    let mi = |date: &ShbeDate| HbmsMiDate { relevant_month: date.relevant_month, transfer_on: date.transfer_on };
    let authorities = group["authorities"].as_array().unwrap().iter().map(|pair| crate::domain::Authority {
        number: pair[0].as_str().unwrap().parse().unwrap(),
        name: pair[1].as_str().unwrap().to_owned(),
    });
    Group {
        name: GroupName { week, weekday },
        hbms_mi: shbe.iter().map(mi).collect(),
        shbe,
        authorities: authorities.collect(),
    }
}

fn transfer(n: usize) -> ConsignmentId {
    let source: SourceName = "drop-12302".parse().unwrap();
    ConsignmentId::derive(&source, &n.to_string(), &Digest::of(n.to_string().as_bytes()))
}

fn came(n: usize, kind: FileKind, on: &str) -> Arrival {
    let on: Date = on.parse().unwrap();
    let at = on.at(10, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    Arrival { transfer: transfer(n), kind: Some(kind), at, on, whereabouts: Whereabouts::Ours }
}

/// A pack with the risk file in it.
fn pack(n: usize, on: &str) -> [Arrival; 2] {
    [came(n, HbmsPack, on), came(n, CaseloadRisk, on)]
}

fn look(arrivals: &[Arrival], today: &str) -> Outlook {
    let number = BLACKPOOL.parse().unwrap();
    outlook(&timetables(), &number, arrivals, today.parse().unwrap(), &Terms::default(), None)
}

/// The states of one month, the pack's and the risk file's.
fn words(outlook: &Outlook, month: &str) -> Vec<&'static str> {
    let month = month.parse().unwrap();
    outlook.expectations.iter().filter(|one| one.month == month).map(|one| one.state.word()).collect()
}

fn irregular(outlook: &Outlook) -> Vec<(&'static str, Option<String>, Option<FileKind>)> {
    let told = |one: &Irregular| (one.what.word(), one.month.map(|month| month.to_string()), one.kind);
    outlook.irregular.iter().map(told).collect()
}

#[test]
fn awaited_then_amber_from_its_monday_then_red_after_its_friday() {
    // The SHBE of April 2020 goes on Tuesday 14 April, so the pack is due in the week of Monday 20 April.
    for (today, word) in [
        ("2020-04-19", "awaited"),
        ("2020-04-20", "amber"),
        ("2020-04-24", "amber"),
        ("2020-04-25", "red"),
        ("2020-12-31", "red"),
    ] {
        assert_eq!(words(&look(&[], today), "2020-04"), [word, word], "{today}");
    }
}

#[test]
fn the_terms_move_the_week_and_its_colours() {
    let terms = Terms { weeks_after: 2, amber_days: 2, red_days: 3 };
    let number = BLACKPOOL.parse().unwrap();
    let on = |day: &str| words(&outlook(&timetables(), &number, &[], day.parse().unwrap(), &terms, None), "2020-04")[0];
    let days = ["2020-04-28", "2020-04-29", "2020-05-04", "2020-05-05"];
    assert_eq!(days.map(on), ["awaited", "amber", "amber", "red"]);
}

#[test]
fn what_comes_in_its_week_meets_it_and_nothing_is_irregular() {
    for on in ["2020-04-20", "2020-04-24"] {
        let outlook = look(&pack(1, on), "2020-05-01");
        assert_eq!(words(&outlook, "2020-04"), ["met", "met"]);
        assert_eq!(outlook.expectations[0].state.met().unwrap().on, on.parse().unwrap());
        assert!(outlook.irregular.is_empty(), "{outlook:?}");
    }
}

#[test]
fn early_and_late_arrivals_meet_their_month_and_are_told() {
    let early = look(&[came(1, HbmsPack, "2020-04-17")], "2020-05-01");
    assert_eq!(words(&early, "2020-04"), ["early", "red"]);
    assert_eq!(irregular(&early), [("early", Some("2020-04".into()), Some(HbmsPack))]);
    let late = look(&[came(1, HbmsPack, "2020-04-25")], "2020-05-01");
    assert_eq!(words(&late, "2020-04"), ["late", "red"]);
    assert_eq!(irregular(&late), [("late", Some("2020-04".into()), Some(HbmsPack))]);
    let too_early = look(&[came(1, HbmsPack, "2020-04-12")], "2020-04-21");
    assert_eq!(words(&too_early, "2020-04"), ["amber", "amber"], "eight days before its week");
    assert_eq!(irregular(&too_early), [("unexpected", None, Some(HbmsPack))]);
}

#[test]
fn a_second_pack_is_a_duplicate_until_the_week_before_the_next() {
    // May's week begins on Monday 18 May.
    let outlook = look(
        &[came(1, HbmsPack, "2020-04-21"), came(2, HbmsPack, "2020-05-10"), came(3, HbmsPack, "2020-05-11")],
        "2020-05-12",
    );
    assert_eq!((words(&outlook, "2020-04")[0], words(&outlook, "2020-05")[0]), ("met", "early"));
    let told = irregular(&outlook);
    assert_eq!(told[0], ("duplicate", Some("2020-04".into()), Some(HbmsPack)));
    assert_eq!(told[1], ("early", Some("2020-05".into()), Some(HbmsPack)));
}

#[test]
fn one_that_never_came_does_not_shift_those_after_it() {
    let outlook = look(&[came(1, HbmsPack, "2020-05-19"), came(2, HbmsPack, "2020-06-16")], "2020-06-30");
    let states = ["2020-04", "2020-05", "2020-06"].map(|month| words(&outlook, month)[0]);
    assert_eq!(states, ["red", "met", "met"]);
    // And when it comes at last, it is late, not a duplicate.
    let outlook = look(&[came(1, HbmsPack, "2020-05-19"), came(2, HbmsPack, "2020-05-20")], "2020-05-30");
    assert_eq!((words(&outlook, "2020-04")[0], words(&outlook, "2020-05")[0]), ("late", "met"));
}

#[test]
fn what_is_early_or_a_further_one_is_not_taken_for_a_month_long_missing() {
    // April's never came. May's week begins on 18 May, June's on 15 June.
    let may_and = |n, on| look(&[came(1, HbmsPack, "2020-05-19"), came(n, HbmsPack, on)], "2020-07-01");
    let states = |outlook: &Outlook| ["2020-04", "2020-05", "2020-06"].map(|month| words(outlook, month)[0]);
    let early = may_and(2, "2020-06-10");
    assert_eq!(states(&early), ["red", "met", "early"]);
    let further = may_and(2, "2020-05-27");
    assert_eq!(states(&further), ["red", "met", "red"]);
    assert_eq!(irregular(&further), [("duplicate", Some("2020-05".into()), Some(HbmsPack))]);
    // In the week before the next one's it is that one's, also while the last one's is missing.
    let outlook = look(&[came(1, HbmsPack, "2020-05-12")], "2020-05-13");
    assert_eq!((words(&outlook, "2020-04")[0], words(&outlook, "2020-05")[0]), ("red", "early"));
    // And the second one then is the last one's.
    let outlook = look(&[came(1, HbmsPack, "2020-05-12"), came(2, HbmsPack, "2020-05-13")], "2020-05-14");
    assert_eq!((words(&outlook, "2020-04")[0], words(&outlook, "2020-05")[0]), ("late", "early"));
}

#[test]
fn months_that_were_over_when_the_service_began_take_nothing() {
    let number = BLACKPOOL.parse().unwrap();
    let since = Some(date(2020, 5, 18));
    let of =
        |arrivals: &[Arrival]| outlook(&timetables(), &number, arrivals, date(2020, 6, 30), &Terms::default(), since);
    let outlook = of(&[came(1, HbmsPack, "2020-05-19"), came(2, HbmsPack, "2020-05-20")]);
    assert_eq!(outlook.expectations[0].month, "2020-05".parse().unwrap());
    assert_eq!(irregular(&outlook), [("duplicate", Some("2020-05".into()), Some(HbmsPack))], "not April's");
}

/// The month under which a pack is filed and the one for which it counts, every day of the year, for each group's first.
#[test]
fn a_pack_counts_for_the_month_that_it_is_filed_under() {
    let timetables = timetables();
    let mut days = 0;
    for group in timetables.iter().next().unwrap().groups() {
        let number = &group.authorities[0].number;
        let weeks = timetables.expected_packs(number, 1);
        let mut day = weeks[0].takes_from();
        while day <= weeks[11].due_by {
            let outlook =
                outlook(&timetables, number, &[came(1, HbmsPack, &day.to_string())], day, &Terms::default(), None);
            let counts = outlook.expectations.iter().find(|one| one.state.met().is_some()).map(|one| one.month);
            assert_eq!(counts, Some(timetables.month_of_pack(number, day)), "{number} {day}");
            (day, days) = (day.tomorrow().unwrap(), days + 1);
        }
    }
    assert!(days > 16 * 300);
}

#[test]
fn a_held_pack_has_arrived_and_is_neither_there_nor_missing() {
    let mut held = came(1, HbmsPack, "2020-04-21");
    held.whereabouts = Whereabouts::Held;
    let outlook = look(&[held.clone()], "2020-05-01");
    assert_eq!(words(&outlook, "2020-04"), ["held", "red"]);
    assert!(!outlook.expectations[0].is_overdue());
    // Held unopened, nobody knows what it is: it meets nothing, and is told while something is missing.
    held.kind = None;
    let outlook = look(&[held.clone()], "2020-05-01");
    assert_eq!(words(&outlook, "2020-04"), ["red", "red"]);
    assert_eq!(irregular(&outlook), [("untold", Some("2020-04".into()), None)]);
    let outlook = look(&[held, came(2, HbmsPack, "2020-04-22")], "2020-05-01");
    assert_eq!(irregular(&outlook), [], "nothing is missing");
}

#[test]
fn another_authoritys_pack_and_a_repeat_meet_nothing() {
    let mut foreign = came(1, HbmsPack, "2020-04-21");
    foreign.whereabouts = Whereabouts::Foreign { found: "101809".parse().unwrap() };
    let outlook = look(&[foreign], "2020-04-22");
    assert_eq!(words(&outlook, "2020-04")[0], "amber");
    assert_eq!(irregular(&outlook), [("foreign", None, Some(HbmsPack))]);
    assert!(outlook.irregular[0].says().contains("101809"), "{outlook:?}");
    let mut repeat = came(2, HbmsPack, "2020-04-22");
    repeat.whereabouts = Whereabouts::Repeat;
    let outlook = look(&[came(1, HbmsPack, "2020-04-21"), repeat], "2020-04-23");
    assert_eq!(irregular(&outlook), [("duplicate", Some("2020-04".into()), Some(HbmsPack))]);
}

#[test]
fn a_risk_file_belongs_to_the_pack_it_came_in_or_else_to_its_week() {
    let outlook = look(&[came(1, HbmsPack, "2020-04-21"), came(2, CaseloadRisk, "2020-04-23")], "2020-04-24");
    assert_eq!(words(&outlook, "2020-04"), ["met", "met"], "sent by itself");
    let mut both = pack(1, "2020-05-11").to_vec();
    both.extend(pack(2, "2020-04-21"));
    let outlook = look(&both, "2020-05-12");
    assert_eq!(words(&outlook, "2020-05"), ["early", "early"]);
    let told = look(&[&pack(1, "2020-04-21")[..], &[came(1, CaseloadRisk, "2020-04-21")]].concat(), "2020-04-24");
    assert_eq!(irregular(&told), [("duplicate", Some("2020-04".into()), Some(CaseloadRisk))], "two in one pack");
}

#[test]
fn after_the_timetables_nothing_is_expected_and_what_comes_is_unexpected() {
    let outlook = look(&[came(1, HbmsPack, "2026-05-04")], "2026-05-05");
    assert_eq!(irregular(&outlook), [("unexpected", None, Some(HbmsPack))]);
    assert!(look(&[], "2020-05-01").expectations.iter().all(|one| one.due_by < date(2021, 4, 1)));
    let nobody = outlook_of_nobody();
    assert!(nobody.expectations.is_empty() && irregular(&nobody)[0].0 == "unexpected");
}

fn outlook_of_nobody() -> Outlook {
    let number = "999999".parse().unwrap();
    outlook(&timetables(), &number, &pack(1, "2020-04-21"), date(2020, 5, 1), &Terms::default(), None)
}

/// One authority of each week, over the whole year, a day at a time: what is owed on a day is what the circular says.
#[test]
fn a_year_of_each_week_with_its_breaks() {
    let timetables = timetables();
    // DWP A5/2020: weeks 1 to 4 by Blackpool, Barrow-in-Furness, the first of week 3, Dover.
    let weeks: Vec<LaNumber> = (1..=4)
        .map(|week| {
            let mut groups = timetables.iter().next().unwrap().groups().iter();
            groups.find(|group| group.name.week == week).unwrap().authorities[0].number.clone()
        })
        .collect();
    for number in weeks {
        let mut seen: BTreeSet<(RelevantMonth, &str)> = BTreeSet::new();
        let mut day = date(2020, 4, 1);
        while day < date(2021, 5, 1) {
            let outlook = outlook(&timetables, &number, &[], day, &Terms::default(), None);
            assert_eq!(outlook.expectations.len(), 24);
            for one in &outlook.expectations {
                let amber = one.state == State::Amber;
                assert!(!(amber && timetables.is_break(day)), "{number} {day}: nothing is owed in a break");
                assert!(!timetables.is_break(one.due_by) && one.from <= one.due_by, "{one:?}");
                assert_eq!(
                    (one.from.weekday(), one.due_by.weekday()),
                    (jiff::civil::Weekday::Monday, jiff::civil::Weekday::Friday)
                );
                assert_eq!(one.is_overdue(), day > one.due_by, "{number} {day}");
                seen.insert((one.month, one.state.word()));
            }
            day = day.tomorrow().unwrap();
        }
        assert_eq!(seen.len(), 36, "{number}: every month was awaited, amber and red");
    }
}

#[test]
fn a_pack_due_in_the_christmas_break_is_owed_after_it_and_in_time_within_it() {
    let timetables = timetables();
    // Week 4 transfers in the week of 14 December 2020; the two weeks after it are breaks.
    let dover = "16104".parse().unwrap();
    let at = |arrivals: &[Arrival], today| {
        let outlook = outlook(&timetables, &dover, arrivals, today, &Terms::default(), None);
        let one = outlook.expectations.iter().find(|one| one.from == date(2020, 12, 21)).unwrap().clone();
        (one.due_by, one.state.word())
    };
    for (today, word) in [
        (date(2020, 12, 23), "awaited"),
        (date(2021, 1, 3), "awaited"),
        (date(2021, 1, 4), "amber"),
        (date(2021, 1, 8), "amber"),
        (date(2021, 1, 9), "red"),
    ] {
        assert_eq!(at(&[], today), (date(2021, 1, 8), word), "{today}");
    }
    assert_eq!(at(&[came(1, HbmsPack, "2020-12-22")], date(2021, 1, 4)).1, "met");
}

#[test]
fn a_night_runs_from_noon_to_noon() {
    let at = |text: &str| night_of(text.parse().unwrap());
    assert_eq!(at("2020-04-14T11:59:59"), date(2020, 4, 13));
    assert_eq!(at("2020-04-14T12:00:00"), date(2020, 4, 14));
    assert_eq!(at("2020-04-15T03:00:00"), date(2020, 4, 14));
    assert_eq!(last_complete_night("2020-04-15T11:59:00".parse().unwrap()), date(2020, 4, 13));
    assert_eq!(last_complete_night("2020-04-15T12:00:00".parse().unwrap()), date(2020, 4, 14));
}

#[test]
fn only_complete_nights_of_working_days_are_silent() {
    let weekdays = |day: Date| day.weekday().to_monday_zero_offset() < 5;
    let nights = |last: Option<Date>, now: &str| silence(last, date(2020, 6, 1), now.parse().unwrap(), weekdays);
    // Thursday night brought some; Friday's is over at noon on Saturday, and Monday's on Tuesday.
    let thursday = Some(date(2020, 6, 4));
    assert_eq!(nights(thursday, "2020-06-06T11:00:00").nights, 0);
    assert_eq!(nights(thursday, "2020-06-06T12:00:00"), Silence { nights: 1, since: Some(date(2020, 6, 5)) });
    assert_eq!(nights(thursday, "2020-06-08T13:00:00").nights, 1);
    assert_eq!(nights(thursday, "2020-06-09T12:00:00"), Silence { nights: 2, since: Some(date(2020, 6, 5)) });
    assert_eq!(nights(None, "2020-06-03T12:00:00"), Silence { nights: 2, since: Some(date(2020, 6, 1)) });
    assert_eq!(
        nights(None, "2024-06-03T12:00:00"),
        Silence { nights: 366, since: Some(date(2020, 6, 1)) },
        "counted so far, and told from its beginning"
    );
    assert_eq!(nights(Some(date(2030, 1, 1)), "2020-06-09T12:00:00").nights, 0, "a clock that was ahead");
}

proptest! {
    /// Whatever arrives, whenever: one expectation for each month and kind, and every arrival is in one place.
    #[test]
    fn each_month_is_expected_once_and_each_arrival_meets_one_at_most(
        days in proptest::collection::vec((0i32..450, 0u8..6), 0..60),
        today in 0i32..450,
        weeks_after in 0u8..9,
    ) {
        let start = date(2020, 3, 1);
        let day = |n: i32| start.saturating_add(n.days());
        let arrivals: Vec<Arrival> = days.iter().enumerate().map(|(n, &(on, form))| {
            let kind = if form % 2 == 0 { HbmsPack } else { CaseloadRisk };
            let mut arrival = came(n, kind, &day(on).to_string());
            arrival.kind = (form != 4).then_some(kind);
            arrival.whereabouts = match form { 0..=2 => Whereabouts::Ours, 3 | 4 => Whereabouts::Held, _ => Whereabouts::Repeat };
            arrival
        }).collect();
        let number = BLACKPOOL.parse().unwrap();
        let terms = Terms { weeks_after, ..Terms::default() };
        let outlook = outlook(&timetables(), &number, &arrivals, day(today), &terms, None);
        let keys: BTreeSet<_> = outlook.expectations.iter().map(|one| (one.month, one.kind)).collect();
        prop_assert_eq!((keys.len(), outlook.expectations.len()), (24, 24));
        let met: Vec<_> = outlook.expectations.iter().filter_map(|one| Some((one.state.met()?.transfer, one.kind))).collect();
        let distinct: BTreeSet<_> = met.iter().collect();
        prop_assert_eq!(distinct.len(), met.len(), "an arrival meets one expectation at most");
        for arrival in &arrivals {
            let may_meet = matches!(arrival.whereabouts, Whereabouts::Ours | Whereabouts::Held);
            if let Some(kind) = arrival.kind.filter(|_| may_meet) {
                let meets = met.contains(&(arrival.transfer, kind));
                let told = outlook.irregular.iter().any(|one| one.transfer == arrival.transfer);
                prop_assert!(meets || told, "nothing is passed over: {:?}", arrival);
            }
        }
    }
}
