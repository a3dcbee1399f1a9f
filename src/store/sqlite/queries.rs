//! Reading, on connections of its own: it neither waits for the writer nor keeps it waiting.

mod keeping;
mod tally;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::columns::{At, Count, Day, Json};
use super::snapshot::SqliteSnapshot;
use super::{checkpoints, connect_to_read, nodes, releases, rows};
use crate::domain::release;
use crate::domain::{
    Answer, Answered, Consignment, ConsignmentId, Delivery, Digest, KeyStep, LaNumber, RecipientName, Release,
    ReturnKind, SourceName, Submission, SubmissionKey, Volume, Workbook,
};
use crate::store::evidence::{Auditable, Evidence};
use crate::store::{
    ActivatedTimetable, Alarm, ConsignmentFilter, DeliveredWorkbook, Head, KeptCheckpoint, Queries, QueryError,
    Received, ReceivedFilter, SubmissionFilter, Tally,
};

/// Connections for reading at one time; a further reader waits for one of them.
const READERS_MAX: usize = 4;

/// The [`Queries`] of a SQLite store. A clone shares the connections.
#[derive(Clone)]
pub struct SqliteQueries(Arc<Readers>);

struct Readers {
    path: PathBuf,
    idle: Mutex<Idle>,
    returned: Condvar,
}

struct Idle {
    /// `None` is a connection that may still be opened.
    places: Vec<Option<Connection>>,
    /// Readers that wait for one.
    waiting: usize,
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> QueryError {
        QueryError(error.to_string())
    }
}

impl Readers {
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, QueryError> {
        let mut reader = Reader { readers: self, connection: self.take() };
        let connection = match reader.connection.take() {
            Some(connection) => connection,
            None => connect_to_read(&self.path).map_err(|error| QueryError(error.to_string()))?,
        };
        Ok(query(reader.connection.insert(connection))?)
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(place) = idle.places.pop() {
                return place;
            }
            idle.waiting += 1;
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
            idle.waiting -= 1;
        }
    }
}

/// A place among the readers, given back when dropped.
struct Reader<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.places.push(self.connection.take());
        let is_awaited = idle.waiting > 0;
        drop(idle);
        // To wake nobody costs a call too, and most reads are over before another begins.
        if is_awaited {
            self.readers.returned.notify_one();
        }
    }
}

impl SqliteQueries {
    pub(super) fn new(path: PathBuf) -> SqliteQueries {
        let places = (0..READERS_MAX).map(|_| None).collect();
        let idle = Mutex::new(Idle { places, waiting: 0 });
        SqliteQueries(Arc::new(Readers { path, idle, returned: Condvar::new() }))
    }
}

impl Auditable for SqliteQueries {
    fn snapshot(&self) -> Result<Box<dyn Evidence + '_>, QueryError> {
        let connection = connect_to_read(&self.0.path).map_err(|error| QueryError(error.to_string()))?;
        Ok(Box::new(SqliteSnapshot::of(connection)?))
    }
}

/// The conditions of a filter, and their values in order.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    fn add(&mut self, condition: &str, value: Option<impl ToSql + 'static>) {
        if let Some(value) = value {
            self.add_all(condition, [value]);
        }
    }

    fn add_all<const N: usize>(&mut self, condition: &str, values: [impl ToSql + 'static; N]) {
        self.sql.push_str(if self.values.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
        self.values.extend(values.map(|value| Box::new(value) as Box<dyn ToSql>));
    }

    fn values(&self) -> impl rusqlite::Params + '_ {
        rusqlite::params_from_iter(self.values.iter().map(AsRef::<dyn ToSql>::as_ref))
    }
}

pub(super) use keeping::names_to_erase;

pub(super) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    connection
        .prepare_cached("SELECT size, root FROM tree")?
        .query_row([], |row| Ok(Head { entries: row.get::<_, Count>(0)?.0, root: row.get(1)? }))
}

impl Queries for SqliteQueries {
    fn consignment(&self, id: &ConsignmentId) -> Result<Option<(Consignment, Option<String>)>, QueryError> {
        let sql = format!(
            "SELECT {}, (SELECT clear FROM name WHERE commitment = consignment.name) FROM consignment WHERE id = ?1",
            rows::CONSIGNMENT
        );
        self.0.read(|connection| {
            let mut found = connection.prepare_cached(&sql)?;
            found.query_row([id], |row| Ok((rows::consignment(row)?, row.get(9)?))).optional()
        })
    }

    fn collected(&self, source: &SourceName, native: &Digest) -> Result<Option<Consignment>, QueryError> {
        let sql = format!(
            "SELECT {} FROM consignment WHERE source = ?1 AND native = ?2 ORDER BY received_at DESC LIMIT 1",
            rows::CONSIGNMENT
        );
        self.0.read(|connection| {
            connection.prepare_cached(&sql)?.query_row(params![source, native], rows::consignment).optional()
        })
    }

    fn collected_bytes(&self, source: &SourceName, sealed: &Digest) -> Result<Option<Consignment>, QueryError> {
        let sql = format!(
            "SELECT {} FROM consignment WHERE source = ?1 AND sealed_digest = ?2 ORDER BY received_at DESC LIMIT 1",
            rows::CONSIGNMENT
        );
        self.0.read(|connection| {
            connection.prepare_cached(&sql)?.query_row(params![source, sealed], rows::consignment).optional()
        })
    }

    fn consignments(&self, filter: &ConsignmentFilter) -> Result<Vec<Consignment>, QueryError> {
        let mut conditions = Conditions::default();
        if let Some(due) = filter.due {
            // As `Standing::is_due` says.
            let is_due = "due_at IS NOT NULL AND (due_at <= ? OR due_at > ? OR word <> 'deferred')";
            conditions.add_all(is_due, [At(due.now), At(due.latest)]);
        }
        conditions.add("word = ?", filter.word.clone());
        conditions.add("authority = ?", filter.authority.clone());
        conditions.add("received_at >= ?", filter.since.map(At));
        conditions.add("received_at < ?", filter.until.map(At));
        conditions.add("signer = ?", filter.signer.clone());
        if let Some((received_at, id)) = filter.after {
            let after: [Box<dyn ToSql>; 2] = [Box::new(At(received_at)), Box::new(id)];
            conditions.add_all("(received_at, id) > (?, ?)", after);
        }
        let mut sql =
            format!("SELECT {} FROM consignment{} ORDER BY received_at, id", rows::CONSIGNMENT, conditions.sql);
        if let Some(limit) = filter.limit {
            sql.push_str(" LIMIT ?");
            conditions.values.push(Box::new(Count(limit as u64)));
        }
        self.0.read(|connection| {
            connection.prepare_cached(&sql)?.query_map(conditions.values(), rows::consignment)?.collect()
        })
    }

    fn tally(&self) -> Result<Tally, QueryError> {
        self.0.read(tally::tally)
    }

    fn deliveries(&self, id: &ConsignmentId) -> Result<Vec<Delivery>, QueryError> {
        let sql = format!("SELECT {} FROM delivery WHERE consignment = ?1 ORDER BY part, id", rows::DELIVERY);
        self.0.read(|connection| connection.prepare_cached(&sql)?.query_map([id], rows::delivery)?.collect())
    }

    fn approvals(&self, id: &ConsignmentId) -> Result<Vec<release::Recorded>, QueryError> {
        self.0.read(|connection| releases::approvals(connection, id))
    }

    fn release(&self, id: &ConsignmentId) -> Result<Option<Release>, QueryError> {
        self.0.read(|connection| releases::release(connection, id))
    }

    fn received(&self, filter: &ReceivedFilter) -> Result<Vec<Received>, QueryError> {
        let kinds = vec!["?"; filter.kinds.len()].join(", ");
        let sql = format!(
            "SELECT {} FROM consignment JOIN delivery ON delivery.consignment = consignment.id \
             WHERE consignment.authority = ? AND received_at >= ? AND received_at < ? AND delivery.kind IN ({kinds}) \
             GROUP BY consignment.id, delivery.kind ORDER BY received_at, consignment.id, delivery.kind",
            rows::RECEIVED
        );
        let mut values: Vec<Box<dyn ToSql>> =
            vec![Box::new(filter.authority.clone()), Box::new(At(filter.since)), Box::new(At(filter.until))];
        values.extend(filter.kinds.iter().map(|kind| Box::new(*kind) as Box<dyn ToSql>));
        self.0.read(|connection| {
            let values = rusqlite::params_from_iter(values.iter().map(AsRef::<dyn ToSql>::as_ref));
            connection.prepare_cached(&sql)?.query_map(values, rows::received)?.collect()
        })
    }

    fn submissions(&self, filter: &SubmissionFilter) -> Result<Vec<Submission>, QueryError> {
        let mut conditions = Conditions::default();
        conditions.add("open = ?", filter.open.then_some(true));
        conditions.add("kind = ?", filter.key.as_ref().map(|key| key.kind));
        conditions.add("authority = ?", filter.key.as_ref().map(|key| key.authority.clone()));
        conditions.add("month = ?", filter.key.as_ref().map(SubmissionKey::period));
        conditions.add("authority = ?", filter.authority.clone());
        let sql = format!(
            "SELECT {} FROM submission{} ORDER BY transfer_on, kind, authority, month",
            rows::SUBMISSION,
            conditions.sql
        );
        self.0.read(|connection| {
            connection.prepare_cached(&sql)?.query_map(conditions.values(), rows::submission)?.collect()
        })
    }

    fn sealed_before(
        &self,
        kind: ReturnKind,
        authority: &LaNumber,
        content: &Digest,
    ) -> Result<Option<SubmissionKey>, QueryError> {
        self.0.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT kind, authority, month FROM submission WHERE kind = ?1 AND authority = ?2 AND content = ?3 \
                     ORDER BY month",
                )?
                .query_row(params![kind, authority, content], rows::key)
                .optional()
        })
    }

    fn sent_as(&self, message_id: &str) -> Result<Option<Submission>, QueryError> {
        let sql = format!(
            "SELECT {} FROM submission WHERE sealed IS NOT NULL \
             AND CASE WHEN json_valid(sealed) THEN json_extract(sealed, '$.message_id') END = ?1",
            rows::SUBMISSION
        );
        self.0.read(|connection| connection.prepare_cached(&sql)?.query_row([message_id], rows::submission).optional())
    }

    fn answers(&self, key: &SubmissionKey) -> Result<Vec<Answered>, QueryError> {
        let sql = format!(
            "SELECT {} FROM answer JOIN consignment ON consignment.id = answer.consignment \
             WHERE answer.kind = ?1 AND answer.authority = ?2 AND answer.month = ?3 ORDER BY answer.entry",
            rows::ANSWERED
        );
        self.0.read(|connection| {
            connection
                .prepare_cached(&sql)?
                .query_map(params![key.kind, key.authority, key.period()], rows::answered)?
                .collect()
        })
    }

    fn answered(&self, id: &ConsignmentId) -> Result<Option<Answered>, QueryError> {
        let sql = format!(
            "SELECT {} FROM answer JOIN consignment ON consignment.id = answer.consignment WHERE consignment.id = ?1",
            rows::ANSWERED
        );
        self.0.read(|connection| connection.prepare_cached(&sql)?.query_row([id], rows::answered).optional())
    }

    fn answers_to_weigh(&self) -> Result<Vec<Answered>, QueryError> {
        let sql = format!(
            "SELECT {} FROM answer JOIN consignment ON consignment.id = answer.consignment \
             JOIN submission USING (kind, authority, month) WHERE NOT answer.earlier AND submission.word IN \
             ('sent', 'uncertain', 'sealed', 'deferred', 'missed') \
             AND (submission.word <> 'sent' OR answer.answer = ?1) \
             ORDER BY answer.kind, answer.authority, answer.month, answer.entry",
            rows::ANSWERED
        );
        self.0.read(|connection| {
            connection.prepare_cached(&sql)?.query_map([Json(Answer::Failed)], rows::answered)?.collect()
        })
    }

    fn workbooks(&self, authority: Option<&LaNumber>) -> Result<Vec<Workbook>, QueryError> {
        let mut conditions = Conditions::default();
        conditions.add("workbook.authority = ?", authority.cloned());
        let sql = format!(
            "SELECT {} FROM workbook JOIN consignment ON consignment.id = workbook.consignment \
             JOIN delivery ON delivery.consignment = workbook.consignment AND delivery.id = workbook.delivery{} \
             ORDER BY workbook.authority, workbook.month",
            rows::WORKBOOK,
            conditions.sql
        );
        self.0.read(|connection| {
            connection.prepare_cached(&sql)?.query_map(conditions.values(), rows::workbook)?.collect()
        })
    }

    fn delivered_workbooks(&self) -> Result<Vec<DeliveredWorkbook>, QueryError> {
        let sql = "SELECT consignment.authority, consignment.id, delivery.id, consignment.received_at \
             FROM delivery JOIN consignment ON consignment.id = delivery.consignment \
             WHERE delivery.kind = 'hbms-mi' AND +consignment.word IN ('delivered', 'closed') \
             AND delivery.id NOT IN (SELECT delivery FROM workbook) ORDER BY consignment.received_at, delivery.part";
        let read = |row: &Row<'_>| {
            Ok(DeliveredWorkbook {
                authority: row.get(0)?,
                transfer: row.get(1)?,
                delivery: row.get(2)?,
                received_at: row.get::<_, At>(3)?.0,
            })
        };
        self.0.read(|connection| connection.prepare_cached(sql)?.query_map([], read)?.collect())
    }

    fn volumes(&self, authority: &LaNumber) -> Result<Vec<Volume>, QueryError> {
        let sql = "SELECT consignment.id, authority, received_at, subject, sum(count) FROM volume \
             JOIN consignment ON consignment.id = volume.consignment \
             WHERE authority = ?1 AND word IN ('delivered', 'closed') \
             GROUP BY consignment.id, subject ORDER BY received_at, consignment.id, subject";
        let read = |row: &Row<'_>| {
            Ok(Volume {
                transfer: row.get(0)?,
                authority: row.get(1)?,
                received_at: row.get::<_, At>(2)?.0,
                of: row.get(3)?,
                count: row.get::<_, Option<Count>>(4)?.map(|count| count.0),
            })
        };
        self.0.read(|connection| connection.prepare_cached(sql)?.query_map([authority], read)?.collect())
    }

    fn in_service_from(&self, authority: &LaNumber) -> Result<Option<Date>, QueryError> {
        self.0.read(|connection| {
            connection
                .prepare_cached("SELECT since FROM in_service WHERE authority = ?1")?
                .query_row([authority], |row| Ok(row.get::<_, Day>(0)?.0))
                .optional()
        })
    }

    fn timetables(&self) -> Result<Vec<ActivatedTimetable>, QueryError> {
        let sql = "SELECT year, digest, text, entry FROM timetable \
                   WHERE entry IN (SELECT max(entry) FROM timetable GROUP BY year) ORDER BY year";
        let read = |row: &rusqlite::Row<'_>| {
            let entry = row.get::<_, Count>(3)?.0;
            Ok(ActivatedTimetable { year: row.get(0)?, digest: row.get(1)?, text: row.get(2)?, entry })
        };
        self.0.read(|connection| connection.prepare_cached(sql)?.query_map([], read)?.collect())
    }

    fn key_steps(&self) -> Result<Vec<(u64, Timestamp, KeyStep)>, QueryError> {
        let read =
            |row: &Row<'_>| Ok((row.get::<_, Count>(0)?.0, row.get::<_, At>(1)?.0, row.get::<_, Json<KeyStep>>(2)?.0));
        let sql = "SELECT entry, at, step FROM key_step ORDER BY entry";
        self.0.read(|connection| connection.prepare_cached(sql)?.query_map([], read)?.collect())
    }

    fn proposed_certificate(&self, entry: u64) -> Result<Option<Vec<u8>>, QueryError> {
        let sql = "SELECT certificate FROM key_step WHERE entry = ?1";
        let found = self.0.read(|connection| {
            connection.prepare_cached(sql)?.query_row([Count(entry)], |row| row.get(0)).optional()
        })?;
        Ok(found.flatten())
    }

    fn exception_uses(&self) -> Result<Vec<(u64, u64)>, QueryError> {
        let sql = "SELECT exception, count(*) FROM exception_use GROUP BY exception ORDER BY exception";
        let read = |row: &Row<'_>| Ok((row.get::<_, Count>(0)?.0, row.get::<_, Count>(1)?.0));
        self.0.read(|connection| connection.prepare_cached(sql)?.query_map([], read)?.collect())
    }

    fn alarms(&self) -> Result<Vec<Alarm>, QueryError> {
        let sql = format!("SELECT {} FROM alarm ORDER BY since, about", rows::ALARM);
        self.0.read(|connection| connection.prepare_cached(&sql)?.query_map([], rows::alarm)?.collect())
    }

    fn ledger(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, QueryError> {
        self.0.read(|connection| {
            connection
                .prepare_cached("SELECT seq, line FROM ledger WHERE seq >= ?1 ORDER BY seq LIMIT ?2")?
                .query_map([Count(seq), Count(limit as u64)], |row| Ok((row.get::<_, Count>(0)?.0, row.get(1)?)))?
                .collect()
        })
    }

    fn head(&self) -> Result<Head, QueryError> {
        self.0.read(head)
    }

    fn subtree(&self, level: u32, index: u64) -> Result<Option<Digest>, QueryError> {
        self.0.read(|connection| nodes::subtree(connection, level, index))
    }

    fn latest_checkpoint(&self) -> Result<Option<KeptCheckpoint>, QueryError> {
        self.0.read(checkpoints::latest)
    }

    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<KeptCheckpoint>, QueryError> {
        self.0.read(|connection| checkpoints::above(connection, above, limit))
    }

    fn last_left(&self, recipient: &RecipientName) -> Result<Option<KeptCheckpoint>, QueryError> {
        self.0.read(|connection| checkpoints::last_left(connection, recipient))
    }

    fn left_to(&self, size: u64) -> Result<Vec<(RecipientName, Timestamp)>, QueryError> {
        self.0.read(|connection| checkpoints::left_to(connection, size))
    }
}
