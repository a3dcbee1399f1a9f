//! Somebody with the machine's root account edits the store: the next start says what, where, and what to do, and does not
//! start.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hbcourier::domain::Digest;
use hbcourier::domain::merkle::{Frontier, leaf};
use rusqlite::{Connection, params};

use super::{Audited, council};
use crate::support::council::{Council, succeeded};

/// A ledger of some entries, with a checkpoint that was signed over most of them, at rest.
fn at_rest() -> Council {
    let council = council();
    for reason in ["one", "two"] {
        succeeded(council.runs(&["run", "--once"]));
        succeeded(council.runs(&["audit", "checkpoint", "--reason", reason]));
    }
    succeeded(council.runs(&["run", "--once"]));
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
    council
}

fn raw(council: &Council) -> Connection {
    let raw = Connection::open(council.state.join("store.sqlite")).unwrap();
    let triggers = "DROP TRIGGER IF EXISTS ledger_is_never_rewritten; DROP TRIGGER IF EXISTS ledger_is_never_shortened";
    raw.execute_batch(triggers).unwrap();
    raw
}

/// Fails unless the service does not start, and says this.
fn assert_refused(council: &Council, says: &str) {
    // `--once`, so that one that does start ends too.
    let output = council.runs(&["run", "--once"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    let all = [says, "did not start", "Keep a copy of the state folder", "hbcourier audit verify"];
    assert!(all.iter().all(|part| told.contains(part)), "{says}: {told}");
}

/// As [`assert_refused`]; and `audit verify` finds it too.
fn assert_found(council: &Council, says: &str) {
    assert_refused(council, says);
    let verify = council.runs(&["audit", "verify"]);
    assert_eq!(verify.status.code(), Some(1), "{verify:?}");
}

/// Entries from `from` on altered by this, and every root, inner node and the head computed anew.
fn rewrites(council: &Council, from: usize, alter: impl Fn(Vec<u8>) -> Option<Vec<u8>>) {
    let raw = raw(council);
    let mut lines = raw.prepare("SELECT line FROM ledger ORDER BY seq").unwrap();
    let lines: Vec<Vec<u8>> = lines.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    raw.execute_batch("DELETE FROM ledger; DELETE FROM node").unwrap();
    let (mut tree, mut nodes) = (Frontier::default(), 0);
    let kept =
        lines.into_iter().enumerate().filter_map(|(seq, line)| if seq < from { Some(line) } else { alter(line) });
    for (seq, line) in kept.enumerate() {
        tree.push_with(leaf(&line), |root| {
            raw.execute("INSERT INTO node VALUES (?1, ?2)", params![nodes, root.as_bytes()]).unwrap();
            nodes += 1;
        });
        let hash = leaf(&line);
        let values = params![i64::try_from(seq).unwrap(), line, hash.as_bytes()];
        raw.execute("INSERT INTO ledger VALUES (?1, ?2, ?3)", values).unwrap();
    }
    let peaks: Vec<u8> = tree.peaks().iter().flat_map(Digest::as_bytes).copied().collect();
    let (size, root) = (i64::try_from(tree.size()).unwrap(), tree.root());
    raw.execute("UPDATE tree SET size = ?1, peaks = ?2, root = ?3", params![size, peaks, root.as_bytes()]).unwrap();
}

/// As if somebody else had given the orders.
fn somebody_else(line: Vec<u8>) -> Option<Vec<u8>> {
    Some(String::from_utf8(line).unwrap().replace("\"uid\":0", "\"uid\":1000").into_bytes())
}

#[test]
fn a_row_that_was_changed_is_found() {
    let council = at_rest();
    let sql = "UPDATE ledger SET line = CAST(replace(line, '\"boot\":\"', '\"boot\":\"9') AS BLOB) WHERE seq = 1";
    assert_eq!(raw(&council).execute(sql, []).unwrap(), 1);
    assert_found(&council, "entry");
}

#[test]
fn a_row_that_was_removed_is_found() {
    let council = at_rest();
    assert_eq!(raw(&council).execute("DELETE FROM ledger WHERE seq = 1", []).unwrap(), 1);
    assert_found(&council, "the ledger has");
}

#[test]
fn a_tail_that_was_rewritten_with_everything_computed_anew_is_found() {
    let council = at_rest();
    rewrites(&council, 1, somebody_else);
    assert_found(&council, "the ledger was rewritten: an entry from 0 to 3");
    // With the rows of the checkpoints gone too.
    let council = at_rest();
    rewrites(&council, 1, somebody_else);
    raw(&council).execute_batch("DELETE FROM checkpoint_left; DELETE FROM checkpoint").unwrap();
    assert_found(&council, "the ledger was rewritten: an entry from 0 to 5");
}

#[test]
fn a_tail_that_was_cut_off_with_its_head_is_found() {
    let council = at_rest();
    rewrites(&council, 3, |_| None);
    assert_found(&council, "entries were taken away, or the store is an older copy");
}

#[test]
fn an_older_copy_of_the_store_is_found() {
    let mut audited = Audited::new();
    succeeded(audited.council.runs(&["run", "--once"]));
    let (store, copy) = (audited.council.state.join("store.sqlite"), audited.council.dir.path().join("copy"));
    fs::copy(&store, &copy).unwrap();
    audited.council.start();
    audited.council.json(&["audit", "checkpoint"]);
    audited.council.stops_well();
    fs::copy(&copy, &store).unwrap();
    assert_refused(&audited.council, "the store is an older copy");
    let order = audited.council.runs(&["audit", "checkpoint"]);
    assert_eq!(order.status.code(), Some(3), "nor is it signed: {order:?}");
    assert!(String::from_utf8_lossy(&order.stderr).contains("not signed"), "{order:?}");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let council = at_rest();
    let key = council.state.join("keys/ledger.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let output = council.runs(&["run", "--once"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && told.contains("mode 0640") && told.contains("chmod 600"), "{told}");
    assert!(!told.contains("PRIVATE"), "{told}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    succeeded(council.runs(&["run", "--once"]));
}

#[test]
fn a_key_in_a_file_of_ones_own_is_used() {
    let council = council();
    let (made, own) = (council.state.join("keys/ledger.key"), council.dir.path().join("ledger.key"));
    let before = super::vkey(&council);
    fs::rename(&made, &own).unwrap();
    council.changes_settings(|settings| {
        crate::support::council::set(settings, &["audit", "key_file"], own.to_str().unwrap());
    });
    succeeded(council.runs(&["run", "--once"]));
    assert!(!made.exists(), "none is made where one is named");
    assert_eq!(super::vkey(&council), before);
    assert_eq!(council.events("checkpoint-made"), 1);
}
