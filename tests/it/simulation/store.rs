//! The store of a history: the real one, in memory, behind a recorder that fails and ends as the rest of the machine does.
//!
//! In:  changes. Out: what the store answers; or, where the history has it so, an error before or after the commit.
//! Holds: what was answered is there after a power cut. After an error nothing is recorded any more until the next start, as
//! with the store's own writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use hbcourier::domain::ledger::Event;
use hbcourier::store::{Change, RecordError, Recorded, Recorder, SqliteRecorder, SqliteStore, StateChange};

use super::ground::Ground;
use super::mutations::Mutation;

/// A store that is in nobody's way.
pub struct Store {
    dir: tempfile::TempDir,
    pub open: SqliteStore,
    /// Everything that was recorded, for a machine that loses commits.
    log: Mutex<Vec<Change>>,
}

fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn file_of(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("store.sqlite")
}

/// An empty store's file, made once.
fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let dir = memory();
        drop(SqliteStore::open(dir.path()).unwrap());
        std::fs::read(file_of(&dir)).unwrap()
    })
}

impl Store {
    pub fn new() -> Store {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let dir = memory();
        let file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(file_of(&dir));
        file.unwrap().write_all(template()).unwrap();
        let open = SqliteStore::open(dir.path()).unwrap();
        Store { dir, open, log: Mutex::default() }
    }

    /// The store without the last so many changes: what a power cut leaves that were answered too early.
    pub fn without_last(&self, lost: usize) -> Store {
        let log = self.log.lock().unwrap();
        let store = Store::new();
        for change in &log[..log.len().saturating_sub(lost)] {
            store.open.recorder().record(change.clone()).unwrap();
            store.log.lock().unwrap().push(change.clone());
        }
        let _ = &self.dir;
        store
    }
}

/// The one write path of one process.
pub struct Writer {
    inner: SqliteRecorder,
    store: Arc<Store>,
    ground: Arc<Ground>,
    broken: AtomicBool,
}

impl Writer {
    pub fn new(store: Arc<Store>, ground: Arc<Ground>) -> Writer {
        Writer { inner: store.open.recorder(), store, ground, broken: AtomicBool::new(false) }
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
            let ends = ground.enter().map_err(|_| unavailable())?;
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
            ground.note(|_| format!("  the commit fails, {}", if not_made { "and is not made" } else { "though made" }));
        }
        if not_made {
            return Err(unavailable());
        }
        let recorded = self.inner.record(change.clone());
        let mut ground = self.ground.lock();
        match &recorded {
            Ok(_) => {
                ground.world.recorded.extend(match &change.state {
                    StateChange::Collect(new) => Some(new.consignment.sealed_digest),
                    StateChange::Submission { sealed: Some(sealed), .. } => Some(sealed.content),
                    _ => None,
                });
                if ground.mutation == Mutation::SyncLeftOut("sync.store.commit") {
                    self.store.log.lock().unwrap().push(change);
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
