//! The rows of checkpoints, and of where each left to.

use rusqlite::{Connection, OptionalExtension, Row, params};

use jiff::Timestamp;

use super::columns::{At, Count};
use crate::domain::RecipientName;
use crate::domain::checkpoint::SignedCheckpoint;
use crate::store::KeptCheckpoint;

pub(super) const COLUMNS: &str = "checkpoint.size, checkpoint.root, checkpoint.note, checkpoint.at, checkpoint.entry";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<KeptCheckpoint> {
    Ok(KeptCheckpoint {
        size: row.get::<_, Count>(0)?.0,
        root: row.get(1)?,
        note: row.get(2)?,
        at: row.get::<_, At>(3)?.0,
        entry: row.get::<_, Count>(4)?.0,
    })
}

/// How many rows that made: none, if it is there already.
pub(super) fn keep(
    connection: &Connection,
    signed: &SignedCheckpoint,
    at: At,
    entry: Count,
) -> rusqlite::Result<usize> {
    let sql = "INSERT OR IGNORE INTO checkpoint (size, root, note, at, entry) VALUES (?1, ?2, ?3, ?4, ?5)";
    let checkpoint = signed.checkpoint();
    let values = params![Count(checkpoint.size), checkpoint.root, signed.note(), at, entry];
    connection.prepare_cached(sql)?.execute(values)
}

/// How many rows that made: none, if it is there already.
pub(super) fn note_left(
    connection: &Connection,
    recipient: &RecipientName,
    size: Count,
    at: At,
    entry: Count,
) -> rusqlite::Result<usize> {
    let sql = "INSERT OR IGNORE INTO checkpoint_left (recipient, size, at, entry) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![recipient, size, at, entry])
}

pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Option<KeptCheckpoint>> {
    let sql = format!("SELECT {COLUMNS} FROM checkpoint ORDER BY size DESC LIMIT 1");
    connection.prepare_cached(&sql)?.query_row([], read).optional()
}

pub(super) fn above(connection: &Connection, size: u64, limit: usize) -> rusqlite::Result<Vec<KeptCheckpoint>> {
    let sql = format!("SELECT {COLUMNS} FROM checkpoint WHERE size > ?1 ORDER BY size LIMIT ?2");
    connection.prepare_cached(&sql)?.query_map([Count(size), Count(limit as u64)], read)?.collect()
}

pub(super) fn last_left(
    connection: &Connection,
    recipient: &RecipientName,
) -> rusqlite::Result<Option<KeptCheckpoint>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM checkpoint JOIN checkpoint_left USING (size) WHERE recipient = ?1 ORDER BY size DESC LIMIT 1"
    );
    connection.prepare_cached(&sql)?.query_row([recipient], read).optional()
}

pub(super) fn left_to(connection: &Connection, size: u64) -> rusqlite::Result<Vec<(RecipientName, Timestamp)>> {
    let sql = "SELECT recipient, at FROM checkpoint_left WHERE size = ?1 ORDER BY recipient";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, At>(1)?.0));
    connection.prepare_cached(sql)?.query_map([Count(size)], read)?.collect()
}
