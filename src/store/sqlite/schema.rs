//! The tables' history: numbered migrations, and whose file it is at all.

use rusqlite::{Connection, TransactionBehavior};

use super::nodes;

/// Marks the file as ours: `HBCo`.
const APPLICATION_ID: i64 = 0x4842_436f;

/// Brings the tree's inner nodes, which are then made from the lines there are.
const CHECKPOINTS: &str = include_str!("migrations/0008_checkpoints.sql");

/// Brings a place for each entry's hash, which is then made from its line.
const HASHES: &str = include_str!("migrations/0012_hashes.sql");

/// In order; the n-th leads to version n.
const MIGRATIONS: [&str; 13] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_ordered.sql"),
    include_str!("migrations/0003_answers.sql"),
    include_str!("migrations/0004_timetables.sql"),
    include_str!("migrations/0005_packs.sql"),
    include_str!("migrations/0007_arrivals.sql"),
    CHECKPOINTS,
    include_str!("migrations/0009_releases.sql"),
    include_str!("migrations/0010_keys.sql"),
    include_str!("migrations/0011_privacy.sql"),
    HASHES,
    include_str!("migrations/0013_hangs.sql"),
    include_str!("migrations/0014_scans.sql"),
];

/// The version this program knows.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// What lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    Empty,
    /// A store of this version.
    Version(usize),
    /// Something else's database.
    Foreign,
}

pub(super) fn found(connection: &Connection) -> rusqlite::Result<Found> {
    let mark: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (mark, usize::try_from(version)) {
        (0, Ok(0)) if tables == 0 => Found::Empty,
        (APPLICATION_ID, Ok(version)) if version > 0 => Found::Version(version),
        _ => Found::Foreign,
    })
}

/// Leads from version `from` to [`VERSION`], each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection, from: usize) -> rusqlite::Result<()> {
    for (before, step) in MIGRATIONS.iter().enumerate().skip(from) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        if *step == CHECKPOINTS {
            nodes::fill(&transaction)?;
        }
        if *step == HASHES {
            nodes::fill_leaves(&transaction)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", i64::try_from(before + 1).unwrap_or(i64::MAX))?;
        transaction.commit()?;
    }
    Ok(())
}
