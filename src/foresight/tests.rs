//! The rules behind the alarms, one by one. That they are raised and cleared is shown with the whole service.

use jiff::civil::{Date, date};

use super::due::near;
use super::overdue;
use crate::config::calendars::bank_holidays;
use crate::config::settings::{AuthoritySettings, Settings};
use crate::domain::expectation::{Expectation, Met, Outlook, State};
use crate::domain::{ConsignmentId, Digest, FileKind, Stage, Submission};

fn met(on: Date) -> Met {
    Met { transfer: ConsignmentId::derive(&"drop-12302".parse().unwrap(), "1", &Digest::of(b"1")), on }
}

/// April's pack and risk file, and May's, which are awaited.
fn outlook(pack: State, risk: State) -> Outlook {
    let one = |kind, month: &str, from, due_by, state| Expectation {
        kind,
        authority: "12302".parse().unwrap(),
        month: month.parse().unwrap(),
        from,
        due_by,
        state,
    };
    let (april, may) = ((date(2020, 4, 20), date(2020, 4, 24)), (date(2020, 5, 18), date(2020, 5, 22)));
    let expectations = vec![
        one(FileKind::HbmsPack, "2020-04", april.0, april.1, pack),
        one(FileKind::CaseloadRisk, "2020-04", april.0, april.1, risk),
        one(FileKind::HbmsPack, "2020-05", may.0, may.1, State::Awaited),
        one(FileKind::CaseloadRisk, "2020-05", may.0, may.1, State::Awaited),
    ];
    Outlook { expectations, irregular: Vec::new() }
}

fn kinds(outlook: &Outlook, today: Date) -> Vec<FileKind> {
    overdue(outlook, today).into_iter().map(|one| one.kind).collect()
}

#[test]
fn overdue_is_the_latest_pack_or_the_risk_file_that_it_lacks() {
    let today = date(2020, 4, 28);
    let in_pack = |pack, risk| kinds(&outlook(pack, risk), today);
    let there = State::Met(met(date(2020, 4, 21)));
    assert_eq!(in_pack(State::Red, State::Red), [FileKind::HbmsPack], "one says the other");
    assert_eq!(in_pack(there, State::Red), [FileKind::CaseloadRisk]);
    assert_eq!(in_pack(there, State::Amber), [FileKind::CaseloadRisk], "also before the week is over");
    assert_eq!(in_pack(State::Met(met(today)), State::Amber), [], "the day may still bring it");
    assert_eq!(in_pack(there, State::Held(met(today))), [], "it came, and is held");
    assert_eq!(in_pack(State::Held(met(date(2020, 4, 21))), State::Red), [], "it may be in what is held");
    assert_eq!(in_pack(there, there), []);
    assert_eq!(kinds(&outlook(State::Red, State::Red), date(2020, 5, 18)), [], "May's week");
}

fn authority() -> AuthoritySettings {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hbcourier.toml");
    std::fs::write(&file, include_str!("../../config/hbcourier.minimal.toml")).unwrap();
    let settings: Settings = crate::config::load_with_env(&file, []).unwrap();
    settings.authorities.into_iter().next().unwrap()
}

#[test]
fn near_is_what_is_missing_in_the_days_before_its_window() {
    let submission = |stage| Submission {
        key: "shbe/12302/2020-06".parse().unwrap(),
        extract_from: Some(date(2020, 6, 1)),
        transfer_on: date(2020, 6, 8),
        revision: crate::domain::Revision(0),
        stage,
        sealed: None,
        ordered: None,
        resent: None,
        sent: None,
    };
    let holidays = bank_holidays().unwrap();
    let is_near = |submission: Submission, lead, now: &str| {
        let mut authority = authority();
        authority.expect.return_lead_days = lead;
        !near(&[submission], &authority, &holidays, now.parse().unwrap()).is_empty()
    };
    let scheduled = || submission(Stage::Scheduled);
    // Due on a Monday: two working days before it is the Thursday.
    assert!(!is_near(scheduled(), 2, "2020-06-03T23:59:00") && is_near(scheduled(), 2, "2020-06-04T00:00:00"));
    assert!(is_near(scheduled(), 2, "2020-06-08T07:59:00") && !is_near(scheduled(), 2, "2020-06-08T08:00:00"));
    assert!(!is_near(scheduled(), 0, "2020-06-08T07:00:00"));
    assert!(!is_near(scheduled(), 10, "2020-05-31T12:00:00") && is_near(scheduled(), 10, "2020-06-01T00:00:00"));
    assert!(!is_near(submission(Stage::Sealed), 2, "2020-06-05T12:00:00"));
    let ordered = Submission { ordered: Some(jiff::Timestamp::UNIX_EPOCH), ..scheduled() };
    assert!(!is_near(ordered, 2, "2020-06-05T12:00:00"), "an order is minded elsewhere");
}
