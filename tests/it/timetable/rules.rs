//! The rules a timetable passes before it exists, on timetables made up by chance.

use std::collections::BTreeMap;

use hbcourier::domain::timetable::{Group, GroupName, HbmsMiDate, ShbeDate, Timetable, TimetableFault, Timetables};
use hbcourier::domain::{Authority, LaNumber, RelevantMonth, ReturnKind, TimetableYear};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use proptest::prelude::*;

use super::date;

fn year() -> TimetableYear {
    "2023-24".parse().unwrap()
}

fn number(n: u32) -> LaNumber {
    n.to_string().parse().unwrap()
}

/// Month `nth` of 2023-24, from 0.
fn month(nth: i8) -> RelevantMonth {
    let (year, month) = if nth < 9 { (2023, nth + 4) } else { (2024, nth - 8) };
    RelevantMonth::new(year, month).unwrap()
}

/// Twelve months from this first transfer date on.
fn shbe_from(first: Date) -> Vec<ShbeDate> {
    let row = |nth: i8| {
        let transfer_on = first.saturating_add((i64::from(nth) * 28).days());
        ShbeDate { relevant_month: month(nth), extract_from: transfer_on.saturating_sub(7.days()), transfer_on }
    };
    (0..12).map(row).collect()
}

fn mi_of(shbe: &[ShbeDate]) -> Vec<HbmsMiDate> {
    shbe.iter().map(|d| HbmsMiDate { relevant_month: d.relevant_month, transfer_on: d.transfer_on }).collect()
}

fn group(week: u8, weekday: Weekday, numbers: &[u32]) -> Group {
    let days = i64::from(week) * 7 + i64::from(weekday.to_monday_zero_offset());
    let shbe = shbe_from(date("2023-04-03").saturating_add(days.days()));
    let authorities = numbers.iter().map(|&n| Authority { number: number(n), name: format!("Place {n}") }).collect();
    Group { name: GroupName { week, weekday }, hbms_mi: mi_of(&shbe), shbe, authorities }
}

fn faults(groups: Vec<Group>) -> Vec<TimetableFault> {
    Timetable::new(year(), Vec::new(), groups).expect_err("the timetable is faulty")
}

#[test]
fn every_fault_is_reported_in_one_go() {
    let mut first = group(1, Weekday::Monday, &[12302, 12302]);
    first.shbe[3].extract_from = first.shbe[3].transfer_on.saturating_add(1.days());
    first.hbms_mi.remove(5);
    let mut second = group(5, Weekday::Tuesday, &[12302, 20101]);
    second.authorities[1].name = " ".to_owned();
    second.shbe.swap(0, 1);
    second.hbms_mi[11].relevant_month = "2024-04".parse().unwrap();
    let break_week = first.shbe[7].transfer_on;
    let third = Group { authorities: Vec::new(), shbe: Vec::new(), ..group(1, Weekday::Monday, &[]) };
    let says: Vec<String> = Timetable::new(year(), vec![date("2023-12-26"), break_week], vec![first, second, third])
        .expect_err("the timetable is faulty")
        .iter()
        .map(ToString::to_string)
        .collect();
    for expected in [
        "LA number 12302 is in week 1 Monday and again in week 1 Monday: an authority belongs to one group",
        "LA number 12302 is in week 1 Monday and again in week 5 Tuesday: an authority belongs to one group",
        "week 1 Monday, shbe, 2023-07: data may be extracted from 2023-07-04, after the transfer date 2023-07-03",
        "week 1 Monday, hbms-mi: 2023-09 is missing",
        "week 1 Monday, shbe, 2023-11: the transfer date 2023-10-23 is in the break of the week commencing 2023-10-23",
        "week 5 Tuesday: the cycle has weeks 1 to 4",
        "LA number 20101 in week 5 Tuesday has no name",
        "week 5 Tuesday, shbe: 2023-04 comes after 2023-05; months must ascend, each once",
        "week 5 Tuesday, shbe, 2023-04: the transfer date 2023-05-09 is not after 2023-06-06, the one above it",
        "week 5 Tuesday, hbms-mi: 2024-04 is not a month of 2023-24, April to March",
        "week 1 Monday appears more than once",
        "week 1 Monday has no authorities",
        "week 1 Monday has no dates for shbe",
        "break 2023-12-26: a break is named by the Monday of its week",
    ] {
        assert!(says.iter().any(|line| line == expected), "missing: {expected}\nfrom: {says:#?}");
    }
}

#[test]
fn a_timetable_without_groups_is_none() {
    assert_eq!(faults(Vec::new()), [TimetableFault::NoGroups]);
}

#[test]
fn the_two_returns_are_separate_obligations() {
    let mut group = group(2, Weekday::Thursday, &[12302]);
    let later = |d: &mut HbmsMiDate| d.transfer_on = d.transfer_on.saturating_add(1.days());
    group.hbms_mi.iter_mut().for_each(later);
    let timetable = Timetable::new(year(), Vec::new(), vec![group]).unwrap();
    let shbe = timetable.obligations(&number(12302), ReturnKind::Shbe);
    let mi = timetable.obligations(&number(12302), ReturnKind::HbmsMi);
    assert_eq!(mi[0].transfer_on, shbe[0].transfer_on.saturating_add(1.days()));
    assert_eq!(
        (shbe[0].key.to_string(), mi[0].key.to_string()),
        ("shbe/12302/2023-04".into(), "hbms-mi/12302/2023-04".into())
    );
    assert!(shbe.iter().all(|o| o.extract_from.is_some()) && mi.iter().all(|o| o.extract_from.is_none()));
    assert_eq!(timetable.obligations(&number(99999), ReturnKind::Shbe), []);
}

#[test]
fn years_follow_one_another_and_coverage_ends_with_the_first_return_to_run_out() {
    let known = number(12302);
    let mut short = group(1, Weekday::Monday, &[12302]);
    short.hbms_mi.pop();
    let last_mi = short.hbms_mi.last().unwrap().transfer_on;
    let this_year = Timetable::new(year(), Vec::new(), vec![short]).unwrap();
    let both = super::in_force().with(this_year.clone());
    let all = both.obligations(&known, ReturnKind::Shbe);
    assert_eq!(all.len(), 24);
    assert!(all.windows(2).all(|pair| pair[0].transfer_on < pair[1].transfer_on));
    assert_eq!(both.coverage_ends(&known), Some(last_mi));
    assert_eq!(both.coverage_ends(&number(99999)), None);
    assert_eq!(both.authority(&known).unwrap().name, "Place 12302", "the latest year names it");
    assert_eq!(both.latest_with(&number(20101)).unwrap().year().to_string(), "2020-21");
    let twice = Timetables::new([this_year.clone(), this_year]).expect_err("one year, two timetables");
    assert_eq!(twice, [TimetableFault::YearTwice { year: year() }]);
}

proptest! {
    /// However the authorities are dealt out, each is found in the group it was put in, with that group's dates.
    #[test]
    fn every_authority_keeps_its_groups_dates(dealt in prop::collection::btree_map(10_000_u32..999_999, 0_usize..16, 16..200)) {
        let mut groups: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        dealt.iter().for_each(|(&n, &at)| groups.entry(at).or_default().push(n));
        let weekdays = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday];
        let made: Vec<_> = groups.iter().map(|(at, numbers)| group((at / 4) as u8 + 1, weekdays[at % 4], numbers)).collect();
        let timetable = Timetable::new(year(), Vec::new(), made.clone()).unwrap();
        prop_assert_eq!(timetable.authorities().len(), dealt.len());
        for (&n, &at) in &dealt {
            let found = timetable.group_of(&number(n)).unwrap();
            prop_assert_eq!(found.name, GroupName { week: (at / 4) as u8 + 1, weekday: weekdays[at % 4] });
            prop_assert_eq!(&timetable.authority(&number(n)).unwrap().number, &number(n));
            let dates: Vec<_> = timetable.obligations(&number(n), ReturnKind::Shbe).iter().map(|o| o.transfer_on).collect();
            let expected: Vec<_> = found.shbe.iter().map(|d| d.transfer_on).collect();
            prop_assert_eq!(dates, expected);
        }
    }

    /// One authority put into a second group is found out, whichever it is.
    #[test]
    fn an_authority_in_two_groups_is_refused(size in 1_u32..60, pick in any::<prop::sample::Index>()) {
        let numbers: Vec<u32> = (20_000..20_000 + size).collect();
        let doubled = numbers[pick.index(numbers.len())];
        let found = faults(vec![group(1, Weekday::Monday, &numbers), group(3, Weekday::Thursday, &[doubled])]);
        let first = GroupName { week: 1, weekday: Weekday::Monday };
        let second = GroupName { week: 3, weekday: Weekday::Thursday };
        prop_assert_eq!(found, vec![TimetableFault::AuthorityTwice { number: number(doubled), first, second }]);
    }

    /// Any order of the months but the ascending one is refused, as is any gap between them.
    #[test]
    fn months_ascend_without_a_gap(months in Just((0_i8..12).collect::<Vec<_>>()).prop_shuffle(), keep in 1_usize..=12) {
        let kept = &months[..keep];
        let mut group = group(1, Weekday::Monday, &[12302]);
        // Transfer dates stay in order: the months alone are at fault.
        group.hbms_mi.truncate(keep);
        for (row, &nth) in group.hbms_mi.iter_mut().zip(kept) {
            row.relevant_month = month(nth);
        }
        let in_order = kept.windows(2).all(|pair| pair[1] == pair[0] + 1);
        prop_assert_eq!(Timetable::new(year(), Vec::new(), vec![group]).is_ok(), in_order);
    }
}
