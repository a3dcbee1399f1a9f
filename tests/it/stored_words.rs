//! The reasons that a store may hold (why something is held, rejected or tried again) are known to every program of its
//! version, so that an earlier program says that a store is too new for it, and does not stop at a word that it cannot read.
//! Standings, stages and events are not listed.

use std::fs;
use std::path::Path;

use hbcourier::store::SqliteStore;
use serde::Serialize;
use serde_json::Value;

use crate::notices::{defers, each_hold, rejects, returns};

const LIST: &str = "src/store/sqlite/migrations/words.txt";

/// A word as serde writes it: the text itself, or what tells the variants apart.
fn words<T: Serialize>(kind: &str, all: Vec<T>) -> Vec<String> {
    let told = |one: &T| match serde_json::to_value(one).unwrap() {
        Value::String(word) => word,
        Value::Object(fields) => {
            let texts = fields.iter().filter(|(key, _)| {
                ["reason", "became", "unsound", "unfit", "limit", "why", "cause", "is"].contains(&key.as_str())
            });
            texts.map(|(_, word)| word.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        }
        other => panic!("{other} is no word"),
    };
    all.iter().map(|one| format!("{kind} {}", told(one))).collect()
}

#[test]
fn every_reason_that_a_store_may_hold_came_with_its_version() {
    let mut all = words("deferred", defers());
    all.extend(words("held", each_hold()));
    all.extend(words("rejected", rejects()));
    all.extend(words("return-held", returns()));
    all.sort();
    all.dedup();
    let listed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST)).unwrap();
    let mut lines = listed.lines().filter(|line| !line.starts_with('#'));
    let version: usize = lines.next().and_then(|line| line.strip_prefix("version ")).unwrap().parse().unwrap();
    assert_eq!(
        (version, lines.collect::<Vec<_>>()),
        (SqliteStore::version(), all.iter().map(String::as_str).collect::<Vec<_>>()),
        "a store may hold other words than the list in {LIST} for its version: add a migration, which may be empty, and write \
         both into the list"
    );
}
