//! Copies of the store: one beside it before it is brought up to date, and one of a single moment for a backup.
//!
//! In:  an open store. Out: a file that is a whole store, of mode 0600, synced.
//! Holds: a copy has its name only when it is whole; nothing is overwritten. What is erased from the store stays in a copy,
//! so those made before a migration do not outlast [`COPY_DAYS_MAX`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;

use super::error::opening;
use super::{FILE, StoreError, connect_to_read, schema};
use crate::durable::{Directory, step};

/// How long a copy that was made before a migration is kept.
pub const COPY_DAYS_MAX: u64 = 30;
const PREFIX: &str = "store.v";
const ENDING: &str = ".sqlite";

/// Copies the store beside itself, named by its version and the time; or finds the copy that an earlier attempt made, which
/// ended before the store was brought up to date.
pub(super) fn before_migration(connection: &Connection, state: &Path, version: usize) -> Result<PathBuf, StoreError> {
    forget_parts(state).map_err(|source| StoreError::Copy { path: state.to_owned(), source })?;
    if let Some(copy) = made_before(connection, state, version) {
        return Ok(copy);
    }
    let now = "SELECT strftime('%Y%m%dT%H%M%SZ', 'now')";
    let now: String =
        connection.query_row(now, [], |row| row.get(0)).map_err(|error| opening(&state.join(FILE), error))?;
    let name = format!("{PREFIX}{version}-{now}{ENDING}");
    let file = |source| StoreError::Copy { path: state.join(&name), source };
    let folder = Directory::open(state).map_err(file)?;
    let part = format!(".{name}.part");
    folder.remove(&part).map_err(file)?;
    whole(connection, &folder, &part)?;
    step("migrate.copied").map_err(file)?;
    match folder.publish(&part, &folder, &name) {
        // Made within the same second, before a crash: it is whole.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => folder.remove(&part).map_err(file)?,
        published => published.map_err(file)?,
    }
    folder.sync().map_err(file)?;
    step("migrate.named").map_err(file)?;
    Ok(state.join(name))
}

/// What attempts left that ended in the middle of a copy.
fn forget_parts(state: &Path) -> io::Result<()> {
    let folder = Directory::open(state)?;
    for name in folder.names()? {
        let is_part =
            |name: &&str| name.starts_with(&format!(".{PREFIX}")) && name.ends_with(&format!("{ENDING}.part"));
        if let Some(name) = name.to_str().filter(is_part) {
            folder.remove(name)?;
        }
    }
    Ok(())
}

/// A copy of this version whose ledger ends as that of the store does now.
fn made_before(connection: &Connection, state: &Path, version: usize) -> Option<PathBuf> {
    let head = |store: &Connection| -> rusqlite::Result<(i64, Vec<u8>)> {
        store.query_row("SELECT size, root FROM tree", [], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let now = head(connection).ok()?;
    let is_same = |path: &Path| connect_to_read(path).is_ok_and(|copy| head(&copy).is_ok_and(|then| then == now));
    copies(state).into_iter().find(|(found, path)| *found == version && is_same(path)).map(|(_, path)| path)
}

/// Writes the store, as of one moment, into a new file.
pub(super) fn whole(connection: &Connection, folder: &Directory, name: &str) -> Result<(), StoreError> {
    let path = folder.path().join(name);
    let fault = |source| StoreError::Copy { path: path.clone(), source };
    // SQLite writes into a file that is there and empty, and would make one that everybody can read.
    let file = folder.create(name).map_err(fault)?;
    let text = path.to_str().ok_or_else(|| fault(io::Error::other("the path is not UTF-8")))?;
    connection.execute("VACUUM INTO ?1", [text]).map_err(|source| opening(&path, source))?;
    file.sync_all().map_err(fault)?;
    folder.sync().map_err(fault)
}

/// That the store is of a later release, and where the copies lie that this one can read.
pub(super) fn newer(state: &Path, path: PathBuf, found: usize) -> StoreError {
    let mut copies: Vec<(usize, PathBuf)> =
        copies(state).into_iter().filter(|(version, _)| *version <= schema::VERSION).collect();
    copies.sort();
    StoreError::Newer { path, found, known: schema::VERSION, copy: copies.pop().map(|(_, path)| path) }
}

/// Removes copies that were made before a migration and are older than they may become. Those that are left alone are
/// told.
pub fn forget_old(state: &Path, now: SystemTime) -> io::Result<usize> {
    let (folder, mut gone) = (Directory::open(state)?, 0);
    for (_, path) in copies(state) {
        let made = fs::symlink_metadata(&path)?.modified()?;
        let is_old = now.duration_since(made).is_ok_and(|age| age > Duration::from_secs(COPY_DAYS_MAX * 86_400));
        if let (true, Some(name)) = (is_old, path.file_name().and_then(|name| name.to_str())) {
            folder.remove(name)?;
            gone += 1;
        }
    }
    folder.sync().map(|()| gone)
}

fn copies(state: &Path) -> Vec<(usize, PathBuf)> {
    let entries = fs::read_dir(state).into_iter().flatten().flatten();
    let version = |name: &str| name.strip_prefix(PREFIX)?.strip_suffix(ENDING)?.split('-').next()?.parse().ok();
    entries.filter_map(|entry| Some((version(entry.file_name().to_str()?)?, entry.path()))).collect()
}
