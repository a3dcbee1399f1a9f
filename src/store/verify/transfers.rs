//! What the ledger says of transfers, and whether rows, parts, claims and volumes are as it says.
//!
//! In:  every entry in its order, then every row. Out: what contradicts an entry, with its number where there is one.
//! Holds: of each transfer a few numbers and digests are kept in mind; of its parts one digest, and the commitments to their
//! names.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;

use super::Fault;
use super::tables::facts_of;
use crate::domain::digest::Digester;
use crate::domain::ledger::{Commitment, Entry, Event, Facts};
use crate::domain::{ConsignmentId, Digest, LaNumber, Naming, SourceName};
use crate::store::QueryError;
use crate::store::agreement::{Leads, may_stand_alone};
use crate::store::evidence::{Evidence, KeptName, KeptPart, KeptVolume, Origin, Row};

/// What was told of every transfer so far.
#[derive(Default)]
pub(super) struct Transfers {
    told: HashMap<ConsignmentId, Told>,
    /// Rows that stand where an earlier entry left them, with that entry.
    behind: HashMap<ConsignmentId, u64>,
    /// Every name, by what the ledger says instead. What the store still has is taken out.
    names: HashMap<Commitment, Committed>,
    hashing: RandomState,
}

/// A name that an entry committed to.
struct Committed {
    entry: u64,
    transfer: ConsignmentId,
    /// The service chose it, so it is not erased.
    ours: bool,
    /// Of a part, the final name that the store has, as a hash that only this run knows how to make.
    hash: Option<u64>,
}

#[derive(Default)]
struct Told {
    first: u64,
    /// The last entry that can have moved it.
    last: u64,
    event: Option<Event>,
    /// The code it gave.
    code: Option<String>,
    /// The last entry that must have moved it.
    moved: Option<u64>,
    collected: Option<Collected>,
    /// The entry by which it was last staged; what hangs on it since, and the names of its parts.
    staged: Option<u64>,
    hanging: Option<Digest>,
    names: Vec<(Commitment, Option<Naming>)>,
    /// The entry by which the names that others chose were erased.
    names_erased: Option<u64>,
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
    bytes: Option<u64>,
    name: Option<Commitment>,
}

impl Collected {
    fn agrees(&self, origin: &Origin) -> bool {
        self.source.as_ref().is_none_or(|source| source.as_str() == origin.source)
            && self.sealed.is_none_or(|sealed| sealed.as_bytes()[..] == origin.sealed)
            && self.bytes.is_none_or(|bytes| bytes == origin.bytes)
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
        let Some(id) = entry.facts.transfer else { return };
        let (seq, facts) = (entry.seq, &entry.facts);
        let committed = |ours| Committed { entry: seq, transfer: id, ours, hash: None };
        self.names.extend(facts.name.map(|name| (name, committed(false))));
        self.names.extend(facts.parts.iter().map(|part| (part.name, committed(part.naming == Some(Naming::Ours)))));
        if entry.event == Event::NamesErased {
            self.told.entry(id).or_default().names_erased = Some(seq);
        }
        let Leads::Transfer(_) = Leads::to(entry.event) else { return };
        let told = self.told.entry(id).or_insert_with(|| Told { first: seq, ..Told::default() });
        (told.last, told.event, told.code) = (seq, Some(entry.event), facts.code.clone());
        if !may_stand_alone(entry.event) {
            told.moved = Some(seq);
        }
        match entry.event {
            Event::Collected | Event::CollectedRecovered => {
                told.belongs_to(facts);
                let collected = || Collected {
                    seq,
                    source: facts.source.clone(),
                    sealed: facts.sealed,
                    bytes: facts.bytes,
                    name: facts.name,
                };
                told.collected.get_or_insert_with(collected);
            }
            Event::Staged => {
                if told.belongs_to(facts) {
                    told.claims.clear();
                }
                told.staged = Some(seq);
                told.hanging = Some(hanging_in(facts));
                told.names = facts.parts.iter().map(|part| (part.name, part.naming)).collect();
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
        let known = id.parse().ok().and_then(|known| Some((known, self.told.get_mut(&known)?)));
        let Some((known, told)) = known else { return Told::default().hangs_on(id, row, view) };
        told.has_row = true;
        if told.moved.is_some_and(|moved| row.entry < moved) {
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
        faults.extend(told.held_otherwise(id, row));
        faults.extend(told.hangs_on(id, row, view)?);
        for ((name, _), part) in told.names.iter().zip(&row.hangs.parts) {
            if let Some(committed) = self.names.get_mut(name) {
                committed.hash = Some(self.hashing.hash_one(part.name.as_str()));
            }
        }
        Ok(faults)
    }

    /// A name of the side table: it must be the final name of the part that committed to it, and not be one that was
    /// erased. Call it after every row.
    pub(super) fn name(&mut self, name: &KeptName) -> Option<Fault> {
        let commitment = Commitment(Digest::from_bytes(name.commitment.as_slice().try_into().ok()?));
        let Committed { entry: staged, transfer, ours, hash } = self.names.remove(&commitment)?;
        if name.transfer.as_deref() != Some(transfer.to_string().as_str()) {
            let says =
                format!("A name that entry {staged} committed to is filed under another transfer than {transfer}.");
            return Some(Fault { at: Some(staged), says });
        }
        if let (false, Some(erased)) = (ours, self.told.get(&transfer).and_then(|told| told.names_erased)) {
            return Some(still_named(&transfer.to_string(), erased));
        }
        let says = || {
            format!("The store has another name of a delivery of transfer {transfer} than entry {staged} committed to.")
        };
        let is_other = hash.is_some_and(|hash| self.hashing.hash_one(name.clear.as_str()) != hash);
        is_other.then(|| Fault { at: Some(staged), says: says() })
    }

    /// The first name that an entry committed to and that is gone, although no entry says that it was erased.
    fn gone(&self) -> Option<Fault> {
        let is_explained =
            |name: &Committed| self.told.get(&name.transfer).is_some_and(|told| told.names_erased.is_some());
        let gone = self.names.values().filter(|name| !is_explained(name)).map(|name| name.entry).min()?;
        let says = format!("A name that entry {gone} committed to is gone, and no entry says that it was erased.");
        Some(Fault { at: Some(gone), says })
    }

    /// What no row and no name was found for, and the first entry that a row does not show. Call it after every row and
    /// every name.
    pub(super) fn rest(&self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let mut faults: Vec<Fault> = self.gone().into_iter().collect();
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
    /// Waiting, or refused, under another code than the entry that brought it there gave.
    fn held_otherwise(&self, id: &str, row: &Row) -> Option<Fault> {
        let (told, kept) = (self.code.as_deref()?, row.code?);
        let differs = self.last == row.entry && told != kept;
        let says =
            || format!("Entry {} gave transfer {id} the code {told}, but the store has it under {kept}.", row.entry);
        differs.then(|| Fault { at: Some(row.entry), says: says() })
    }

    fn hangs_on(&self, id: &str, row: &Row, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let mut faults = Vec::new();
        let by = self.staged.map_or_else(|| "the ledger".to_owned(), |seq| format!("entry {seq}"));
        let mut fault = |what: &str| {
            let says = format!("The store has {what} transfer {id} than {by} tells of.");
            faults.push(Fault { at: Some(self.staged.unwrap_or(row.entry)), says });
        };
        let signer = row.origin.as_ref().and_then(|origin| origin.signer.as_deref());
        let (parts, volumes) = (&row.hangs.parts, &row.hangs.volumes);
        if self.hanging.unwrap_or_else(|| hanging_in(&Facts::default())) != hanging(signer, parts, volumes) {
            // Only now is it worth reading the entry again.
            let facts = self.staged.map_or_else(|| Ok(Facts::default()), |seq| facts_of(seq, view))?;
            if signer != facts.fingerprint.as_ref().map(ToString::to_string).as_deref() {
                fault("another signer of");
            }
            let of_parts = |parts: &[KeptPart]| hanging(None, parts, &[]);
            if of_parts(parts) != of_parts(&told_parts(&facts)) {
                fault("other parts (deliveries) of");
            }
            if *volumes != told_volumes(&facts) {
                fault("other volumes of");
            }
        }
        let authority = row.origin.as_ref().map(|origin| origin.authority.as_str());
        if self.authority.as_ref().is_some_and(|told| Some(told.as_str()) != authority) {
            fault("another authority's number for");
        }
        let claims: BTreeSet<&[u8]> = row.hangs.claims.iter().map(Vec::as_slice).collect();
        for (kept, (_, told)) in row.hangs.parts.iter().zip(&self.names) {
            match (kept.naming.as_deref(), self.names_erased) {
                (Some("ours"), _) if *told == Some(Naming::Ours) => {}
                (Some("senders"), None) if *told != Some(Naming::Ours) => {}
                (Some("erased"), Some(_)) => {}
                (None, None) if told.is_none() => {}
                (Some("senders"), Some(erased)) if *told != Some(Naming::Ours) => {
                    return Ok(vec![still_named(id, erased)]);
                }
                (None, Some(erased)) if told.is_none() => return Ok(vec![still_named(id, erased)]),
                _ => fault("another word on who named a delivery of"),
            }
        }
        if claims != self.claims.iter().map(|content| content.as_bytes().as_slice()).collect() {
            fault("other accepted content claimed by");
        }
        Ok(faults)
    }
}

fn still_named(transfer: &str, erased: u64) -> Fault {
    let says = format!("Entry {erased} erased the names of transfer {transfer}, but the store has them.");
    Fault { at: Some(erased), says }
}

/// One digest over all that a staged transfer's tables must hold.
fn hanging_in(facts: &Facts) -> Digest {
    let signer = facts.fingerprint.as_ref().map(ToString::to_string);
    hanging(signer.as_deref(), &told_parts(facts), &told_volumes(facts))
}

/// Names apart: they may be erased.
fn hanging(signer: Option<&str>, parts: &[KeptPart], volumes: &[KeptVolume]) -> Digest {
    let mut digester = Digester::new();
    let mut piece = |bytes: &[u8]| {
        digester.update(&(bytes.len() as u64).to_be_bytes());
        digester.update(bytes);
    };
    piece(signer.map_or(&[0], str::as_bytes));
    for KeptPart { delivery, kind, content, bytes, to, name: _, naming: _ } in parts {
        [delivery.as_bytes(), kind.as_bytes(), content, &bytes.to_be_bytes(), to.as_bytes()]
            .into_iter()
            .for_each(&mut piece);
    }
    for KeptVolume { part, of, count } in volumes {
        let count = count.map_or_else(Vec::new, |count| count.to_be_bytes().to_vec());
        [&part.to_be_bytes(), of.as_bytes(), &count].into_iter().for_each(&mut piece);
    }
    digester.finish()
}

fn told_parts(facts: &Facts) -> Vec<KeptPart> {
    let told = facts.parts.iter().map(|told| KeptPart {
        delivery: told.delivery.to_string(),
        kind: told.kind.to_string(),
        content: told.content.as_bytes().to_vec(),
        bytes: told.bytes,
        to: told.to.to_string(),
        name: String::new(),
        naming: None,
    });
    told.collect()
}

fn told_volumes(facts: &Facts) -> Vec<KeptVolume> {
    let told = facts.volumes.iter();
    let mut told: Vec<_> =
        told.map(|told| KeptVolume { part: told.part, of: told.of.to_string(), count: told.count }).collect();
    told.sort();
    told
}
