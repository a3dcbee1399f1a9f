//! What somebody with the database in hand may do to it, found at the next start.

use std::path::Path;

use openssl::pkey::PKey;
use openssl::sign::Signer;
use rusqlite::{Connection, params};

use super::*;
use crate::domain::checkpoint::SignedCheckpoint;
use crate::domain::ledger::Event;
use crate::store::samples::{change, collect, remark, tamper};
use crate::store::{Queries, Recorder, SqliteStore, StateChange, verify};

/// A ledger's key that is held in the test's hand.
struct Key(PKey<openssl::pkey::Private>, Vkey);

impl Key {
    fn new() -> Key {
        let key = PKey::generate_ed25519().unwrap();
        let vkey = Vkey::new("hbcourier/12302", key.raw_public_key().unwrap().try_into().unwrap()).unwrap();
        Key(key, vkey)
    }

    fn signs(&self, head: Head) -> SignedCheckpoint {
        let next = Checkpoint { origin: self.1.name().to_owned(), size: head.entries, root: head.root };
        let mut signature = [0; 64];
        Signer::new_without_digest(&self.0).unwrap().sign_oneshot(&mut signature, next.to_string().as_bytes()).unwrap();
        self.1.verify(&next.note(&self.1, &signature)).unwrap()
    }
}

/// Entries 0 to 9, a checkpoint over them as entry 10, entries 11 to 19, a checkpoint over all as entry 20, a remark.
fn state(key: &Key) -> (tempfile::TempDir, Checkpoint) {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let mut last = None;
    for n in 0..21 {
        let made = match n {
            10 | 20 => {
                let signed = key.signs(store.queries().head().unwrap());
                last = Some(signed.checkpoint().clone());
                change(Event::CheckpointMade, StateChange::Checkpoint { signed, vkey: key.1.clone() })
            }
            n => collect(n),
        };
        store.recorder().record(made).unwrap();
    }
    store.recorder().record(remark()).unwrap();
    (state, last.unwrap())
}

fn held(state: &Path, key: &Key, last: &Checkpoint) -> Held {
    holds(&SqliteStore::read_only(state).unwrap(), &key.1, Some(last)).unwrap()
}

/// The lines from `from` on altered by this, and every root, node and the head computed anew, as somebody would who knows
/// how.
fn rewrites_from(state: &Path, from: u64, alter: impl Fn(&str) -> Option<String>) {
    let raw = Connection::open(state.join("store.sqlite")).unwrap();
    let mut lines = raw.prepare("SELECT line FROM ledger ORDER BY seq").unwrap();
    let lines: Vec<Vec<u8>> = lines.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    raw.execute_batch("DELETE FROM ledger; DELETE FROM node").unwrap();
    let (mut tree, mut nodes) = (Frontier::default(), 0);
    for (seq, line) in lines.iter().enumerate() {
        let altered = alter(std::str::from_utf8(line).unwrap()).filter(|_| seq as u64 >= from);
        let line = altered.map_or_else(|| line.clone(), String::into_bytes);
        tree.push_with(leaf(&line), |root| {
            raw.execute("INSERT INTO node VALUES (?1, ?2)", params![nodes, root.as_bytes()]).unwrap();
            nodes += 1;
        });
        let hash = leaf(&line);
        let values = params![i64::try_from(seq).unwrap(), line, hash.as_bytes()];
        raw.execute("INSERT INTO ledger VALUES (?1, ?2, ?3)", values).unwrap();
    }
    let peaks: Vec<u8> = tree.peaks().iter().flat_map(Digest::as_bytes).copied().collect();
    raw.execute("UPDATE tree SET peaks = ?1, root = ?2", params![peaks, tree.root().as_bytes()]).unwrap();
}

fn untriggered(state: &Path) {
    tamper(state, "UPDATE ledger SET seq = seq");
}

#[test]
fn an_honest_ledger_holds_and_verifies() {
    let key = Key::new();
    let (state, last) = state(&key);
    assert_eq!(held(state.path(), &key, &last).unwrap().entries, 22);
    let verdict = verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap();
    assert!(verdict.ok, "{verdict:?}");
    assert_eq!(verdict.checkpoints.len(), 2, "{verdict:?}");
}

#[test]
fn what_is_done_to_lines_is_found_at_its_place() {
    let cases = [
        (
            "UPDATE ledger SET line = CAST(replace(line, '\"bytes\":4', '\"bytes\":9') AS BLOB) WHERE seq = 6",
            "entry 6 of",
        ),
        ("DELETE FROM ledger WHERE seq = 6", "entry 6 of the ledger is missing"),
        ("UPDATE ledger SET hash = zeroblob(32) WHERE seq = 6", "entry 6 of"),
        (
            "UPDATE node SET hash = zeroblob(32) WHERE place = 2",
            "entry 3 of the ledger, the one before it, or the tree above them",
        ),
        ("UPDATE tree SET root = zeroblob(32)", "head was altered"),
        ("UPDATE checkpoint SET root = zeroblob(32) WHERE size = 10", "over 10 entries in the store was altered"),
        ("UPDATE checkpoint SET note = replace(note, '12302', '12303') WHERE size = 20", "of the ledger"),
        (
            "UPDATE checkpoint SET note = substr(note, 1, length(note) - 5) || 'AAA=' || char(10) WHERE size = 20",
            "is not good",
        ),
    ];
    for (sql, says) in cases {
        let key = Key::new();
        let (state, last) = state(&key);
        tamper(state.path(), sql);
        match held(state.path(), &key, &last) {
            Err(fault) => assert!(fault.contains(says), "{sql}: {fault}"),
            // Of another name: its root is its own, and `audit verify` finds the rest.
            Ok(_) => assert!(says == "of the ledger", "{sql} was not found"),
        }
        let verdict = verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap();
        assert!(!verdict.ok, "{sql}: {verdict:?}");
    }
}

#[test]
fn a_tail_that_was_rewritten_with_everything_computed_anew_is_found_by_what_was_signed() {
    let altered = |line: &str| line.contains("\"bytes\":").then(|| line.replacen("\"bytes\":40", "\"bytes\":50", 1));
    for (from, says) in [(3, "an entry from 0 to 9"), (15, "an entry from 10 to 19")] {
        let key = Key::new();
        let (state, last) = state(&key);
        untriggered(state.path());
        rewrites_from(state.path(), from, altered);
        assert!(held(state.path(), &key, &last).unwrap_err().contains(says));
        // Also where the rows of checkpoints were taken away.
        tamper_rows(state.path(), "DELETE FROM checkpoint WHERE size = 20");
        assert!(held(state.path(), &key, &last).is_err());
        tamper_rows(state.path(), "DELETE FROM checkpoint");
        assert!(held(state.path(), &key, &last).unwrap_err().contains("an entry from 0 to 19"));
    }
}

#[test]
fn an_older_copy_is_found_by_what_was_signed() {
    let key = Key::new();
    let (state, last) = state(&key);
    untriggered(state.path());
    let raw = Connection::open(state.path().join("store.sqlite")).unwrap();
    raw.execute_batch("DELETE FROM ledger WHERE seq >= 15; DELETE FROM checkpoint WHERE size = 20").unwrap();
    let fault = held(state.path(), &key, &last).unwrap_err();
    assert!(fault.contains("has 15 entries, but a checkpoint over 20 was signed"), "{fault}");
}

#[test]
fn another_key_is_not_this_ledgers() {
    let (key, other) = (Key::new(), Key::new());
    let (state, last) = state(&key);
    assert!(held(state.path(), &other, &last).unwrap_err().contains("is not good"));
}

#[test]
fn rows_of_checkpoints_that_the_ledger_does_not_tell_of_are_found() {
    let key = Key::new();
    let cases = [
        ("DELETE FROM checkpoint WHERE size = 10", Some(10), "but the store has none"),
        ("UPDATE checkpoint SET entry = 11 WHERE size = 10", Some(10), "none that the ledger tells of"),
        ("UPDATE checkpoint SET size = 11 WHERE size = 10", Some(10), ""),
        ("INSERT INTO checkpoint_left VALUES ('audit', 10, 0, 11)", Some(11), "the ledger tells it otherwise"),
    ];
    for (sql, at, says) in cases {
        let (state, _) = state(&key);
        tamper(state.path(), sql);
        let verdict = verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap();
        assert!(!verdict.ok && verdict.first_bad == at && verdict.says.contains(says), "{sql}: {verdict:?}");
    }
}

fn tamper_rows(state: &Path, sql: &str) {
    let raw = Connection::open(state.join("store.sqlite")).unwrap();
    assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
}
