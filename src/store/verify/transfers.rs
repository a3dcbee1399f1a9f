//! What the ledger says of transfers, and whether rows, parts, claims and volumes are as it says.
//!
//! In:  every entry in its order, then every row. Out: what contradicts an entry, with its number where there is one.
//! Holds: of each transfer a few numbers and digests are kept in mind; of its parts nothing: the entry is read again.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use super::Fault;
use super::tables::facts_of;
use crate::domain::ledger::{Commitment, Entry, Event, Facts, PartFacts};
use crate::domain::{ConsignmentId, Digest, LaNumber, SourceName};
use crate::store::QueryError;
use crate::store::agreement::{Leads, may_stand_alone};
use crate::store::evidence::{Evidence, KeptPart, KeptVolume, Origin, Row};

/// What was told of every transfer so far.
#[derive(Default)]
pub(super) struct Transfers {
    told: HashMap<ConsignmentId, Told>,
    /// Rows that stand where an earlier entry left them, with that entry.
    behind: HashMap<ConsignmentId, u64>,
}

#[derive(Default)]
struct Told {
    first: u64,
    /// The last entry that can have moved it.
    last: u64,
    event: Option<Event>,
    /// The last entry that must have moved it.
    moved: Option<u64>,
    collected: Option<Collected>,
    /// The entry by which it was last staged.
    staged: Option<u64>,
    /// Whose it is. Entries of earlier versions do not tell.
    authority: Option<LaNumber>,
    claims: Vec<Digest>,
    has_row: bool,
}

/// As what it was collected, as far as the entry tells.
struct Collected {
    seq: u64,
    source: Option<SourceName>,
    sealed: Option<Digest>,
    name: Option<Commitment>,
}

impl Collected {
    fn agrees(&self, origin: &Origin) -> bool {
        self.source.as_ref().is_none_or(|source| source.as_str() == origin.source)
            && self.sealed.is_none_or(|sealed| sealed.as_bytes()[..] == origin.sealed)
            && self.name.is_none_or(|name| name.0.as_bytes()[..] == origin.name)
    }
}

impl Told {
    /// Whether that is another authority than was told before.
    fn belongs_to(&mut self, facts: &Facts) -> bool {
        let Some(authority) = &facts.authority else { return false };
        self.authority.replace(authority.clone()).is_some_and(|before| before != *authority)
    }
}

impl Transfers {
    pub(super) fn hear(&mut self, entry: &Entry) {
        let (Leads::Transfer(_), Some(id)) = (Leads::to(entry.event), entry.facts.transfer) else { return };
        let (seq, facts) = (entry.seq, &entry.facts);
        let told = self.told.entry(id).or_insert_with(|| Told { first: seq, ..Told::default() });
        (told.last, told.event) = (seq, Some(entry.event));
        if !may_stand_alone(entry.event) {
            told.moved = Some(seq);
        }
        match entry.event {
            Event::Collected | Event::CollectedRecovered => {
                told.belongs_to(facts);
                let collected =
                    || Collected { seq, source: facts.source.clone(), sealed: facts.sealed, name: facts.name };
                told.collected.get_or_insert_with(collected);
            }
            Event::Staged => {
                if told.belongs_to(facts) {
                    told.claims.clear();
                }
                told.staged = Some(seq);
                told.claims.extend(facts.content.iter().chain(&facts.contents));
            }
            Event::Rejected => told.claims.clear(),
            _ => {}
        }
    }

    /// The event of the entry that the row says it was moved by, if that is the last that was told.
    pub(super) fn moved_by(&self, id: &str, entry: u64) -> Option<Event> {
        let told = self.told.get(&id.parse().ok()?)?;
        told.event.filter(|_| told.last == entry)
    }

    /// The row of a transfer, with what hangs on it, against what was told of it.
    pub(super) fn row(&mut self, id: &str, row: &Row, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let none = Told::default();
        let known: Option<ConsignmentId> = id.parse().ok();
        if let Some(told) = known.and_then(|known| self.told.get_mut(&known)) {
            told.has_row = true;
        }
        let told = known.and_then(|known| self.told.get(&known)).unwrap_or(&none);
        if let (Some(known), true) = (known, told.moved.is_some_and(|moved| row.entry < moved)) {
            self.behind.insert(known, row.entry);
        }
        let mut faults = Vec::new();
        if let (Some(collected), Some(origin)) = (&told.collected, &row.origin)
            && !collected.agrees(origin)
        {
            let seq = collected.seq;
            let says = format!("Entry {seq} collected transfer {id} as something else than the store has.");
            faults.push(Fault { at: Some(seq), says });
        }
        faults.extend(told.hangs_on(id, row, view)?);
        Ok(faults)
    }

    /// What no row was found for, and the first entry that a row does not show. Call it after every row.
    pub(super) fn rest(&self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let mut faults = Vec::new();
        let missing = self.told.iter().filter(|(_, told)| !told.has_row).min_by_key(|(_, told)| told.first);
        faults.extend(missing.map(|(id, told)| {
            let says = format!("Entry {} tells of transfer {id}, but the store has none.", told.first);
            Fault { at: Some(told.first), says }
        }));
        if self.behind.is_empty() {
            return Ok(faults);
        }
        view.each_entry(&mut |kept| {
            let Ok(entry) = Entry::read(&kept.line) else { return Ok(ControlFlow::Continue(())) };
            let moves = matches!(Leads::to(entry.event), Leads::Transfer(_)) && !may_stand_alone(entry.event);
            let since = entry.facts.transfer.filter(|_| moves).and_then(|id| Some((id, *self.behind.get(&id)?)));
            let Some((id, since)) = since.filter(|(_, since)| *since < kept.seq) else {
                return Ok(ControlFlow::Continue(()));
            };
            let (seq, event) = (kept.seq, entry.event);
            let says =
                format!("Entry {seq} says `{event}` of transfer {id}, but the store has it as entry {since} left it.");
            faults.push(Fault { at: Some(seq), says });
            Ok(ControlFlow::Break(()))
        })?;
        Ok(faults)
    }
}

impl Told {
    fn hangs_on(&self, id: &str, row: &Row, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let mut faults = Vec::new();
        let mut fault = |says: String| faults.push(Fault { at: Some(self.staged.unwrap_or(row.entry)), says });
        let facts = match self.staged {
            Some(seq) => facts_of(seq, view)?,
            None => Facts::default(),
        };
        let by = self.staged.map_or_else(|| "the ledger".to_owned(), |seq| format!("entry {seq}"));
        let signer = row.origin.as_ref().and_then(|origin| origin.signer.clone());
        if signer != facts.fingerprint.as_ref().map(ToString::to_string) {
            fault(format!("The store has another signer of transfer {id} than {by} tells of."));
        }
        let authority = row.origin.as_ref().map(|origin| origin.authority.as_str());
        if self.authority.as_ref().is_some_and(|told| Some(told.as_str()) != authority) {
            fault(format!("The store has transfer {id} as another authority's than {by} tells of."));
        }
        let parts = view.parts(id)?;
        let told_of =
            parts.len() == facts.parts.len() && parts.iter().zip(&facts.parts).all(|(kept, told)| is(kept, told));
        if !told_of {
            fault(format!("The store has other parts (deliveries) of transfer {id} than {by} tells of."));
        }
        for (kept, told) in parts.iter().zip(&facts.parts) {
            if view.name(&told.name)?.is_some_and(|name| name != kept.name) {
                fault(format!("The store has another name of a delivery of transfer {id} than {by} committed to."));
            }
        }
        if view.volumes(id)? != told_volumes(&facts) {
            fault(format!("The store has other volumes of transfer {id} than {by} tells of."));
        }
        let claims: BTreeSet<Vec<u8>> = view.claims(id)?.into_iter().collect();
        if claims != self.claims.iter().map(|content| content.as_bytes().to_vec()).collect() {
            fault(format!("The store has other accepted content claimed by transfer {id} than {by} tells of."));
        }
        Ok(faults)
    }
}

fn told_volumes(facts: &Facts) -> Vec<KeptVolume> {
    let told = facts.volumes.iter();
    let mut told: Vec<_> =
        told.map(|told| KeptVolume { part: told.part, of: told.of.to_string(), count: told.count }).collect();
    told.sort();
    told
}

fn is(kept: &KeptPart, told: &PartFacts) -> bool {
    kept.delivery == told.delivery.to_string()
        && kept.kind == told.kind.to_string()
        && kept.content == told.content.as_bytes()
        && kept.bytes == told.bytes
        && kept.to == told.to.as_str()
}
