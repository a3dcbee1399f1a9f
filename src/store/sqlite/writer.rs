//! The one writer: a thread that commits whatever waits, together.
//!
//! In:  changes from any number of callers, through a bounded queue. Out: each caller's own answer, after the commit.
//! Holds: a refused change leaves no trace and takes no other with it; after a failed commit nothing is written any
//! more, because a failed sync that is tried again may succeed without the data being there.

mod rewrite;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::StoreError;
use super::apply::{Refusal, apply};
use super::columns::Count;
use super::nodes;
use crate::domain::Digest;
use crate::domain::ledger::Entry;
use crate::domain::merkle::{Frontier, leaf};
use crate::store::agreement::agreed_facts;
use crate::store::{Change, RecordError, Recorded, Recorder};

/// Callers that can wait before another one is made to wait for its place.
const WAITING_MAX: usize = 1024;

/// Changes committed together at most.
const BATCH_MAX: usize = 256;

/// Longest ledger entry, in bytes: a pack of the largest number of members stays below it.
const LINE_BYTES_MAX: usize = 8 << 20;

type Answer = Result<Recorded, RecordError>;

struct Job {
    change: Change,
    answer: SyncSender<Answer>,
}

/// What waits for the writer.
enum Waiting {
    Change(Box<Job>),
    /// Of erased names nothing shall be left.
    Rewrite(SyncSender<Result<(), RecordError>>),
}

/// The [`Recorder`] of a SQLite store. A clone is another handle; the last one dropped stops the writer in good order.
#[derive(Clone)]
pub struct SqliteRecorder(Arc<Line>);

/// The way to the writer.
struct Line {
    jobs: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    /// A simulation's writer works on the thread of whoever asks.
    #[cfg(feature = "failpoints")]
    here: Option<std::sync::Mutex<Writer>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("The store's writer ended in a fault of its own");
        }
    }
}

impl SqliteRecorder {
    pub(super) fn start(connection: Connection, frontier: Frontier, boot: String) -> Result<Self, StoreError> {
        let (sender, jobs) = sync_channel(WAITING_MAX);
        let writer = Writer { connection, frontier, boot, broken: None };
        #[cfg(feature = "failpoints")]
        if crate::durable::simulated::is_on() {
            let here = Some(std::sync::Mutex::new(writer));
            return Ok(SqliteRecorder(Arc::new(Line { jobs: None, thread: None, here })));
        }
        let thread = Builder::new().name("store-writer".into()).spawn(move || writer.run(&jobs));
        let thread = thread.map_err(|source| StoreError::Writer { source })?;
        Ok(SqliteRecorder(Arc::new(Line {
            jobs: Some(sender),
            thread: Some(thread),
            #[cfg(feature = "failpoints")]
            here: None,
        })))
    }
}

impl Recorder for SqliteRecorder {
    fn record(&self, change: Change) -> Result<Recorded, RecordError> {
        let (answer, answered) = sync_channel(1);
        self.wait_for(Waiting::Change(Box::new(Job { change, answer })))?;
        answered.recv().map_err(|_| gone())?
    }

    fn rewrite(&self) -> Result<(), RecordError> {
        let (answer, answered) = sync_channel(1);
        self.wait_for(Waiting::Rewrite(answer))?;
        answered.recv().map_err(|_| gone())?
    }
}

impl SqliteRecorder {
    fn wait_for(&self, waiting: Waiting) -> Result<(), RecordError> {
        #[cfg(feature = "failpoints")]
        if let Some(here) = &self.0.here {
            here.lock().unwrap_or_else(std::sync::PoisonError::into_inner).work(waiting, &mut std::iter::empty());
            return Ok(());
        }
        let jobs = self.0.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(waiting).map_err(|_| gone())
    }
}

fn gone() -> RecordError {
    RecordError::Unavailable("its writer has ended; restart the service".into())
}

struct Writer {
    connection: Connection,
    frontier: Frontier,
    boot: String,
    /// Why nothing is written any more.
    broken: Option<String>,
}

/// Why a whole batch was not committed.
enum Failure {
    /// Nothing was written; the next batch may fare better.
    Passing(rusqlite::Error),
    /// What is on the disk is no longer known for certain.
    Lasting(String),
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Waiting>) {
        while let Ok(first) = jobs.recv() {
            self.work(first, &mut jobs.try_iter());
        }
        // All handles are gone: leave one whole file behind. If that fails, the log is as good.
        if self.broken.is_none() {
            let done = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            if let Err(error) = done {
                tracing::warn!(%error, "The store's log could not be written back; it will be at the next start");
            }
        }
    }

    /// The first, and what else waits, together.
    fn work(&mut self, first: Waiting, others: &mut dyn Iterator<Item = Waiting>) {
        let (mut batch, mut rewrites) = (Vec::new(), Vec::new());
        for waiting in std::iter::once(first).chain(others.take(BATCH_MAX - 1)) {
            match waiting {
                Waiting::Change(job) => batch.push(*job),
                Waiting::Rewrite(answer) => rewrites.push(answer),
            }
        }
        self.serve(batch);
        for answer in rewrites {
            // A caller that went away meanwhile asks again.
            let _ = answer.send(self.rewrite());
        }
    }

    fn serve(&mut self, batch: Vec<Job>) {
        if batch.is_empty() {
            return;
        }
        let (changes, callers): (Vec<Change>, Vec<SyncSender<Answer>>) =
            batch.into_iter().map(|job| (job.change, job.answer)).unzip();
        let answers = match &self.broken {
            Some(says) => unavailable(&changes, says),
            None => match self.commit(&changes) {
                Ok(answers) => answers,
                Err(Failure::Passing(error)) => unavailable(&changes, &error.to_string()),
                Err(Failure::Lasting(says)) => {
                    unavailable_now(&mut self.broken, &says);
                    unavailable(&changes, self.broken.as_deref().unwrap_or(&says))
                }
            },
        };
        for (caller, answer) in callers.into_iter().zip(answers) {
            // A caller that went away meanwhile finds its change recorded when it reads again.
            let _ = caller.send(answer);
        }
    }

    /// One transaction for all; a refused change takes back only itself.
    fn commit(&mut self, changes: &[Change]) -> Result<Vec<Answer>, Failure> {
        let mut frontier = self.frontier.clone();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
        let stored: Count = transaction.query_row("SELECT size FROM tree", [], |row| row.get(0)).map_err(failure)?;
        // A simulation empties its store for its next history.
        #[cfg(feature = "failpoints")]
        if stored.0 == 0 && crate::durable::simulated::is_on() {
            self.frontier = Frontier::default();
            frontier = Frontier::default();
        }
        if stored.0 != frontier.size() {
            return Err(Failure::Lasting("another process has written it".into()));
        }
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            answers.push(record_one(&transaction, &mut frontier, &self.boot, change)?);
        }
        if frontier.size() == self.frontier.size() {
            return transaction.rollback().map(|()| answers).map_err(failure);
        }
        save(&transaction, &frontier).map_err(failure)?;
        fail::fail_point!("store.commit", |_| Err(Failure::Lasting("a test made its commit fail".into())));
        transaction.commit().map_err(|error| Failure::Lasting(format!("its commit failed: {error}")))?;
        fail::fail_point!("store.committed", |_| Err(Failure::Lasting("a test made its commit go unanswered".into())));
        self.frontier = frontier;
        Ok(answers)
    }
}

/// Nothing is written any more.
fn unavailable_now(broken: &mut Option<String>, says: &str) -> RecordError {
    let says = format!("{says}; it stays closed until the service is restarted");
    tracing::error!(store.fault = %says, "The store cannot be written any more");
    *broken = Some(says.clone());
    RecordError::Unavailable(says)
}

fn unavailable(changes: &[Change], says: &str) -> Vec<Answer> {
    changes.iter().map(|_| Err(RecordError::Unavailable(says.to_owned()))).collect()
}

fn failure(error: rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Failure::Lasting(error.to_string())
        }
        _ => Failure::Passing(error),
    }
}

/// Makes the change under a savepoint of its own. `Err` ends the whole batch.
fn record_one(
    transaction: &Connection,
    frontier: &mut Frontier,
    boot: &str,
    change: &Change,
) -> Result<Answer, Failure> {
    run(transaction, "SAVEPOINT change")?;
    let mut grown = frontier.clone();
    let answer = match enter(transaction, &mut grown, boot, change) {
        Ok(recorded) => {
            *frontier = grown;
            Ok(recorded)
        }
        Err(Refusal::Failed(error)) if !is_of_this_change(&error) => return Err(failure(error)),
        Err(refusal) => {
            run(transaction, "ROLLBACK TO change")?;
            match refusal {
                Refusal::Refused(error) => Err(error),
                Refusal::Failed(error) => Err(RecordError::Unavailable(error.to_string())),
            }
        }
    };
    run(transaction, "RELEASE change")?;
    Ok(answer)
}

fn run(connection: &Connection, sql: &str) -> Result<(), Failure> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(|_| ()).map_err(failure)
}

fn enter(connection: &Connection, frontier: &mut Frontier, boot: &str, change: &Change) -> Result<Recorded, Refusal> {
    let seq = frontier.size();
    let facts = agreed_facts(change).map_err(Refusal::Refused)?;
    let revision = apply(connection, change, seq)?;
    let entry =
        Entry { seq, at: change.at, boot: boot.to_owned(), actor: change.actor.clone(), event: change.event, facts };
    append(connection, frontier, &entry)?;
    Ok(Recorded { seq, revision })
}

/// Whether the next change may well succeed where this one failed.
fn is_of_this_change(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch),
        None => true,
    }
}

/// The entry: serialised once, stored as the bytes that are hashed.
fn append(connection: &Connection, frontier: &mut Frontier, entry: &Entry) -> Result<(), Refusal> {
    let line = serde_json::to_vec(entry).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    if line.len() > LINE_BYTES_MAX {
        let says = format!("an entry of {} bytes is longer than the limit of {LINE_BYTES_MAX}", line.len());
        return Err(Refusal::Refused(RecordError::Unavailable(says)));
    }
    let hash = leaf(&line);
    nodes::push(connection, frontier, hash)?;
    let mut insert = connection.prepare_cached("INSERT INTO ledger (seq, line, hash) VALUES (?1, ?2, ?3)")?;
    insert.execute((Count(entry.seq), line, hash))?;
    Ok(())
}

fn save(connection: &Connection, frontier: &Frontier) -> rusqlite::Result<()> {
    let peaks: Vec<u8> = frontier.peaks().iter().flat_map(Digest::as_bytes).copied().collect();
    let mut update = connection.prepare_cached("UPDATE tree SET size = ?1, peaks = ?2, root = ?3")?;
    update.execute((Count(frontier.size()), peaks, frontier.root())).map(|_| ())
}

#[cfg(test)]
mod accountability;
#[cfg(test)]
mod tests;
