//! Whether a store may be worked on: asked at every start, before anything is written.
//!
//! Cheap beside [`verify`](crate::store::verify()): the database's own check, the tree's head, and the last entries.

use rusqlite::Connection;

use super::columns::Count;
use crate::domain::Digest;
use crate::domain::ledger::Entry;
use crate::domain::merkle::{Frontier, leaf};

/// At most this many entries at the end are hashed again. A power of two: they are then whole subtrees of the tree.
const TAIL_MAX: u64 = 256;

/// The database's own check. `Some` says what is wrong.
pub(super) fn pages(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

/// The tree as stored, if head and last entries agree with it; else what is wrong.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Result<Frontier, String>> {
    let (frontier, root) = match stored_tree(connection)? {
        Ok(stored) => stored,
        Err(says) => return Ok(Err(says)),
    };
    if frontier.root() != root {
        return Ok(Err("the head of the ledger does not fit its tree".into()));
    }
    let size = frontier.size();
    let (count, last): (Count, Option<Count>) =
        connection.query_row("SELECT count(*), max(seq) FROM ledger", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if count.0 != size || last.map_or(0, |last| last.0.saturating_add(1)) != size {
        return Ok(Err(format!("the ledger has {} entries, but its head counts {size}", count.0)));
    }
    let first = match size % TAIL_MAX {
        0 => size.saturating_sub(1),
        tail => size - tail,
    };
    let mut tail = Frontier::default();
    let mut entries = connection.prepare("SELECT seq, line, hash FROM ledger WHERE seq >= ?1 ORDER BY seq")?;
    let mut rows = entries.query([Count(first)])?;
    while let Some(row) = rows.next()? {
        let (seq, line): (Count, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if !matches!(Entry::read(&line), Ok(entry) if entry.seq == seq.0) {
            return Ok(Err(format!("entry {} of the ledger cannot be read as such", seq.0)));
        }
        let hash = leaf(&line);
        if row.get::<_, Digest>(2)? != hash {
            return Ok(Err(format!("entry {} of the ledger is not the one that was recorded", seq.0)));
        }
        tail.push(hash);
    }
    if size % TAIL_MAX != 0 && !frontier.peaks().ends_with(tail.peaks()) {
        return Ok(Err(format!("an entry from {first} on is not the one that was recorded")));
    }
    Ok(Ok(frontier))
}

fn stored_tree(connection: &Connection) -> rusqlite::Result<Result<(Frontier, Digest), String>> {
    let (size, peaks, root): (Count, Vec<u8>, Digest) =
        connection
            .query_row("SELECT size, peaks, root FROM tree", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (whole, rest) = peaks.as_chunks::<32>();
    let peaks = whole.iter().copied().map(Digest::from_bytes).collect();
    let frontier = if rest.is_empty() { Frontier::restore(size.0, peaks) } else { None };
    Ok(frontier.map(|frontier| (frontier, root)).ok_or_else(|| "the ledger's tree is incomplete".to_owned()))
}
