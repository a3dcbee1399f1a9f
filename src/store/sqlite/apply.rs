//! What a change does to the rows, inside the writer's transaction.
//!
//! Holds: a row moves only from the revision the decision was made on, and only where the domain allows the move.

mod privacy;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::checkpoints;
use super::columns::{At, Count, Day, Json, Place};
use super::releases;
use crate::domain::ledger::{Event, VolumeFacts};
use crate::domain::submission::Sealed;
use crate::domain::{
    ConsignmentId, Delivery, DeliveryId, Digest, KeyStep, LaNumber, Notice, RelevantMonth, ReturnOrder, Revision,
    Stage, Standing, SubmissionKey, consignment, submission,
};
use crate::store::{Change, NewConsignment, RecordError, StateChange};

/// Why a change was not made.
pub(super) enum Refusal {
    /// By the rules.
    Refused(RecordError),
    /// By the database.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal::Failed(error)
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Refusal {
        Refusal::Refused(error)
    }
}

/// Makes the change that entry `seq` will tell of. The moved row's new revision; 0 where none was moved.
pub(super) fn apply(connection: &Connection, change: &Change, seq: u64) -> Result<Revision, Refusal> {
    let rows = Rows { connection, entry: Count(seq) };
    rows.name(change)?;
    match &change.state {
        StateChange::None => Ok(Revision(0)),
        StateChange::Collect(new) => rows.collect(new),
        StateChange::Consignment { id, expect, standing, deliveries, authority, accepts, signer } => {
            let revision = rows.move_consignment(id, *expect, standing)?;
            if let Some(authority) = authority {
                rows.belongs_to(id, authority)?;
            }
            // What two people let through may have none, also where an earlier attempt had.
            if signer.is_some() || matches!(standing, Standing::Staged { .. }) {
                rows.run("UPDATE consignment SET signer = ?2 WHERE id = ?1", params![id, signer])?;
            }
            if let Some(deliveries) = deliveries {
                rows.replace_deliveries(id, deliveries)?;
            }
            // What was published by then may be noted at other standings; what is in it is told with Staged alone.
            if matches!(standing, Standing::Staged { .. }) {
                rows.replace_volumes(id, &change.facts.volumes)?;
            }
            for content in accepts {
                rows.accept(id, content)?;
            }
            if matches!(standing, Standing::Rejected { .. }) {
                // A person refused it, so the partner's next sending of the same content is welcome.
                rows.run("DELETE FROM accepted WHERE consignment = ?1", params![id])?;
            }
            Ok(revision)
        }
        StateChange::Approve { id, expect, of } => releases::approve(connection, change, (id, *expect), of, seq),
        StateChange::Release { id, expect, of, first, standing } => {
            releases::agreed(connection, change, id, of, *first)?;
            let revision = rows.move_consignment(id, *expect, standing)?;
            releases::carry(connection, id, &of.waives, seq)?;
            Ok(revision)
        }
        StateChange::Answer { id, expect, standing, key, answer, status } => {
            let revision = rows.move_consignment(id, *expect, standing)?;
            rows.run(
                "INSERT OR REPLACE INTO answer (consignment, kind, authority, month, answer, status, entry) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![id, key.kind, key.authority, key.period(), Json(answer), status, rows.entry],
            )?;
            Ok(revision)
        }
        StateChange::Owe { key, extract_from, transfer_on } => rows.owe(key, extract_from.map(Day), Day(*transfer_on)),
        StateChange::Submission { key, expect, stage, sealed } => {
            let revision = rows.move_submission(key, *expect, stage)?;
            rows.note_attempts(key, stage, change)?;
            if let Some(sealed) = sealed {
                rows.keep_sealed(key, sealed)?;
            }
            Ok(revision)
        }
        StateChange::Alarm { about, notice: Some(notice) } => rows.raise(about, notice, At(change.at)),
        StateChange::Alarm { about, notice: None } => rows.clear(about),
        StateChange::OpenWorkbook { authority, month, transfer, delivery } => {
            rows.open_workbook(authority, *month, transfer, delivery, At(change.at))
        }
        StateChange::CloseWorkbook { authority, month } => rows.close_workbook(authority, *month, At(change.at)),
        StateChange::ActivateTimetable { year, text } => {
            let done = rows.run(
                "INSERT INTO timetable (entry, year, digest, text) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM \
                 (SELECT digest FROM timetable WHERE year = ?2 ORDER BY entry DESC LIMIT 1) WHERE digest = ?3)",
                params![rows.entry, year, Digest::of(text.as_bytes()), text],
            )?;
            recorded_unless_there(done, || format!("this timetable of {year}, as the one in force,"))
        }
        StateChange::Key { step, certificate } => rows.decide_about_keys(step, certificate.as_deref(), At(change.at)),
        StateChange::Checkpoint { signed, .. } => {
            let done = checkpoints::keep(connection, signed, At(change.at), rows.entry)?;
            recorded_unless_there(done, || format!("the checkpoint over {} entries", signed.checkpoint().size))
        }
        StateChange::CheckpointLeft { recipient, size } => {
            let done = checkpoints::note_left(connection, recipient, Count(*size), At(change.at), rows.entry)?;
            recorded_unless_there(done, || format!("that the checkpoint over {size} entries left to {recipient}"))
        }
        StateChange::EraseNames { id, names } => rows.erase_names(id, *names),
        StateChange::EraseOriginal { original } => rows.erase_original(original),
        StateChange::PlaceHold { on } => rows.place_hold(on, At(change.at)),
        StateChange::LiftHold { on } => rows.lift_hold(on),
        StateChange::InService { authority, from } => {
            let done = rows.run("INSERT OR IGNORE INTO in_service VALUES (?1, ?2)", params![authority, Day(*from)])?;
            recorded_unless_there(done, || format!("the first transfer date of {authority}"))
        }
    }
}

fn recorded_unless_there(rows: usize, what: impl Fn() -> String) -> Result<Revision, Refusal> {
    if rows == 0 { Err(RecordError::Exists { what: what() }.into()) } else { Ok(Revision(0)) }
}

struct Rows<'a> {
    connection: &'a Connection,
    /// The entry that tells of the change.
    entry: Count,
}

impl Rows<'_> {
    fn statement(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.statement(sql)?.execute(values)
    }

    fn name(&self, change: &Change) -> Result<(), Refusal> {
        let transfer = match &change.state {
            StateChange::Collect(new) => Some(new.consignment.id),
            StateChange::Consignment { id, .. } => Some(*id),
            _ => None,
        };
        for named in &change.names {
            // The salt is random: the same commitment is the same name.
            self.run(
                "INSERT OR IGNORE INTO name (commitment, salt, clear, entry, consignment) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![named.commitment(), named.salt(), named.clear(), self.entry, transfer],
            )?;
        }
        Ok(())
    }

    fn collect(&self, new: &NewConsignment) -> Result<Revision, Refusal> {
        let NewConsignment { consignment, native, name } = new;
        let what = || format!("transfer {}", consignment.id);
        if !matches!(consignment.standing, Standing::Collected { .. }) {
            let to = consignment.standing.word();
            return Err(RecordError::NotAllowed { what: what(), from: "a source", to }.into());
        }
        let rows = self.run(
            "INSERT OR IGNORE INTO consignment (id, source, authority, received_at, sealed_digest, sealed_bytes, native, \
             name, signer, revision, standing, word, due_at, entry) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13)",
            params![
                consignment.id,
                consignment.source,
                consignment.authority,
                At(consignment.received_at),
                consignment.sealed_digest,
                Count(consignment.sealed_bytes),
                native,
                name,
                consignment.signer,
                Json(&consignment.standing),
                consignment.standing.word(),
                consignment.standing.due_at().map(At),
                self.entry,
            ],
        )?;
        recorded_unless_there(rows, what)
    }

    fn move_consignment(&self, id: &ConsignmentId, expect: Revision, to: &Standing) -> Result<Revision, Refusal> {
        let what = || format!("transfer {id}");
        let present: Option<(Revision, Json<Standing>)> = self
            .statement("SELECT revision, standing FROM consignment WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((revision, Json(from))) = present.filter(|(revision, _)| *revision == expect) else {
            return Err(RecordError::Stale { what: what() }.into());
        };
        if !consignment::allowed(&from, to) {
            return Err(RecordError::NotAllowed { what: what(), from: from.word(), to: to.word() }.into());
        }
        let next = Revision(revision.0 + 1);
        self.run(
            "UPDATE consignment SET revision = ?2, standing = ?3, word = ?4, due_at = ?5, entry = ?6 WHERE id = ?1",
            params![id, next, Json(to), to.word(), to.due_at().map(At), self.entry],
        )?;
        releases::end(self.connection, id, to)?;
        Ok(next)
    }

    fn replace_deliveries(&self, id: &ConsignmentId, deliveries: &[Delivery]) -> Result<(), Refusal> {
        self.run("DELETE FROM delivery WHERE consignment = ?1", params![id])?;
        for delivery in deliveries {
            self.run(
                "INSERT INTO delivery (id, consignment, part, kind, digest, bytes, destination, path, place, published, \
                 naming) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    delivery.id,
                    id,
                    delivery.part,
                    delivery.kind,
                    delivery.digest,
                    Count(delivery.bytes),
                    delivery.destination,
                    Place(delivery.path.as_path()),
                    delivery.place,
                    delivery.published,
                    delivery.naming.word(),
                ],
            )?;
        }
        Ok(())
    }

    fn replace_volumes(&self, id: &ConsignmentId, volumes: &[VolumeFacts]) -> Result<(), Refusal> {
        self.run("DELETE FROM volume WHERE consignment = ?1", params![id])?;
        for VolumeFacts { part, of, count } in volumes {
            self.run("INSERT INTO volume VALUES (?1, ?2, ?3, ?4)", params![id, part, of, count.map(Count)])?;
        }
        Ok(())
    }

    fn open_workbook(
        &self,
        authority: &LaNumber,
        month: RelevantMonth,
        transfer: &ConsignmentId,
        delivery: &DeliveryId,
        at: At,
    ) -> Result<Revision, Refusal> {
        let sql = "INSERT OR IGNORE INTO workbook (authority, month, consignment, delivery, opened_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let done = self.run(sql, params![authority, month, transfer, delivery, at])?;
        recorded_unless_there(done, || format!("the workbook of {month} of {authority}"))
    }

    fn close_workbook(&self, authority: &LaNumber, month: RelevantMonth, at: At) -> Result<Revision, Refusal> {
        let sql = "UPDATE workbook SET closed_at = ?3 WHERE authority = ?1 AND month = ?2 AND closed_at IS NULL";
        let done = self.run(sql, params![authority, month, at])?;
        recorded_unless_there(done, || format!("the end of the workbook of {month} of {authority}"))
    }

    fn decide_about_keys(&self, step: &KeyStep, certificate: Option<&[u8]>, at: At) -> Result<Revision, Refusal> {
        if let KeyStep::ExceptionUsed { exception, transfer } = step {
            let sql = "INSERT OR IGNORE INTO exception_use (exception, consignment, entry) VALUES (?1, ?2, ?3)";
            let done = self.run(sql, params![Count(*exception), transfer, self.entry])?;
            return recorded_unless_there(done, || format!("the use of exception {exception} by transfer {transfer}"));
        }
        let concludes = step.concludes();
        let sql =
            "INSERT OR IGNORE INTO key_step (entry, at, step, concludes, certificate) VALUES (?1, ?2, ?3, ?4, ?5)";
        let done = self.run(sql, params![self.entry, at, Json(step), concludes.map(Count), certificate])?;
        recorded_unless_there(done, || match concludes {
            Some(entry) => format!("what became of ledger entry {entry}"),
            None => "this decision about keys".to_owned(),
        })
    }

    /// Whose it is from now on. Claims lie under the authority they were made for.
    fn belongs_to(&self, id: &ConsignmentId, authority: &LaNumber) -> Result<(), Refusal> {
        let sql = "UPDATE consignment SET authority = ?2 WHERE id = ?1 AND authority <> ?2";
        if self.run(sql, params![id, authority])? > 0 {
            self.run("DELETE FROM accepted WHERE consignment = ?1", params![id])?;
        }
        Ok(())
    }

    /// The content is its authority's, once. A consignment that is tried again meets its own claim, and keeps it.
    fn accept(&self, id: &ConsignmentId, content: &Digest) -> Result<(), Refusal> {
        self.run(
            "INSERT OR IGNORE INTO accepted (content, authority, consignment) \
             SELECT ?1, authority, id FROM consignment WHERE id = ?2",
            params![content, id],
        )?;
        let first: ConsignmentId = self
            .statement(
                "SELECT consignment FROM accepted \
                 WHERE content = ?1 AND authority = (SELECT authority FROM consignment WHERE id = ?2)",
            )?
            .query_row(params![content, id], |row| row.get(0))?;
        if first == *id { Ok(()) } else { Err(RecordError::AcceptedBefore { first, content: *content }.into()) }
    }

    fn owe(&self, key: &SubmissionKey, extract_from: Option<Day>, transfer_on: Day) -> Result<Revision, Refusal> {
        let stage = Stage::Scheduled;
        let rows = self.run(
            // A person may have closed the workbook since it was read.
            "INSERT OR IGNORE INTO submission (kind, authority, month, extract_from, transfer_on, revision, stage, word, \
             open, entry) SELECT ?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9 WHERE NOT EXISTS \
             (SELECT 1 FROM workbook WHERE authority = ?2 AND month = ?10 AND closed_at IS NOT NULL)",
            params![
                key.kind,
                key.authority,
                key.period(),
                extract_from,
                transfer_on,
                Json(&stage),
                stage.word(),
                stage.is_open(),
                self.entry,
                key.workbook,
            ],
        )?;
        recorded_unless_there(rows, || format!("return {key}"))
    }

    fn move_submission(&self, key: &SubmissionKey, expect: Revision, to: &Stage) -> Result<Revision, Refusal> {
        let what = || format!("return {key}");
        let present: Option<(Revision, Json<Stage>)> = self
            .statement("SELECT revision, stage FROM submission WHERE kind = ?1 AND authority = ?2 AND month = ?3")?
            .query_row(params![key.kind, key.authority, key.period()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((revision, Json(from))) = present.filter(|(revision, _)| *revision == expect) else {
            return Err(RecordError::Stale { what: what() }.into());
        };
        if !submission::allowed(&from, to) {
            return Err(RecordError::NotAllowed { what: what(), from: from.word(), to: to.word() }.into());
        }
        let next = Revision(revision.0 + 1);
        self.run(
            "UPDATE submission SET revision = ?4, stage = ?5, word = ?6, open = ?7, entry = ?8 \
             WHERE kind = ?1 AND authority = ?2 AND month = ?3",
            params![key.kind, key.authority, key.period(), next, Json(to), to.word(), to.is_open(), self.entry],
        )?;
        Ok(next)
    }

    fn keep_sealed(&self, key: &SubmissionKey, sealed: &Sealed) -> Result<(), Refusal> {
        self.run(
            "UPDATE submission SET sealed = ?4, content = ?5 WHERE kind = ?1 AND authority = ?2 AND month = ?3",
            params![key.kind, key.authority, key.period(), Json(sealed), sealed.content],
        )?;
        Ok(())
    }

    /// What a new attempt, an order to send and the policy's decision leave beside the stage.
    fn note_attempts(&self, key: &SubmissionKey, stage: &Stage, change: &Change) -> Result<(), Refusal> {
        let set = |sql: &str| self.run(sql, params![key.kind, key.authority, key.period(), At(change.at)]);
        if matches!(stage, Stage::Sending { .. }) {
            // What came back was about the attempt before.
            self.run(
                "UPDATE answer SET earlier = 1 WHERE kind = ?1 AND authority = ?2 AND month = ?3",
                params![key.kind, key.authority, key.period()],
            )?;
        }
        if matches!(stage, Stage::Sent { .. }) {
            set("UPDATE submission SET sent_at = ?4 WHERE kind = ?1 AND authority = ?2 AND month = ?3")?;
        }
        let by_policy = change.event == Event::ResentByPolicy;
        if by_policy {
            set("UPDATE submission SET resent_at = ?4 WHERE kind = ?1 AND authority = ?2 AND month = ?3")?;
        }
        if by_policy || change.facts.order == Some(ReturnOrder::Resend) {
            set("UPDATE submission SET ordered_at = ?4 WHERE kind = ?1 AND authority = ?2 AND month = ?3")?;
        }
        Ok(())
    }

    /// An alarm that is raised already in the same words is not raised again: the ledger would fill with it.
    fn raise(&self, about: &str, notice: &Notice, since: At) -> Result<Revision, Refusal> {
        let rows = self.run(
            "INSERT INTO alarm (about, code, says, next, since) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (about) DO \
             UPDATE SET code = ?2, says = ?3, next = ?4, since = ?5 WHERE code <> ?2 OR says <> ?3",
            params![about, notice.code, notice.says, notice.next, since],
        )?;
        recorded_unless_there(rows, || format!("the alarm {} about {about}", notice.code))
    }

    fn clear(&self, about: &str) -> Result<Revision, Refusal> {
        let rows = self.run("DELETE FROM alarm WHERE about = ?1", params![about])?;
        recorded_unless_there(rows, || format!("the end of any alarm about {about}"))
    }
}
