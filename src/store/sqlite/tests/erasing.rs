//! What is erased is gone from every byte of the store's files, nothing else is, and what must not be erased is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{assert_sound, raw};
use crate::domain::ledger::Event;
use crate::domain::{Original, Standing};
use crate::store::samples::*;
use crate::store::sqlite::copy::COPY_DAYS_MAX;
use crate::store::{Change, Keeping, Queries, RecordError, Recorder, SqliteStore, forget_old_copies};

/// So many that their pages are split, and rows move between them.
const MANY: u32 = 150;

fn name_at_source(n: u32) -> String {
    format!("Quillfeather_{n:05}.pgp")
}

/// The n-th consignment, delivered and closed, under a name that a sender chose.
fn closed_by_sender(n: u32) -> [Change; 4] {
    let collected = collect_as(n, &name_at_source(n));
    [
        collected,
        staged_by_sender(n, 0, n + 1000),
        move_to(n, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
        move_to(n, 2, Event::Closed, Standing::Closed { at: at(9) }),
    ]
}

/// Which of these stand anywhere in a file of the state directory.
fn found(state: &Path, wanted: impl Iterator<Item = String>) -> Vec<String> {
    let files = fs::read_dir(state).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let bytes: Vec<u8> = files.flatten().collect();
    wanted.filter(|wanted| memchr::memmem::find(&bytes, wanted.as_bytes()).is_some()).collect()
}

fn delivered_names(n: u32) -> [String; 2] {
    [format!("laid-{n}-0.pdf"), format!("laid-{n}-1.pdf")]
}

#[test]
fn no_byte_of_an_erased_name_is_left_and_every_other_is() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in (0..MANY).flat_map(closed_by_sender) {
        store.recorder().record(change).unwrap();
    }
    let is_erased = |n: &u32| !n.is_multiple_of(3);
    let all = |n: u32| [name_at_source(n)].into_iter().chain(delivered_names(n));
    assert_eq!(found(state.path(), (0..MANY).flat_map(all)).len(), 3 * MANY as usize);
    for n in (0..MANY).filter(is_erased) {
        assert_eq!(store.queries().names_to_erase(&id(n)).unwrap(), 3);
        store.recorder().record(erase_names(n, 3)).unwrap();
    }
    store.recorder().rewrite().unwrap();
    let left = found(state.path(), (0..MANY).filter(is_erased).flat_map(all));
    assert!(left.is_empty(), "{} are left, such as {:?}", left.len(), left.first());
    let kept = (0..MANY).filter(|n| !is_erased(n));
    assert_eq!(found(state.path(), kept.clone().flat_map(all)).len(), 3 * kept.count());
    assert_sound(&store);
    let parts = store.queries().deliveries(&id(1)).unwrap();
    assert_eq!(parts[0].told_path(), "/backoffice/(name erased)");
    assert_eq!(store.queries().names_erased(&id(1)).unwrap(), Some(u64::from(4 * MANY)));
    drop(store);
    assert!(found(state.path(), (0..MANY).filter(is_erased).flat_map(all)).is_empty());
    assert_sound(&SqliteStore::open(state.path()).unwrap());
}

/// Every mark `Quill00000000` that stands anywhere in a file of the state directory.
fn marks(state: &Path) -> BTreeSet<String> {
    let mut marks = BTreeSet::new();
    for entry in fs::read_dir(state).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let at = memchr::memmem::find_iter(&bytes, "Quill");
        // A long name lies on several pages, and may be parted anywhere.
        let is_whole = |mark: &&[u8]| mark[5..].iter().all(u8::is_ascii_digit);
        let found = at.filter_map(|at| bytes.get(at..at + 13)).filter(is_whole);
        marks.extend(found.map(|mark| String::from_utf8_lossy(mark).into_owned()));
    }
    marks
}

/// Pages that are split keep copies of rows that moved from them, which deleting does not overwrite.
#[test]
fn what_deleting_leaves_behind_rewriting_removes() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let raw = raw(state.path());
    raw.execute_batch(
        "PRAGMA foreign_keys = off; PRAGMA secure_delete = on; INSERT INTO names_erased VALUES ('none', 0, 0)",
    )
    .unwrap();
    let (mut live, mut dead) = (BTreeMap::new(), BTreeSet::new());
    let mut left = BTreeSet::new();
    for round in 0..50 {
        raw.execute_batch("BEGIN").unwrap();
        for number in 0..2000 {
            if rand::random::<u8>() < 180 {
                let (commitment, mark) = (rand::random::<[u8; 32]>(), format!("Quill{:08}", round * 2000 + number));
                let times = [1, 1, 1, 2, 5, 20, 200][usize::from(rand::random::<u8>() % 7)];
                let clear = mark.repeat(times);
                let insert = "INSERT INTO name VALUES (?1, zeroblob(16), ?2, 0, 'none')";
                raw.prepare_cached(insert).unwrap().execute((commitment, clear)).unwrap();
                live.insert(commitment, mark);
            } else if let Some(commitment) = live.range(rand::random::<[u8; 32]>()..).next().map(|(at, _)| *at) {
                let mark: String = live.remove(&commitment).unwrap();
                let delete = "DELETE FROM name WHERE commitment = ?1";
                raw.prepare_cached(delete).unwrap().execute([commitment]).unwrap();
                dead.insert(mark);
            }
        }
        raw.execute_batch("COMMIT").unwrap();
        raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        left = marks(state.path()).intersection(&dead).cloned().collect();
        if !left.is_empty() {
            break;
        }
    }
    assert!(
        !left.is_empty(),
        "deleting alone left nothing of {} names: then nothing needs to be rewritten",
        dead.len()
    );
    store.recorder().rewrite().unwrap();
    let found = marks(state.path());
    let left: Vec<_> = found.intersection(&dead).collect();
    assert!(left.is_empty(), "{} are left, such as {:?}", left.len(), left.first());
    assert!(live.values().all(|mark| found.contains(mark)), "what was not erased is there");
}

/// A name that the route's template made tells nothing of the sender, and what was delivered is still held against it.
#[test]
fn our_own_names_stay() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in [
        collect(1),
        staged(1, 0, 1),
        move_to(1, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
        move_to(1, 2, Event::Closed, Standing::Closed { at: at(9) }),
        erase_names(1, 1),
    ] {
        store.recorder().record(change).unwrap();
    }
    store.recorder().rewrite().unwrap();
    assert_eq!(store.queries().deliveries(&id(1)).unwrap()[0].told_path(), "/backoffice/laid-1-0.pdf");
    assert_eq!(store.queries().consignment(&id(1)).unwrap().unwrap().1, None);
    assert_sound(&store);
    raw(state.path()).execute("UPDATE delivery SET path = CAST('/backoffice/other.pdf' AS BLOB)", []).unwrap();
    assert!(!crate::store::verify(&store.queries()).unwrap().ok);
}

#[test]
fn what_is_under_way_or_held_or_erased_before_is_not_erased() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let refused = |change: Change| store.recorder().record(change).unwrap_err();
    for change in [collect(1), collect(2), held(2, 0)].into_iter().chain(closed_by_sender(3)).chain(closed_by_sender(4))
    {
        store.recorder().record(change).unwrap();
    }
    for n in [1, 2] {
        assert!(matches!(refused(erase_names(n, 1)), RecordError::Stale { .. }), "{n} is not over");
        assert!(matches!(refused(erase_original(n)), RecordError::Stale { .. }), "{n} is not over");
    }
    assert!(matches!(refused(erase_names(3, 2)), RecordError::Stale { .. }), "not as many as were counted");
    for on in [id(3).to_string(), "12302".to_owned()] {
        store.recorder().record(place_hold(&on)).unwrap();
        assert!(matches!(refused(place_hold(&on)), RecordError::Exists { .. }));
        assert!(matches!(refused(erase_names(3, 3)), RecordError::Stale { .. }), "under hold by {on}");
        assert!(matches!(refused(erase_original(3)), RecordError::Stale { .. }), "under hold by {on}");
        store.recorder().record(lift_hold(&on)).unwrap();
        assert!(matches!(refused(lift_hold(&on)), RecordError::Exists { .. }));
    }
    store.recorder().record(erase_names(3, 3)).unwrap();
    store.recorder().record(erase_original(3)).unwrap();
    assert!(matches!(refused(erase_names(3, 0)), RecordError::Exists { .. }));
    assert!(matches!(refused(erase_original(3)), RecordError::Exists { .. }));
    let settled = store.queries().settled(None, 10).unwrap();
    assert_eq!(settled.iter().map(|one| one.consignment.id).collect::<Vec<_>>(), [id(4)]);
    assert_eq!(store.queries().original_erased(&Original::Transfer(id(4))).unwrap(), None);
    assert_sound(&store);
}

/// A change that says another event than it makes is a fault of the program: verification finds these by their event.
#[test]
fn an_event_of_its_own_is_nobody_elses() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in closed_by_sender(1) {
        store.recorder().record(change).unwrap();
    }
    let events = [Event::NamesErased, Event::OriginalErased, Event::LegalHoldPlaced, Event::LegalHoldLifted];
    for event in events {
        let alone = Change { event, ..remark() };
        assert!(matches!(store.recorder().record(alone), Err(RecordError::NotAllowed { .. })), "{event}");
    }
    let other = Change { event: Event::OriginalErased, ..erase_names(1, 3) };
    assert!(matches!(store.recorder().record(other), Err(RecordError::NotAllowed { .. })));
}

#[test]
fn a_reader_in_the_way_is_waited_for_by_asking_again() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in closed_by_sender(1).into_iter().chain([erase_names(1, 3)]) {
        store.recorder().record(change).unwrap();
    }
    let reader = raw(state.path());
    reader.execute_batch("BEGIN; SELECT count(*) FROM name").unwrap();
    assert!(matches!(store.recorder().rewrite(), Err(RecordError::Unavailable(_))));
    assert!(!found(state.path(), delivered_names(1).into_iter()).is_empty(), "its log still has them");
    reader.execute_batch("ROLLBACK").unwrap();
    store.recorder().rewrite().unwrap();
    assert!(found(state.path(), delivered_names(1).into_iter()).is_empty());
    assert_sound(&store);
}

/// Names of a store of version 9 are their transfers', by the entries they came with.
#[test]
fn names_of_an_earlier_version_can_be_erased() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in closed_by_sender(1).into_iter().chain(closed_by_sender(2)) {
        store.recorder().record(change).unwrap();
    }
    drop(store);
    raw(state.path())
        .execute_batch(
            "ALTER TABLE ledger RENAME COLUMN hash TO root;
             DROP TABLE original_erased; DROP TABLE names_erased; DROP TABLE legal_hold; DROP INDEX name_by_consignment;
             ALTER TABLE name DROP COLUMN consignment; ALTER TABLE delivery DROP COLUMN naming;
             PRAGMA user_version = 9",
        )
        .unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    assert_eq!(store.queries().names_to_erase(&id(1)).unwrap(), 3);
    store.recorder().record(erase_names(1, 3)).unwrap();
    store.recorder().rewrite().unwrap();
    // The copy of what it was before still has them, until it is old.
    assert!(store.migrated().unwrap().copy.exists());
    let in_a_while = SystemTime::now() + Duration::from_secs((COPY_DAYS_MAX + 1) * 86_400);
    assert_eq!(forget_old_copies(state.path(), in_a_while).unwrap(), 1);
    assert!(found(state.path(), delivered_names(1).into_iter().chain([name_at_source(1)])).is_empty());
    assert_eq!(found(state.path(), delivered_names(2).into_iter()).len(), 2);
}
