//! Which files are opened, which refused, and what a cut-off log leaves.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::super::{SqliteStore, StoreError, schema};
use super::{assert_sound, file, raw};
use crate::domain::{Digest, Revision};
use crate::store::samples::{collect, consignment, held, id, remark};
use crate::store::{Queries, Recorder};

fn refusal(state: &Path) -> StoreError {
    match SqliteStore::open(state) {
        Ok(_) => panic!("the store was opened"),
        Err(error) => error,
    }
}

fn with_entries(count: u32) -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for n in 0..count {
        store.recorder().record(collect(n)).unwrap();
    }
    state
}

#[test]
fn a_new_store_is_the_owners_alone_and_empty() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    store.recorder().record(remark()).unwrap();
    for path in [file(state.path()), file(state.path()).with_extension("sqlite-wal")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop(store);
    let log = fs::metadata(file(state.path()).with_extension("sqlite-wal"));
    assert!(log.is_err() || log.is_ok_and(|log| log.len() == 0), "the log was written back");
}

#[test]
fn what_was_recorded_is_there_after_reopening_and_the_ledger_goes_on() {
    let state = with_entries(3);
    let store = SqliteStore::open(state.path()).unwrap();
    assert_eq!(store.queries().head().unwrap().entries, 3);
    let recorded = store.recorder().record(held(1, 0)).unwrap();
    assert_eq!((recorded.seq, recorded.revision), (3, Revision(1)));
    let (read, name) = store.queries().consignment(&id(2)).unwrap().unwrap();
    assert_eq!((read, name.as_deref()), (consignment(2), Some("laid-2.pdf.pgp")));
    assert_sound(&store);
}

#[test]
fn the_root_of_nothing_is_the_digest_of_nothing() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    assert_eq!(store.queries().head().unwrap().root, Digest::of(b""));
    assert_sound(&store);
}

#[test]
fn a_store_that_others_can_read_is_refused() {
    let state = with_entries(1);
    fs::set_permissions(file(state.path()), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(refusal(state.path()), StoreError::Exposed { mode: 0o644, .. }));
}

#[test]
fn a_link_in_the_place_of_the_store_is_refused() {
    let (real, state) = (with_entries(1), tempfile::tempdir().unwrap());
    symlink(file(real.path()), file(state.path())).unwrap();
    assert!(matches!(refusal(state.path()), StoreError::File { .. }));
}

#[test]
fn a_log_that_cannot_be_looked_at_does_not_pass_for_none() {
    let state = with_entries(1);
    let log = file(state.path()).with_extension("sqlite-wal");
    let _ = fs::remove_file(&log);
    symlink(&log, &log).unwrap();
    assert!(matches!(refusal(state.path()), StoreError::File { .. }));
}

#[test]
fn a_store_of_a_later_release_is_refused_and_left_alone() {
    let state = with_entries(1);
    raw(state.path()).pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(file(state.path())).unwrap();
    assert!(matches!(refusal(state.path()), StoreError::Newer { found: 99, known: schema::VERSION, .. }));
    assert!(matches!(SqliteStore::read_only(state.path()), Err(StoreError::Newer { .. })));
    assert_eq!(fs::read(file(state.path())).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused() {
    let state = tempfile::tempdir().unwrap();
    fs::write(file(state.path()), b"").unwrap();
    fs::set_permissions(file(state.path()), fs::Permissions::from_mode(0o600)).unwrap();
    raw(state.path()).execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(refusal(state.path()), StoreError::Foreign { .. }));
}

#[test]
fn nothing_to_read_is_said_so() {
    let state = tempfile::tempdir().unwrap();
    assert!(matches!(SqliteStore::read_only(state.path()), Err(StoreError::Missing { .. })));
    assert!(!file(state.path()).exists(), "a reader makes no store");
}

#[test]
fn a_damaged_file_is_refused_wherever_the_damage_is() {
    let whole = with_entries(200);
    let pages = fs::metadata(file(whole.path())).unwrap().len() / 4096;
    assert!(pages > 20);
    // Of page 1 only the beginning: the rest of it may be unused.
    for page in [0, 1, 2, pages / 2] {
        let state = tempfile::tempdir().unwrap();
        fs::copy(file(whole.path()), file(state.path())).unwrap();
        let mut bytes = fs::read(file(state.path())).unwrap();
        let from = usize::try_from(page).unwrap() * 4096;
        bytes[from..from + 64].fill(0xa5);
        fs::write(file(state.path()), bytes).unwrap();
        let error = refusal(state.path());
        assert!(matches!(error, StoreError::Damaged { .. }), "page {page}: {error}");
        assert!(error.to_string().contains("`hbcourier restore` the last backup"));
    }
}

#[test]
fn a_head_that_does_not_fit_the_ledger_is_refused() {
    let tampering = [
        "UPDATE tree SET size = size - 1",
        "UPDATE tree SET root = zeroblob(32)",
        "UPDATE tree SET peaks = zeroblob(length(peaks))",
        "UPDATE tree SET peaks = x''",
        "DELETE FROM ledger WHERE seq = 299",
        "DELETE FROM ledger WHERE seq = 17",
        "UPDATE ledger SET line = replace(line, 'service', 'SERVICE') WHERE seq = 270",
        "UPDATE ledger SET line = CAST(replace(line, '\"bytes\":4', '\"bytes\":5') AS BLOB) WHERE seq = 260",
        "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 299",
    ];
    let whole = with_entries(300);
    raw(whole.path())
        .execute_batch("DROP TRIGGER ledger_is_never_rewritten; DROP TRIGGER ledger_is_never_shortened")
        .unwrap();
    drop(SqliteStore::open(whole.path()).unwrap());
    for sql in tampering {
        let state = tempfile::tempdir().unwrap();
        fs::copy(file(whole.path()), file(state.path())).unwrap();
        let sql =
            sql.replace("replace(line, 'service', 'SERVICE')", "CAST(replace(line, 'service', 'SERVICE') AS BLOB)");
        assert_eq!(raw(state.path()).execute(&sql, []).unwrap(), 1, "{sql}");
        assert!(matches!(refusal(state.path()), StoreError::Damaged { .. }), "{sql}");
    }
}

#[test]
fn a_log_without_its_file_is_refused() {
    let state = with_entries(1);
    fs::write(file(state.path()), b"").unwrap();
    fs::write(file(state.path()).with_extension("sqlite-wal"), b"frames").unwrap();
    assert!(matches!(refusal(state.path()), StoreError::Damaged { .. }));
}

/// Whatever the disk had of the log when the power went: what is there is a sound beginning of what was recorded.
#[test]
fn a_log_cut_off_anywhere_leaves_a_sound_store() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for n in 0..12 {
        store.recorder().record(collect(n)).unwrap();
        store.recorder().record(held(n, 0)).unwrap();
    }
    let log = fs::read(file(state.path()).with_extension("sqlite-wal")).unwrap();
    let mut seen = Vec::new();
    for cut in (0..=log.len()).rev().step_by(7919) {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(file(state.path()), file(copy.path())).unwrap();
        fs::write(file(copy.path()).with_extension("sqlite-wal"), &log[..cut]).unwrap();
        let store = SqliteStore::open(copy.path()).unwrap();
        seen.push(store.queries().head().unwrap().entries);
        assert_sound(&store);
        store.recorder().record(remark()).unwrap();
        assert_sound(&store);
    }
    assert_eq!(seen.first(), Some(&24));
    assert!(seen.is_sorted_by(|more, less| more >= less) && seen.iter().any(|entries| (1..24).contains(entries)));
}
