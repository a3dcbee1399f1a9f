//! Making what was erased unreadable: no byte of it stays in the store's own files.
//!
//! Holds: the tables' contents are the same afterwards, in one transaction; killed anywhere, it is done again at the next
//! look. What the file system and the disk keep below is not ours.
//!
//! Deleting overwrites a row where it lies (`secure_delete`), but pages that were split keep copies of rows that moved. So
//! the tables that had names in them are written anew, on pages that had been overwritten as a whole; then the log, which
//! has all earlier pages, is emptied.
// https://www.sqlite.org/pragma.html#pragma_secure_delete

use rusqlite::{Connection, TransactionBehavior};

use super::{Failure, Writer, failure, unavailable_now};
use crate::durable::step;
use crate::store::RecordError;

/// The tables that names lie in.
const NAMED: [&str; 2] = ["name", "delivery"];

impl Writer {
    pub(super) fn rewrite(&mut self) -> Result<(), RecordError> {
        if let Some(says) = &self.broken {
            return Err(RecordError::Unavailable(says.clone()));
        }
        self.rewrite_what_is_owed().map_err(|failed| match failure(failed) {
            Failure::Passing(error) => RecordError::Unavailable(error.to_string()),
            Failure::Lasting(says) => unavailable_now(&mut self.broken, &says),
        })
    }

    fn rewrite_what_is_owed(&mut self) -> rusqlite::Result<()> {
        let owed = "SELECT EXISTS (SELECT 1 FROM names_erased WHERE rewritten = 0)";
        if !self.connection.query_row(owed, [], |row| row.get::<_, bool>(0))? {
            return Ok(());
        }
        rewrite_tables(&mut self.connection)?;
        step("erase.rewritten").map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        empty_log(&self.connection)?;
        // Only now: until then all of it is done again.
        self.connection.execute("UPDATE names_erased SET rewritten = 1 WHERE rewritten = 0", []).map(drop)
    }
}

fn rewrite_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in NAMED {
        transaction.execute_batch(&format!(
            "CREATE TABLE rewritten AS SELECT * FROM {table}; DELETE FROM {table};
             INSERT INTO {table} SELECT * FROM rewritten; DROP TABLE rewritten;"
        ))?;
    }
    transaction.commit()
}

/// Writes the log back and cuts it to nothing. An error while somebody still reads from it.
fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(rusqlite::Error::SqliteFailure(
            busy,
            Some("a reader stands in the way of emptying the log".into()),
        ));
    }
    Ok(())
}
