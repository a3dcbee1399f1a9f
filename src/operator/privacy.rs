//! Orders about personal data: to read the names that others chose, and to keep something from being erased.
//!
//! Holds: that names were read is on record before anybody sees them; that a legal hold was placed or lifted, with who and
//! why, when it takes effect.

use serde::{Deserialize, Serialize};

use super::{Done, NO_REASON, Operator, Refused};
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Actor, ConsignmentId, FileKind, HeldSubject, Naming, Original};
use crate::store::{ConsignmentFilter, RecordError, StateChange, SubmissionFilter};

/// The names of a transfer's files, in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferNames {
    /// Whose.
    pub transfer: ConsignmentId,
    /// What it was called at its source. Nothing where that was never known.
    pub at_source: Option<String>,
    /// Every delivered file.
    pub parts: Vec<PartName>,
}

/// The name of one delivered file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartName {
    /// Counts from 1.
    pub part: u32,
    /// What it is.
    pub kind: FileKind,
    /// Where it was delivered, and under what name.
    pub path: String,
}

impl Operator {
    pub(super) fn read_names(
        &self,
        actor: &Actor,
        id: &ConsignmentId,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        let Some((_, at_source)) = self.queries.consignment(id)? else {
            return Err(Refused::Unfit(format!(
                "there is no transfer {id}; `hbcourier transfers list` shows those that are"
            )));
        };
        if let Some(entry) = self.queries.names_erased(id)? {
            return Err(Refused::Unfit(format!(
                "the names of transfer {id} were erased, as ledger entry {entry} tells"
            )));
        }
        let facts = Facts { transfer: Some(*id), ..said(by, reason)? };
        self.record(actor, Event::NamesRead, facts, StateChange::None)?;
        let parts = self.queries.deliveries(id)?.into_iter().map(|delivery| PartName {
            part: delivery.part + 1,
            kind: delivery.kind,
            path: match delivery.naming {
                Naming::Erased => delivery.told_path(),
                Naming::Ours | Naming::Senders => delivery.path.display().to_string(),
            },
        });
        let at_source = at_source.filter(|name| !name.is_empty());
        let names = TransferNames { transfer: *id, at_source, parts: parts.collect() };
        let says = format!("That the names of transfer {id} were read is on record.");
        Ok(Done { names: Some(names), ..Done::saying(says) })
    }

    pub(super) fn place_hold(
        &self,
        actor: &Actor,
        on: &HeldSubject,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        self.is_known(on)?;
        let facts = about(on, said(by, reason)?);
        let state = StateChange::PlaceHold { on: on.clone() };
        match self.record(actor, Event::LegalHoldPlaced, facts, state) {
            Ok(()) => {}
            Err(RecordError::Exists { .. }) => {
                return Err(Refused::Unfit(format!("there is a legal hold on {on} already")));
            }
            Err(error) => return Err(error.into()),
        }
        let erased = self.erased_before(on)?;
        Ok(Done::saying(format!("Nothing of {on} is erased until its legal hold is lifted.{erased}")))
    }

    pub(super) fn lift_hold(
        &self,
        actor: &Actor,
        on: &HeldSubject,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        let facts = about(on, said(by, reason)?);
        match self.record(actor, Event::LegalHoldLifted, facts, StateChange::LiftHold { on: on.clone() }) {
            Ok(()) => {}
            Err(RecordError::Exists { .. }) => {
                let says =
                    format!("there is no legal hold on {on}; `hbcourier legal-hold list` shows those that stand");
                return Err(Refused::Unfit(says));
            }
            Err(error) => return Err(error.into()),
        }
        let says = format!("The legal hold on {on} is lifted: what was kept long enough is erased at the next look.");
        Ok(Done::saying(says))
    }

    /// A hold on something that there is not would keep nothing, and nobody would notice.
    fn is_known(&self, on: &HeldSubject) -> Result<(), Refused> {
        let known = match on {
            HeldSubject::Transfer(id) => self.queries.consignment(id)?.is_some(),
            HeldSubject::Return(key) => {
                let filter = SubmissionFilter { key: Some(key.clone()), ..SubmissionFilter::default() };
                !self.queries.submissions(&filter)?.is_empty()
            }
            HeldSubject::Authority(number) => {
                let authority = Some(number.clone());
                let filter = ConsignmentFilter { authority, limit: Some(1), ..ConsignmentFilter::default() };
                self.queries.in_service_from(number)?.is_some() || !self.queries.consignments(&filter)?.is_empty()
            }
        };
        if known {
            return Ok(());
        }
        Err(Refused::Unfit(format!("nothing is known of {on}; `hbcourier transfers list` shows what came and went")))
    }

    /// What a hold comes too late for.
    fn erased_before(&self, on: &HeldSubject) -> Result<String, Refused> {
        let (original, names) = match on {
            HeldSubject::Transfer(id) => {
                (self.queries.original_erased(&Original::Transfer(*id))?, self.queries.names_erased(id)?)
            }
            HeldSubject::Return(key) => (self.queries.original_erased(&Original::Return(key.clone()))?, None),
            HeldSubject::Authority(_) => (None, None),
        };
        let tell = |what: &str, entry: u64| format!(" Its {what} been erased before, as entry {entry} tells.");
        let original = original.map(|entry| tell("original has", entry)).unwrap_or_default();
        let names = names.map(|entry| tell("names have", entry)).unwrap_or_default();
        Ok(original + &names)
    }
}

/// The facts with what they are about.
pub(super) fn about(on: &HeldSubject, facts: Facts) -> Facts {
    match on {
        HeldSubject::Transfer(id) => Facts { transfer: Some(*id), ..facts },
        HeldSubject::Return(key) => Facts { submission: Some(key.to_string()), ..facts },
        HeldSubject::Authority(number) => Facts { authority: Some(number.clone()), ..facts },
    }
}

/// What a person said with an order.
fn said(by: Option<&str>, reason: &str) -> Result<Facts, Refused> {
    if reason.trim().is_empty() {
        return Err(Refused::Unfit(NO_REASON.to_owned()));
    }
    Ok(Facts { about: by.map(str::to_owned), why: Some(reason.to_owned()), ..Facts::default() })
}
