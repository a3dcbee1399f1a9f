//! A store of an earlier release, and one of a later release, with the real binary.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use hbcourier::domain::Digest;
use hbcourier::store::{SqliteStore, verify};
use rusqlite::Connection;

use crate::support::council::{Council, command, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A council whose store is as the release before left it.
fn of_the_release_before() -> Council {
    let council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    succeeded(council.runs(&["run", "--once"]));
    lay_down_as_before(&council);
    council
}

fn lay_down_as_before(council: &Council) {
    let store = Connection::open(SqliteStore::path(&council.state)).unwrap();
    store.execute_batch("ALTER TABLE ledger RENAME COLUMN hash TO root; PRAGMA user_version = 10").unwrap();
}

fn copies(council: &Council) -> Vec<PathBuf> {
    let entries = fs::read_dir(&council.state).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().contains("store.v")).collect()
}

fn version(path: &Path) -> i64 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()
}

#[test]
fn a_copy_is_left_and_the_ledger_tells_of_it() {
    let council = of_the_release_before();
    let done = council.json(&["migrate"]);
    assert_eq!((done["from"].as_u64(), done["to"].as_u64()), (Some(10), Some(SqliteStore::version() as u64)));
    let copies = copies(&council);
    assert_eq!((copies.len(), done["copy"].as_str()), (1, copies[0].to_str()));
    assert_eq!(version(&copies[0]), 10);
    assert_eq!(council.events("store-migrated"), 1);
    let again = council.json(&["migrate"]);
    assert!(again["copy"].is_null() && again["says"].as_str().unwrap().contains("up to date"), "{again}");
    assert_eq!(council.events("store-migrated"), 1);
}

#[test]
fn the_service_does_it_by_itself_and_says_so() {
    let mut council = of_the_release_before();
    council.start();
    assert!(council.log().contains("what it was before lies in"), "{}", council.log());
    let refused = council.runs(&["migrate"]);
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && says.contains("its lock is held"), "{says}");
    council.stops_well();
    assert_eq!((copies(&council).len(), council.events("store-migrated")), (1, 1));
}

#[test]
fn what_was_in_hand_is_delivered_once_after_it() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let contents: Vec<String> = (0..5).map(|number| format!("<LAID><Claim number=\"{number}\"/></LAID>")).collect();
    for (number, content) in contents.iter().enumerate() {
        let name = format!("LAID_{number}.xml");
        let sealed = dwp.seals(content.as_bytes(), &name, &SealOptions::default());
        council.drops(&format!("{name}.pgp"), &sealed);
    }
    let (laid, away) = (council.backoffice.join("laid"), council.dir.path().join("away"));
    fs::rename(&laid, &away).unwrap();
    council.start();
    council.until("all are in hand", |council| council.deferred().len() == contents.len());
    council.kill();
    lay_down_as_before(&council);
    fs::rename(&away, &laid).unwrap();
    council.start();
    council.until("all have come to rest", |council| council.all_rest(contents.len()));
    council.stops_well();
    let mut digests: Vec<Digest> = contents.iter().map(|content| Digest::of(content.as_bytes())).collect();
    digests.sort_unstable();
    assert_eq!(council.delivered_digests(), digests, "each once");
    assert_eq!(council.events("store-migrated"), 1);
    assert!(verify(&council.store().unwrap()).unwrap().ok);
}

#[test]
fn killed_at_each_step_it_is_done_at_the_next_start() {
    for step in ["migrate.copied", "migrate.named"] {
        let council = of_the_release_before();
        let mut migrate = command();
        migrate.arg("--config").arg(&council.config).arg("migrate").env("FAILPOINTS", format!("{step}=return(kill)"));
        assert!(migrate.output().unwrap().status.signal().is_some(), "{step}");
        assert_eq!(version(&SqliteStore::path(&council.state)), 10, "{step}");
        succeeded(council.runs(&["run", "--once"]));
        assert!(verify(&council.store().unwrap()).unwrap().ok, "{step}");
        let copies = copies(&council);
        assert_eq!(copies.iter().map(|copy| version(copy)).collect::<Vec<_>>(), [10], "{step}: one, however often");
    }
}

#[test]
fn a_store_of_a_later_release_is_refused_and_the_copy_to_go_back_to_is_named() {
    let mut council = of_the_release_before();
    succeeded(council.runs(&["migrate"]));
    let path = SqliteStore::path(&council.state);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let copy = copies(&council).remove(0);
    for arguments in [&["run"][..], &["migrate"], &["status"], &["run", "--once"]] {
        let refused = council.runs(arguments);
        let says = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(3), "{arguments:?}: {says}");
        let told =
            ["version 99", "later release", &format!("up to {}", SqliteStore::version()), copy.to_str().unwrap()];
        assert!(told.iter().all(|told| says.contains(told)), "{arguments:?}: {says}");
    }
    assert_eq!(fs::read(&path).unwrap(), before, "nothing was changed");
    // As it says: what was is put back, and the service starts.
    fs::remove_file(&path).unwrap();
    fs::copy(&copy, &path).unwrap();
    council.start();
    council.stops_well();
}
