//! What a person may order, and how an order is carried out.
//!
//! Holds: every order is a ledger entry before it takes effect, under the account that gave it; a refused one too.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::ledger::{Event, Facts};
use crate::domain::timetable::InForce;
use crate::domain::{
    Actor, ConsignmentId, Digest, Fingerprint, HeldSubject, PartnerName, ReturnOrder, Standing, SubmissionKey,
    WorkbookName,
};
use crate::effects::clock::Clock;
use crate::effects::pgp::{KeyAlgorithm, KeyRing};
use crate::store::{Change, Queries, RecordError, Recorder, StateChange};

mod privacy;
mod returns;
mod timetables;
mod workbooks;

pub use privacy::{PartName, TransferNames};
pub use timetables::{Ruling, RulingFault, differing, fewer, judge, unruled};

/// How long a key of our own is good for: two years, so that one rotation a year overlaps.
const OWN_KEY_VALID: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

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
    /// Pin a partner's certificate.
    Trust {
        /// For whom.
        partner: PartnerName,
        /// The certificate's bytes.
        certificate: Vec<u8>,
        /// The fingerprint the person has compared.
        fingerprint: Fingerprint,
    },
    /// Make a key of our own.
    GenerateKey {
        /// `rsa3072` or `curve25519`.
        algorithm: OwnKeyAlgorithm,
        /// What the key is called.
        user_id: String,
    },
}

/// What kind of key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OwnKeyAlgorithm {
    /// Read by every OpenPGP program.
    Rsa3072,
    /// Smaller and faster; read by current programs.
    Curve25519,
}

/// What an order did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// In one sentence.
    pub says: String,
    /// The key or certificate concerned.
    pub fingerprint: Option<Fingerprint>,
    /// The names that were asked for, to whom may read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<TransferNames>,
}

impl Done {
    fn saying(says: String) -> Done {
        Done { says, fingerprint: None, names: None }
    }
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It does not fit what is there.
    #[error("{0}")]
    Unfit(String),
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
            Refused::Unfit(_) => true,
            Refused::Unfinished(_) | Refused::Record(_) | Refused::Query(_) => false,
        }
    }
}

/// Carries out orders.
pub struct Operator {
    /// The one write path.
    pub recorder: Arc<dyn Recorder>,
    /// Reading what was recorded.
    pub queries: Arc<dyn Queries>,
    /// Own keys and partners' certificates.
    pub keys: Arc<KeyRing>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The timetables in force; one that is activated is taken up at once.
    pub timetables: InForce,
}

impl Operator {
    /// Records the order and carries it out; records its refusal otherwise.
    pub fn execute(&self, actor: &Actor, order: &Order) -> Result<Done, Refused> {
        let done = self.carry_out(actor, order);
        // Somebody else, such as an attempt to send, moved it meanwhile: judged once more by how it stands now.
        let done = match done {
            Err(Refused::Record(RecordError::Stale { .. })) => self.carry_out(actor, order),
            other => other,
        };
        if let Err(Refused::Unfit(_)) = &done {
            let about = Some(order.word().to_owned());
            let mut facts = Facts { about, ..Facts::default() };
            match order {
                Order::Retry { transfer, .. } => facts.transfer = Some(*transfer),
                Order::Return { key, .. } => facts.submission = Some(key.to_string()),
                Order::Trust { fingerprint, .. } => facts.fingerprint = Some(fingerprint.clone()),
                Order::CloseWorkbook { workbook, .. } => {
                    (facts.authority, facts.workbook) = (Some(workbook.authority.clone()), Some(workbook.month));
                }
                Order::ActivateTimetable { text, .. } => facts.content = Some(Digest::of(text.as_bytes())),
                Order::ReadNames { transfer, .. } => facts.transfer = Some(*transfer),
                Order::PlaceHold { on, .. } | Order::LiftHold { on, .. } => facts = privacy::about(on, facts),
                Order::GenerateKey { .. } => {}
            }
            self.record(actor, Event::OrderRefused, facts, StateChange::None)?;
        }
        done
    }

    fn carry_out(&self, actor: &Actor, order: &Order) -> Result<Done, Refused> {
        match order {
            Order::Retry { transfer, by, reason } => self.retry(actor, transfer, by.as_deref(), reason),
            Order::Return { key, decision, by, reason } => self.decide(actor, key, *decision, by.as_deref(), reason),
            Order::CloseWorkbook { workbook, by, reason } => self.close(actor, workbook, by.as_deref(), reason),
            Order::ActivateTimetable { text, accept, by, reason } => {
                self.activate(actor, text, accept, by.as_deref(), reason)
            }
            Order::ReadNames { transfer, by, reason } => self.read_names(actor, transfer, by.as_deref(), reason),
            Order::PlaceHold { on, by, reason } => self.place_hold(actor, on, by.as_deref(), reason),
            Order::LiftHold { on, by, reason } => self.lift_hold(actor, on, by.as_deref(), reason),
            Order::Trust { partner, certificate, fingerprint } => self.trust(actor, partner, certificate, fingerprint),
            Order::GenerateKey { algorithm, user_id } => self.generate(actor, *algorithm, user_id),
        }
    }

    fn retry(&self, actor: &Actor, id: &ConsignmentId, by: Option<&str>, reason: &str) -> Result<Done, Refused> {
        let Some((consignment, _)) = self.queries.consignment(id)? else {
            return Err(Refused::Unfit(format!("there is no transfer {id}; `hbcourier held list` shows what waits")));
        };
        if !matches!(consignment.standing, Standing::Held { .. }) {
            let word = consignment.standing.word();
            return Err(Refused::Unfit(format!("transfer {id} is {word}, not held; there is nothing to retry")));
        }
        if reason.trim().is_empty() {
            return Err(Refused::Unfit(NO_REASON.to_owned()));
        }
        let (about, why) = (by.map(str::to_owned), Some(reason.to_owned()));
        let facts = Facts { transfer: Some(*id), about, why, ..Facts::default() };
        let state = StateChange::Consignment {
            id: *id,
            expect: consignment.revision,
            standing: Standing::Collected { at: self.clock.now() },
            deliveries: None,
            authority: None,
            accepts: Vec::new(),
            signer: None,
        };
        self.record(actor, Event::RetryOrdered, facts, state)?;
        Ok(Done::saying(format!("Transfer {id} is tried again from the start.")))
    }

    fn trust(
        &self,
        actor: &Actor,
        partner: &PartnerName,
        certificate: &[u8],
        fingerprint: &Fingerprint,
    ) -> Result<Done, Refused> {
        let facts =
            Facts { fingerprint: Some(fingerprint.clone()), about: Some(partner.to_string()), ..Facts::default() };
        self.record(actor, Event::TrustOrdered, facts.clone(), StateChange::None)?;
        let trusted = self.keys.trust(partner, certificate, Some(fingerprint), self.clock.now());
        let trusted = trusted.map_err(|error| Refused::Unfit(with_causes(&error)))?;
        self.record(actor, Event::KeyTrusted, facts, StateChange::None)?;
        let how = if trusted.renewed { "renewed" } else { "trusted" };
        let says = format!("Certificate {fingerprint} of {partner} is {how}.");
        Ok(Done { fingerprint: Some(fingerprint.clone()), ..Done::saying(says) })
    }

    fn generate(&self, actor: &Actor, algorithm: OwnKeyAlgorithm, user_id: &str) -> Result<Done, Refused> {
        let kind = match algorithm {
            OwnKeyAlgorithm::Rsa3072 => KeyAlgorithm::Rsa3072,
            OwnKeyAlgorithm::Curve25519 => KeyAlgorithm::Curve25519,
        };
        let own = self.keys.generate(user_id, kind, self.clock.now(), OWN_KEY_VALID);
        let own = own.map_err(|error| Refused::Unfit(with_causes(&error)))?;
        // Only now is there a fingerprint to record; nobody has the key's certificate before this command prints it.
        let facts = Facts { fingerprint: Some(own.fingerprint.clone()), ..Facts::default() };
        self.record(actor, Event::KeyGenerated, facts, StateChange::None)?;
        let public = self.keys.publish_own().map_err(|error| {
            let made = &own.fingerprint;
            Refused::Unfinished(format!(
                "own key {made} was made, but its certificate could not be written for giving away: {}",
                with_causes(&error)
            ))
        })?;
        let says = format!(
            "Own key {} was made. Give {} to your partners; it holds no secret. Until the older key ends, that one signs.",
            own.fingerprint,
            public.display()
        );
        Ok(Done { fingerprint: Some(own.fingerprint), ..Done::saying(says) })
    }

    fn record(&self, actor: &Actor, event: Event, facts: Facts, state: StateChange) -> Result<(), RecordError> {
        let (at, actor) = (self.clock.now(), actor.clone());
        self.recorder.record(Change { at, actor, event, facts, names: Vec::new(), state }).map(drop)
    }
}

impl Order {
    fn word(&self) -> &'static str {
        match self {
            Order::Retry { .. } => "retry",
            Order::Return { decision, .. } => decision.word(),
            Order::CloseWorkbook { .. } => "close",
            Order::ActivateTimetable { .. } => "activate-timetable",
            Order::ReadNames { .. } => "read-names",
            Order::PlaceHold { .. } => "place-legal-hold",
            Order::LiftHold { .. } => "lift-legal-hold",
            Order::Trust { .. } => "trust",
            Order::GenerateKey { .. } => "generate-key",
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut says = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        says.push_str(": ");
        says.push_str(&inner.to_string());
        cause = inner.source();
    }
    says
}
