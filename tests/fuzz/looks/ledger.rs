//! An export of the ledger that somebody changed: it verifies only if every entry is the one that was exported.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use hbcourier::audit::offline::{Question, verify_export};
use hbcourier::domain::checkpoint::Vkey;
use tempfile::TempDir;

const ENTRIES: &str = include_str!("../fixtures/ledger/entries.jsonl");
const LEAVES: &str = include_str!("../fixtures/ledger/leaves.txt");
const VKEY: &str = include_str!("../fixtures/ledger/vkey");
const EARLIER: &str = include_str!("../fixtures/ledger/checkpoints/5.txt");
const LAST: &str = include_str!("../fixtures/ledger/checkpoints/40.txt");

/// Between the files in the bytes of a case.
pub const BETWEEN: &str = "\n%%%%\n";

thread_local! {
    static EXPORT: RefCell<TempDir> = RefCell::new(laid_out());
}

fn laid_out() -> TempDir {
    let export = TempDir::new().expect("a place for it");
    fs::create_dir(export.path().join("checkpoints")).expect("a folder");
    put(export.path(), &[ENTRIES.as_bytes(), LEAVES.as_bytes(), LAST.as_bytes(), EARLIER.as_bytes()]);
    export
}

fn put(export: &Path, files: &[&[u8]]) {
    let names = ["entries.jsonl", "leaves.txt", "checkpoints/40.txt", "checkpoints/5.txt"];
    for (name, bytes) in names.iter().zip(files) {
        fs::write(export.join(name), bytes).expect("room for it");
    }
}

/// The export as it was, as a case.
pub fn seed() -> Vec<u8> {
    [ENTRIES, LEAVES, LAST, EARLIER].join(BETWEEN).into_bytes()
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN.as_bytes()) {
        pieces.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    pieces.push(rest);
    pieces
}

pub fn look(bytes: &[u8]) {
    verifies(bytes);
}

/// Whether it verifies; then its entries must be the ones that were signed.
pub fn verifies(bytes: &[u8]) -> bool {
    let pieces = split(bytes);
    let vkey: Vkey = VKEY.trim_end().parse().expect("the key of the export");
    EXPORT.with_borrow(|export| {
        put(export.path(), &[ENTRIES.as_bytes(), LEAVES.as_bytes(), LAST.as_bytes(), EARLIER.as_bytes()]);
        put(export.path(), &pieces);
        let question = Question { export: export.path(), vkey: &vkey, anchors: None, allow_uncovered: false };
        let Ok(verdict) = verify_export(&question) else { return false };
        if verdict.ok {
            let entries = pieces.first().copied().unwrap_or_default();
            let prefix = ENTRIES.as_bytes().starts_with(entries.strip_suffix(b"\n").unwrap_or(entries));
            assert!(prefix, "entries that nobody signed were believed");
        }
        verdict.ok
    })
}
