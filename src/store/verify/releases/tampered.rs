//! Approvals and releases that were put into their tables by hand, or would be recorded against the rule.

use crate::domain::ledger::Event;
use crate::domain::{HoldReason, Standing};
use crate::store::samples::*;
use crate::store::verify::verify;
use crate::store::{Queries, Recorder, SqliteStore};

/// Entries: 0..4 collected, 4..8 held, 8 approved by 1001, 9 approved by 1001, 10 released by 1002, 11 staged, 12 delivered,
/// 13 approved by 1001, 14 released by 1002, 15 approved by 1001 and still held.
fn with_releases() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let delivered = move_to(1, 4, Event::Delivered, Standing::Delivered { at: at(9) });
    let delivered = crate::store::Change {
        facts: crate::domain::ledger::Facts { release: Some(10), ..delivered.facts.clone() },
        ..delivered
    };
    let more = [
        approved(0, 1, 1001),
        approved(1, 1, 1001),
        released(1, 2, 1002, 9),
        staged_under(10, 1, 3, 50),
        delivered,
        approved(2, 1, 1001),
        released(2, 2, 1002, 13),
        approved(3, 1, 1001),
    ];
    for change in (0..4).map(collect).chain((0..4).map(|n| held(n, 0))).chain(more) {
        store.recorder().record(change).unwrap();
    }
    state
}

#[test]
fn a_release_put_into_the_table_by_hand_is_found() {
    let verdict = |tampering: &str| {
        let state = with_releases();
        if !tampering.is_empty() {
            let named = |sql: String, n: u32| sql.replace(&format!("{{{n}}}"), &id(n).to_string());
            tamper(state.path(), &(0..4).fold(tampering.to_owned(), named));
        }
        verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap()
    };
    assert!(verdict("").ok, "{}", verdict("").says);
    let unsigned = r#"'{"finding":"unsigned"}'"#;
    for (tampering, first_bad) in [
        // Of what one person approved, of what was delivered under it already, of what nobody did.
        (format!("INSERT INTO release VALUES ('{{0}}', {unsigned}, 8)"), Some(8)),
        (format!("INSERT INTO release VALUES ('{{1}}', {unsigned}, 10)"), Some(10)),
        (format!("PRAGMA foreign_keys = OFF; INSERT INTO release VALUES ('ffff', {unsigned}, 10)"), Some(10)),
        ("UPDATE release SET waives = '{\"finding\":\"stranger\"}'".to_owned(), Some(14)),
        ("UPDATE release SET waives = 'damaged'".to_owned(), Some(14)),
        ("UPDATE release SET entry = 10".to_owned(), Some(10)),
        ("UPDATE release SET consignment = '{3}'".to_owned(), Some(14)),
        ("DELETE FROM release".to_owned(), Some(14)),
        ("DELETE FROM approval WHERE consignment = '{0}'".to_owned(), Some(8)),
        ("UPDATE approval SET uid = 1002 WHERE consignment = '{3}'".to_owned(), Some(15)),
        ("UPDATE approval SET at = at + 1 WHERE consignment = '{3}'".to_owned(), Some(15)),
        ("UPDATE approval SET policy = sealed WHERE consignment = '{3}'".to_owned(), Some(15)),
        ("UPDATE approval SET sealed = policy WHERE consignment = '{3}'".to_owned(), Some(15)),
        (
            "INSERT INTO approval SELECT consignment, 1002, 'x', at, sealed, waives, policy, entry FROM approval"
                .to_owned(),
            Some(8),
        ),
    ] {
        let found = verdict(&tampering);
        assert_eq!((found.ok, found.first_bad), (false, first_bad), "{tampering}: {}", found.says);
    }
}

#[test]
fn an_approval_ends_when_what_it_is_about_moves() {
    let state = with_releases();
    let store = SqliteStore::open(state.path()).unwrap();
    let (queries, recorder) = (store.queries(), store.recorder());
    assert_eq!((queries.approvals(&id(0)).unwrap().len(), queries.approvals(&id(1)).unwrap().len()), (1, 0));
    assert!(queries.release(&id(1)).unwrap().is_none(), "used with its delivery");
    assert_eq!(queries.release(&id(2)).unwrap().map(|release| release.entry), Some(14));
    recorder.record(retried(0, 2)).unwrap();
    recorder.record(held(0, 3)).unwrap();
    assert!(queries.approvals(&id(0)).unwrap().is_empty(), "held anew");
    recorder
        .record(move_to(
            2,
            3,
            Event::Held,
            Standing::Held { since: at(9), reason: HoldReason::NoRoute, restored: false },
        ))
        .unwrap();
    assert!(queries.release(&id(2)).unwrap().is_none(), "held anew");
    recorder.record(rejected(3, 2)).unwrap();
    assert!(queries.approvals(&id(3)).unwrap().is_empty(), "rejected");
    let verdict = verify(&queries).unwrap();
    assert!(verdict.ok, "{}", verdict.says);
}

#[test]
fn the_store_takes_no_release_that_one_person_approved() {
    let state = with_releases();
    let store = SqliteStore::open(state.path()).unwrap();
    let refused = |change| store.recorder().record(change).unwrap_err().to_string();
    assert!(refused(released(0, 2, 1001, 8)).contains("one person's approval"), "the same account");
    assert!(refused(released(0, 2, 1002, 15)).contains("one person's approval"), "another transfer's approval");
    assert!(refused(released(0, 1, 1002, 8)).contains("changed by somebody else"), "as it was before the approval");
    let by_the_service = crate::store::Change { actor: crate::domain::Actor::Service, ..released(0, 2, 1002, 8) };
    assert!(refused(by_the_service).contains("one person's approval"));
    let mut late = released(0, 2, 1002, 8);
    late.at = at(1) + crate::domain::release::APPROVED_WITHIN + jiff::SignedDuration::from_secs(1);
    assert!(refused(late).contains("one person's approval"), "too late");
    // Two approvals at one time: the later one meets the earlier and is judged anew.
    assert!(refused(approved(0, 1, 1002)).contains("changed by somebody else"));
    store.recorder().record(released(0, 2, 1002, 8)).unwrap();
}
