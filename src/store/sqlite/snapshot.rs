//! One state of the store, held by one read transaction on a connection of its own.

use std::cell::RefCell;
use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, params};

use super::checkpoints;
use super::columns::{At, Count, Json};
use super::nodes::{self, complete};
use super::queries::head;
use super::releases;
use crate::domain::release::Recorded;
use crate::domain::submission::Sealed;
use crate::domain::{Digest, Stage, Standing, SubmissionKey, Waiver};
use crate::store::evidence::{
    Evidence, Hanging, KeptAlarm, KeptAnswer, KeptEntry, KeptErasure, KeptHold, KeptKeyStep, KeptLeft, KeptName,
    KeptTimetable, KeptWorkbook, Origin, Owed, Row, Subject, Visit,
};
use crate::store::{Head, KeptCheckpoint, QueryError};

mod hanging;

pub(super) struct SqliteSnapshot {
    connection: Connection,
}

/// What is kept of the file in memory: by id, transfers lie all over it.
const CACHE_KIB: i64 = 64 << 10;

const TRANSFERS: &str =
    "SELECT id, word, standing, entry, source, sealed_digest, name, signer, authority, sealed_bytes FROM consignment";
const RETURNS: &str = "SELECT kind || '/' || authority || '/' || month, word, stage, entry, extract_from, transfer_on, \
                       sealed, content, ordered_at, resent_at, sent_at FROM submission";

impl SqliteSnapshot {
    /// The state of this moment, until it is dropped.
    pub(super) fn of(connection: Connection) -> Result<SqliteSnapshot, QueryError> {
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
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
    let standing = row.get::<_, Json<Standing>>(2).ok().map(|standing| standing.0);
    Ok(Row {
        subject: Subject::Transfer(row.get(0)?),
        listed: row.get(1)?,
        word: standing.as_ref().map(Standing::word),
        code: standing.as_ref().and_then(code),
        entry: row.get::<_, Count>(3)?.0,
        origin: Some(Origin {
            source: row.get(4)?,
            sealed: row.get(5)?,
            name: row.get(6)?,
            signer: row.get(7)?,
            authority: row.get(8)?,
            bytes: row.get::<_, Count>(9)?.0,
        }),
        owed: None,
        hangs: Hanging::default(),
    })
}

fn code(standing: &Standing) -> Option<&'static str> {
    match standing {
        Standing::Held { reason, .. } => Some(reason.notice().code),
        Standing::Rejected { reason, .. } => Some(reason.notice().code),
        Standing::Deferred { cause, .. } => Some(cause.notice().code),
        Standing::Collected { .. }
        | Standing::Staged { .. }
        | Standing::Delivered { .. }
        | Standing::Matched { .. }
        | Standing::Closed { .. } => None,
    }
}

fn owed_return(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        subject: Subject::Return(row.get(0)?),
        listed: row.get(1)?,
        code: None,
        word: row.get::<_, Json<Stage>>(2).ok().map(|stage| stage.0.word()),
        entry: row.get::<_, Count>(3)?.0,
        origin: None,
        hangs: Hanging::default(),
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
        let mut nodes = self.connection.prepare_cached("SELECT place, hash FROM node ORDER BY place")?;
        let nodes = RefCell::new(nodes.query_map([], |row| Ok((row.get::<_, Count>(0)?.0, row.get(1)?)))?.peekable());
        let read = |row: &SqlRow<'_>| {
            let seq = row.get::<_, Count>(0)?.0;
            let end = complete(seq.saturating_add(1));
            let (mut nodes, mut completed) = (nodes.borrow_mut(), Vec::new());
            while let Some(node) = nodes.next_if(|node| !matches!(node, Ok((place, _)) if *place >= end)) {
                completed.push(node?);
            }
            Ok(KeptEntry { seq, line: row.get(1)?, hash: row.get(2)?, nodes: completed })
        };
        self.each("SELECT seq, line, hash FROM ledger ORDER BY seq", [], read, visit).map(|_| ())
    }

    fn nodes(&self) -> Result<u64, QueryError> {
        Ok(self.connection.query_row("SELECT count(*) FROM node", [], |row| Ok(row.get::<_, Count>(0)?.0))?)
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

    fn each_row(&self, visit: Visit<'_, Row>) -> Result<Option<String>, QueryError> {
        let stray = hanging::each_transfer(&self.connection, &mut *visit)?;
        self.each(RETURNS, [], owed_return, visit).map(|_| stray)
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

    fn each_key_step(&self, visit: Visit<'_, KeptKeyStep>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            Ok(KeptKeyStep {
                entry: row.get::<_, Count>(0)?.0,
                at: row.get::<_, At>(1).ok().map(|at| at.0),
                step: row.get::<_, Json<_>>(2).ok().map(|step| step.0),
                concludes: row.get::<_, Option<Count>>(3)?.map(|entry| entry.0),
                certificate: row.get(4)?,
            })
        };
        let sql = "SELECT entry, at, step, concludes, certificate FROM key_step ORDER BY entry";
        self.each(sql, [], read, visit).map(|_| ())
    }

    fn each_exception_use(&self, visit: Visit<'_, (u64, String, u64)>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| Ok((row.get::<_, Count>(0)?.0, row.get(1)?, row.get::<_, Count>(2)?.0));
        self.each("SELECT exception, consignment, entry FROM exception_use", [], read, visit).map(|_| ())
    }

    fn each_checkpoint(&self, visit: Visit<'_, KeptCheckpoint>) -> Result<(), QueryError> {
        let sql = format!("SELECT {} FROM checkpoint ORDER BY size", checkpoints::COLUMNS);
        self.each(&sql, [], checkpoints::read, visit).map(|_| ())
    }

    fn each_left(&self, visit: Visit<'_, KeptLeft>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            Ok(KeptLeft {
                recipient: row.get(0)?,
                size: row.get::<_, Count>(1)?.0,
                at: row.get::<_, At>(2).ok().map(|at| at.0),
                entry: row.get::<_, Count>(3)?.0,
            })
        };
        self.each("SELECT recipient, size, at, entry FROM checkpoint_left ORDER BY entry", [], read, visit).map(|_| ())
    }

    fn root_of(&self, size: u64) -> Result<Option<Digest>, QueryError> {
        Ok(nodes::root_of(&self.connection, size)?)
    }

    fn each_approval(&self, visit: Visit<'_, (String, Option<Recorded>)>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| Ok((row.get("consignment")?, releases::approval(row).ok()));
        let sql = format!("SELECT {}, consignment FROM approval ORDER BY entry", releases::APPROVAL);
        self.each(&sql, [], read, visit).map(|_| ())
    }

    fn each_release(&self, visit: Visit<'_, (String, Option<Waiver>, u64)>) -> Result<(), QueryError> {
        let read = |row: &SqlRow<'_>| {
            let waives = row.get::<_, Json<_>>(1).ok().map(|json| json.0);
            Ok((row.get(0)?, waives, row.get::<_, Count>(2)?.0))
        };
        self.each("SELECT consignment, waives, entry FROM release ORDER BY entry", [], read, visit).map(|_| ())
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
                transfer: row.get(4)?,
            })
        };
        self.each("SELECT commitment, salt, clear, entry, consignment FROM name", [], read, visit).map(|_| ())
    }
}
