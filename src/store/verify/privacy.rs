//! What was erased, and legal holds, against what the ledger tells of them. The names themselves are looked at in
//! [`transfers`](super::transfers).
//!
//! In:  every entry in its order, then the tables. Out: what contradicts an entry.
//! Holds: of each erasure a number is kept in mind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::Fault;
use crate::domain::ledger::{Entry, Event};
use crate::store::QueryError;
use crate::store::evidence::{Evidence, KeptErasure};

/// What was told so far.
#[derive(Default)]
pub(super) struct Privacy {
    names_erased: BTreeMap<String, u64>,
    originals_erased: BTreeMap<String, u64>,
    holds: BTreeMap<String, (u64, Timestamp)>,
}

impl Privacy {
    pub(super) fn hear(&mut self, entry: &Entry) {
        let facts = &entry.facts;
        let about = || match (&facts.transfer, &facts.submission, &facts.authority) {
            (Some(id), _, _) => id.to_string(),
            (None, Some(key), _) => key.clone(),
            (None, None, Some(number)) => number.to_string(),
            (None, None, None) => String::new(),
        };
        match entry.event {
            Event::NamesErased => drop(self.names_erased.insert(about(), entry.seq)),
            Event::OriginalErased => drop(self.originals_erased.insert(about(), entry.seq)),
            Event::LegalHoldPlaced => drop(self.holds.insert(about(), (entry.seq, entry.at))),
            Event::LegalHoldLifted => drop(self.holds.remove(&about())),
            _ => {}
        }
    }

    /// Call it last.
    pub(super) fn rest(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let mut faults = erasures(&self.names_erased, "names", |visit| view.each_names_erased(visit))?;
        let what = "the original";
        faults.extend(erasures(&self.originals_erased, what, |visit| view.each_original_erased(visit))?);
        faults.extend(self.legal_holds(view)?);
        Ok(faults)
    }

    fn legal_holds(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let (told, mut faults) = (&mut self.holds, Vec::new());
        view.each_legal_hold(&mut |kept| {
            let known = told.remove(&kept.about);
            if known.map(|(seq, at)| (seq, Some(at))) != Some((kept.entry, kept.since)) {
                let says = format!("The store has a legal hold on {} otherwise than the ledger tells.", kept.about);
                faults.push(Fault { at: known.map(|(seq, _)| seq), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(told.iter().map(|(about, (seq, _))| {
            let says = format!("Entry {seq} placed a legal hold on {about}, but the store has none.");
            Fault { at: Some(*seq), says }
        }));
        Ok(faults)
    }
}

type Each<'a> = &'a mut dyn FnMut(KeptErasure) -> Result<ControlFlow<()>, QueryError>;

/// The rows of a table against the entries that tell of them.
fn erasures(
    told: &BTreeMap<String, u64>,
    what: &str,
    each: impl FnOnce(Each<'_>) -> Result<(), QueryError>,
) -> Result<Vec<Fault>, QueryError> {
    let (mut missing, mut faults) = (told.clone(), Vec::new());
    each(&mut |kept| {
        let known = missing.remove(&kept.about);
        if known != Some(kept.entry) {
            let says = format!("The store has {what} of {} erased otherwise than the ledger tells.", kept.about);
            faults.push(Fault { at: known, says });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    faults.extend(missing.iter().map(|(about, seq)| {
        let says = format!("Entry {seq} erased {what} of {about}, but the store does not know of it.");
        Fault { at: Some(*seq), says }
    }));
    Ok(faults)
}
