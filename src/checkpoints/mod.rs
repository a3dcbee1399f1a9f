//! Checkpoints: the ledger's head, signed, and taken to where nobody here can alter it.
//!
//! In:  the store, the ledger's key, who keeps checkpoints elsewhere, the time. Out: signed heads, kept in the store, and
//! each with its proof at every recipient.
//! A checkpoint is made daily, and at once when something that matters was recorded; only the latest leaves.
//! Holds: what was signed is remembered by the key before it is recorded, and recorded before it leaves; a ledger that does
//! not continue the last checkpoint is not signed, and stops the service.

mod due;
mod leaving;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::checkpoint::{NoteFault, SignedCheckpoint};
use crate::domain::ledger::{Event, Facts};
use crate::domain::merkle::proof::consistency;
use crate::domain::{Actor, RecipientName};
use crate::durable::step;
use crate::effects::audit_folder::AuditFolder;
use crate::effects::clock::Clock;
use crate::effects::courier::smtp::SmtpCourier;
use crate::effects::ledger_key::{LedgerKey, Unsigned};
use crate::store::{Auditable, Change, Queries, QueryError, RecordError, Recorder, StateChange, holds};

pub use crate::store::KeptCheckpoint;
pub use due::Watch;

/// What checkpoints are made by, and where they go.
pub struct Checkpoints {
    /// The one write path.
    pub recorder: Arc<dyn Recorder>,
    /// Reading the store.
    pub queries: Arc<dyn Queries>,
    /// What signs.
    pub key: LedgerKey,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who keeps checkpoints elsewhere.
    pub recipients: Vec<Recipient>,
    /// One at a time.
    pub making: Mutex<()>,
}

/// Somebody who keeps checkpoints elsewhere.
pub struct Recipient {
    /// As configured.
    pub name: RecipientName,
    /// How they get there.
    pub way: Way,
}

/// How checkpoints get to somebody.
pub enum Way {
    /// Into a folder.
    Folder(AuditFolder),
    /// By mail, to an address.
    Mail(Box<SmtpCourier>, String),
}

/// On whose word a checkpoint is made.
pub struct Ordered<'a> {
    /// Who caused it.
    pub actor: &'a Actor,
    /// On whose behalf, as the person says.
    pub by: Option<&'a str>,
    /// The person's reason.
    pub why: Option<&'a str>,
}

impl Ordered<'_> {
    /// Of the service's own accord.
    pub const BY_ITSELF: Ordered<'static> = Ordered { actor: &Actor::Service, by: None, why: None };
}

/// Why no checkpoint was made.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    /// There is nothing yet to sign.
    #[error("the ledger has no entry yet")]
    Empty,
    /// The key did not sign.
    #[error("the checkpoint was not signed: {0}")]
    Unsigned(#[from] Unsigned),
    /// What was signed last cannot be read again.
    #[error("the checkpoint that was signed last cannot be recorded: {0}")]
    Lost(#[from] NoteFault),
    /// A test ended it, or the disk.
    #[error("the checkpoint was signed and not recorded: {0}")]
    Step(#[from] std::io::Error),
    /// It could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Unmade {
    /// Whether the service must stop: the ledger is another one, or can no longer be read or written.
    pub fn is_critical(&self) -> bool {
        match self {
            Unmade::Unsigned(unsigned) => unsigned.is_other_ledger(),
            Unmade::Record(_) | Unmade::Query(_) => true,
            Unmade::Empty | Unmade::Lost(_) | Unmade::Step(_) => false,
        }
    }
}

impl Checkpoints {
    /// At every start, before anything is recorded: the ledger against its own roots and what was signed. The inner fault
    /// says in one sentence what is wrong. Looks at every line.
    pub fn hold(&self, ledger: &dyn Auditable) -> Result<Result<(), String>, QueryError> {
        let last = self.key.last();
        if let Err(says) = holds(ledger, self.key.vkey(), last.as_ref())? {
            return Ok(Err(says));
        }
        if let Some(says) = self.is_behind()? {
            return Ok(Err(says));
        }
        // The note of what was signed last is lost: the store's latest, which is good, takes its place.
        if last.is_none()
            && let Some(kept) = self.queries.latest_checkpoint()?
            && let Ok(signed) = self.key.vkey().verify(&kept.note)
        {
            tracing::warn!(
                size = kept.size,
                "What the ledger's key signed last is taken from the store: its own note was not there"
            );
            if let Err(error) = self.key.recall(&signed) {
                return Ok(Err(format!("what was signed last could not be noted down: {error}")));
            }
        }
        Ok(Ok(()))
    }

    /// Whether a checkpoint left to a folder that can be read now which is over more entries than there are. Checkpoints that
    /// a restore knew of count no more.
    fn is_behind(&self) -> Result<Option<String>, QueryError> {
        let lost = self.key.known_lost().map_err(|error| QueryError(format!("keys/ledger.lost: {error}")))?;
        let entries = self.queries.head()?.entries.max(lost);
        for recipient in &self.recipients {
            let Way::Folder(folder) = &recipient.way else { continue };
            let Ok(Some(note)) = folder.latest() else { continue };
            let Ok(signed) = self.key.vkey().verify(&note) else { continue };
            let size = signed.checkpoint().size;
            if size > entries {
                return Ok(Some(format!(
                    "a checkpoint over {size} entries left to {}, and there are {entries}: this is an older copy. If nothing \
                     later is left, restore it with `hbcourier restore`, which records what is lost",
                    recipient.name
                )));
            }
        }
        Ok(None)
    }

    /// Signs the ledger as it stands, and keeps the note.
    pub fn make(&self, ordered: &Ordered<'_>) -> Result<KeptCheckpoint, Unmade> {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.recover()?;
        let head = self.queries.head()?;
        if head.entries == 0 {
            return Err(Unmade::Empty);
        }
        let last = self.key.last();
        let from = last.as_ref().map_or(0, |last| last.size);
        let proof = if from < head.entries { consistency(&*self.queries, from, head.entries)? } else { Vec::new() };
        let signed = self.key.sign(last.as_ref(), head.entries, head.root, &proof)?;
        self.record(ordered, &signed)
    }

    /// Signed, remembered, and not recorded before a crash: recorded now, so that no signature is unaccounted for.
    fn recover(&self) -> Result<(), Unmade> {
        let latest = self.queries.latest_checkpoint()?;
        let unrecorded = self.key.last().filter(|last| latest.is_none_or(|kept| kept.size < last.size));
        let note = match unrecorded {
            Some(last) if last.origin == self.key.vkey().name() => self.key.last_note()?,
            _ => None,
        };
        match note {
            Some(note) => self.record(&Ordered::BY_ITSELF, &self.key.vkey().verify(&note)?).map(drop),
            None => Ok(()),
        }
    }

    fn record(&self, ordered: &Ordered<'_>, signed: &SignedCheckpoint) -> Result<KeptCheckpoint, Unmade> {
        let at = self.clock.now();
        let (about, why) = (ordered.by.map(str::to_owned), ordered.why.map(str::to_owned));
        let facts = Facts { about, why, ..Facts::default() };
        let state = StateChange::Checkpoint { signed: signed.clone(), vkey: self.key.vkey().clone() };
        let actor = ordered.actor.clone();
        let recorded = self.recorder.record(Change {
            at,
            actor,
            event: Event::CheckpointMade,
            facts,
            names: Vec::new(),
            state,
        })?;
        step("checkpoint.recorded")?;
        let checkpoint = signed.checkpoint();
        tracing::info!(size = checkpoint.size, root = %checkpoint.root, "Signed a checkpoint of the ledger");
        let note = signed.note().to_owned();
        Ok(KeptCheckpoint { size: checkpoint.size, root: checkpoint.root, note, at, entry: recorded.seq })
    }
}
