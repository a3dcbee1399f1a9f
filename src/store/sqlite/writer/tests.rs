//! One batch at a time, without the thread.

use super::*;
use crate::store::samples::{collect, remark};

pub(super) fn writer(state: &std::path::Path) -> Writer {
    drop(crate::store::SqliteStore::open(state).unwrap());
    let connection = Connection::open(state.join(crate::store::sqlite::FILE)).unwrap();
    Writer { connection, frontier: Frontier::default(), boot: "boot".into(), broken: None }
}

#[test]
fn a_lock_held_elsewhere_passes() {
    let state = tempfile::tempdir().unwrap();
    let mut writer = writer(state.path());
    writer.connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let other = Connection::open(state.path().join(crate::store::sqlite::FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(writer.commit(&[remark()]), Err(Failure::Passing(_))));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(writer.commit(&[remark()]).is_ok_and(|answers| answers.iter().all(Result::is_ok)));
}

#[test]
fn a_full_disk_takes_the_batch_back_whole_and_passes() {
    let state = tempfile::tempdir().unwrap();
    let mut writer = writer(state.path());
    let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let limit = |writer: &Writer, pages: i64| {
        let set = writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
        set.unwrap();
    };
    limit(&writer, pages + 1);
    let many: Vec<Change> = (0..200).map(collect).collect();
    assert!(matches!(writer.commit(&many), Err(Failure::Passing(_))));
    assert_eq!(writer.frontier.size(), 0);
    limit(&writer, 100_000);
    let answers = writer.commit(&many).unwrap_or_default();
    assert_eq!(answers.len(), 200);
    assert!(answers.iter().enumerate().all(|(n, answer)| matches!(answer, Ok(done) if done.seq == n as u64)));
}

#[test]
fn what_one_change_cannot_write_takes_no_other_with_it() {
    let state = tempfile::tempdir().unwrap();
    let mut writer = writer(state.path());
    let mut too_long = collect(1);
    if let crate::store::StateChange::Collect(new) = &mut too_long.state {
        new.consignment.sealed_bytes = u64::MAX;
    }
    let answers = writer.commit(&[collect(0), too_long, collect(2)]).unwrap_or_default();
    assert!(matches!(&answers[..], [Ok(_), Err(RecordError::Unavailable(_)), Ok(last)] if last.seq == 1));
}

/// The log's frames that end a transaction; each is one sync.
// https://www.sqlite.org/fileformat2.html#walformat
fn commits(state: &std::path::Path) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let log = std::fs::read(state.join(crate::store::sqlite::FILE).with_extension("sqlite-wal")).unwrap();
    log[HEADER..].chunks_exact(FRAME).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[test]
fn a_batch_is_one_transaction() {
    let state = tempfile::tempdir().unwrap();
    let mut writer = writer(state.path());
    assert!(writer.commit(&[remark()]).is_ok());
    assert_eq!(commits(state.path()), 1);
    assert!(writer.commit(&(0..32).map(collect).collect::<Vec<_>>()).is_ok());
    assert_eq!(commits(state.path()), 2);
}

/// Prints what a batch costs besides its sync: `nextest run --run-ignored only --no-capture measure`.
#[test]
#[ignore = "measures, asserts nothing"]
fn measure_a_batch_of_32() {
    let state = tempfile::tempdir().unwrap();
    let mut writer = writer(state.path());
    writer.connection.pragma_update(None, "synchronous", "off").unwrap();
    let batches: Vec<Vec<Change>> = (0..100).map(|b| (b * 32..b * 32 + 32).map(collect).collect()).collect();
    let begun = std::time::Instant::now();
    assert!(batches.iter().all(|batch| writer.commit(batch).is_ok()));
    println!("a batch of 32 takes {:?} without its sync", begun.elapsed() / 100);
}
