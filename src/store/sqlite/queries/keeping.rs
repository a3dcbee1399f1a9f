//! Reading what is kept, what was erased and what must not be.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::columns::{At, Count};
use super::super::rows;
use super::SqliteQueries;
use crate::domain::{ConsignmentId, LegalHold, Original};
use crate::store::QueryError;
use crate::store::keeping::{Keeping, Settled};

impl Keeping for SqliteQueries {
    fn settled(&self, after: Option<&(Timestamp, ConsignmentId)>, limit: usize) -> Result<Vec<Settled>, QueryError> {
        let sql = format!(
            "SELECT {}, NOT EXISTS (SELECT 1 FROM original_erased WHERE about = consignment.id), \
             NOT EXISTS (SELECT 1 FROM names_erased WHERE consignment = consignment.id), \
             EXISTS (SELECT 1 FROM workbook WHERE consignment = consignment.id AND closed_at IS NULL) \
             FROM consignment WHERE word IN ('closed', 'rejected') AND (received_at, id) > (?1, ?2) AND NOT \
             (EXISTS (SELECT 1 FROM original_erased WHERE about = consignment.id) \
             AND EXISTS (SELECT 1 FROM names_erased WHERE consignment = consignment.id)) \
             ORDER BY received_at, id LIMIT ?3",
            rows::CONSIGNMENT
        );
        let beginning = (Timestamp::MIN, String::new());
        let (at, id) = after.map_or(beginning, |(at, id)| (*at, id.to_string()));
        self.0.read(|connection| {
            let mut settled: Vec<Settled> = connection
                .prepare_cached(&sql)?
                .query_map(params![At(at), id, Count(limit as u64)], |row| {
                    Ok(Settled {
                        consignment: rows::consignment(row)?,
                        destinations: Vec::new(),
                        has_original: row.get(9)?,
                        has_names: row.get(10)?,
                        workbook_is_open: row.get(11)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            let sql = "SELECT DISTINCT destination FROM delivery WHERE consignment = ?1 ORDER BY destination";
            let mut destinations = connection.prepare_cached(sql)?;
            for one in &mut settled {
                let found = destinations.query_map([one.consignment.id], |row| row.get(0))?;
                one.destinations = found.collect::<rusqlite::Result<_>>()?;
            }
            Ok(settled)
        })
    }

    fn names_to_erase(&self, id: &ConsignmentId) -> Result<u64, QueryError> {
        self.0.read(|connection| Ok(names_to_erase(connection, id)?.len() as u64))
    }

    fn names_erased(&self, id: &ConsignmentId) -> Result<Option<u64>, QueryError> {
        self.0.read(|connection| {
            let mut entry = connection.prepare_cached("SELECT entry FROM names_erased WHERE consignment = ?1")?;
            entry.query_row([id], |row| Ok(row.get::<_, Count>(0)?.0)).optional()
        })
    }

    fn original_erased(&self, original: &Original) -> Result<Option<u64>, QueryError> {
        self.0.read(|connection| {
            let mut entry = connection.prepare_cached("SELECT entry FROM original_erased WHERE about = ?1")?;
            entry.query_row([original.to_string()], |row| Ok(row.get::<_, Count>(0)?.0)).optional()
        })
    }

    fn legal_holds(&self) -> Result<Vec<LegalHold>, QueryError> {
        self.0.read(|connection| {
            connection
                .prepare_cached("SELECT about, since, entry FROM legal_hold ORDER BY entry")?
                .query_map([], |row| {
                    Ok(LegalHold { on: row.get(0)?, since: row.get::<_, At>(1)?.0, entry: row.get::<_, Count>(2)?.0 })
                })?
                .collect()
        })
    }
}

/// The commitments to those of a transfer's names that others chose: the one at its source, and every delivered one that
/// the route's template alone did not make.
pub(in crate::store::sqlite) fn names_to_erase(
    connection: &Connection,
    id: &ConsignmentId,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut ours = connection.prepare_cached("SELECT path FROM delivery WHERE consignment = ?1 AND naming = 'ours'")?;
    let ours: Vec<String> = ours
        .query_map([id], |row| {
            let path: rows::FinalPath = row.get(0)?;
            Ok(path.0.file_name().unwrap_or_default().to_string_lossy().into_owned())
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut names = connection.prepare_cached(
        "SELECT name.commitment, clear, name.commitment = consignment.name FROM name \
         JOIN consignment ON consignment.id = name.consignment WHERE name.consignment = ?1 ORDER BY name.commitment",
    )?;
    let mut found = names.query([id])?;
    let mut chosen = Vec::new();
    while let Some(row) = found.next()? {
        let (commitment, clear, at_source): (Vec<u8>, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if at_source || !ours.contains(&clear) {
            chosen.push(commitment);
        }
    }
    Ok(chosen)
}
