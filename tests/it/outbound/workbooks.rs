//! MI workbooks to the end: opened when they come, owed again each month, closed by a person.

use hbcourier::domain::ReturnKind::HbmsMi;
use hbcourier::domain::ledger::{Event, Facts, PartFacts, VolumeFacts};
use hbcourier::domain::{
    Actor, Consignment, ConsignmentId, Delivery, DeliveryId, Digest, FileKind, Naming, ReturnHold, ReturnOrder,
    Revision, Stage, Standing,
};
use hbcourier::operator::Order;
use hbcourier::store::{Change, Named, NewConsignment, Queries, Recorder, StateChange};

use super::council::{Council, Way, workbook};

const LA: &str = "12302";
const MAY: &str = "hbms-mi/12302/2020-05";
const JUNE: &str = "hbms-mi/12302/2020-06";
const APRILS_AGAIN: &str = "hbms-mi/12302/2020-06/2020-04";

fn blackpool(civil: &str) -> Council {
    Council::new(&[LA], civil, Way::Folders)
}

/// What the way in records when a pack with a workbook is delivered.
fn deliver_workbook(council: &Council, file_name: &str) -> ConsignmentId {
    let (recorder, now) = (council.recorder(), council.now());
    let (source, native) = ("drop-12302".parse().unwrap(), Digest::of(file_name.as_bytes()));
    let id = ConsignmentId::derive(&source, file_name, &native);
    let named = Named::new(file_name);
    let consignment = Consignment {
        id,
        source,
        authority: LA.parse().unwrap(),
        received_at: now,
        sealed_digest: native,
        sealed_bytes: 1,
        revision: Revision(0),
        standing: Standing::Collected { at: now },
        signer: None,
    };
    let new = NewConsignment { consignment, native, name: named.commitment() };
    let record = |event, facts, state, names| {
        recorder.record(Change { at: now, actor: Actor::Service, event, facts, names, state }).unwrap();
    };
    let facts = Facts { name: Some(named.commitment()), sealed: Some(native), ..Facts::default() };
    record(Event::Collected, facts, StateChange::Collect(Box::new(new)), vec![named]);

    let destination = "backoffice".parse().unwrap();
    let delivery = Delivery {
        id: DeliveryId::derive(&id, 0, &destination),
        consignment: id,
        part: 0,
        kind: FileKind::HbmsMi,
        digest: native,
        bytes: 1,
        destination: destination.clone(),
        path: format!("/backoffice/{file_name}").into(),
        naming: Naming::Ours,
        place: None,
        published: true,
    };
    let part_name = Named::new(file_name);
    let part = PartFacts {
        delivery: delivery.id,
        kind: delivery.kind,
        derived: false,
        content: native,
        bytes: 1,
        to: destination,
        name: part_name.commitment(),
        naming: Some(Naming::Ours),
    };
    let referrals = VolumeFacts { part: 0, of: "HBSA002".parse().unwrap(), count: Some(12) };
    let facts = Facts { parts: vec![part], volumes: vec![referrals], ..Facts::default() };
    let moved = |expect, standing, deliveries, signer: Option<&str>| StateChange::Consignment {
        id,
        expect: Revision(expect),
        standing,
        deliveries,
        authority: None,
        accepts: Vec::new(),
        signer: signer.map(|signer| signer.parse().unwrap()),
    };
    let dwp = "0123456789ABCDEF0123456789ABCDEF01234567";
    let staged = moved(0, Standing::Staged { at: now, boot: "boot".into() }, Some(vec![delivery]), Some(dwp));
    record(Event::Staged, facts, staged, vec![part_name]);
    record(Event::Delivered, Facts::default(), moved(1, Standing::Delivered { at: now }, None, None), Vec::new());
    id
}

fn mi_keys(council: &Council) -> Vec<String> {
    let keys = council.submissions().into_iter().map(|one| one.key);
    keys.filter(|key| key.workbook.is_some()).map(|key| key.to_string()).collect()
}

fn close(council: &Council, month: &str, reason: &str) -> Result<String, String> {
    let workbook = format!("{LA}/{month}").parse().unwrap();
    council.give(&Order::CloseWorkbook { workbook, by: None, reason: reason.into() })
}

/// April's pack came, May's return of its workbook went out, and the day after has come.
fn april_returned_once() -> Council {
    let council = blackpool("2020-04-08 10:00");
    council.tick();
    council.clock.advance_to("2020-04-21 09:00");
    deliver_workbook(&council, "HBMS MI April.xlsx");
    council.put(LA, HbmsMi, "HBMS MI April.xlsx", workbook("april, first"));
    // April's own return was missed and waits for a person; the file says that it is not April's.
    council.look();
    assert_eq!(council.stage(MAY), Stage::Sealed, "the workbook's first return is the usual one");
    council.clock.advance_to("2020-05-11 09:00");
    council.tick();
    assert!(matches!(council.stage(MAY), Stage::Sent { .. }));
    council.order("hbms-mi/12302/2020-04", ReturnOrder::Waive).unwrap();
    council.clock.advance_to("2020-05-12 09:00");
    council.tick();
    council
}

#[test]
fn owed_again_beside_the_next_one_and_each_file_goes_to_its_own() {
    let mut council = april_returned_once();
    assert_eq!(mi_keys(&council), [APRILS_AGAIN, "hbms-mi/12302/2020-07/2020-04"], "this cycle, and the next");
    council.clock.advance_to("2020-05-19 09:00");
    let may = deliver_workbook(&council, "HBMS MI May.xlsx");
    council.restart();
    council.put(LA, HbmsMi, "HBMS MI April updated.xlsx", workbook("april, second"));
    council.put(LA, HbmsMi, "for june.xlsx", workbook("may, first"));
    council.look();
    assert!(matches!(council.stage(JUNE), Stage::Held { reason: ReturnHold::WorkbookUntold, .. }), "whose is it?");
    std::fs::remove_file(council.folder(LA, HbmsMi).join("for june.xlsx")).unwrap();
    council.put(LA, HbmsMi, "HBMS MI May done.xlsx", workbook("may, first"));
    council.look();
    assert_eq!((council.stage(APRILS_AGAIN), council.stage(JUNE)), (Stage::Sealed, Stage::Sealed));
    assert_eq!(council.left_in(LA, HbmsMi), 0);
    council.clock.advance_to("2020-06-08 09:00");
    council.tick();
    let sent = council.outgoing(LA);
    let (april, june) = ("hbms-mi_12302_2020-06-workbook-2020-04.xlsx.pgp", "hbms-mi_12302_2020-06.xlsx.pgp");
    assert_eq!(council.opened_by_dwp(&sent[april]), workbook("april, second"));
    assert_eq!(council.opened_by_dwp(&sent[june]), workbook("may, first"));
    let ids = [APRILS_AGAIN, JUNE].map(|key| council.submission(key).sealed.unwrap().message_id);
    assert_ne!(ids[0], ids[1]);
    assert!(council.submission(JUNE).sent.is_some());

    council.clock.advance_to("2020-06-09 09:00");
    council.tick();
    let both = ["hbms-mi/12302/2020-07/2020-04", "hbms-mi/12302/2020-07/2020-05"];
    assert!(both.iter().all(|key| council.stage(key) == Stage::Scheduled), "{:?}", mi_keys(&council));
    let books = council.queries().workbooks(None).unwrap();
    assert_eq!((books.len(), books[1].transfer), (2, may));
    assert_eq!(council.ledger().iter().filter(|entry| entry.event == Event::WorkbookOpened).count(), 2);
    let volumes = council.queries().volumes(&LA.parse().unwrap()).unwrap();
    assert_eq!(volumes.iter().map(|volume| volume.count).collect::<Vec<_>>(), [Some(12), Some(12)]);
}

#[test]
fn a_closed_one_is_owed_no_more_and_what_was_sealed_goes_out() {
    let council = april_returned_once();
    assert!(close(&council, "2020-09", "done").unwrap_err().contains("no workbook 12302/2020-09"));
    assert!(close(&council, "2020-04", " ").is_err(), "an auditor wants a reason");
    let says = close(&council, "2020-04", "every case has an outcome").unwrap();
    assert!(says.contains(APRILS_AGAIN) && !says.contains("Still to be settled"), "{says}");
    assert!(matches!(council.stage(APRILS_AGAIN), Stage::Waived { .. }));
    assert!(close(&council, "2020-04", "once more").unwrap_err().contains("closed already"));
    council.clock.advance_to("2020-06-09 09:00");
    council.tick();
    assert_eq!(mi_keys(&council).len(), 2, "no more than was owed when it was closed");
    let closed = council.ledger().into_iter().find(|entry| entry.event == Event::WorkbookClosed).unwrap();
    assert!(matches!(closed.actor, Actor::Account { .. }) && closed.facts.why.is_some(), "{closed:?}");

    let council = april_returned_once();
    council.put(LA, HbmsMi, "workbook 2020-04 final.xlsx", workbook("april, last"));
    council.look();
    assert_eq!(council.stage(APRILS_AGAIN), Stage::Sealed);
    close(&council, "2020-04", "every case has an outcome").unwrap();
    council.clock.advance_to("2020-06-08 09:00");
    council.tick();
    assert!(matches!(council.stage(APRILS_AGAIN), Stage::Sent { .. }));
}

#[test]
fn one_that_is_not_returned_again_is_missed_and_told() {
    let council = april_returned_once();
    council.clock.advance_to("2020-06-08 09:00");
    council.tick();
    let about = "return-hbms-mi-12302-2020-06-of-2020-04";
    assert_eq!(council.alarms()[about], "CN-512");
    council.clock.advance_to("2020-06-09 09:00");
    council.tick();
    assert!(matches!(council.stage(APRILS_AGAIN), Stage::Missed { .. }));
    assert_eq!(council.alarms()[about], "CN-513");
    council.put(LA, HbmsMi, "workbook 2020-04.xlsx", workbook("april, a month late"));
    council.look();
    const JULY: &str = "hbms-mi/12302/2020-07/2020-04";
    let late = ReturnHold::Late { month: "2020-06".parse().unwrap() };
    assert!(matches!(council.stage(JULY), Stage::Held { reason, .. } if reason == late), "{:?}", council.stage(JULY));
    council.order(APRILS_AGAIN, ReturnOrder::Waive).unwrap();
    council.look();
    assert_eq!(council.stage(JULY), Stage::Sealed, "a person said that it is July's");
}

#[test]
fn a_correction_after_sealing_waits_for_a_person_and_never_runs_ahead() {
    let mut council = blackpool("2020-04-08 10:00");
    council.tick();
    council.clock.advance_to("2020-04-21 09:00");
    deliver_workbook(&council, "HBMS MI April.xlsx");
    council.tick();
    council.order("hbms-mi/12302/2020-04", ReturnOrder::Waive).unwrap();
    council.put(LA, HbmsMi, "HBMS MI April.xlsx", workbook("april, first"));
    council.look();
    assert_eq!(council.stage(MAY), Stage::Sealed);
    council.put(LA, HbmsMi, "HBMS MI April.xlsx", workbook("april, corrected"));
    council.look();
    let held = ReturnHold::AlreadySealed { month: "2020-05".parse().unwrap() };
    let is_held =
        |council: &Council| matches!(council.stage(APRILS_AGAIN), Stage::Held { reason, .. } if reason == held);
    assert!(is_held(&council), "{:?}", council.stage(APRILS_AGAIN));
    council.clock.advance_to("2020-05-11 09:00");
    council.tick();
    council.clock.advance_to("2020-05-12 09:00");
    council.restart();
    council.look();
    assert!(is_held(&council), "time alone makes it no other month's");
    council.put(LA, HbmsMi, "HBMS MI April.xlsx", workbook("april, in june"));
    council.look();
    assert_eq!(council.stage(APRILS_AGAIN), Stage::Sealed);
}

#[test]
fn a_workbook_that_came_last_makes_no_file_ambiguous() {
    let council = blackpool("2020-04-14 07:00");
    council.tick();
    deliver_workbook(&council, "HBMS MI March.xlsx");
    council.put(LA, HbmsMi, "for april.xlsx", workbook("an earlier pack's"));
    council.look();
    assert_eq!(council.stage("hbms-mi/12302/2020-04"), Stage::Sealed);
}

#[test]
fn a_file_of_a_closed_workbook_is_told_as_that() {
    let council = april_returned_once();
    close(&council, "2020-04", "every case has an outcome").unwrap();
    council.put(LA, HbmsMi, "workbook 2020-04.xlsx", workbook("april, too late"));
    council.look();
    let raised = council.raised().into_iter().find(|alarm| alarm.code == "CN-537").unwrap();
    assert!(raised.says.contains("workbook 12302/2020-04, which is closed"), "{}", raised.says);
}

#[test]
fn closing_goes_on_where_a_crash_left_it_and_nothing_is_owed_behind_it() {
    let council = april_returned_once();
    let (authority, month) = (LA.parse().unwrap(), "2020-04".parse().unwrap());
    let state = StateChange::CloseWorkbook { authority, month };
    let (at, facts) = (council.now(), Facts::default());
    let change = Change { at, actor: Actor::Service, event: Event::WorkbookClosed, facts, names: Vec::new(), state };
    council.recorder().record(change).unwrap();
    let key = "hbms-mi/12302/2020-08/2020-04".parse().unwrap();
    let transfer_on = jiff::civil::date(2020, 8, 3);
    let state = StateChange::Owe { key, extract_from: None, transfer_on };
    let facts = Facts::default();
    let owe = Change { at, actor: Actor::Service, event: Event::Scheduled, facts, names: Vec::new(), state };
    assert!(council.recorder().record(owe).is_err(), "a round that read it open comes too late");
    assert!(close(&council, "2020-04", "the rest of it").unwrap().contains(APRILS_AGAIN));
    assert!(matches!(council.stage(APRILS_AGAIN), Stage::Waived { .. }));
}

#[test]
fn what_fell_due_while_the_service_was_down_is_missed_and_told() {
    let council = april_returned_once();
    council.clock.advance_to("2020-07-07 09:00");
    council.tick();
    for month in ["2020-06", "2020-07"] {
        let key = format!("hbms-mi/12302/{month}/2020-04");
        assert!(matches!(council.stage(&key), Stage::Missed { .. }), "{key}");
        assert_eq!(council.alarms()[&format!("return-hbms-mi-12302-{month}-of-2020-04")], "CN-513");
    }
    assert_eq!(council.stage("hbms-mi/12302/2020-08/2020-04"), Stage::Scheduled);
}

#[test]
fn the_same_bytes_are_not_sent_for_two_workbooks() {
    let council = april_returned_once();
    council.put(LA, HbmsMi, "workbook 2020-04.xlsx", workbook("april, first"));
    council.look();
    assert!(matches!(council.stage(APRILS_AGAIN), Stage::Held { .. }), "nothing was updated since May");
}

#[cfg(feature = "failpoints")]
#[test]
fn killed_at_every_step_each_workbook_goes_out_once() {
    use hbcourier::durable::step::STEPS;

    for step in STEPS.into_iter().filter(|step| step.starts_with("seal.")) {
        let scenario = fail::FailScenario::setup();
        let mut council = april_returned_once();
        council.put(LA, HbmsMi, "workbook 2020-04.xlsx", workbook("april, second"));
        council.put(LA, HbmsMi, "MI 2020-06.xlsx", workbook("may, first"));
        council.tick();
        council.clock.advance(super::council::SETTLE);
        fail::cfg(step, "1*panic->off").unwrap();
        assert!(council.tick_dies(), "{step} was not passed");
        council.restart();
        for _ in 0..4 {
            council.look();
        }
        council.clock.advance_to("2020-06-08 09:00");
        council.tick();
        for key in [APRILS_AGAIN, JUNE] {
            assert!(matches!(council.stage(key), Stage::Sent { .. }), "{step} {key}: {:?}", council.stage(key));
            assert_eq!(council.count(Event::Sealed, key), 1, "{step} {key}");
        }
        assert_eq!(council.outgoing(LA).len(), 3, "{step}: {:?}", council.outgoing(LA).keys());
        assert_eq!(council.left_in(LA, HbmsMi), 0, "{step}");
        scenario.teardown();
    }
}
