//! Every transfer with what hangs on it, each table read once and in one order: looking each up by itself would take
//! several times as long.
//!
//! In:  a connection that stands still. Out: the rows, by id; and what hangs on no transfer at all.

use std::path::PathBuf;

use rusqlite::{Connection, Row as SqlRow, Rows};

use super::{TRANSFERS, transfer};
use crate::store::QueryError;
use crate::store::evidence::{Hanging, KeptPart, KeptVolume, Row, Subject, Visit};
use crate::store::sqlite::columns::{Count, Place};

const PARTS: &str = "SELECT consignment, id, kind, digest, bytes, destination, path, naming FROM delivery \
                     ORDER BY consignment, part, id";
const CLAIMS: &str = "SELECT consignment, authority, content FROM accepted ORDER BY consignment, content";
const VOLUMES: &str = "SELECT consignment, part, subject, count FROM volume ORDER BY consignment, part, subject";

/// Visits every transfer. Answers with something that belongs to none.
pub(super) fn each_transfer(connection: &Connection, visit: Visit<'_, Row>) -> Result<Option<String>, QueryError> {
    let mut rows = connection.prepare_cached(&format!("{TRANSFERS} ORDER BY id"))?;
    let (mut parts, mut claims, mut volumes) =
        (connection.prepare_cached(PARTS)?, connection.prepare_cached(CLAIMS)?, connection.prepare_cached(VOLUMES)?);
    let mut parts = Beside::of(parts.query([])?, part, "a part")?;
    let mut claims = Beside::of(claims.query([])?, claim, "accepted content")?;
    let mut volumes = Beside::of(volumes.query([])?, volume, "volumes")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let mut row = transfer(row)?;
        let Subject::Transfer(id) = &row.subject else { continue };
        row.hangs = Hanging { parts: parts.of_transfer(id)?, volumes: volumes.of_transfer(id)?, claims: Vec::new() };
        let authority = row.origin.as_ref().map(|origin| origin.authority.as_str());
        for (claimed_for, content) in claims.of_transfer(id)? {
            match Some(claimed_for.as_str()) == authority {
                true => row.hangs.claims.push(content),
                false => claims.is_stray(id),
            }
        }
        if visit(row)?.is_break() {
            return Ok(None);
        }
    }
    let stray = parts.end()?.or(claims.end()?).or(volumes.end()?);
    Ok(stray)
}

/// One table, read beside the transfers in their order.
struct Beside<'a, T> {
    rows: Rows<'a>,
    read: fn(&SqlRow<'_>) -> rusqlite::Result<T>,
    next: Option<(String, T)>,
    what: &'static str,
    stray: Option<String>,
}

impl<'a, T> Beside<'a, T> {
    fn of(
        rows: Rows<'a>,
        read: fn(&SqlRow<'_>) -> rusqlite::Result<T>,
        what: &'static str,
    ) -> Result<Beside<'a, T>, QueryError> {
        let mut beside = Beside { rows, read, next: None, what, stray: None };
        beside.step()?;
        Ok(beside)
    }

    /// Goes on by one row, and gives the one before.
    fn step(&mut self) -> Result<Option<(String, T)>, QueryError> {
        let next = match self.rows.next()? {
            Some(row) => Some((row.get(0)?, (self.read)(row)?)),
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// What belongs to this transfer. What comes before it belongs to none.
    fn of_transfer(&mut self, id: &str) -> Result<Vec<T>, QueryError> {
        let mut found = Vec::new();
        while self.next.as_ref().is_some_and(|(of, _)| of.as_str() <= id) {
            match self.step()? {
                Some((of, one)) if of == id => found.push(one),
                Some((of, _)) => self.is_stray(&of),
                None => break,
            }
        }
        Ok(found)
    }

    fn is_stray(&mut self, id: &str) {
        self.stray.get_or_insert_with(|| format!("{} of transfer {id}", self.what));
    }

    /// What was found to belong to no transfer, the rest included.
    fn end(mut self) -> Result<Option<String>, QueryError> {
        if let Some((of, _)) = self.step()? {
            self.is_stray(&of);
        }
        Ok(self.stray)
    }
}

fn part(row: &SqlRow<'_>) -> rusqlite::Result<KeptPart> {
    let path: Place<PathBuf> = row.get(6)?;
    Ok(KeptPart {
        delivery: row.get(1)?,
        kind: row.get(2)?,
        content: row.get(3)?,
        bytes: row.get::<_, Count>(4)?.0,
        to: row.get(5)?,
        name: path.0.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        naming: row.get(7)?,
    })
}

fn claim(row: &SqlRow<'_>) -> rusqlite::Result<(String, Vec<u8>)> {
    Ok((row.get(1)?, row.get(2)?))
}

fn volume(row: &SqlRow<'_>) -> rusqlite::Result<KeptVolume> {
    let count = row.get::<_, Option<Count>>(3)?.map(|count| count.0);
    Ok(KeptVolume { part: row.get(1)?, of: row.get(2)?, count })
}
