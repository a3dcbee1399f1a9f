//! What the ledger says the tables of decisions about keys must hold.
//!
//! In:  every entry in its order, then the tables. Out: what contradicts an entry, with its number.
//! Holds: a decision is kept in mind whole; there are few. Of the uses of exceptions, each by its exception and transfer.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::Fault;
use crate::domain::ledger::Entry;
use crate::domain::{Digest, KeyStep};
use crate::store::QueryError;
use crate::store::evidence::{Evidence, KeptKeyStep};

/// What was told so far.
#[derive(Default)]
pub(super) struct ToldOfKeys {
    steps: BTreeMap<u64, (Timestamp, KeyStep)>,
    uses: BTreeMap<(u64, String), u64>,
}

impl ToldOfKeys {
    pub(super) fn hear(&mut self, entry: &Entry) {
        match &entry.facts.key {
            Some(KeyStep::ExceptionUsed { exception, transfer }) => {
                self.uses.insert((*exception, transfer.to_string()), entry.seq);
            }
            Some(step) => drop(self.steps.insert(entry.seq, (entry.at, step.clone()))),
            None => {}
        }
    }

    pub(super) fn rest(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let ToldOfKeys { steps, uses } = self;
        let mut faults = Vec::new();
        view.each_key_step(&mut |kept| {
            let seq = kept.entry;
            if !steps.remove(&seq).is_some_and(|told| is(&kept, &told)) {
                let says =
                    format!("The store has another decision about keys by entry {seq} than the ledger tells of.");
                faults.push(Fault { at: Some(seq), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        view.each_exception_use(&mut |(exception, transfer, seq)| {
            if uses.remove(&(exception, transfer)) != Some(seq) {
                let says = format!("The store has another use of exception {exception} than the ledger tells of.");
                faults.push(Fault { at: Some(seq), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let untold = steps.keys().chain(uses.values());
        faults.extend(untold.map(|seq| {
            let says = format!("Entry {seq} decided something about keys, but the store has nothing from it.");
            Fault { at: Some(*seq), says }
        }));
        Ok(faults)
    }
}

fn is(kept: &KeptKeyStep, (at, step): &(Timestamp, KeyStep)) -> bool {
    let certificate = match step {
        KeyStep::Proposed { certificate, .. } => Some(*certificate),
        _ => None,
    };
    kept.step.as_ref() == Some(step)
        && kept.at == Some(*at)
        && kept.concludes == step.concludes()
        && kept.certificate.as_deref().map(Digest::of) == certificate
}
