//! The tree's inner nodes, so that a proof over a million entries reads a few rows and no line but its own.
//!
//! A subtree is kept once it is complete, in the order in which subtrees become complete: a new row always comes last,
//! and an entry adds less than one on average. A leaf's hash lies beside its line.
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

/// Puts each line's hash where a store of an earlier version kept the tree's root as of that entry. One that was altered
/// keeps what it had, which is no hash of it, so that verification finds it.
pub(super) fn fill_leaves(connection: &Connection) -> rusqlite::Result<()> {
    let mut entries = connection.prepare("SELECT seq, line, hash FROM ledger ORDER BY seq")?;
    let mut update = connection.prepare("UPDATE ledger SET hash = ?2 WHERE seq = ?1")?;
    let (mut rows, mut frontier) = (entries.query([])?, Frontier::default());
    while let Some(row) = rows.next()? {
        let hash = leaf(row.get_ref(1)?.as_blob()?);
        frontier.push(hash);
        if row.get::<_, Digest>(2)? == frontier.root() {
            update.execute((row.get::<_, Count>(0)?, hash))?;
        }
    }
    drop(rows);
    connection.execute_batch(
        "CREATE TRIGGER ledger_is_never_rewritten BEFORE UPDATE ON ledger
         BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;",
    )
}

/// The root over the first `size` leaves, if there are that many.
pub(super) fn root_of(connection: &Connection, size: u64) -> rusqlite::Result<Option<Digest>> {
    let (mut peaks, mut before) = (Vec::new(), 0);
    for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
        let Some(peak) = subtree(connection, level, before >> level)? else { return Ok(None) };
        peaks.push(peak);
        before += 1 << level;
    }
    Ok(Frontier::restore(size, peaks).map(|frontier| frontier.root()))
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
    use crate::store::{Auditable, Queries, Recorder, SqliteStore};

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

    /// As a store of version 10 has it: beside each entry the tree's root as of it.
    #[test]
    fn hashes_take_the_place_of_roots_but_where_a_line_was_altered() {
        let state = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(state.path()).unwrap();
        for _ in 0..9 {
            store.recorder().record(remark()).unwrap();
        }
        let hashes = |raw: &Connection| -> Vec<Digest> {
            let mut hashes = raw.prepare("SELECT hash FROM ledger ORDER BY seq").unwrap();
            hashes.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let roots: Vec<Digest> =
            (1..=9).map(|size| store.queries().snapshot().unwrap().root_of(size).unwrap().unwrap()).collect();
        drop(store);
        let raw = Connection::open(state.path().join("store.sqlite")).unwrap();
        let before = hashes(&raw);
        raw.execute_batch("DROP TRIGGER ledger_is_never_rewritten").unwrap();
        for (seq, root) in (0..).zip(&roots) {
            raw.execute("UPDATE ledger SET hash = ?2 WHERE seq = ?1", (Count(seq), root)).unwrap();
        }
        raw.execute("UPDATE ledger SET line = CAST(replace(line, 'service', 'SERVICE') AS BLOB) WHERE seq = 7", ())
            .unwrap();
        fill_leaves(&raw).unwrap();
        let after = hashes(&raw);
        assert_eq!(after[..7], before[..7]);
        // From there on the tree is another one.
        assert_eq!(after[7..], roots[7..]);
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
