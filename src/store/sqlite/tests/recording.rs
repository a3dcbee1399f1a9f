//! The write path: every refusal, many callers at once, and a commit that fails.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use super::super::SqliteStore;
use super::{assert_sound, raw};
use crate::domain::ledger::{Entry, Event};
use crate::domain::merkle::{Frontier, leaf};
use crate::domain::reason::HoldReason;
use crate::domain::{Notice, Revision, Stage, Standing};
use crate::store::samples::*;
use crate::store::{
    Change, ConsignmentFilter, Queries, RecordError, Recorded, Recorder, StateChange, Verification, verify,
};

fn store() -> (tempfile::TempDir, SqliteStore) {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    (state, store)
}

fn all(store: &SqliteStore, changes: impl IntoIterator<Item = Change>) {
    for change in changes {
        store.recorder().record(change).unwrap();
    }
}

/// Records it, and checks that nothing at all came of it.
fn refused(store: &SqliteStore, change: Change) -> RecordError {
    let before = store.queries().head().unwrap();
    let error = store.recorder().record(change).unwrap_err();
    assert_eq!(store.queries().head().unwrap(), before);
    assert_sound(store);
    error
}

#[test]
fn a_decision_on_an_old_reading_is_stale() {
    let (_state, store) = store();
    all(&store, [collect(1), held(1, 0), owe("shbe/12302/2020-04")]);
    for change in [
        retried(1, 0),
        retried(1, 2),
        held(2, 0),
        return_to("shbe/12302/2020-04", 1, Event::Sealed, Stage::Sealed, Some(sealed())),
        return_to("shbe/12302/2020-05", 0, Event::Sealed, Stage::Sealed, Some(sealed())),
    ] {
        assert!(matches!(refused(&store, change.clone()), RecordError::Stale { .. }), "{change:?}");
    }
}

#[test]
fn what_is_recorded_once_is_not_recorded_again() {
    let (_state, store) = store();
    let in_service = || {
        let from = jiff::civil::date(2020, 4, 1);
        change(Event::TakenIntoService, StateChange::InService { authority: "12302".parse().unwrap(), from })
    };
    let alarm = |notice: Option<Notice>| {
        let event = if notice.is_some() { Event::AlarmRaised } else { Event::AlarmCleared };
        change(event, StateChange::Alarm { about: "drop-12302".into(), notice })
    };
    let no_key = || alarm(Some(HoldReason::NoKey.notice()));
    all(&store, [collect(1), owe("shbe/12302/2020-04"), in_service(), no_key(), activated("2020-21", "text")]);
    for change in [collect(1), owe("shbe/12302/2020-04"), in_service(), no_key(), activated("2020-21", "text")] {
        assert!(matches!(refused(&store, change.clone()), RecordError::Exists { .. }), "{change:?}");
    }
    all(&store, [alarm(Some(HoldReason::Tampered.notice())), alarm(None)]);
    assert!(matches!(refused(&store, alarm(None)), RecordError::Exists { .. }));
    assert_eq!(store.queries().alarms().unwrap(), []);
}

#[test]
fn content_is_accepted_once_until_its_consignment_is_rejected() {
    let (_state, store) = store();
    all(&store, [collect(1), collect(2), staged(1, 0, 50)]);
    let refusal = refused(&store, staged(2, 0, 50));
    assert!(matches!(refusal, RecordError::AcceptedBefore { first, .. } if first == id(1)));
    assert_eq!(store.queries().deliveries(&id(2)).unwrap(), [], "a refused staging leaves no parts");

    // Held keeps the claim, and tried again meets its own.
    all(&store, [held(1, 1), retried(1, 2), staged(1, 3, 50), held(1, 4)]);
    assert!(matches!(refused(&store, staged(2, 0, 50)), RecordError::AcceptedBefore { .. }));

    all(&store, [rejected(1, 5), staged(2, 0, 50)]);
    assert_sound(&store);
}

#[test]
fn the_same_content_for_another_authority_is_another_content() {
    let (_state, store) = store();
    let of_another = |n| {
        let mut change = collect(n);
        let StateChange::Collect(new) = &mut change.state else { panic!("not a collection") };
        new.consignment.authority = "16104".parse().unwrap();
        change
    };
    all(&store, [collect(1), of_another(2), of_another(3), staged(1, 0, 50), staged(2, 0, 50)]);
    let refusal = refused(&store, staged(3, 0, 50));
    assert!(matches!(refusal, RecordError::AcceptedBefore { first, .. } if first == id(2)), "its own authority's");
    all(&store, [held(1, 1), rejected(1, 2)]);
    assert!(matches!(refused(&store, staged(3, 0, 50)), RecordError::AcceptedBefore { .. }), "another's gave it up");
    assert_sound(&store);
}

#[test]
fn what_is_staged_for_another_authority_is_that_ones() {
    let (_state, store) = store();
    let listed = |authority: &str| {
        let filter = ConsignmentFilter { authority: Some(authority.parse().unwrap()), ..ConsignmentFilter::default() };
        store.queries().consignments(&filter).unwrap().into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    all(&store, [collect(1), collect(2), collect(3), staged_for("16104", 1, 0, 50)]);
    assert_eq!((listed("16104"), listed("12302")), (vec![id(1)], vec![id(2), id(3)]));
    let refusal = refused(&store, staged_for("16104", 2, 0, 50));
    assert!(matches!(refusal, RecordError::AcceptedBefore { first, .. } if first == id(1)));
    assert_eq!(listed("12302"), [id(2), id(3)], "what is refused moves nothing");
    all(&store, [staged(2, 0, 50)]);
    assert_sound(&store);

    // An attempt that was decided otherwise gives up what it had claimed for the other one.
    all(&store, [held(1, 1), retried(1, 2), staged_for("71405", 1, 3, 50), staged_for("16104", 3, 0, 50)]);
    assert_eq!((listed("71405"), listed("16104")), (vec![id(1)], vec![id(3)]));
    assert_sound(&store);
    let mut says_another = staged_for("16104", 3, 1, 50);
    says_another.facts.authority = Some("12302".parse().unwrap());
    assert!(matches!(refused(&store, says_another), RecordError::NotAllowed { .. }));
}

#[test]
fn moves_that_the_domain_forbids_are_refused() {
    let (_state, store) = store();
    all(&store, [collect(1), owe("shbe/12302/2020-04")]);
    let delivered = move_to(1, 0, Event::Delivered, Standing::Delivered { at: at(9) });
    let sent = Stage::Sent { at: at(9), reply: "250".into() };
    let sent = return_to("shbe/12302/2020-04", 0, Event::Sent, sent, None);
    for (change, moves) in [(delivered, ("collected", "delivered")), (sent, ("scheduled", "sent"))] {
        match refused(&store, change) {
            RecordError::NotAllowed { from, to, .. } => assert_eq!((from, to), moves),
            other => panic!("{other:?}"),
        }
    }
    let mut born_held = collect(2);
    if let StateChange::Collect(new) = &mut born_held.state {
        new.consignment.standing = Standing::Held { since: at(0), reason: HoldReason::NoKey, restored: false };
    }
    assert!(matches!(refused(&store, born_held), RecordError::NotAllowed { .. }));
}

#[test]
fn an_entry_cannot_say_something_else_than_its_change() {
    let (_state, store) = store();
    all(&store, [collect(1)]);
    let mut about_another = held(1, 0);
    about_another.facts.transfer = Some(id(2));
    let says_rejected = Change { event: Event::Rejected, ..held(1, 0) };
    let says_sealed = Change { event: Event::Sealed, ..held(1, 0) };
    let moves_nothing = change(Event::Held, StateChange::None);
    for change in [about_another, says_rejected, says_sealed, moves_nothing] {
        assert!(matches!(refused(&store, change.clone()), RecordError::NotAllowed { .. }), "{change:?}");
    }
}

#[test]
fn an_entry_names_what_it_moves_even_if_the_caller_did_not() {
    let (_state, store) = store();
    all(&store, [collect(1), held(1, 0), owe("shbe/12302/2020-04")]);
    let lines = store.queries().ledger(1, 2).unwrap();
    let facts = |line: &[u8]| serde_json::from_slice::<Entry>(line).unwrap().facts;
    assert_eq!(facts(&lines[0].1).transfer, Some(id(1)));
    assert_eq!(facts(&lines[1].1).submission.as_deref(), Some("shbe/12302/2020-04"));
}

/// 32 callers at once, one in four refused: the others' entries have no gap, and the tree is theirs.
#[test]
fn many_callers_at_once_share_commits_and_get_their_own_answers() {
    const CALLERS: u32 = 32;
    const EACH: u32 = 24;
    let (_state, store) = store();
    all(&store, [collect(9999)]);
    let together = Barrier::new(CALLERS as usize);
    let answers: Vec<Result<Recorded, RecordError>> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (recorder, together) = (store.recorder(), &together);
                scope.spawn(move || {
                    together.wait();
                    let changes =
                        (0..EACH).map(|n| if n % 4 == 3 { collect(9999) } else { collect(caller * EACH + n) });
                    changes.map(|change| recorder.record(change)).collect::<Vec<_>>()
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(bad.iter().all(|answer| matches!(answer, Err(RecordError::Exists { .. }))));
    assert_eq!(bad.len() as u32, CALLERS * EACH / 4);

    let seqs: BTreeSet<u64> = good.into_iter().map(|answer| answer.unwrap().seq).collect();
    let count = u64::from(CALLERS * EACH * 3 / 4);
    assert!(seqs.into_iter().eq(1..=count), "each its own, without a gap");
    let mut tree = Frontier::default();
    for (place, (seq, line)) in store.queries().ledger(0, 100_000).unwrap().into_iter().enumerate() {
        let entry: Entry = serde_json::from_slice(&line).unwrap();
        assert_eq!((seq, entry.seq), (place as u64, place as u64));
        tree.push(leaf(&line));
    }
    let head = store.queries().head().unwrap();
    assert_eq!((head.entries, head.root), (count + 1, tree.root()));
    assert_sound(&store);
}

/// SQLite itself refuses this commit: a deferred reference to nothing, made by the entry with number 5.
#[test]
fn after_a_failed_commit_nothing_is_written_any_more() {
    let (state, store) = store();
    all(&store, (0..5).map(collect));
    raw(state.path())
        .execute_batch(
            "CREATE TABLE trip (seq INTEGER REFERENCES consignment (id) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER trips AFTER INSERT ON ledger WHEN new.seq = 5 BEGIN INSERT INTO trip VALUES (5); END;",
        )
        .unwrap();
    let before = store.queries().head().unwrap();
    let says = |change| match store.recorder().record(change) {
        Err(RecordError::Unavailable(says)) => says,
        other => panic!("{other:?}"),
    };
    assert!(says(collect(5)).contains("commit failed"));
    raw(state.path()).execute_batch("DROP TRIGGER trips").unwrap();
    assert!(says(collect(6)).contains("until the service is restarted"), "not tried again");
    assert_eq!(store.queries().head().unwrap(), before);
    assert_eq!(store.queries().consignment(&id(5)).unwrap(), None);

    drop(store);
    let store = SqliteStore::open(state.path()).unwrap();
    assert_eq!(store.recorder().record(collect(6)).unwrap().seq, 5);
    assert_sound(&store);
}

#[test]
fn a_second_writer_is_noticed_before_it_harms() {
    let (state, first) = store();
    let second = SqliteStore::open(state.path()).unwrap();
    all(&first, [collect(1)]);
    assert!(matches!(second.recorder().record(collect(2)), Err(RecordError::Unavailable(_))));
    assert_sound(&first);
}

#[test]
fn the_ledger_is_verified_while_it_grows() {
    let (_state, store) = store();
    let readers = store.queries();
    thread::scope(|scope| {
        let recorder = store.recorder();
        let writing = scope.spawn(move || {
            for n in 0..150 {
                recorder.record(collect(n)).unwrap();
                recorder.record(held(n, 0)).unwrap();
            }
        });
        let mut verdicts: Vec<Verification> = Vec::new();
        while !writing.is_finished() {
            verdicts.push(verify(&readers).unwrap());
        }
        assert!(verdicts.iter().all(|verdict| verdict.ok), "{verdicts:?}");
        assert!(verdicts.iter().any(|verdict| (1..300).contains(&verdict.entries)), "looked while it grew");
    });
    let one = store.queries().consignment(&id(3)).unwrap().unwrap().0;
    assert_eq!(one.revision, Revision(1));
}

/// Prints what this machine does: `nextest run --run-ignored only --no-capture measure`.
#[test]
#[ignore = "measures, asserts nothing"]
fn measure_changes_in_a_second() {
    for callers in [1u32, 8, 32] {
        let (_state, store) = store();
        let each = 3200 / callers.max(4);
        let begun = std::time::Instant::now();
        thread::scope(|scope| {
            for caller in 0..callers {
                let recorder = store.recorder();
                scope.spawn(move || (0..each).all(|n| recorder.record(collect(caller * each + n)).is_ok()));
            }
        });
        let (count, took) = (callers * each, begun.elapsed());
        println!(
            "{callers} callers: {count} changes in {took:?}, {:.0} a second",
            f64::from(count) / took.as_secs_f64()
        );
        let begun = std::time::Instant::now();
        assert_sound(&store);
        println!("verified in {:?}", begun.elapsed());
    }
}

#[test]
fn decisions_about_keys_are_kept_and_each_is_concluded_once() {
    let (_state, store) = store();
    all(&store, [proposed(b"certificate"), exception_granted(Some(0)), collect(1), exception_used(1, 1)]);
    let again = |change| matches!(store.recorder().record(change), Err(RecordError::Exists { .. }));
    assert!(again(exception_granted(Some(0))), "the proposal is concluded");
    assert!(again(exception_used(1, 1)), "once a transfer");
    store.recorder().record(retired(7, Some(at(1)))).unwrap();
    let queries = store.queries();
    let steps = queries.key_steps().unwrap();
    assert_eq!(steps.iter().map(|(entry, _, _)| *entry).collect::<Vec<_>>(), [0, 1, 4]);
    assert_eq!(queries.exception_uses().unwrap(), [(1, 1)]);
    assert_eq!(queries.proposed_certificate(0).unwrap().as_deref(), Some(&b"certificate"[..]));
    assert_eq!(queries.proposed_certificate(1).unwrap(), None);
}

#[test]
fn a_decision_about_keys_says_what_its_event_says() {
    let (_state, store) = store();
    let refused = |change| matches!(store.recorder().record(change), Err(RecordError::NotAllowed { .. }));
    let mut mismatched = retired(7, None);
    mismatched.event = Event::KeyTrusted;
    assert!(refused(mismatched));
    let mut exchanged = proposed(b"certificate");
    if let StateChange::Key { certificate, .. } = &mut exchanged.state {
        *certificate = Some(b"another".to_vec());
    }
    assert!(refused(exchanged), "other bytes than the digest's");
    let mut without = retired(7, None);
    without.facts.key = match &without.state {
        StateChange::Key { step, .. } => Some(step.clone()),
        _ => None,
    };
    without.state = StateChange::None;
    assert!(refused(without), "an entry that the tables do not follow");
}
