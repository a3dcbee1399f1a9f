//! The store of a history: the real one, in memory, behind a recorder that fails and ends as the rest of the machine does.
//!
//! In:  changes. Out: what the store answers; or, where the history has it so, an error before or after the commit.
//! Holds: what was answered is there after a power cut. After an error nothing is recorded any more until the next start, as
//! with the store's own writer.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hbcourier::domain::ledger::Event;
use hbcourier::store::{
    Change, Queries, RecordError, Recorded, Recorder, SqliteQueries, SqliteRecorder, SqliteStore, StateChange,
};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::ground::Ground;
use super::mutations::Mutation;

/// The store of this thread's histories, one after the other: it is emptied for each, because opening one takes longer than
/// a history.
pub struct Store {
    recorder: SqliteRecorder,
    pub queries: SqliteQueries,
    /// Past the triggers that keep the ledger from being shortened.
    beside: Connection,
    /// What empties it.
    empties: Vec<String>,
    _dir: tempfile::TempDir,
}

/// What empties the tables, and what takes the tree back to its beginning.
const TABLES: &str = "SELECT 'DELETE FROM ' || name FROM sqlite_schema WHERE type = 'table' AND name <> 'tree'";
const TREE: &str = "SELECT 'UPDATE tree SET size = 0, peaks = x'''', root = x''' || hex(root) || '''' FROM tree";

thread_local! {
    static STORE: RefCell<Option<Rc<Store>>> = const { RefCell::new(None) };
}

impl Store {
    /// The thread's own, empty.
    pub fn empty() -> Rc<Store> {
        let store = STORE.with_borrow_mut(|store| store.get_or_insert_with(|| Rc::new(Store::new())).clone());
        for statement in &store.empties {
            store.beside.prepare_cached(statement).unwrap().execute([]).unwrap();
        }
        assert_eq!(store.queries.head().unwrap().entries, 0);
        store
    }

    fn new() -> Store {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let open = SqliteStore::open(dir.path()).unwrap();
        let beside = beside(&dir.path().join("store.sqlite"));
        let mut empties = vec!["BEGIN IMMEDIATE".to_owned()];
        for statements in [TABLES, TREE] {
            let mut found = beside.prepare(statements).unwrap();
            let found = found.query_map([], |row| row.get(0)).unwrap();
            empties.extend(found.map(|statement: rusqlite::Result<String>| statement.unwrap()));
        }
        empties.push("COMMIT".to_owned());
        Store { recorder: open.recorder(), queries: open.queries(), beside, empties, _dir: dir }
    }
}

fn beside(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.pragma_update(None, "synchronous", "off").unwrap();
    connection
}

/// The store without the last so many of these changes: what a power cut leaves if they were answered too early.
pub fn without_last(log: &mut Vec<Change>, lost: usize) {
    log.truncate(log.len().saturating_sub(lost));
    let store = Store::empty();
    for change in log {
        store.recorder.record(change.clone()).unwrap();
    }
}

/// The one write path of one process.
pub struct Writer {
    inner: SqliteRecorder,
    ground: Arc<Ground>,
    broken: AtomicBool,
}

impl Writer {
    pub fn new(store: &Store, ground: Arc<Ground>) -> Writer {
        Writer { inner: store.recorder.clone(), ground, broken: AtomicBool::new(false) }
    }
}

fn unavailable() -> RecordError {
    RecordError::Unavailable("the history has it so".to_owned())
}

impl Recorder for Writer {
    fn record(&self, change: Change) -> Result<Recorded, RecordError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(unavailable());
        }
        let (ends, fails, not_made) = {
            let mut ground = self.ground.lock();
            let ends = ground.enter_marked().map_err(|_| unavailable())?;
            let (event, facts) = (change.event, &change.facts);
            ground.note(|_| {
                let about = facts.about.as_deref().or(facts.submission.as_deref()).unwrap_or_default();
                format!("RECORD {event} {about} {}", facts.code.as_deref().unwrap_or_default())
            });
            if ground.mutation == Mutation::ClearBeforeRecord && event == Event::Collected {
                ground.clears_too_early();
            }
            let rate = ground.faults / 2;
            let fails = rate > 0 && ground.chance.falls(rate);
            (ends, fails, fails && ground.chance.falls(500))
        };
        if fails {
            self.broken.store(true, Ordering::SeqCst);
            let mut ground = self.ground.lock();
            ground.ever_failed = true;
            ground
                .note(|_| format!("  the commit fails, {}", if not_made { "and is not made" } else { "though made" }));
        }
        if not_made {
            return Err(unavailable());
        }
        let recorded = self.inner.record(change.clone());
        let mut ground = self.ground.lock();
        match &recorded {
            Ok(_) => {
                match &change.state {
                    StateChange::Collect(new) => ground.collected(new.consignment.sealed_digest),
                    StateChange::Submission { sealed: Some(sealed), .. } => {
                        ground.world.recorded.insert(sealed.content);
                    }
                    _ => {}
                }
                if ground.mutation == Mutation::SyncLeftOut("sync.store.commit") {
                    ground.log.push(change);
                }
            }
            Err(refused) => ground.note(|_| format!("  refused: {refused}")),
        }
        if ends {
            ground.end();
        }
        if ends || fails { Err(unavailable()) } else { recorded }
    }

    fn rewrite(&self) -> Result<(), RecordError> {
        Ok(())
    }
}
