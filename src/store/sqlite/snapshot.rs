//! One state of the store, held by one read transaction on a connection of its own.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, params};

use super::columns::{Count, Json};
use super::queries::head;
use crate::domain::{Stage, Standing, SubmissionKey};
use crate::store::evidence::{Evidence, KeptEntry, KeptName, Origin, Row, Subject, Visit};
use crate::store::{Head, QueryError};

pub(super) struct SqliteSnapshot {
    connection: Connection,
}

const TRANSFERS: &str = "SELECT id, word, standing, entry, source, sealed_digest, name FROM consignment";
const RETURNS: &str = "SELECT kind || '/' || authority || '/' || month, word, stage, entry FROM submission";

impl SqliteSnapshot {
    /// The state of this moment, until it is dropped.
    pub(super) fn of(connection: Connection) -> Result<SqliteSnapshot, QueryError> {
        connection.execute_batch("BEGIN")?;
        // The state is chosen by the first read, not by BEGIN.
        head(&connection)?;
        Ok(SqliteSnapshot { connection })
    }

    fn each<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<T>,
        visit: Visit<'_, T>,
    ) -> Result<ControlFlow<()>, QueryError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            if visit(read(row)?)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn transfer(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        subject: Subject::Transfer(row.get(0)?),
        listed: row.get(1)?,
        word: row.get::<_, Json<Standing>>(2).ok().map(|standing| standing.0.word()),
        entry: row.get::<_, Count>(3)?.0,
        origin: Some(Origin { source: row.get(4)?, sealed: row.get(5)?, name: row.get(6)? }),
    })
}

fn owed_return(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        subject: Subject::Return(row.get(0)?),
        listed: row.get(1)?,
        word: row.get::<_, Json<Stage>>(2).ok().map(|stage| stage.0.word()),
        entry: row.get::<_, Count>(3)?.0,
        origin: None,
    })
}

impl Evidence for SqliteSnapshot {
    fn head(&self) -> Result<Head, QueryError> {
        Ok(head(&self.connection)?)
    }

    fn each_entry(&self, visit: Visit<'_, KeptEntry>) -> Result<(), QueryError> {
        let read =
            |row: &SqlRow<'_>| Ok(KeptEntry { seq: row.get::<_, Count>(0)?.0, line: row.get(1)?, root: row.get(2)? });
        self.each("SELECT seq, line, root FROM ledger ORDER BY seq", [], read, visit).map(|_| ())
    }

    fn line(&self, seq: u64) -> Result<Option<Vec<u8>>, QueryError> {
        let mut line = self.connection.prepare_cached("SELECT line FROM ledger WHERE seq = ?1")?;
        Ok(line.query_row([Count(seq)], |row| row.get(0)).optional()?)
    }

    fn row(&self, subject: &Subject) -> Result<Option<Row>, QueryError> {
        let found = match subject {
            Subject::Transfer(id) => self
                .connection
                .prepare_cached(&format!("{TRANSFERS} WHERE id = ?1"))?
                .query_row([id], transfer)
                .optional()?,
            Subject::Return(text) => match text.parse::<SubmissionKey>() {
                Err(_) => None,
                Ok(key) => self
                    .connection
                    .prepare_cached(&format!("{RETURNS} WHERE kind = ?1 AND authority = ?2 AND month = ?3"))?
                    .query_row(params![key.kind, key.authority, key.month], owed_return)
                    .optional()?,
            },
        };
        Ok(found)
    }

    fn each_row(&self, visit: Visit<'_, Row>) -> Result<(), QueryError> {
        match self.each(TRANSFERS, [], transfer, &mut *visit)? {
            ControlFlow::Break(()) => Ok(()),
            ControlFlow::Continue(()) => self.each(RETURNS, [], owed_return, visit).map(|_| ()),
        }
    }

    fn each_name(&self, visit: Visit<'_, KeptName>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            Ok(KeptName {
                commitment: row.get(0)?,
                salt: row.get(1)?,
                clear: row.get(2)?,
                entry: row.get::<_, Count>(3)?.0,
            })
        };
        self.each("SELECT commitment, salt, clear, entry FROM name", [], read, visit).map(|_| ())
    }
}
