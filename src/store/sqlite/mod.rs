//! The store as one SQLite file, `store.sqlite` in the state folder.
//!
//! In:  the state folder. Out: a [`SqliteRecorder`] (one writer thread) and [`SqliteQueries`] (readers of their own).
//! Holds: a file that fails its check, is newer than the program, is somebody else's, or can be read by others is
//! refused; a commit is on the disk before it is answered (WAL, `synchronous=FULL`). Before a store is brought up to date
//! a copy of it lies beside it.

mod apply;
mod checkpoints;
mod columns;
mod copy;
mod error;
mod integrity;
mod nodes;
mod queries;
mod releases;
mod rows;
mod schema;
mod snapshot;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::durable::boot::{BOOT_ID, boot_id};
use crate::durable::sync::is_left_out;
use crate::durable::{Directory, synced};
use error::opening;

pub use copy::forget_old as forget_old_copies;
pub use error::StoreError;
pub use queries::SqliteQueries;
pub use writer::SqliteRecorder;

const FILE: &str = "store.sqlite";

/// How long to wait for another process's lock, such as a reader's that recovers the log after a crash.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Statements kept ready on each connection.
const STATEMENTS_MAX: usize = 64;

/// What the writer keeps of the file in memory, at most. Keys are digests, so that each change touches pages all over it.
const CACHE_KIB: i64 = 8 << 10;

/// Pages in the log from which on it is written into the file: what changed in many commits is written once.
const LOG_PAGES: i64 = 4000;

/// What the log is cut back to once it was written into the file, in bytes.
const LOG_BYTES_MAX: i64 = 64 << 20;

/// The store of a running service. A clone is another handle to the same store; the last one dropped closes it.
#[derive(Clone)]
pub struct SqliteStore {
    recorder: SqliteRecorder,
    queries: SqliteQueries,
    migrated: Option<Migrated>,
}

/// A store that was brought up to date when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version it had.
    pub from: usize,
    /// The version it has.
    pub to: usize,
    /// The copy of what it was before.
    pub copy: PathBuf,
}

impl SqliteStore {
    /// Opens the store of the service, making or bringing it up to date as needed. Only one process may do so: the
    /// caller holds the instance lock.
    pub fn open(state: &Path) -> Result<SqliteStore, StoreError> {
        let path = state.join(FILE);
        own_file(state, &path)?;
        let boot = boot_id().map_err(|source| StoreError::BootId { path: BOOT_ID.into(), source })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(&path, flags)?;
        let opening = |source| opening(&path, source);
        let version = match schema::found(&connection).map_err(opening)? {
            schema::Found::Empty => 0,
            schema::Found::Version(version) if version <= schema::VERSION => version,
            schema::Found::Version(found) => {
                return Err(copy::newer(state, path, found));
            }
            schema::Found::Foreign => return Err(StoreError::Foreign { path }),
        };
        durable(&connection, &path)?;
        if let Some(says) = integrity::pages(&connection).map_err(opening)? {
            return Err(StoreError::Damaged { path, says });
        }
        let is_older = (1..schema::VERSION).contains(&version);
        let copy = is_older.then(|| copy::before_migration(&connection, state, version)).transpose()?;
        schema::migrate(&mut connection, version).map_err(|source| StoreError::Migrate {
            path: path.clone(),
            from: version,
            known: schema::VERSION,
            source,
        })?;
        let frontier = match integrity::head(&connection).map_err(opening)? {
            Ok(frontier) => frontier,
            Err(says) => return Err(StoreError::Damaged { path, says }),
        };
        let recorder = SqliteRecorder::start(connection, frontier, boot)?;
        let migrated = copy.map(|copy| Migrated { from: version, to: schema::VERSION, copy });
        Ok(SqliteStore { recorder, queries: SqliteQueries::new(path), migrated })
    }

    /// Whether there is a store below this state directory.
    pub fn exists(state: &Path) -> bool {
        Self::path(state).exists()
    }

    /// Its file below this state directory.
    pub fn path(state: &Path) -> PathBuf {
        state.join(FILE)
    }

    /// The store for reading only, also while the service writes it.
    pub fn read_only(state: &Path) -> Result<SqliteQueries, StoreError> {
        let path = state.join(FILE);
        if !path.try_exists().map_err(|source| StoreError::File { path: path.clone(), source })? {
            return Err(StoreError::Missing { path });
        }
        let connection = connect_to_read(&path)?;
        match schema::found(&connection).map_err(|source| opening(&path, source))? {
            schema::Found::Version(schema::VERSION) => Ok(SqliteQueries::new(path)),
            schema::Found::Version(found) if found < schema::VERSION => {
                Err(StoreError::Older { path, found, known: schema::VERSION })
            }
            schema::Found::Version(found) => Err(copy::newer(state, path, found)),
            schema::Found::Empty => Err(StoreError::Missing { path }),
            schema::Found::Foreign => Err(StoreError::Foreign { path }),
        }
    }

    /// What was done to it to open it, if it was one of an earlier release.
    pub fn migrated(&self) -> Option<&Migrated> {
        self.migrated.as_ref()
    }

    /// The version of stores that this program writes.
    pub const fn version() -> usize {
        schema::VERSION
    }

    /// The store as it stands at one moment, in a new file of this folder, also while the service writes it.
    pub fn snapshot(state: &Path, into: &Path) -> Result<(), StoreError> {
        let path = state.join(FILE);
        if !path.try_exists().map_err(|source| StoreError::File { path: path.clone(), source })? {
            return Err(StoreError::Missing { path });
        }
        let folder = Directory::open(into).map_err(|source| StoreError::File { path: into.to_owned(), source })?;
        copy::whole(&connect_to_read(&path)?, &folder, FILE)
    }

    /// The one write path.
    pub fn recorder(&self) -> SqliteRecorder {
        self.recorder.clone()
    }

    /// Reading, apart from the writer.
    pub fn queries(&self) -> SqliteQueries {
        self.queries.clone()
    }
}

/// Makes the file if there is none, for its owner alone; refuses one that others can get at.
fn own_file(state: &Path, path: &Path) -> Result<(), StoreError> {
    let file = |source| StoreError::File { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let opened = options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()).open(path).map_err(file)?;
    let facts = opened.metadata().map_err(file)?;
    let mode = facts.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StoreError::Exposed { path: path.to_owned(), mode });
    }
    let has_log = match fs::metadata(path.with_extension("sqlite-wal")) {
        Ok(log) => log.len() > 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(file(error)),
    };
    if facts.len() == 0 && has_log {
        return Err(StoreError::Damaged { path: path.to_owned(), says: "it is empty, but its log is not".into() });
    }
    File::open(state).and_then(|folder| synced("sync.store.name", || folder.sync_all())).map_err(file)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_MAX)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Plans do not depend on the values: else every use of a kept statement on a partial index prepares it anew.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // Nothing is put aside outside the state folder, by readers neither.
        connection.pragma_update(None, "temp_store", "memory")?;
        Ok(connection)
    };
    open().map_err(|source| opening(path, source))
}

fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// From here on a commit is on the disk when it returns.
fn durable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let set = || {
        let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        let synchronous = if is_left_out("sync.store.commit") { "off" } else { "full" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // What is erased is overwritten where it lies.
        connection.pragma_update(None, "secure_delete", "on")?;
        connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_MAX, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |_| Ok(()))?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        Ok(mode)
    };
    let mode = set().map_err(|source| opening(path, source))?;
    if mode == "wal" { Ok(()) } else { Err(StoreError::NoLog { path: path.to_owned() }) }
}
