//! Rows read back as the domain's values.

use std::path::PathBuf;

use rusqlite::Error::FromSqlConversionFailure;
use rusqlite::Row;
use rusqlite::types::Type;

use super::columns::{At, Count, Day, Json, Place};
use crate::domain::{Answered, Consignment, Delivery, Naming, Submission, SubmissionKey, Workbook};
use crate::store::{Alarm, Received};

/// The columns of [`consignment`], in its order.
pub(super) const CONSIGNMENT: &str =
    "id, source, authority, received_at, sealed_digest, sealed_bytes, revision, standing, signer";

pub(super) fn consignment(row: &Row<'_>) -> rusqlite::Result<Consignment> {
    Ok(Consignment {
        id: row.get(0)?,
        source: row.get(1)?,
        authority: row.get(2)?,
        received_at: row.get::<_, At>(3)?.0,
        sealed_digest: row.get(4)?,
        sealed_bytes: row.get::<_, Count>(5)?.0,
        revision: row.get(6)?,
        standing: row.get::<_, Json<_>>(7)?.0,
        signer: row.get(8)?,
    })
}

/// The columns of [`received`], in its order, for each consignment and kind.
pub(super) const RECEIVED: &str = "consignment.id, received_at, standing, delivery.kind, count(DISTINCT delivery.part)";

pub(super) fn received(row: &Row<'_>) -> rusqlite::Result<Received> {
    Ok(Received {
        id: row.get(0)?,
        at: row.get::<_, At>(1)?.0,
        standing: row.get::<_, Json<_>>(2)?.0,
        kind: row.get(3)?,
        parts: row.get::<_, Count>(4)?.0,
    })
}

/// A delivered file's path.
pub(super) type FinalPath = Place<PathBuf>;

/// The columns of [`delivery`], in its order.
pub(super) const DELIVERY: &str =
    "id, consignment, part, kind, digest, bytes, destination, path, place, published, naming";

pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        consignment: row.get(1)?,
        part: row.get(2)?,
        kind: row.get(3)?,
        digest: row.get(4)?,
        bytes: row.get::<_, Count>(5)?.0,
        destination: row.get(6)?,
        path: row.get::<_, Place<PathBuf>>(7)?.0,
        place: row.get(8)?,
        published: row.get(9)?,
        naming: Naming::read(row.get::<_, Option<String>>(10)?.as_deref()),
    })
}

/// From the first three columns: kind, authority, and the month with the workbook's, if it is about an earlier one.
pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<SubmissionKey> {
    let text = format!("{}/{}/{}", row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?);
    text.parse().map_err(|error| FromSqlConversionFailure(2, Type::Text, Box::new(error)))
}

/// The columns of [`submission`], in its order.
pub(super) const SUBMISSION: &str =
    "kind, authority, month, extract_from, transfer_on, revision, stage, sealed, ordered_at, resent_at, sent_at";

pub(super) fn submission(row: &Row<'_>) -> rusqlite::Result<Submission> {
    Ok(Submission {
        key: key(row)?,
        extract_from: row.get::<_, Option<Day>>(3)?.map(|day| day.0),
        transfer_on: row.get::<_, Day>(4)?.0,
        revision: row.get(5)?,
        stage: row.get::<_, Json<_>>(6)?.0,
        sealed: row.get::<_, Option<Json<_>>>(7)?.map(|json| json.0),
        ordered: row.get::<_, Option<At>>(8)?.map(|at| at.0),
        resent: row.get::<_, Option<At>>(9)?.map(|at| at.0),
        sent: row.get::<_, Option<At>>(10)?.map(|at| at.0),
    })
}

/// The columns of [`answered`], in its order.
pub(super) const ANSWERED: &str = "answer.kind, answer.authority, answer.month, consignment.id, consignment.source, \
     answer.answer, answer.status, answer.earlier, consignment.received_at";

pub(super) fn answered(row: &Row<'_>) -> rusqlite::Result<Answered> {
    Ok(Answered {
        key: key(row)?,
        transfer: row.get(3)?,
        source: row.get(4)?,
        answer: row.get::<_, Json<_>>(5)?.0,
        status: row.get(6)?,
        earlier: row.get(7)?,
        at: row.get::<_, At>(8)?.0,
    })
}

/// The columns of [`workbook`], in its order.
pub(super) const WORKBOOK: &str = "workbook.authority, workbook.month, workbook.consignment, workbook.delivery, \
     delivery.path, consignment.received_at, workbook.opened_at, workbook.closed_at, delivery.naming";

pub(super) fn workbook(row: &Row<'_>) -> rusqlite::Result<Workbook> {
    let path: PathBuf = row.get::<_, Place<PathBuf>>(4)?.0;
    Ok(Workbook {
        authority: row.get(0)?,
        month: row.get(1)?,
        transfer: row.get(2)?,
        delivery: row.get(3)?,
        file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        naming: Naming::read(row.get::<_, Option<String>>(8)?.as_deref()),
        received_at: row.get::<_, At>(5)?.0,
        opened_at: row.get::<_, At>(6)?.0,
        closed_at: row.get::<_, Option<At>>(7)?.map(|at| at.0),
    })
}

/// The columns of [`alarm`], in its order.
pub(super) const ALARM: &str = "about, code, says, next, since";

pub(super) fn alarm(row: &Row<'_>) -> rusqlite::Result<Alarm> {
    Ok(Alarm {
        about: row.get(0)?,
        code: row.get(1)?,
        says: row.get(2)?,
        next: row.get(3)?,
        since: row.get::<_, At>(4)?.0,
    })
}
