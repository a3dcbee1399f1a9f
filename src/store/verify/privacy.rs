//! Names, what was erased, and legal holds, against what the ledger tells of them.
//!
//! In:  every entry in its order, then the tables. Out: what contradicts an entry.
//! Holds: a name that is gone without an entry is found, and so is one that an entry says is gone. Of each erasure a number
//! is kept in mind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::Fault;
use crate::domain::Naming;
use crate::domain::digest::Digest;
use crate::domain::ledger::{Commitment, Entry, Event, PartFacts};
use crate::store::QueryError;
use crate::store::evidence::{Evidence, KeptErasure, KeptPart, Subject};

/// What was told so far.
#[derive(Default)]
pub(super) struct Privacy {
    /// By transfer, the first entry that committed to a name that is gone, as long as no entry explains it.
    gone: BTreeMap<String, u64>,
    names_erased: BTreeMap<String, u64>,
    originals_erased: BTreeMap<String, u64>,
    holds: BTreeMap<String, (u64, Timestamp)>,
}

impl Privacy {
    pub(super) fn hear(&mut self, entry: &Entry, view: &dyn Evidence) -> Result<(), QueryError> {
        let facts = &entry.facts;
        let transfer = || facts.transfer.map(|id| id.to_string()).unwrap_or_default();
        for commitment in facts.name.iter().chain(facts.parts.iter().map(|part| &part.name)) {
            if view.name(commitment)?.is_none() {
                self.gone.entry(transfer()).or_insert(entry.seq);
            }
        }
        let about = || match (&facts.submission, &facts.authority) {
            _ if facts.transfer.is_some() => transfer(),
            (Some(key), _) => key.clone(),
            (None, Some(number)) => number.to_string(),
            (None, None) => String::new(),
        };
        match entry.event {
            Event::NamesErased => {
                self.gone.remove(&transfer());
                self.names_erased.insert(transfer(), entry.seq);
            }
            Event::OriginalErased => drop(self.originals_erased.insert(about(), entry.seq)),
            Event::LegalHoldPlaced => drop(self.holds.insert(about(), (entry.seq, entry.at))),
            Event::LegalHoldLifted => drop(self.holds.remove(&about())),
            _ => {}
        }
        Ok(())
    }

    /// Whether the store notes of a part's name what its entry told, or what became of it since.
    pub(super) fn is_named_as_told(&self, transfer: &str, kept: &KeptPart, told: &PartFacts) -> bool {
        match kept.naming.as_deref() {
            Some("ours") => told.naming == Some(Naming::Ours),
            Some("senders") => told.naming != Some(Naming::Ours),
            Some("erased") => self.names_erased.contains_key(transfer),
            Some(_) => false,
            None => told.naming.is_none(),
        }
    }

    /// `staged`: the entry by which each transfer was last staged. Call it last.
    pub(super) fn rest(
        &mut self,
        staged: &BTreeMap<String, u64>,
        view: &dyn Evidence,
    ) -> Result<Vec<Fault>, QueryError> {
        let mut faults: Vec<Fault> = self
            .gone
            .values()
            .map(|seq| {
                let says =
                    format!("A name that entry {seq} committed to is gone, and no entry says that it was erased.");
                Fault { at: Some(*seq), says }
            })
            .collect();
        for (transfer, seq) in &self.names_erased {
            if self.is_still_named(transfer, staged, view)? {
                let says = format!("Entry {seq} erased the names of transfer {transfer}, but the store has them.");
                faults.push(Fault { at: Some(*seq), says });
            }
        }
        let what = "names";
        faults.extend(erasures(&self.names_erased, what, |visit| view.each_names_erased(visit))?);
        let what = "the original";
        faults.extend(erasures(&self.originals_erased, what, |visit| view.each_original_erased(visit))?);
        faults.extend(self.legal_holds(view)?);
        Ok(faults)
    }

    fn is_still_named(
        &self,
        transfer: &str,
        staged: &BTreeMap<String, u64>,
        view: &dyn Evidence,
    ) -> Result<bool, QueryError> {
        let origin = view.row(&Subject::Transfer(transfer.to_owned()))?.and_then(|row| row.origin);
        let at_source = origin.and_then(|origin| <[u8; 32]>::try_from(origin.name).ok());
        let mut committed: Vec<Commitment> =
            at_source.map(|bytes| Commitment(Digest::from_bytes(bytes))).into_iter().collect();
        if let Some(seq) = staged.get(transfer) {
            let parts = super::tables::facts_of(*seq, view)?.parts;
            committed.extend(parts.iter().filter(|part| part.naming != Some(Naming::Ours)).map(|part| part.name));
        }
        for commitment in &committed {
            if view.name(commitment)?.is_some() {
                return Ok(true);
            }
        }
        let is_named = |part: &KeptPart| !matches!(part.naming.as_deref(), Some("ours" | "erased"));
        Ok(view.parts(transfer)?.iter().any(is_named))
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
