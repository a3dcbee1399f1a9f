//! Approvals and releases in their tables: written by the writer, read by everybody.
//!
//! Holds: what is approved is held at this moment; a release rests on another person's approval that is in the table. Both
//! end when the transfer moves: a release with its delivery, or when it is held anew or rejected.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::apply::Refusal;
use super::columns::{At, Count, Json};
use crate::domain::release::{Approval, Approved, Recorded};
use crate::domain::{Actor, ConsignmentId, Release, Revision, Standing, Waiver};
use crate::store::{Change, RecordError};

/// The columns of [`approval`], in its order.
pub(super) const APPROVAL: &str = "uid, name, at, sealed, waives, policy, entry";

pub(super) fn approval(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    let of = Approved { sealed: row.get(3)?, waives: row.get::<_, Json<_>>(4)?.0, policy: row.get(5)? };
    let approval = Approval { uid: row.get(0)?, name: row.get(1)?, at: row.get::<_, At>(2)?.0, of };
    Ok(Recorded { approval, entry: row.get::<_, Count>(6)?.0 })
}

pub(super) fn approvals(connection: &Connection, id: &ConsignmentId) -> rusqlite::Result<Vec<Recorded>> {
    let sql = format!("SELECT {APPROVAL} FROM approval WHERE consignment = ?1 ORDER BY entry");
    connection.prepare_cached(&sql)?.query_map([id], approval)?.collect()
}

pub(super) fn release(connection: &Connection, id: &ConsignmentId) -> rusqlite::Result<Option<Release>> {
    connection
        .prepare_cached("SELECT waives, entry FROM release WHERE consignment = ?1")?
        .query_row([id], |row| Ok(Release { waives: row.get::<_, Json<_>>(0)?.0, entry: row.get::<_, Count>(1)?.0 }))
        .optional()
}

/// Keeps a person's approval of what is held at this revision. The row gets a new one, so that of two approvals at one
/// time the later one meets the earlier.
pub(super) fn approve(
    connection: &Connection,
    change: &Change,
    (id, expect): (&ConsignmentId, Revision),
    of: &Approved,
    entry: u64,
) -> Result<Revision, Refusal> {
    let what = || format!("transfer {id}");
    let Approval { uid, name, at, of } = by_person(change, of, what())?;
    let next = Revision(expect.0 + 1);
    let moved = connection
        .prepare_cached("UPDATE consignment SET revision = ?3 WHERE id = ?1 AND revision = ?2 AND word = 'held'")?
        .execute(params![id, expect, next])?;
    if moved == 0 {
        return Err(RecordError::Stale { what: what() }.into());
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO approval VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![id, uid, name, At(at), of.sealed, Json(&of.waives), of.policy, Count(entry)])?;
    Ok(next)
}

/// The first person's approval that the change's own person agrees with, or the change is not made.
pub(super) fn agreed(
    connection: &Connection,
    change: &Change,
    id: &ConsignmentId,
    of: &Approved,
    first: u64,
) -> Result<(), Refusal> {
    let what = format!("transfer {id} by one person's approval");
    let second = by_person(change, of, what.clone())?;
    let given = approvals(connection, id)?;
    let agrees = |one: &Recorded| one.entry == first && one.approval.agrees_with(&second);
    if given.iter().any(agrees) { Ok(()) } else { Err(not_allowed(what)) }
}

/// Notes that the transfer carries a release from now on.
pub(super) fn carry(connection: &Connection, id: &ConsignmentId, waives: &Waiver, entry: u64) -> Result<(), Refusal> {
    let mut insert = connection.prepare_cached("INSERT INTO release VALUES (?1, ?2, ?3)")?;
    insert.execute(params![id, Json(waives), Count(entry)])?;
    Ok(())
}

/// What ends as the transfer moves there: every approval, and unless it is on its way to be delivered its release too.
pub(super) fn end(connection: &Connection, id: &ConsignmentId, to: &Standing) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM approval WHERE consignment = ?1")?.execute([id])?;
    let is_on_its_way = match to {
        Standing::Staged { .. } | Standing::Deferred { .. } => true,
        Standing::Collected { .. }
        | Standing::Held { .. }
        | Standing::Delivered { .. }
        | Standing::Closed { .. }
        | Standing::Matched { .. }
        | Standing::Rejected { .. } => false,
    };
    if !is_on_its_way {
        connection.prepare_cached("DELETE FROM release WHERE consignment = ?1")?.execute([id])?;
    }
    Ok(())
}

fn by_person(change: &Change, of: &Approved, what: String) -> Result<Approval, Refusal> {
    match &change.actor {
        Actor::Account { uid, name } => Ok(Approval { uid: *uid, name: name.clone(), at: change.at, of: of.clone() }),
        Actor::Service => Err(not_allowed(what)),
    }
}

fn not_allowed(what: String) -> Refusal {
    RecordError::NotAllowed { what, from: "held", to: "released" }.into()
}
