//! Made-up consignments, returns and changes for tests of the store and its readers.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::date;
use rusqlite::Connection;

use super::contract::{Change, Named, NewConsignment, StateChange};
use crate::domain::ledger::{Event, Facts, PartFacts};
use crate::domain::release::Approved;
use crate::domain::submission::Sealed;
use crate::domain::{
    Actor, Answer, Consignment, ConsignmentId, Delivery, DeliveryId, Digest, FileKind, HoldReason, KeyStep,
    LegacyAlgorithm, Naming, Original, RejectReason, ReturnOrder, Revision, Stage, Standing, SubmissionKey, Waiver,
};

/// Somebody with the database in hand and no regard for its rules.
pub(crate) fn tamper(state: &Path, sql: &str) {
    let raw = Connection::open(state.join("store.sqlite")).unwrap();
    raw.execute_batch("DROP TRIGGER ledger_is_never_rewritten; DROP TRIGGER ledger_is_never_shortened").unwrap();
    let before = raw.total_changes();
    raw.execute_batch(sql).unwrap();
    assert!(raw.total_changes() > before, "nothing was altered by {sql}");
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_588_000_000 + second).unwrap()
}

pub(crate) fn change(event: Event, state: StateChange) -> Change {
    Change { at: at(0), actor: Actor::Service, event, facts: Facts::default(), names: Vec::new(), state }
}

pub(crate) fn remark() -> Change {
    change(Event::ServiceStarted, StateChange::None)
}

pub(crate) fn native(n: u32) -> Digest {
    Digest::of(format!("native {n}").as_bytes())
}

pub(crate) fn content(n: u32) -> Digest {
    Digest::of(format!("content {n}").as_bytes())
}

pub(crate) fn id(n: u32) -> ConsignmentId {
    ConsignmentId::derive(&"drop-12302".parse().unwrap(), &n.to_string(), &content(n))
}

pub(crate) fn consignment(n: u32) -> Consignment {
    Consignment {
        id: id(n),
        source: "drop-12302".parse().unwrap(),
        authority: "12302".parse().unwrap(),
        received_at: at(i64::from(n)),
        sealed_digest: Digest::of(&n.to_be_bytes()),
        sealed_bytes: 4000 + u64::from(n),
        revision: Revision(0),
        standing: Standing::Collected { at: at(i64::from(n)) },
        signer: None,
    }
}

/// The n-th consignment as it is collected, under the name `laid-<n>.pdf.pgp`.
pub(crate) fn collect(n: u32) -> Change {
    collect_as(n, &format!("laid-{n}.pdf.pgp"))
}

/// As [`collect`], under this name.
pub(crate) fn collect_as(n: u32, name: &str) -> Change {
    let consignment = consignment(n);
    let named = Named::new(name);
    let facts = Facts {
        source: Some(consignment.source.clone()),
        name: Some(named.commitment()),
        sealed: Some(consignment.sealed_digest),
        bytes: Some(consignment.sealed_bytes),
        ..Facts::default()
    };
    let name = named.commitment();
    let new = NewConsignment { consignment, native: native(n), name };
    Change { facts, names: vec![named], ..change(Event::Collected, StateChange::Collect(Box::new(new))) }
}

pub(crate) fn move_to(n: u32, expect: i64, event: Event, standing: Standing) -> Change {
    let state = StateChange::Consignment {
        id: id(n),
        expect: Revision(expect),
        standing,
        deliveries: None,
        authority: None,
        accepts: Vec::new(),
        signer: None,
    };
    change(event, state)
}

pub(crate) fn held(n: u32, expect: i64) -> Change {
    move_to(n, expect, Event::Held, Standing::Held { since: at(1), reason: HoldReason::Unsigned, restored: false })
}

pub(crate) fn rejected(n: u32, expect: i64) -> Change {
    move_to(n, expect, Event::Rejected, Standing::Rejected { at: at(1), reason: RejectReason::ByOrder })
}

pub(crate) fn retried(n: u32, expect: i64) -> Change {
    move_to(n, expect, Event::RetryOrdered, Standing::Collected { at: at(1) })
}

/// What is approved of the n-th consignment, which nobody signed.
fn unsigned(n: u32, policy: Digest) -> Approved {
    Approved { sealed: consignment(n).sealed_digest, waives: Waiver::Unsigned, policy }
}

fn person(uid: u32) -> Actor {
    Actor::Account { uid, name: format!("uid {uid}") }
}

/// This person approves the release of the n-th consignment under these settings, at second 1.
pub(crate) fn approved_under(policy: Digest, n: u32, expect: i64, uid: u32) -> Change {
    let state = StateChange::Approve { id: id(n), expect: Revision(expect), of: unsigned(n, policy) };
    Change { at: at(1), actor: person(uid), ..change(Event::ReleaseApproved, state) }
}

pub(crate) fn approved(n: u32, expect: i64, uid: u32) -> Change {
    approved_under(content(99), n, expect, uid)
}

/// A second person releases it, after the approval in entry `first`.
pub(crate) fn released(n: u32, expect: i64, uid: u32, first: u64) -> Change {
    let (of, standing) = (unsigned(n, content(99)), Standing::Collected { at: at(2) });
    let state = StateChange::Release { id: id(n), expect: Revision(expect), of, first, standing };
    Change { at: at(2), actor: person(uid), ..change(Event::Released, state) }
}

/// As [`staged`], without a signer, under the release of this entry.
pub(crate) fn staged_under(release: u64, n: u32, expect: i64, claims: u32) -> Change {
    let mut change = staged(n, expect, claims);
    change.facts.release = Some(release);
    if let StateChange::Consignment { signer, .. } = &mut change.state {
        *signer = None;
    }
    change
}

pub(crate) fn delivery(n: u32, part: u32) -> Delivery {
    let destination = "benefits".parse().unwrap();
    Delivery {
        id: DeliveryId::derive(&id(n), part, &destination),
        consignment: id(n),
        part,
        kind: FileKind::LaidPdf,
        digest: content(100 + part),
        bytes: 10,
        destination,
        path: format!("/backoffice/laid-{n}-{part}.pdf").into(),
        naming: Naming::Ours,
        place: None,
        published: false,
    }
}

/// Stages the n-th consignment with two parts, claiming content number `claims`.
pub(crate) fn staged(n: u32, expect: i64, claims: u32) -> Change {
    let state = StateChange::Consignment {
        id: id(n),
        expect: Revision(expect),
        standing: Standing::Staged { at: at(2), boot: "boot".into() },
        deliveries: Some(vec![delivery(n, 0), delivery(n, 1)]),
        authority: None,
        accepts: vec![content(claims)],
        signer: Some("0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap()),
    };
    staged_as(&[delivery(n, 0), delivery(n, 1)], state)
}

/// As [`staged`], under names in which the sender's are.
pub(crate) fn staged_by_sender(n: u32, expect: i64, claims: u32) -> Change {
    let mut change = staged(n, expect, claims);
    let StateChange::Consignment { deliveries: Some(deliveries), .. } = &mut change.state else { return change };
    deliveries.iter_mut().for_each(|delivery| delivery.naming = Naming::Senders);
    let deliveries = deliveries.clone();
    staged_as(&deliveries, change.state)
}

/// The names of the n-th consignment are erased, so many.
pub(crate) fn erase_names(n: u32, names: u64) -> Change {
    change(Event::NamesErased, StateChange::EraseNames { id: id(n), names })
}

/// The original of the n-th consignment is erased.
pub(crate) fn erase_original(n: u32) -> Change {
    change(Event::OriginalErased, StateChange::EraseOriginal { original: Original::Transfer(id(n)) })
}

pub(crate) fn place_hold(on: &str) -> Change {
    change(Event::LegalHoldPlaced, StateChange::PlaceHold { on: on.parse().unwrap() })
}

pub(crate) fn lift_hold(on: &str) -> Change {
    change(Event::LegalHoldLifted, StateChange::LiftHold { on: on.parse().unwrap() })
}

/// Staged with these parts, each committed to by its name.
fn staged_as(deliveries: &[Delivery], state: StateChange) -> Change {
    let (mut parts, mut names) = (Vec::new(), Vec::new());
    for part in deliveries {
        let named = Named::new(part.path.file_name().unwrap().to_string_lossy());
        parts.push(PartFacts {
            delivery: part.id,
            kind: part.kind,
            content: part.digest,
            bytes: part.bytes,
            to: part.destination.clone(),
            name: named.commitment(),
            naming: Some(part.naming),
            derived: false,
        });
        names.push(named);
    }
    Change { facts: Facts { parts, ..Facts::default() }, names, ..change(Event::Staged, state) }
}

/// As [`staged`], for this authority.
pub(crate) fn staged_for(authority: &str, n: u32, expect: i64, claims: u32) -> Change {
    let mut change = staged(n, expect, claims);
    if let StateChange::Consignment { authority: whose, .. } = &mut change.state {
        *whose = Some(authority.parse().unwrap());
    }
    change
}

pub(crate) fn alarm(about: &str, raised: bool) -> Change {
    let event = if raised { Event::AlarmRaised } else { Event::AlarmCleared };
    let notice = raised.then(|| HoldReason::NoKey.notice());
    change(event, StateChange::Alarm { about: about.into(), notice })
}

pub(crate) fn in_service(authority: &str) -> Change {
    let from = date(2020, 4, 1);
    change(Event::TakenIntoService, StateChange::InService { authority: authority.parse().unwrap(), from })
}

pub(crate) fn activated(year: &str, text: &str) -> Change {
    let state = StateChange::ActivateTimetable { year: year.parse().unwrap(), text: text.into() };
    change(Event::TimetableActivated, state)
}

pub(crate) fn retired(n: u8, compromised_since: Option<Timestamp>) -> Change {
    let fingerprint = format!("{n:040}").parse().unwrap();
    let step = KeyStep::Retired { partner: Some("dwp".parse().unwrap()), fingerprint, from: at(0), compromised_since };
    change(step.event(), StateChange::Key { step, certificate: None })
}

pub(crate) fn proposed(certificate: &[u8]) -> Change {
    let step = KeyStep::Proposed {
        partner: "dwp".parse().unwrap(),
        fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap(),
        certificate: Digest::of(certificate),
        from: None,
    };
    change(step.event(), StateChange::Key { step, certificate: Some(certificate.to_vec()) })
}

pub(crate) fn exception_used(exception: u64, n: u32) -> Change {
    let step = KeyStep::ExceptionUsed { exception, transfer: id(n) };
    change(step.event(), StateChange::Key { step, certificate: None })
}

pub(crate) fn exception_granted(proposal: Option<u64>) -> Change {
    let step = KeyStep::ExceptionGranted {
        partner: "dwp".parse().unwrap(),
        allow: LegacyAlgorithm::Sha1,
        from: at(0),
        until: at(1000),
        proposal,
    };
    change(step.event(), StateChange::Key { step, certificate: None })
}

pub(crate) fn resend(text: &str, expect: i64) -> Change {
    let mut ordered = return_to(text, expect, Event::ReturnOrdered, Stage::Sealed, None);
    ordered.facts.order = Some(ReturnOrder::Resend);
    ordered.facts.sealed = Some(sealed().sealed);
    ordered
}

pub(crate) fn key(text: &str) -> SubmissionKey {
    text.parse().unwrap()
}

pub(crate) fn owe(text: &str) -> Change {
    let state =
        StateChange::Owe { key: key(text), extract_from: Some(date(2020, 4, 7)), transfer_on: date(2020, 4, 14) };
    change(Event::Scheduled, state)
}

pub(crate) fn return_to(text: &str, expect: i64, event: Event, stage: Stage, sealed: Option<Sealed>) -> Change {
    change(event, StateChange::Submission { key: key(text), expect: Revision(expect), stage, sealed })
}

/// The n-th consignment tells this of a return.
pub(crate) fn answer(n: u32, expect: i64, text: &str, answer: Answer) -> Change {
    let standing = Standing::Matched { at: at(3) };
    let state = StateChange::Answer {
        id: id(n),
        expect: Revision(expect),
        standing,
        key: key(text),
        answer,
        status: Some("2.0.0".into()),
    };
    change(Event::Answered, state)
}

pub(crate) fn sealed() -> Sealed {
    Sealed {
        content: content(7),
        sealed: content(8),
        bytes: 99,
        file_name: "SHBE_12302_2020-04.txt.pgp".into(),
        message_id: "abc@hbcourier.invalid".into(),
        at: at(5),
        live_claims: Some(3),
    }
}

/// The workbook that is this part of the n-th consignment goes by that month from now on.
pub(crate) fn open_workbook(n: u32, part: u32, month: &str) -> Change {
    let (authority, month) = ("12302".parse().unwrap(), month.parse().unwrap());
    let state = StateChange::OpenWorkbook { authority, month, transfer: id(n), delivery: delivery(n, part).id };
    change(Event::WorkbookOpened, state)
}

pub(crate) fn close_workbook(month: &str) -> Change {
    let (authority, month) = ("12302".parse().unwrap(), month.parse().unwrap());
    change(Event::WorkbookClosed, StateChange::CloseWorkbook { authority, month })
}
