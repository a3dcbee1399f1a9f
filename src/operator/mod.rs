//! What a person may order, and how an order is carried out.
//!
//! Holds: every order is a ledger entry before it takes effect, under the account that gave it; a refused one too.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::checkpoints::Checkpoints;
use crate::domain::ledger::{Event, Facts};
use crate::domain::timetable::InForce;
use crate::domain::{Actor, ConsignmentId, Digest, Fingerprint, HeldSubject, ReturnOrder, SubmissionKey, WorkbookName};
use crate::effects::clock::Clock;
use crate::effects::pgp::KeyRing;
use crate::effects::spool::Spool;
use crate::store::{Change, Queries, RecordError, Recorder, StateChange};

mod checkpoint;
mod keys;
pub mod people;
pub mod permission;
mod privacy;
mod quarantine;
mod returns;
mod timetables;
mod upkeep;
mod workbooks;

pub use keys::{Accepted, AcceptedTransfer, KeyOrder, KeysDone, OwnKeyAlgorithm, accepted_since, key_rules};
pub use people::{People, Person};
pub use permission::{Denial, Look, OrderKind};
pub use privacy::{PartName, TransferNames};
use quarantine::Shown;
pub use timetables::{Ruling, RulingFault, differing, fewer, judge, unruled};

/// Why an order without a reason is refused.
const NO_REASON: &str = "an order needs a reason that the auditor can read; say it with `--reason`";

/// An order by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "order")]
pub enum Order {
    /// Try a held transfer again from the start.
    Retry {
        /// Which one.
        transfer: ConsignmentId,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Never deliver a held transfer.
    Reject {
        /// Which one.
        transfer: ConsignmentId,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Approve the release of a held transfer; it takes two people.
    Approve {
        /// Which one.
        transfer: ConsignmentId,
        /// SHA-256 of the sealed bytes, as they were shown.
        digest: Digest,
        /// The code of the reason it was shown to be held for.
        code: String,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Decide about a return.
    Return {
        /// Which one.
        key: SubmissionKey,
        /// What is decided.
        decision: ReturnOrder,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Return an MI workbook no more.
    CloseWorkbook {
        /// Which one.
        workbook: WorkbookName,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Put a timetable into force.
    ActivateTimetable {
        /// The text of its file.
        text: String,
        /// The findings against it that a person has ruled on.
        #[serde(default)]
        accept: Vec<Ruling>,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Show the names that others gave to a transfer's files.
    ReadNames {
        /// Which one.
        transfer: ConsignmentId,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Erase nothing of this until it is lifted.
    PlaceHold {
        /// Of what.
        on: HeldSubject,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Erase it again when its time has come.
    LiftHold {
        /// What.
        on: HeldSubject,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Decide about keys.
    Keys(KeyOrder),
    /// Record that a backup was made.
    BackedUp {
        /// SHA-256 of its list of files.
        manifest: Digest,
        /// How many entries the ledger in it has.
        entries: u64,
        /// The root over them.
        root: Digest,
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: Option<String>,
    },
    /// End the alarm of a backup that was restored.
    SettleRestore {
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: String,
    },
    /// Sign the ledger as it stands.
    Checkpoint {
        /// On whose behalf, as the person says.
        by: Option<String>,
        /// The person's reason.
        reason: Option<String>,
    },
}

/// What an order did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// In one sentence.
    pub says: String,
    /// The key or certificate concerned.
    pub fingerprint: Option<Fingerprint>,
    /// What an order about keys found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Box<KeysDone>>,
    /// The names that were asked for, to whom may read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<TransferNames>,
}

impl Done {
    fn saying(says: String) -> Done {
        Done { says, fingerprint: None, keys: None, names: None }
    }
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Whoever gave it has no role that may.
    #[error("{0}")]
    NotAllowed(Denial),
    /// It does not fit what is there.
    #[error("{0}")]
    Unfit(String),
    /// What it is about could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// It was begun and recorded, and could not be carried out to its end.
    #[error("{0}")]
    Unfinished(String),
    /// The store would not record it.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store could not be read.
    #[error(transparent)]
    Query(#[from] crate::store::QueryError),
}

impl Refused {
    /// Whether nothing was changed, and that is on record.
    pub fn is_recorded(&self) -> bool {
        match self {
            Refused::NotAllowed(_) | Refused::Unfit(_) => true,
            Refused::Unreadable(_) | Refused::Unfinished(_) | Refused::Record(_) | Refused::Query(_) => false,
        }
    }
}

/// Carries out orders.
pub struct Operator {
    /// The one write path.
    pub recorder: Arc<dyn Recorder>,
    /// Reading what was recorded.
    pub queries: Arc<dyn Queries>,
    /// Sealed bytes that are ours.
    pub spool: Arc<Spool>,
    /// Own keys and partners' certificates.
    pub keys: Arc<KeyRing>,
    /// SHA-256 of the settings in force; `None` while a first set-up is laid out.
    pub policy: Option<Digest>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The timetables in force; one that is activated is taken up at once.
    pub timetables: InForce,
    /// Who may do what.
    pub people: Arc<People>,
    /// What signs the ledger; `None` where nobody can order that.
    pub checkpoints: Option<Arc<Checkpoints>>,
}

impl Operator {
    /// Records the order and carries it out, if whoever gives it may; records its refusal otherwise.
    pub fn execute(&self, actor: &Actor, order: &Order) -> Result<Done, Refused> {
        let done = self.permits(actor, order).and_then(|()| self.carry_out(actor, order));
        // Somebody else, such as an attempt to send, moved it meanwhile: judged once more by how it stands now.
        let done = match done {
            Err(Refused::Record(RecordError::Stale { .. })) => self.carry_out(actor, order),
            other => other,
        };
        let code = match &done {
            Err(Refused::NotAllowed(denial)) => Some(denial.code().to_owned()),
            Err(Refused::Unfit(_)) => None,
            _ => return done,
        };
        self.record(actor, Event::OrderRefused, Facts { code, ..order.facts() }, StateChange::None)?;
        done
    }

    /// Records that somebody was refused who asked for something else than an order, such as `read`.
    pub fn record_denial(&self, person: &Person, asked: &str, denial: &Denial) -> Result<(), RecordError> {
        let (about, code) = (Some(asked.to_owned()), Some(denial.code().to_owned()));
        self.record(&person.actor(), Event::OrderRefused, Facts { about, code, ..Facts::default() }, StateChange::None)
    }

    fn carry_out(&self, actor: &Actor, order: &Order) -> Result<Done, Refused> {
        match order {
            Order::Retry { transfer, by, reason } => self.retry(actor, transfer, by.as_deref(), reason),
            Order::Reject { transfer, by, reason } => self.reject(actor, transfer, by.as_deref(), reason),
            Order::Approve { transfer, digest, code, by, reason } => {
                self.approve(actor, Shown { transfer, digest, code }, by.as_deref(), reason)
            }
            Order::Return { key, decision, by, reason } => self.decide(actor, key, *decision, by.as_deref(), reason),
            Order::CloseWorkbook { workbook, by, reason } => self.close(actor, workbook, by.as_deref(), reason),
            Order::ActivateTimetable { text, accept, by, reason } => {
                self.activate(actor, text, accept, by.as_deref(), reason)
            }
            Order::ReadNames { transfer, by, reason } => self.read_names(actor, transfer, by.as_deref(), reason),
            Order::PlaceHold { on, by, reason } => self.place_hold(actor, on, by.as_deref(), reason),
            Order::LiftHold { on, by, reason } => self.lift_hold(actor, on, by.as_deref(), reason),
            Order::Keys(order) => self.about_keys(actor, order),
            Order::BackedUp { manifest, entries, root, by, reason } => {
                let backup = upkeep::Backup { manifest, entries: *entries, root };
                self.backed_up(actor, backup, by.as_deref(), reason.as_deref())
            }
            Order::SettleRestore { by, reason } => self.settle_restore(actor, by.as_deref(), reason),
            Order::Checkpoint { by, reason } => self.checkpoint(actor, by.as_deref(), reason.as_deref()),
        }
    }

    fn record(&self, actor: &Actor, event: Event, facts: Facts, state: StateChange) -> Result<(), RecordError> {
        let (at, actor) = (self.clock.now(), actor.clone());
        self.recorder.record(Change { at, actor, event, facts, names: Vec::new(), state }).map(drop)
    }
}

impl Order {
    /// What its refusal is about.
    fn facts(&self) -> Facts {
        let mut facts = Facts { about: Some(self.word().to_owned()), ..Facts::default() };
        match self {
            Order::Retry { transfer, .. } | Order::Reject { transfer, .. } => facts.transfer = Some(*transfer),
            Order::Approve { transfer, digest, .. } => {
                (facts.transfer, facts.sealed) = (Some(*transfer), Some(*digest));
            }
            Order::Return { key, .. } => facts.submission = Some(key.to_string()),
            Order::Keys(order) => order.tell(&mut facts),
            Order::CloseWorkbook { workbook, .. } => {
                (facts.authority, facts.workbook) = (Some(workbook.authority.clone()), Some(workbook.month));
            }
            Order::ActivateTimetable { text, .. } => facts.content = Some(Digest::of(text.as_bytes())),
            Order::ReadNames { transfer, .. } => facts.transfer = Some(*transfer),
            Order::PlaceHold { on, .. } | Order::LiftHold { on, .. } => facts = privacy::about(on, facts),
            Order::Checkpoint { .. } | Order::BackedUp { .. } | Order::SettleRestore { .. } => {}
        }
        facts
    }

    /// What the ledger calls it.
    pub fn word(&self) -> &'static str {
        match self {
            Order::Retry { .. } => "retry",
            Order::Reject { .. } => "reject",
            Order::Approve { .. } => "approve",
            Order::Return { decision, .. } => decision.word(),
            Order::CloseWorkbook { .. } => "close",
            Order::ActivateTimetable { .. } => "activate-timetable",
            Order::ReadNames { .. } => "read-names",
            Order::PlaceHold { .. } => "place-legal-hold",
            Order::LiftHold { .. } => "lift-legal-hold",
            Order::Keys(order) => order.word(),
            Order::Checkpoint { .. } => "checkpoint",
            Order::BackedUp { .. } => "backup",
            Order::SettleRestore { .. } => "settle-restore",
        }
    }
}
