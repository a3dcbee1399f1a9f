//! What is due when, over every day, both changes of the clocks, and clocks that jump.

use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;
use crate::domain::ReturnKind;
use crate::domain::{Revision, SubmissionKey};

const LONGEST: Duration = Duration::from_secs(3600);

fn window(from: (i8, i8), until: (i8, i8)) -> Window {
    Window { from: time(from.0, from.1, 0, 0), until: time(until.0, until.1, 0, 0) }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn step_at(stage: &Stage, day: Date, window: Window, now: Timestamp) -> NextStep {
    next_step(stage, &Hours::of(day, window), LONGEST, now)
}

fn submission(kind: ReturnKind, transfer_on: Date, stage: Stage) -> Submission {
    let month = format!("{:04}-{:02}", transfer_on.year(), transfer_on.month());
    let month = month.parse().unwrap();
    let key = SubmissionKey { kind, authority: "12302".parse().unwrap(), month, workbook: None };
    Submission {
        key,
        extract_from: None,
        transfer_on,
        revision: Revision(0),
        stage,
        ordered: None,
        resent: None,
        sent: None,
        sealed: None,
    }
}

#[test]
fn the_hours_are_londons_in_summer_and_in_winter() {
    let office = window((8, 0), (18, 0));
    let summer = Hours::of(date(2020, 7, 6), office);
    assert_eq!((summer.opens, summer.closes), (at("2020-07-06T07:00:00Z"), at("2020-07-06T17:00:00Z")));
    assert_eq!(summer.day_ends, at("2020-07-06T23:00:00Z"));
    let winter = Hours::of(date(2021, 1, 4), office);
    assert_eq!((winter.opens, winter.day_ends), (at("2021-01-04T08:00:00Z"), at("2021-01-05T00:00:00Z")));
}

#[test]
fn a_window_in_the_skipped_hour_still_opens() {
    let hours = Hours::of(date(2021, 3, 28), window((1, 0), (2, 0)));
    assert_eq!((hours.opens, hours.closes), (at("2021-03-28T01:00:00Z"), at("2021-03-28T02:00:00Z")));
    let repeated = Hours::of(date(2020, 10, 25), window((1, 0), (2, 0)));
    assert_eq!((repeated.opens, repeated.closes), (at("2020-10-25T00:00:00Z"), at("2020-10-25T02:00:00Z")));
    let whole_day = Hours::of(date(2021, 3, 28), window((0, 0), (0, 0)));
    assert_eq!(whole_day.closes, whole_day.day_ends);
}

#[test]
fn nothing_is_sent_after_its_hours_and_it_is_missed_after_its_day() {
    let (day, office) = (date(2020, 4, 14), window((8, 0), (18, 0)));
    for (moment, expected) in [
        ("2020-04-13T12:00:00Z", NextStep::Wait),
        ("2020-04-14T06:59:59Z", NextStep::Wait),
        ("2020-04-14T07:00:00Z", NextStep::Send),
        ("2020-04-14T16:59:59Z", NextStep::Send),
        ("2020-04-14T17:00:00Z", NextStep::Wait),
        ("2020-04-14T22:59:59Z", NextStep::Wait),
        ("2020-04-14T23:00:00Z", NextStep::Miss),
        ("2020-06-01T10:00:00Z", NextStep::Miss),
    ] {
        assert_eq!(step_at(&Stage::Sealed, day, office, at(moment)), expected, "{moment}");
    }
    let at_eight = at("2020-04-14T08:00:00Z");
    let sending = Stage::Sending { at: at_eight, attempt: 1, boot: String::new(), place: None };
    assert_eq!(step_at(&sending, day, office, at("2020-06-01T10:00:00Z")), NextStep::Recover, "never simply missed");
    assert_eq!(step_at(&Stage::Scheduled, day, office, at("2020-04-14T10:00:00Z")), NextStep::Wait);
}

#[test]
fn a_pause_begun_by_a_clock_that_was_ahead_is_not_waited_for() {
    let (day, office) = (date(2020, 4, 14), window((8, 0), (18, 0)));
    let deferred = |until: &str| Stage::Deferred {
        until: at(until),
        attempts: 1,
        cause: crate::domain::DeferCause::CourierBusy,
        reply: None,
    };
    let now = at("2020-04-14T09:00:00Z");
    assert_eq!(step_at(&deferred("2020-04-14T09:30:00Z"), day, office, now), NextStep::Wait);
    assert_eq!(step_at(&deferred("2020-04-14T09:00:00Z"), day, office, now), NextStep::Send);
    assert_eq!(step_at(&deferred("2020-05-14T09:00:00Z"), day, office, now), NextStep::Send);
}

#[test]
fn a_file_is_for_the_earliest_unsealed_return_whose_day_is_not_over() {
    let days = [date(2020, 4, 14), date(2020, 5, 11), date(2020, 6, 8)];
    let of = |stage: [Stage; 3]| -> Vec<Submission> {
        days.iter().zip(stage).map(|(day, stage)| submission(ReturnKind::Shbe, *day, stage)).collect()
    };
    let series = |kind| Series { kind, authority: "12302".parse().unwrap(), workbook: None };
    let for_day =
        |all: &[Submission], kind, today| belongs_to(all, &series(kind), today).map(|found| found.transfer_on);
    let all = of([Stage::Scheduled, Stage::Scheduled, Stage::Scheduled]);
    assert_eq!(for_day(&all, ReturnKind::Shbe, days[0]), Some(days[0]));
    assert_eq!(for_day(&all, ReturnKind::Shbe, date(2020, 4, 15)), Some(days[1]));
    assert_eq!(for_day(&all, ReturnKind::HbmsMi, days[0]), None);
    assert_eq!(
        for_day(&of([Stage::Sealed, Stage::Scheduled, Stage::Scheduled]), ReturnKind::Shbe, days[0]),
        Some(days[1])
    );
    assert_eq!(for_day(&all, ReturnKind::Shbe, date(2020, 6, 9)), None);
}

fn any_day() -> impl Strategy<Value = Date> {
    (0i32..1500).prop_map(|days| date(2019, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap())
}

fn any_window() -> impl Strategy<Value = Window> {
    (0i8..24, 0i8..60, 0i8..24, 0i8..60).prop_map(|(a, b, c, d)| window((a, b), (c, d)))
}

proptest! {
    #[test]
    fn every_window_of_every_day_opens_and_lies_within_the_day(day in any_day(), window in any_window()) {
        let hours = Hours::of(day, window);
        prop_assert!(hours.opens < hours.closes && hours.closes <= hours.day_ends);
        prop_assert_eq!(london_date(hours.opens), day);
        let last = hours.closes.checked_sub(Duration::from_micros(1)).unwrap();
        prop_assert_eq!(london_date(last), day);
        prop_assert_eq!(london_date(hours.day_ends), day.tomorrow().unwrap());
    }

    /// Looks at any times in any order: at most one sending, only within the hours; and it is sent unless the first look
    /// at which something could be done came too late.
    #[test]
    fn jumping_clocks_neither_skip_nor_double(
        day in any_day(),
        window in any_window(),
        looks in proptest::collection::vec(-172_800i64..172_800, 1..40),
    ) {
        let hours = Hours::of(day, window);
        let mut stage = Stage::Sealed;
        let mut sent = 0;
        let moments: Vec<Timestamp> = looks.iter().map(|s| hours.opens + jiff::SignedDuration::from_secs(*s)).collect();
        for now in &moments {
            match next_step(&stage, &hours, LONGEST, *now) {
                NextStep::Send => {
                    prop_assert_eq!(london_date(*now), day);
                    prop_assert!(hours.are_open(*now));
                    sent += 1;
                    stage = Stage::Sent { at: *now, reply: String::new() };
                }
                NextStep::Miss => stage = Stage::Missed { since: *now },
                NextStep::Recover => prop_assert!(false, "nothing was interrupted"),
                NextStep::Wait => {}
            }
        }
        let decisive = moments.iter().find(|now| hours.are_open(**now) || **now >= hours.day_ends);
        prop_assert_eq!(sent, usize::from(decisive.is_some_and(|now| hours.are_open(*now))));
        let is_missed = matches!(stage, Stage::Missed { .. });
        prop_assert_eq!(is_missed, decisive.is_some_and(|now| *now >= hours.day_ends));
    }

    /// Sleeping until told to wake is enough: no moment at which something could be done is slept through.
    #[test]
    fn waking_when_told_is_in_time(day in any_day(), window in any_window(), early in 1i64..5_000_000) {
        let submission = submission(ReturnKind::HbmsMi, day, Stage::Sealed);
        let hours = Hours::of(day, window);
        let mut now = hours.opens - jiff::SignedDuration::from_secs(early);
        while next_step(&submission.stage, &hours, LONGEST, now) == NextStep::Wait {
            let wakes = wakes(&submission, &hours, now);
            prop_assert!(wakes.is_some_and(|wakes| wakes > now));
            now = wakes.unwrap();
        }
        prop_assert_eq!(now, hours.opens);
    }
}
