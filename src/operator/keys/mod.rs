//! What may be ordered about keys: own ones made, taken in and retired; partners' certificates proposed, trusted and
//! retired; exceptions from the rules about algorithms.
//!
//! In:  an order, the account that gave it, the keys, the ledger. Out: entries, and the key ring judging by them.
//! Holds: what opens something up (a certificate, an exception) takes two people where keymasters are configured; what
//! closes something (a retirement, an exception's end) takes one, so that it can be done at night.

mod accepted;
mod except;
mod own;
mod proposal;
mod retire;
mod trust;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use accepted::{Accepted, AcceptedTransfer, accepted_since};

use super::{Done, NO_REASON, Operator, Refused};
use crate::domain::ledger::Facts;
use crate::domain::{Actor, Digest, Fingerprint, KeyRules, KeyStep, LegacyAlgorithm, PartnerName};
use crate::effects::pgp::{CertificateReport, SecretKeyBytes};
use crate::store::{Queries, QueryError, RecordError, StateChange};

/// An order about keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "keys")]
pub enum KeyOrder {
    /// Say what a partner's certificate would change; where two people decide, propose it.
    Import {
        /// For whom.
        partner: PartnerName,
        /// The certificate's bytes.
        certificate: Vec<u8>,
        /// From when on it shall count.
        from: Option<Timestamp>,
    },
    /// Pin a partner's certificate.
    Trust {
        /// For whom.
        partner: PartnerName,
        /// The certificate's bytes; where it was proposed they may be left out.
        certificate: Option<Vec<u8>>,
        /// The fingerprint the person has compared.
        fingerprint: Fingerprint,
        /// From when on it shall count.
        from: Option<Timestamp>,
    },
    /// Let a certificate count no longer.
    Retire {
        /// Whose; `None` for our own.
        partner: Option<PartnerName>,
        /// Which one.
        fingerprint: Fingerprint,
        /// From when on; now, if `None`.
        from: Option<Timestamp>,
        /// Since when somebody else may have had the key.
        compromised_since: Option<Timestamp>,
        /// The person's reason.
        reason: String,
    },
    /// Except a partner from the rules about one algorithm.
    Except {
        /// For whom.
        partner: PartnerName,
        /// Which algorithm.
        allow: LegacyAlgorithm,
        /// From when on; now, if `None`.
        from: Option<Timestamp>,
        /// Until when.
        until: Timestamp,
        /// The person's reason.
        reason: String,
    },
    /// End an exception before its time.
    EndException {
        /// Whose.
        partner: PartnerName,
        /// Which algorithm.
        allow: LegacyAlgorithm,
        /// The person's reason.
        reason: String,
    },
    /// Make a key of our own.
    Generate {
        /// `rsa3072` or `curve25519`.
        algorithm: OwnKeyAlgorithm,
        /// What the key is called.
        user_id: String,
    },
    /// Take in a key of our own that was made elsewhere.
    ImportOwn {
        /// The secret key.
        key: SecretKeyBytes,
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

/// What an order about keys found, beside the sentence that says what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysDone {
    /// What the certificate is, and what it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateReport>,
    /// What was accepted by a signer that can no longer be relied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

impl KeyOrder {
    /// Its word, in the entry of a refusal.
    pub fn word(&self) -> &'static str {
        match self {
            KeyOrder::Import { .. } => "import-key",
            KeyOrder::Trust { .. } => "trust",
            KeyOrder::Retire { .. } => "retire-key",
            KeyOrder::Except { .. } => "except",
            KeyOrder::EndException { .. } => "end-exception",
            KeyOrder::Generate { .. } => "generate-key",
            KeyOrder::ImportOwn { .. } => "import-own-key",
        }
    }

    /// What the entry of a refusal tells of it.
    pub(super) fn tell(&self, facts: &mut Facts) {
        match self {
            KeyOrder::Import { certificate, .. } => facts.content = Some(Digest::of(certificate)),
            KeyOrder::Trust { fingerprint, .. } | KeyOrder::Retire { fingerprint, .. } => {
                facts.fingerprint = Some(fingerprint.clone());
            }
            KeyOrder::Except { .. }
            | KeyOrder::EndException { .. }
            | KeyOrder::Generate { .. }
            | KeyOrder::ImportOwn { .. } => {}
        }
    }
}

/// What people decided about keys, as it is recorded.
pub fn key_rules(queries: &dyn Queries) -> Result<KeyRules, QueryError> {
    queries.key_steps().map(KeyRules::of)
}

impl Operator {
    pub(super) fn about_keys(&self, actor: &Actor, order: &KeyOrder) -> Result<Done, Refused> {
        match order {
            KeyOrder::Import { partner, certificate, from } => self.import(actor, partner, certificate, *from),
            KeyOrder::Trust { partner, certificate, fingerprint, from } => {
                self.trust(actor, partner, certificate.as_deref(), fingerprint, *from)
            }
            KeyOrder::Retire { partner, fingerprint, from, compromised_since, reason } => {
                let dates = (*from, *compromised_since);
                self.retire(actor, partner.as_ref(), fingerprint, dates, reason)
            }
            KeyOrder::Except { partner, allow, from, until, reason } => {
                self.except(actor, partner, *allow, (*from, *until), reason)
            }
            KeyOrder::EndException { partner, allow, reason } => self.end_exception(actor, partner, *allow, reason),
            KeyOrder::Generate { algorithm, user_id } => self.generate(actor, *algorithm, user_id),
            KeyOrder::ImportOwn { key } => self.import_own(actor, key),
        }
    }

    /// Records what is decided; from then on it is judged by.
    fn decide_about_keys(
        &self,
        actor: &Actor,
        step: KeyStep,
        certificate: Option<Vec<u8>>,
        why: Option<&str>,
    ) -> Result<(), Refused> {
        let facts = Facts { why: why.map(str::to_owned), ..Facts::default() };
        let event = step.event();
        let state = StateChange::Key { step, certificate };
        match self.record(actor, event, facts, state) {
            Err(RecordError::Exists { what }) => return Err(Refused::Unfit(format!("{what} is recorded already"))),
            recorded => recorded?,
        }
        self.keys.judge_by(key_rules(&*self.queries)?);
        Ok(())
    }
}

fn with_reason(reason: &str) -> Result<&str, Refused> {
    if reason.trim().is_empty() { Err(Refused::Unfit(NO_REASON.to_owned())) } else { Ok(reason) }
}
