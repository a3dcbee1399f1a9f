//! What `returns` says, over a real store.

use clap::Parser;
use jiff::civil::date;

use super::*;
use crate::domain::ledger::Event;
use crate::domain::timetable::Timetables;
use crate::domain::{DeferCause, ReturnHold, Revision, Standing};
use crate::store::samples::{at, change, close_workbook, collect, move_to, open_workbook, return_to, staged};
use crate::store::{Recorder, SqliteStore, StateChange};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Two months of SHBE: April held, May scheduled.
fn store() -> (tempfile::TempDir, SqliteStore) {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for (month, transfer_on) in [("2020-04", date(2020, 4, 14)), ("2020-05", date(2020, 5, 11))] {
        let key = format!("shbe/12302/{month}").parse().unwrap();
        let owe = StateChange::Owe { key, extract_from: Some(transfer_on), transfer_on };
        store.recorder().record(change(Event::Scheduled, owe)).unwrap();
    }
    let stage = Stage::Held { since: at(0), reason: ReturnHold::Empty, content: None };
    record(&store, "shbe/12302/2020-04", 0, Event::ReturnHeld, stage);
    (state, store)
}

fn record(store: &SqliteStore, key: &str, expect: i64, event: Event, stage: Stage) {
    let expect = Revision(expect);
    let moved = StateChange::Submission { key: key.parse().unwrap(), expect, stage, sealed: None };
    store.recorder().record(change(event, moved)).unwrap();
}

fn says(store: &SqliteStore, line: &str, today: Date) -> Result<String, ReturnsFault> {
    let line = Line::parse_from(std::iter::once("returns").chain(line.split_whitespace()));
    let mut out = Vec::new();
    match &line.args.command {
        Command::List(args) => list(args, &store.queries(), today, &mut out)?,
        Command::Compliance(args) => {
            let (authorities, timetables) = (["12302".parse().unwrap()], Timetables::default());
            compliance(args, &authorities, &timetables, &store.queries(), today, &mut out)?;
        }
        Command::Show(args) => show(args, &store.queries(), today, &mut out)?,
        order => panic!("{order:?} is no question"),
    }
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn what_needs_somebody_is_in_the_first_line() {
    let (_state, store) = store();
    let before = says(&store, "list", date(2020, 4, 13)).unwrap();
    assert!(before.starts_with("SHBE 2020-21 of LA 12302: 2 listed: 1 held, 1 scheduled. MISSING: 2020-04 (held).\n"));
    let after = says(&store, "list", date(2020, 5, 12)).unwrap();
    assert!(after.contains("MISSING: 2020-04 (held, and due), 2020-05 (overdue)."), "{after}");
    assert!(
        after.contains("\n  ! 2020-04  2020-04-14    2020-04-14   held         CN-401: The return's file is empty.\n")
    );
    assert!(says(&store, "list --authority 16104", date(2020, 5, 12)).unwrap().starts_with("No return is recorded."));
}

#[test]
fn a_script_gets_every_fact_and_null_for_what_is_not_there() {
    let (_state, store) = store();
    let list: serde_json::Value =
        serde_json::from_str(&says(&store, "list --json", date(2020, 4, 1)).unwrap()).unwrap();
    assert_eq!(says(&store, "list --json", date(2020, 4, 1)).unwrap().lines().count(), 1, "one document, one line");
    let april = &list["returns"][0];
    for (fact, value) in [
        ("return", "shbe"),
        ("authority", "12302"),
        ("relevant_month", "2020-04"),
        ("extract_from", "2020-04-14"),
        ("transfer_on", "2020-04-14"),
        ("stage", "held"),
        ("code", "CN-401"),
        ("says", "The return's file is empty."),
    ] {
        assert_eq!(april[fact], value, "{fact}");
    }
    for absent in ["message_id", "sha256", "reply"] {
        assert!(april.get(absent).is_some_and(serde_json::Value::is_null), "{absent}");
    }
    let show = says(&store, "show shbe/12302/2020-04 --json", date(2020, 4, 1)).unwrap();
    assert_eq!(&serde_json::from_str::<serde_json::Value>(&show).unwrap(), april);
}

#[test]
fn one_return_with_what_to_do_next() {
    let (_state, store) = store();
    let text = says(&store, "show shbe/12302/2020-04", date(2020, 4, 1)).unwrap();
    assert!(text.starts_with("SHBE of LA 12302 for 2020-04\n"), "{text}");
    assert!(text.contains("Next: Put a corrected file in its place"), "{text}");
    let unknown = says(&store, "show shbe/12302/2020-06", date(2020, 4, 1)).unwrap_err();
    assert_eq!(unknown.exit_status(), 2);
    assert!(unknown.to_string().contains("shbe/12302/2020-06"));
}

#[test]
fn open_ones_are_those_not_sent_acknowledged_or_waived() {
    let at = at(0);
    let open = [
        Stage::Scheduled,
        Stage::Sealed,
        Stage::Held { since: at, reason: ReturnHold::Empty, content: None },
        Stage::Sending { at, attempt: 1, boot: String::new(), place: None },
        Stage::Deferred { until: at, attempts: 1, cause: DeferCause::CourierBusy, reply: None },
        Stage::Uncertain { since: at, restored: false },
        Stage::Failed { at, reply: String::new() },
        Stage::Missed { since: at },
    ];
    assert!(open.iter().all(is_unfinished));
    let closed = [Stage::Sent { at, reply: String::new() }, Stage::Acknowledged { at }, Stage::Waived { at }];
    assert!(!closed.iter().any(is_unfinished));
    let (_state, store) = store();
    record(&store, "shbe/12302/2020-05", 0, Event::ReturnOrdered, Stage::Waived { at });
    let open = says(&store, "list --open", date(2020, 4, 1)).unwrap();
    assert!(open.contains("2020-04") && !open.contains("2020-05"), "{open}");
}

/// April's workbook was returned in May on time and again in June, late; in July it is owed. May's was closed.
fn with_workbooks() -> (tempfile::TempDir, SqliteStore) {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let owe_on = |key: &str, transfer_on| {
        let key = key.parse().unwrap();
        change(Event::Scheduled, StateChange::Owe { key, extract_from: None, transfer_on })
    };
    let sent = |key: &str, at| {
        let mut sent = return_to(key, 2, Event::Sent, Stage::Sent { at, reply: String::new() }, None);
        sent.at = at;
        let sending = Stage::Sending { at, attempt: 1, boot: "boot".into(), place: None };
        let sealed = Some(crate::store::samples::sealed());
        [
            return_to(key, 0, Event::Sealed, Stage::Sealed, sealed),
            return_to(key, 1, Event::Sending, sending, None),
            sent,
        ]
    };
    let (may, june, july) = ("hbms-mi/12302/2020-05", "hbms-mi/12302/2020-06/2020-04", "hbms-mi/12302/2020-07/2020-04");
    let first = [
        collect(4),
        staged(4, 0, 50),
        move_to(4, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
        open_workbook(4, 0, "2020-04"),
        open_workbook(4, 1, "2020-05"),
        close_workbook("2020-05"),
        owe_on(may, date(2020, 5, 11)),
        owe_on(june, date(2020, 6, 8)),
        owe_on(july, date(2020, 7, 6)),
    ];
    let on_time = sent(may, "2020-05-11T08:00:00Z".parse().unwrap());
    let late = sent(june, "2020-06-09T08:00:00Z".parse().unwrap());
    for change in first.into_iter().chain(on_time).chain(late) {
        store.recorder().record(change).unwrap();
    }
    (state, store)
}

#[test]
fn each_workbook_has_its_twelve_months() {
    let (_state, store) = with_workbooks();
    let text = says(&store, "list", date(2020, 7, 1)).unwrap();
    let row = text.lines().find(|line| line.contains("12302/2020-04 ")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[2..8], ["open", "-", "sent", "sent", "owed", "-"], "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&says(&store, "list --json", date(2020, 7, 1)).unwrap()).unwrap();
    let april = &json["workbooks"][0];
    assert_eq!(april["workbook"], "12302/2020-04");
    let stages: Vec<_> =
        april["returns"].as_array().unwrap().iter().map(|one| one["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["sent", "sent", "scheduled"]);
    let open: serde_json::Value =
        serde_json::from_str(&says(&store, "list --open --json", date(2020, 7, 1)).unwrap()).unwrap();
    assert_eq!((open["workbooks"].as_array().unwrap().len(), open["returns"].as_array().unwrap().len()), (1, 1));
}

#[test]
fn a_year_on_one_page_tells_on_time_late_and_outstanding() {
    let (_state, store) = with_workbooks();
    let page = |today| -> serde_json::Value {
        serde_json::from_str(&says(&store, "compliance --year 2020-21 --json", today).unwrap()).unwrap()
    };
    let made = |page: &serde_json::Value, at: usize| {
        ["mi_returns", "mi_on_time", "mi_late", "mi_outstanding"].map(|key| page["months"][at][key].as_u64().unwrap())
    };
    let before = page(date(2020, 7, 1));
    assert_eq!(before["months"].as_array().unwrap().len(), 12);
    assert_eq!([1, 2, 3].map(|month| made(&before, month)), [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]]);
    assert_eq!(made(&page(date(2020, 7, 7)), 3), [1, 0, 0, 1], "its day is over");
    let text = says(&store, "compliance --year 2020-21", date(2020, 7, 7)).unwrap();
    assert!(
        text.starts_with(
            "LA 12302, 2020-21. Months with a pack: 2. MI returns on time: 1, late: 1. Outstanding, SHBE and MI: 1."
        ),
        "{text}"
    );
    let csv = says(&store, "compliance --year 2020-21 --csv", date(2020, 7, 7)).unwrap();
    assert_eq!(csv.lines().count(), 13);
    assert!(csv.starts_with("authority,relevant_month,shbe_due,"), "{csv}");
}

#[test]
fn what_a_person_confirmed_is_neither_on_time_nor_late() {
    let (_state, store) = with_workbooks();
    let july = "hbms-mi/12302/2020-07/2020-04";
    let at: jiff::Timestamp = "2020-07-20T08:00:00Z".parse().unwrap();
    record(&store, july, 0, Event::Missed, Stage::Missed { since: at });
    let sealed = Some(crate::store::samples::sealed());
    let expect = Revision(1);
    let stage = Stage::Sealed;
    let mut resend = change(
        Event::ReturnOrdered,
        StateChange::Submission { key: july.parse().unwrap(), expect, stage, sealed: sealed.clone() },
    );
    resend.facts.order = Some(crate::domain::ReturnOrder::Resend);
    resend.facts.sealed = sealed.map(|sealed| sealed.sealed);
    store.recorder().record(resend).unwrap();
    record(&store, july, 2, Event::ReturnOrdered, Stage::Acknowledged { at });
    let page: serde_json::Value =
        serde_json::from_str(&says(&store, "compliance --year 2020-21 --json", date(2020, 7, 21)).unwrap()).unwrap();
    let month = &page["months"][3];
    let counts = ["mi_returns", "mi_on_time", "mi_late", "mi_outstanding"].map(|key| month[key].as_u64().unwrap());
    assert_eq!(counts, [1, 0, 0, 0], "nobody knows on which day it went");
}

#[test]
fn a_return_that_was_due_before_a_workbook_came_is_not_its_own() {
    let (_state, store) = with_workbooks();
    let key = "hbms-mi/12302/2020-06".parse().unwrap();
    let due_before_it_came = date(1969, 12, 31);
    let owe = StateChange::Owe { key, extract_from: None, transfer_on: due_before_it_came };
    store.recorder().record(change(Event::Scheduled, owe)).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&says(&store, "list --json", date(2020, 7, 1)).unwrap()).unwrap();
    let may = json["workbooks"].as_array().unwrap().iter().find(|one| one["workbook"] == "12302/2020-05").unwrap();
    assert_eq!(may["returns"].as_array().unwrap().len(), 0, "{may}");
}
