//! The SQLite store against its contract.

mod erasing;
mod opening;
mod reading;
mod recording;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{FILE, SqliteStore};
use crate::store::verify;

fn file(state: &Path) -> PathBuf {
    state.join(FILE)
}

/// A connection that minds none of our rules.
fn raw(state: &Path) -> Connection {
    Connection::open(file(state)).unwrap()
}

fn assert_sound(store: &SqliteStore) {
    let verdict = verify(&store.queries()).unwrap();
    assert!(verdict.ok, "{verdict:?}");
}
