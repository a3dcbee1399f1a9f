//! Erasing and legal holds, inside the writer's transaction.
//!
//! Holds: nothing is erased that is not over, or under a legal hold, or erased already: whoever decided to erase it may
//! have looked before that.

use rusqlite::{OptionalExtension, params};

use super::super::columns::{At, Place};
use super::super::queries::names_to_erase;
use super::super::rows::FinalPath;
use super::{Refusal, Rows, recorded_unless_there};
use crate::domain::{ConsignmentId, DeliveryId, HeldSubject, LaNumber, Original, Revision, SubmissionKey};
use crate::store::RecordError;

impl Rows<'_> {
    /// Whatever is left of the bytes is overwritten when the tables are rewritten.
    pub(super) fn erase_names(&self, id: &ConsignmentId, told: u64) -> Result<Revision, Refusal> {
        let what = || format!("the names of transfer {id}");
        let authority = self.settled_transfer(id, what)?;
        self.is_free(&id.to_string(), &authority, what)?;
        let names = names_to_erase(self.connection, id)?;
        if names.len() as u64 != told {
            return Err(RecordError::Stale { what: what() }.into());
        }
        for commitment in names {
            self.run("DELETE FROM name WHERE commitment = ?1", params![commitment])?;
        }
        // A name that was filed elsewhere would outlive the entry that says it is gone.
        let left = "SELECT EXISTS (SELECT 1 FROM name JOIN consignment ON commitment = consignment.name WHERE id = ?1)";
        if self.statement(left)?.query_row([id], |row| row.get(0))? {
            return Err(RecordError::Stale { what: what() }.into());
        }
        let mut paths =
            self.statement("SELECT part, id, path FROM delivery WHERE consignment = ?1 AND naming IS NOT 'ours'")?;
        let paths: Vec<(u32, DeliveryId, FinalPath)> = paths
            .query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (part, delivery, Place(path)) in paths {
            let folder = path.parent().unwrap_or(&path);
            self.run(
                "UPDATE delivery SET path = ?4, naming = 'erased' WHERE consignment = ?1 AND part = ?2 AND id = ?3",
                params![id, part, delivery, Place(folder)],
            )?;
        }
        let rows = self
            .run("INSERT OR IGNORE INTO names_erased (consignment, entry) VALUES (?1, ?2)", params![id, self.entry])?;
        recorded_unless_there(rows, what)
    }

    pub(super) fn erase_original(&self, original: &Original) -> Result<Revision, Refusal> {
        let what = || format!("the original of {original}");
        let authority = match original {
            Original::Transfer(id) => self.settled_transfer(id, what)?,
            Original::Return(key) => self.settled_return(key, what)?,
        };
        self.is_free(&original.to_string(), &authority, what)?;
        let rows = self.run(
            "INSERT OR IGNORE INTO original_erased (about, entry) VALUES (?1, ?2)",
            params![original.to_string(), self.entry],
        )?;
        recorded_unless_there(rows, what)
    }

    pub(super) fn place_hold(&self, on: &HeldSubject, since: At) -> Result<Revision, Refusal> {
        let rows = self.run(
            "INSERT OR IGNORE INTO legal_hold (about, since, entry) VALUES (?1, ?2, ?3)",
            params![on, since, self.entry],
        )?;
        recorded_unless_there(rows, || format!("a legal hold on {on}"))
    }

    pub(super) fn lift_hold(&self, on: &HeldSubject) -> Result<Revision, Refusal> {
        let rows = self.run("DELETE FROM legal_hold WHERE about = ?1", params![on])?;
        recorded_unless_there(rows, || format!("the end of any legal hold on {on}"))
    }

    /// Whose a transfer is that is over.
    fn settled_transfer(&self, id: &ConsignmentId, what: impl Fn() -> String) -> Result<LaNumber, Refusal> {
        let found = self
            .statement("SELECT authority FROM consignment WHERE id = ?1 AND word IN ('closed', 'rejected')")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        found.ok_or_else(|| RecordError::Stale { what: what() }.into())
    }

    /// Whose a return is that is over.
    fn settled_return(&self, key: &SubmissionKey, what: impl Fn() -> String) -> Result<LaNumber, Refusal> {
        let found = self
            .statement(
                "SELECT authority FROM submission WHERE kind = ?1 AND authority = ?2 AND month = ?3 AND sealed IS NOT NULL \
                 AND word IN ('sent', 'acknowledged', 'waived')",
            )?
            .query_row(params![key.kind, key.authority, key.period()], |row| row.get(0))
            .optional()?;
        found.ok_or_else(|| RecordError::Stale { what: what() }.into())
    }

    /// Refuses what is under a legal hold, or whose authority is.
    fn is_free(&self, about: &str, authority: &LaNumber, what: impl Fn() -> String) -> Result<(), Refusal> {
        let mut hold = self.statement("SELECT about FROM legal_hold WHERE about IN (?1, ?2)")?;
        let held: Option<String> = hold.query_row(params![about, authority], |row| row.get(0)).optional()?;
        match held {
            Some(_) => Err(RecordError::Stale { what: format!("the legal hold on {}", what()) }.into()),
            None => Ok(()),
        }
    }
}
