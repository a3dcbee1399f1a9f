//! The tree's inner nodes, so that a proof over a million entries reads a few rows and no line but its own.
//!
//! A subtree is kept once it is complete, in the order in which subtrees become complete: a new row always comes last,
//! and an entry adds less than one on average. Leaves are not kept: a line's hash is at hand.
//! Holds: everything in here follows from the lines, and is held against them by verification.

use rusqlite::{Connection, OptionalExtension};

use super::columns::Count;
use crate::domain::Digest;
use crate::domain::merkle::{Frontier, leaf};

/// How many inner nodes are complete with so many leaves.
pub(super) fn complete(leaves: u64) -> u64 {
    leaves - u64::from(leaves.count_ones())
}

/// Where the subtree of 2^`level` leaves, the `index`-th of its size, lies; `None` if it would have no place.
fn place(level: u32, index: u64) -> Option<u64> {
    let leaves = 1u64.checked_shl(level)?.checked_mul(index.checked_add(1)?)?;
    Some(complete(leaves - 1) + u64::from(level) - 1)
}

/// Adds a leaf, and keeps the subtrees that it completes.
pub(super) fn push(connection: &Connection, frontier: &mut Frontier, leaf: Digest) -> rusqlite::Result<()> {
    let mut next = complete(frontier.size());
    let mut insert = connection.prepare_cached("INSERT INTO node (place, hash) VALUES (?1, ?2)")?;
    let mut done = Ok(());
    frontier.push_with(leaf, |subtree| {
        if done.is_ok() {
            done = insert.execute((Count(next), subtree)).map(|_| ());
        }
        next += 1;
    });
    done
}

/// Makes all of them anew from the lines.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let mut lines = connection.prepare("SELECT line FROM ledger ORDER BY seq")?;
    let (mut rows, mut frontier) = (lines.query([])?, Frontier::default());
    while let Some(row) = rows.next()? {
        push(connection, &mut frontier, leaf(row.get_ref(0)?.as_blob()?))?;
    }
    Ok(())
}

/// The root of the subtree over the leaves from `index` · 2^`level` on, if it is complete.
pub(super) fn subtree(connection: &Connection, level: u32, index: u64) -> rusqlite::Result<Option<Digest>> {
    if level == 0 {
        let mut line = connection.prepare_cached("SELECT line FROM ledger WHERE seq = ?1")?;
        return line.query_row([Count(index)], |row| Ok(leaf(row.get_ref(0)?.as_blob()?))).optional();
    }
    let Some(place) = place(level, index) else { return Ok(None) };
    let mut node = connection.prepare_cached("SELECT hash FROM node WHERE place = ?1")?;
    node.query_row([Count(place)], |row| row.get(0)).optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::remark;
    use crate::store::{Queries, Recorder, SqliteStore};

    /// The root over these leaves, by growing alone.
    fn root(leaves: &[Digest]) -> Digest {
        let mut frontier = Frontier::default();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        frontier.root()
    }

    fn assert_all_kept(store: &SqliteStore, entries: usize) {
        let lines = store.queries().ledger(0, entries).unwrap();
        let leaves: Vec<Digest> = lines.iter().map(|(_, line)| leaf(line)).collect();
        assert_eq!(leaves.len(), entries);
        for level in 0..8 {
            let width = 1usize << level;
            for index in 0..=entries / width {
                let whole = leaves.get(index * width..(index + 1) * width).map(root);
                assert_eq!(store.queries().subtree(level, index as u64).unwrap(), whole, "level {level}, {index}");
            }
        }
        assert_eq!(store.queries().subtree(63, 1).unwrap(), None);
        assert_eq!(store.queries().subtree(64, 0).unwrap(), None);
        assert_eq!(store.queries().subtree(u32::MAX, u64::MAX).unwrap(), None);
    }

    #[test]
    fn every_complete_subtree_is_kept_and_no_other() {
        let state = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(state.path()).unwrap();
        for entries in 1..=70 {
            store.recorder().record(remark()).unwrap();
            if entries % 7 == 0 || entries == 64 {
                assert_all_kept(&store, entries);
            }
        }
    }

    #[test]
    fn a_store_of_an_earlier_version_gets_them_from_its_lines() {
        let state = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(state.path()).unwrap();
        for _ in 0..37 {
            store.recorder().record(remark()).unwrap();
        }
        drop(store);
        let raw = Connection::open(state.path().join("store.sqlite")).unwrap();
        raw.execute_batch("DELETE FROM node").unwrap();
        fill(&raw).unwrap();
        drop(raw);
        let store = SqliteStore::open(state.path()).unwrap();
        assert_all_kept(&store, 37);
        store.recorder().record(remark()).unwrap();
        assert_all_kept(&store, 38);
    }
}
