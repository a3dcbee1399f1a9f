//! What the ledger says the tables beside transfers must hold: dates and orders of returns, answers, workbooks, timetables,
//! alarms, authorities in service.
//!
//! In:  every entry in its order, then the tables. Out: what contradicts an entry, with its number where there is one.
//! Holds: of each return a number or a time is kept in mind, and the few answers that came back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::Fault;
use super::keys::ToldOfKeys;
use super::privacy::Privacy;
use super::releases::Releases;
use super::transfers::Transfers;
use crate::domain::ledger::{Entry, Event, Facts};
use crate::domain::return_order::ReturnOrder;
use crate::domain::{Digest, TimetableYear};
use crate::store::QueryError;
use crate::store::evidence::{Evidence, KeptAnswer, KeptWorkbook, Owed, Row, Subject};

/// What was told so far.
#[derive(Default)]
pub(super) struct Told {
    pub(super) transfers: Transfers,
    sealed: BTreeMap<String, u64>,
    ordered: BTreeMap<String, (u64, Timestamp)>,
    resent: BTreeMap<String, (u64, Timestamp)>,
    sent: BTreeMap<String, (u64, Timestamp)>,
    /// By the return they are about.
    answers: BTreeMap<String, Vec<KeptAnswer>>,
    /// By authority and month, with the entry by which each got its present state.
    workbooks: BTreeMap<(String, String), (u64, KeptWorkbook)>,
    alarms: BTreeMap<String, Raised>,
    in_service: BTreeMap<String, u64>,
    /// By the entry that put them into force.
    timetables: BTreeMap<u64, (Option<TimetableYear>, Option<Digest>)>,
    keys: ToldOfKeys,
    releases: Releases,
    /// Names, erasures and legal holds.
    pub(super) privacy: Privacy,
}

struct Raised {
    seq: u64,
    code: Option<String>,
    at: Timestamp,
}

impl Told {
    pub(super) fn hear(&mut self, entry: &Entry) {
        let (seq, at, facts) = (entry.seq, entry.at, &entry.facts);
        self.transfers.hear(entry);
        self.privacy.hear(entry);
        self.releases.hear(entry);
        let about = || facts.about.clone().unwrap_or_default();
        self.keys.hear(entry);
        match entry.event {
            Event::Sealed if facts.sealed.is_some() => {
                self.sealed.insert(facts.submission.clone().unwrap_or_default(), seq);
            }
            Event::ReturnOrdered if facts.order == Some(ReturnOrder::Resend) => {
                self.ordered.insert(facts.submission.clone().unwrap_or_default(), (seq, at));
            }
            Event::Sent | Event::SentRecovered => {
                self.sent.insert(facts.submission.clone().unwrap_or_default(), (seq, at));
            }
            Event::ResentByPolicy => {
                let key = facts.submission.clone().unwrap_or_default();
                self.resent.insert(key.clone(), (seq, at));
                self.ordered.insert(key, (seq, at));
            }
            Event::Answered => {
                let answer = answer_in(entry);
                let about = self.answers.entry(answer.key.clone()).or_default();
                // A mail that is held may be read, and judged, again.
                about.retain(|known| known.transfer != answer.transfer);
                about.push(answer);
            }
            Event::Sending => {
                let about = facts.submission.as_ref().and_then(|key| self.answers.get_mut(key));
                about.into_iter().flatten().for_each(|answer| answer.earlier = true);
            }
            Event::WorkbookOpened | Event::WorkbookClosed => self.hear_of_workbook(entry),
            Event::AlarmRaised => drop(self.alarms.insert(about(), Raised { seq, code: facts.code.clone(), at })),
            Event::AlarmCleared => drop(self.alarms.remove(&about())),
            Event::TimetableActivated => drop(self.timetables.insert(seq, (facts.year, facts.content))),
            Event::TakenIntoService => drop(self.in_service.insert(about(), seq)),
            _ => {}
        }
    }

    fn hear_of_workbook(&mut self, entry: &Entry) {
        let facts = &entry.facts;
        let text = |told: Option<String>| told.unwrap_or_default();
        let authority = text(facts.authority.as_ref().map(ToString::to_string));
        let month = text(facts.workbook.map(|month| month.to_string()));
        let key = (authority.clone(), month.clone());
        if entry.event == Event::WorkbookClosed {
            let known = self.workbooks.get_mut(&key);
            known.into_iter().for_each(|(seq, known)| (*seq, known.closed) = (entry.seq, Some(entry.at)));
            return;
        }
        let transfer = text(facts.transfer.map(|id| id.to_string()));
        let delivery = text(facts.delivery.map(|id| id.to_string()));
        let opened = KeptWorkbook { authority, month, transfer, delivery, opened: Some(entry.at), closed: None };
        self.workbooks.entry(key).or_insert((entry.seq, opened));
    }

    /// The row of a transfer or return, with what hangs on it, against what was told of it.
    pub(super) fn row(&mut self, row: &Row, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        match &row.subject {
            Subject::Transfer(id) => self.transfers.row(id, row, view),
            Subject::Return(key) => Ok(row.owed.iter().flat_map(|owed| self.owed(key, owed)).collect()),
        }
    }

    fn owed(&self, key: &str, owed: &Owed) -> Vec<Fault> {
        let mut faults = Vec::new();
        let sealed = self.sealed.get(key).copied();
        if sealed.is_none() && (owed.sealed.is_some() || owed.content.is_some()) {
            faults.push(Fault {
                at: None,
                says: format!("The store has something sealed for return {key}; no entry tells of it."),
            });
        }
        let ordered = self.ordered.get(key);
        if owed.ordered != ordered.map(|(_, at)| *at) {
            let says = format!("The store has another order to send return {key} than the ledger tells of.");
            faults.push(Fault { at: ordered.map(|(seq, _)| *seq), says });
        }
        let sent = self.sent.get(key);
        // Entries of earlier versions were recorded without the column.
        if owed.sent.is_some_and(|kept| Some(kept) != sent.map(|(_, at)| *at)) {
            let says = format!("The store has return {key} sent at another time than the ledger tells of.");
            faults.push(Fault { at: sent.map(|(seq, _)| *seq), says });
        }
        let resent = self.resent.get(key);
        if owed.resent != resent.map(|(_, at)| *at) {
            let says =
                format!("The store has return {key} sent once more by the policy otherwise than the ledger tells.");
            faults.push(Fault { at: resent.map(|(seq, _)| *seq), says });
        }
        faults
    }

    /// The tables that hang on no transfer or return. Call it last.
    pub(super) fn rest(&mut self, stray: Option<String>, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let mut faults = self.transfers.rest(view)?;
        let stray = stray.map(|what| format!("The store has {what}, but no transfer that it can belong to."));
        faults.extend(stray.map(|says| Fault { at: None, says }));
        faults.extend(self.answers(view)?);
        faults.extend(self.workbooks(view)?);
        faults.extend(self.timetables(view)?);
        faults.extend(self.keys.rest(view)?);
        faults.extend(self.releases.rest(view)?);
        faults.extend(self.privacy.rest(view)?);
        let (alarms, in_service) = (&mut self.alarms, &mut self.in_service);
        view.each_alarm(&mut |alarm| {
            let raised = alarms.remove(&alarm.about);
            let agrees = |raised: &Raised| raised.code.as_ref() == Some(&alarm.code) && Some(raised.at) == alarm.since;
            if !raised.as_ref().is_some_and(agrees) {
                let says = format!(
                    "The store has the alarm {} about `{}` otherwise than the ledger tells of it.",
                    alarm.code, alarm.about
                );
                faults.push(Fault { at: raised.map(|raised| raised.seq), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        view.each_in_service(&mut |(authority, since)| {
            if in_service.remove(&format!("returns-{authority}-from-{since}")).is_none() {
                let says = format!("The store has LA {authority} in service from {since}; no entry tells of that.");
                faults.push(Fault { at: None, says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(alarms.iter().map(|(about, raised)| {
            let says = format!("Entry {} raised an alarm about `{about}`, but the store has none.", raised.seq);
            Fault { at: Some(raised.seq), says }
        }));
        faults.extend(in_service.iter().map(|(about, seq)| {
            let says = format!("Entry {seq} took `{about}` into service, but the store has it otherwise.");
            Fault { at: Some(*seq), says }
        }));
        Ok(faults)
    }

    fn workbooks(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let (told, mut faults) = (&mut self.workbooks, Vec::new());
        view.each_workbook(&mut |kept| {
            let known = told.remove(&(kept.authority.clone(), kept.month.clone()));
            if known.as_ref().is_none_or(|(_, known)| *known != kept) {
                let (authority, month) = (&kept.authority, &kept.month);
                let says =
                    format!("The store has the workbook {month} of LA {authority} otherwise than the ledger tells.");
                faults.push(Fault { at: known.map(|(seq, _)| seq), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(told.values().map(|(seq, KeptWorkbook { authority, month, .. })| {
            let says = format!("Entry {seq} tells of the workbook {month} of LA {authority}, but the store has none.");
            Fault { at: Some(*seq), says }
        }));
        Ok(faults)
    }

    fn timetables(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let (told, mut faults) = (&mut self.timetables, Vec::new());
        view.each_timetable(&mut |kept| {
            let digest = Digest::of(kept.text.as_bytes());
            let agrees = told.remove(&kept.entry).is_some_and(|(year, content)| {
                year.is_some_and(|year| year.to_string() == kept.year)
                    && content == Some(digest)
                    && kept.digest == digest.as_bytes()
            });
            if !agrees {
                let says = format!("The store has another timetable for {} than the ledger tells of.", kept.year);
                faults.push(Fault { at: Some(kept.entry), says });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(told.keys().map(|seq| {
            let says = format!("Entry {seq} put a timetable into force, but the store has none from it.");
            Fault { at: Some(*seq), says }
        }));
        Ok(faults)
    }

    fn answers(&mut self, view: &dyn Evidence) -> Result<Vec<Fault>, QueryError> {
        let (told, mut faults) = (&mut self.answers, Vec::new());
        view.each_answer(&mut |kept| {
            let about = told.entry(kept.key.clone()).or_default();
            let told_of = about.iter().position(|told| *told == kept);
            match told_of {
                Some(at) => drop(about.swap_remove(at)),
                None => {
                    let key = &kept.key;
                    let says = format!("The store has another answer about return {key} than the ledger tells of.");
                    faults.push(Fault { at: Some(kept.entry), says });
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        faults.extend(told.values().flatten().map(|KeptAnswer { key, entry, .. }| {
            let says = format!("Entry {entry} tells of an answer about return {key}, but the store has none such.");
            Fault { at: Some(*entry), says }
        }));
        Ok(faults)
    }
}

fn answer_in(entry: &Entry) -> KeptAnswer {
    let facts = &entry.facts;
    KeptAnswer {
        transfer: facts.transfer.map(|id| id.to_string()).unwrap_or_default(),
        key: facts.submission.clone().unwrap_or_default(),
        answer: facts.answer,
        status: facts.status.clone(),
        earlier: false,
        entry: entry.seq,
    }
}

/// What is wrong with a return's row at the entry that made it owed or sealed it.
pub(super) fn contradiction(entry: &Entry, owed: &Owed) -> Option<String> {
    let (seq, facts) = (entry.seq, &entry.facts);
    let key = facts.submission.as_deref().unwrap_or_default();
    match entry.event {
        Event::Scheduled => {
            let transfer_on = facts.transfer_on?;
            let same = owed.transfer_on == transfer_on.to_string()
                && owed.extract_from == facts.extract_from.map(|day| day.to_string());
            (!same)
                .then(|| format!("Entry {seq} says return {key} is due on {transfer_on}; the store has other dates."))
        }
        Event::Sealed => {
            let sealed = facts.sealed?;
            let same = owed.sealed.as_ref().is_some_and(|kept| {
                kept.sealed == sealed
                    && facts.content.is_none_or(|content| content == kept.content)
                    && facts.bytes.is_none_or(|bytes| bytes == kept.bytes)
                    && facts.message_id.as_ref().is_none_or(|id| *id == kept.message_id)
                    && facts.live_claims == kept.live_claims
                    && owed.content.as_deref() == Some(kept.content.as_bytes().as_slice())
            });
            (!same).then(|| format!("Entry {seq} sealed return {key} as something else than the store has."))
        }
        _ => None,
    }
}

pub(super) fn facts_of(seq: u64, view: &dyn Evidence) -> Result<Facts, QueryError> {
    let line = view.line(seq)?.unwrap_or_default();
    Ok(Entry::read(&line).map(|entry| entry.facts).unwrap_or_default())
}
