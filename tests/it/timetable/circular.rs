//! The bundled timetable against the circular's own text (A5/2020, Annexes B and D).

use std::collections::BTreeSet;

use hbcourier::domain::timetable::Group;
use hbcourier::domain::{LaNumber, ReturnKind};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::annex::{self, PrintedGroup};
use super::{ANNEX_B, ANNEX_D, date, year_2020};

/// `Apr-20` for `2020-04`.
fn month_as_printed(month: &str) -> String {
    let (year, month) = month.split_once('-').unwrap();
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!("{}-{}", names[month.parse::<usize>().unwrap() - 1], &year[2..])
}

/// A name without what the two annexes spell differently.
fn plain(name: &str) -> String {
    let name = name.split(" (Prev:").next().unwrap().replace('&', "and").to_lowercase();
    name.chars().filter(|c| !"()".contains(*c)).collect()
}

/// Holds every authority and every date of the annex against the bundled timetable; returns the numbers that differ.
fn compare(printed: &[PrintedGroup], kind: ReturnKind) -> Vec<(String, String)> {
    let timetable = year_2020();
    let (mut seen, mut misprints) = (BTreeSet::new(), Vec::new());
    for group in printed {
        for (number, name) in &group.authorities {
            let authority = timetable.authorities().find(|authority| plain(&authority.name) == plain(name));
            let authority = authority.unwrap_or_else(|| panic!("{name} is not in the timetable"));
            if authority.number.as_str() != number {
                misprints.push((name.clone(), number.clone()));
            }
            assert!(seen.insert(authority.number.clone()), "{name} is printed twice");
            let ours: Vec<_> = timetable.obligations(&authority.number, kind);
            assert_eq!(group.rows.len(), 12, "{} {name}", group.weekday);
            assert_eq!(ours.len(), 12, "{name}");
            for (ours, (month, dates)) in ours.iter().zip(&group.rows) {
                assert_eq!(&month_as_printed(&ours.key.month.to_string()), month, "{name}");
                let our_dates: Vec<Date> = ours.extract_from.into_iter().chain([ours.transfer_on]).collect();
                assert_eq!(&our_dates, dates, "{name}, {month}");
                assert_eq!((&ours.key.authority, ours.key.kind), (&authority.number, kind));
            }
            let place = timetable.group_of(&authority.number).unwrap().name;
            assert_eq!(place.day(), group.weekday, "{name}");
            assert!(group.week.is_none_or(|week| week == place.week), "{name}");
        }
    }
    assert_eq!(seen.len(), 377);
    assert_eq!(timetable.authorities().len(), 377);
    misprints
}

#[test]
fn annex_b_says_the_same_but_for_its_two_misprints() {
    let misprints = compare(&annex::read(ANNEX_B), ReturnKind::Shbe);
    let expected = [("Dover", "6104"), ("Monmouthshire", "1405")].map(|(name, no)| (name.to_owned(), no.to_owned()));
    assert_eq!(misprints, expected);
}

#[test]
fn annex_d_says_the_same() {
    let printed = annex::read(ANNEX_D);
    assert_eq!(compare(&printed, ReturnKind::HbmsMi), []);
    let timetable = year_2020();
    for (number, name) in printed.iter().flat_map(|group| &group.authorities) {
        let ours = &timetable.authority(&number.parse().unwrap()).unwrap().name;
        assert_eq!(ours, name.split(" (Prev:").next().unwrap(), "names are as Annex D prints them");
    }
}

#[test]
fn dover_and_monmouthshire_are_found_by_their_right_numbers() {
    let timetable = year_2020();
    for (number, name) in [("16104", "Dover"), ("71405", "Monmouthshire")] {
        let number: LaNumber = number.parse().unwrap();
        assert_eq!(timetable.authority(&number).unwrap().name, name);
        let place = timetable.group_of(&number).unwrap().name;
        assert_eq!((place.week, place.weekday), (4, Weekday::Monday));
    }
}

#[test]
fn the_subtotals_of_both_annexes_hold() {
    let timetable = year_2020();
    let sizes: Vec<usize> = timetable.groups().iter().map(|group| group.authorities.len()).collect();
    let weeks: Vec<usize> = sizes.chunks(4).map(|week| week.iter().sum()).collect();
    assert_eq!(weeks, [75, 93, 87, 122]);
    // Annex B subtotals weeks; Annex D subtotals groups, and weeks beside the first three Thursdays.
    let b: Vec<usize> = annex::read(ANNEX_B).iter().flat_map(|group| group.subtotals.clone()).collect();
    assert_eq!(b, weeks[..3]);
    for (at, group) in annex::read(ANNEX_D).iter().enumerate().take(15) {
        let week_too = (at % 4 == 3).then(|| weeks[at / 4]);
        let expected: Vec<usize> = [sizes[at]].into_iter().chain(week_too).collect();
        assert_eq!(group.subtotals, expected, "group {at}");
    }
}

fn transfers(group: &Group) -> Vec<Date> {
    group.shbe.iter().map(|date| date.transfer_on).collect()
}

#[test]
fn three_mondays_are_tuesdays_and_no_other_day_is_shifted() {
    let timetable = year_2020();
    let mut shifted = BTreeSet::new();
    for group in timetable.groups() {
        for transfer in transfers(group).into_iter().filter(|transfer| transfer.weekday() != group.name.weekday) {
            assert_eq!((group.name.weekday, transfer.weekday()), (Weekday::Monday, Weekday::Tuesday));
            shifted.insert(transfer);
        }
    }
    assert_eq!(shifted, BTreeSet::from(["2020-04-14", "2020-05-26", "2020-09-01"].map(date)));
}

#[test]
fn transfers_are_28_days_apart_but_42_over_christmas() {
    for group in year_2020().groups() {
        let transfers = transfers(group);
        for pair in transfers.windows(2) {
            let gap = (pair[1] - pair[0]).get_days();
            let over_christmas = pair[0] < date("2020-12-25") && date("2020-12-25") < pair[1];
            let by_shifted_monday = pair.iter().any(|transfer| transfer.weekday() != group.name.weekday);
            match (over_christmas, by_shifted_monday) {
                (true, _) => assert_eq!(gap, 42, "{}", group.name),
                (false, true) => assert!([27, 29].contains(&gap), "{}: {gap}", group.name),
                (false, false) => assert_eq!(gap, 28, "{}", group.name),
            }
        }
    }
}

#[test]
fn data_are_extracted_from_seven_days_before() {
    for group in year_2020().groups() {
        for month in &group.shbe {
            assert_eq!(month.extract_from, month.transfer_on.saturating_sub(7.days()), "{}", group.name);
        }
    }
}

#[test]
fn nothing_is_transferred_in_the_breaks_both_annexes_print() {
    let timetable = year_2020();
    assert_eq!(timetable.breaks(), ["2020-03-30", "2020-04-06", "2020-12-21", "2020-12-28"].map(date));
    for monday in timetable.breaks() {
        let printed = monday.strftime("%d/%m/%Y").to_string();
        assert!(ANNEX_B.contains(&printed) && ANNEX_D.contains(&printed));
        for group in timetable.groups() {
            assert!(transfers(group).iter().all(|day| day < monday || *day >= monday.saturating_add(7.days())));
        }
    }
}

#[test]
fn referral_packs_follow_in_the_week_after_as_the_circular_says() {
    // Paragraph 25: the final packs of the year come between w/c 8 February 2021 (week 1) and w/c 1 March 2021 (week 4).
    let in_force = super::in_force();
    for (number, from, due_by) in [("12302", "2021-02-08", "2021-02-12"), ("16104", "2021-03-01", "2021-03-05")] {
        let packs = in_force.expected_packs(&number.parse().unwrap(), 1);
        let february = packs.iter().find(|pack| pack.month == "2021-02".parse().unwrap()).unwrap();
        assert_eq!((february.from, february.due_by), (date(from), date(due_by)));
    }
    // A shifted Monday is still of its week: transferred Tuesday 14 April, the pack is due by Friday 24 April.
    let april = &in_force.expected_packs(&"12302".parse().unwrap(), 1)[0];
    assert_eq!(april.due_by, date("2020-04-24"));
}
