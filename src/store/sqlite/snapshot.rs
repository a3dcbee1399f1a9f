//! One state of the store, held by one read transaction on a connection of its own.

use std::ops::ControlFlow;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, params};

use super::columns::{At, Count, Json, Place};
use super::queries::head;
use crate::domain::ledger::Commitment;
use crate::domain::submission::Sealed;
use crate::domain::{Stage, Standing, SubmissionKey};
use crate::store::evidence::{
    Evidence, KeptAlarm, KeptAnswer, KeptEntry, KeptErasure, KeptHold, KeptName, KeptPart, KeptTimetable, KeptVolume,
    KeptWorkbook, Origin, Owed, Row, Subject, Visit,
};
use crate::store::{Head, QueryError};

pub(super) struct SqliteSnapshot {
    connection: Connection,
}

const TRANSFERS: &str =
    "SELECT id, word, standing, entry, source, sealed_digest, name, signer, authority FROM consignment";
const RETURNS: &str = "SELECT kind || '/' || authority || '/' || month, word, stage, entry, extract_from, transfer_on, \
                       sealed, content, ordered_at, resent_at, sent_at FROM submission";

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
        origin: Some(Origin {
            source: row.get(4)?,
            sealed: row.get(5)?,
            name: row.get(6)?,
            signer: row.get(7)?,
            authority: row.get(8)?,
        }),
        owed: None,
    })
}

fn owed_return(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        subject: Subject::Return(row.get(0)?),
        listed: row.get(1)?,
        word: row.get::<_, Json<Stage>>(2).ok().map(|stage| stage.0.word()),
        entry: row.get::<_, Count>(3)?.0,
        origin: None,
        owed: Some(Owed {
            extract_from: row.get(4)?,
            transfer_on: row.get(5)?,
            sealed: row.get::<_, Option<Json<Sealed>>>(6).ok().flatten().map(|sealed| sealed.0),
            content: row.get(7)?,
            ordered: row.get::<_, Option<At>>(8)?.map(|at| at.0),
            resent: row.get::<_, Option<At>>(9)?.map(|at| at.0),
            sent: row.get::<_, Option<At>>(10)?.map(|at| at.0),
        }),
    })
}

fn erasure(row: &SqlRow<'_>) -> rusqlite::Result<KeptErasure> {
    Ok(KeptErasure { about: row.get(0)?, entry: row.get::<_, Count>(1)?.0 })
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
                    .query_row(params![key.kind, key.authority, key.period()], owed_return)
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

    fn parts(&self, transfer: &str) -> Result<Vec<KeptPart>, QueryError> {
        let sql = "SELECT id, kind, digest, bytes, destination, path, naming FROM delivery WHERE consignment = ?1 ORDER BY part, id";
        let read = |row: &SqlRow<'_>| {
            let path: Place<PathBuf> = row.get(5)?;
            Ok(KeptPart {
                delivery: row.get(0)?,
                kind: row.get(1)?,
                content: row.get(2)?,
                bytes: row.get::<_, Count>(3)?.0,
                to: row.get(4)?,
                name: path.0.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                naming: row.get(6)?,
            })
        };
        let mut parts = self.connection.prepare_cached(sql)?;
        Ok(parts.query_map([transfer], read)?.collect::<rusqlite::Result<_>>()?)
    }

    fn claims(&self, transfer: &str) -> Result<Vec<Vec<u8>>, QueryError> {
        let sql = "SELECT content FROM accepted JOIN consignment ON id = consignment AND \
                   consignment.authority = accepted.authority WHERE id = ?1 ORDER BY content";
        let mut claims = self.connection.prepare_cached(sql)?;
        Ok(claims.query_map([transfer], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    }

    fn volumes(&self, transfer: &str) -> Result<Vec<KeptVolume>, QueryError> {
        let sql = "SELECT part, subject, count FROM volume WHERE consignment = ?1 ORDER BY part, subject";
        let read = |row: &SqlRow<'_>| {
            let count = row.get::<_, Option<Count>>(2)?.map(|count| count.0);
            Ok(KeptVolume { part: row.get(0)?, of: row.get(1)?, count })
        };
        let mut volumes = self.connection.prepare_cached(sql)?;
        Ok(volumes.query_map([transfer], read)?.collect::<rusqlite::Result<_>>()?)
    }

    fn each_workbook(&self, visit: Visit<'_, KeptWorkbook>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            Ok(KeptWorkbook {
                authority: row.get(0)?,
                month: row.get(1)?,
                transfer: row.get(2)?,
                delivery: row.get(3)?,
                opened: row.get::<_, At>(4).ok().map(|at| at.0),
                closed: row.get::<_, Option<At>>(5)?.map(|at| at.0),
            })
        };
        let sql = "SELECT authority, month, consignment, delivery, opened_at, closed_at FROM workbook ORDER BY authority, month";
        self.each(sql, [], read, visit).map(|_| ())
    }

    fn name(&self, commitment: &Commitment) -> Result<Option<String>, QueryError> {
        let mut name = self.connection.prepare_cached("SELECT clear FROM name WHERE commitment = ?1")?;
        Ok(name.query_row([commitment], |row| row.get(0)).optional()?)
    }

    fn stray(&self) -> Result<Option<String>, QueryError> {
        let sql = "SELECT 'a part of transfer ' || consignment FROM delivery WHERE consignment NOT IN (SELECT id FROM consignment) \
                   UNION ALL SELECT 'accepted content of transfer ' || consignment FROM accepted \
                   WHERE NOT EXISTS (SELECT 1 FROM consignment WHERE id = accepted.consignment AND authority = accepted.authority) \
                   UNION ALL SELECT 'volumes of transfer ' || consignment FROM volume WHERE consignment NOT IN (SELECT id FROM consignment) \
                   LIMIT 1";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    }

    fn each_alarm(&self, visit: Visit<'_, KeptAlarm>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            let since = row.get::<_, At>(2).ok().map(|at| at.0);
            Ok(KeptAlarm { about: row.get(0)?, code: row.get(1)?, since })
        };
        self.each("SELECT about, code, since FROM alarm ORDER BY about", [], read, visit).map(|_| ())
    }

    fn each_answer(&self, visit: Visit<'_, KeptAnswer>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            Ok(KeptAnswer {
                transfer: row.get(0)?,
                key: row.get(1)?,
                answer: row.get::<_, Json<_>>(2).ok().map(|json| json.0),
                status: row.get(3)?,
                entry: row.get::<_, Count>(4)?.0,
                earlier: row.get(5)?,
            })
        };
        let sql = "SELECT consignment, kind || '/' || authority || '/' || month, answer, status, entry, earlier \
                   FROM answer ORDER BY entry";
        self.each(sql, [], read, visit).map(|_| ())
    }

    fn each_in_service(&self, visit: Visit<'_, (String, String)>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| Ok((row.get(0)?, row.get(1)?));
        self.each("SELECT authority, since FROM in_service ORDER BY authority", [], read, visit).map(|_| ())
    }

    fn each_timetable(&self, visit: Visit<'_, KeptTimetable>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            let entry = row.get::<_, Count>(3)?.0;
            Ok(KeptTimetable { year: row.get(0)?, digest: row.get(1)?, text: row.get(2)?, entry })
        };
        self.each("SELECT year, digest, text, entry FROM timetable ORDER BY entry", [], read, visit).map(|_| ())
    }

    fn each_names_erased(&self, visit: Visit<'_, KeptErasure>) -> Result<(), QueryError> {
        self.each("SELECT consignment, entry FROM names_erased ORDER BY entry", [], erasure, visit).map(|_| ())
    }

    fn each_original_erased(&self, visit: Visit<'_, KeptErasure>) -> Result<(), QueryError> {
        self.each("SELECT about, entry FROM original_erased ORDER BY entry", [], erasure, visit).map(|_| ())
    }

    fn each_legal_hold(&self, visit: Visit<'_, KeptHold>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            let since = row.get::<_, At>(1).ok().map(|at| at.0);
            Ok(KeptHold { about: row.get(0)?, since, entry: row.get::<_, Count>(2)?.0 })
        };
        self.each("SELECT about, since, entry FROM legal_hold ORDER BY entry", [], read, visit).map(|_| ())
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
