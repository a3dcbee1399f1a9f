//! Attempts: every answer a courier can give, and every end an attempt can come to.

use std::sync::Arc;

use hbcourier::domain::ReturnKind::Shbe;
use hbcourier::domain::ledger::Event;
use hbcourier::domain::{DeferCause, Digest, Stage};
use hbcourier::effects::courier::{Evidence, Form, Reply};

use super::council::{Council, Way, extract};
use super::scripted::{ScriptedCourier, Told};

const APRIL: &str = "shbe/12302/2020-04";
const ABOUT: &str = "return-shbe-12302-2020-04";

/// Sealed, and the window of its transfer date just opened.
fn on_the_day(told: Vec<Told>) -> (Council, Arc<ScriptedCourier>) {
    let courier = ScriptedCourier::new(Form::Bare, told);
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Scripted(courier.clone()));
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
    council.clock.advance_to("2020-04-14 08:00");
    (council, courier)
}

/// Many ticks to the end of the next day.
fn let_days_pass(council: &Council) {
    for civil in ["2020-04-14 08:01", "2020-04-14 12:00", "2020-04-14 17:59", "2020-04-15 00:01", "2020-04-15 12:00"] {
        council.clock.advance_to(civil);
        council.tick();
    }
}

#[test]
fn accepted_is_sent_once_with_what_was_sealed() {
    let (council, courier) = on_the_day(vec![]);
    council.tick();
    let_days_pass(&council);
    let Stage::Sent { reply, .. } = council.stage(APRIL) else { panic!("{:?}", council.stage(APRIL)) };
    assert_eq!(reply, "250 ok");
    let passed = courier.passed();
    let sealed = council.submission(APRIL).sealed.unwrap();
    assert_eq!(passed.len(), 1);
    assert_eq!(Digest::of(&passed[0].bytes), sealed.sealed);
    assert_eq!((passed[0].message_id.as_str(), passed[0].date), (sealed.message_id.as_str(), sealed.at));
    assert_eq!(passed[0].subject, "SHBE 12302 2020-04");
    assert_eq!(passed[0].to, ["hbms@dwp.example"]);
    assert_eq!(council.opened_by_dwp(&passed[0].bytes), extract("12302", "2020-04-08", "").as_bytes());
    let order: Vec<Event> = council
        .ledger()
        .into_iter()
        .filter(|e| e.facts.submission.as_deref() == Some(APRIL))
        .map(|e| e.event)
        .collect();
    assert_eq!(order, [Event::Scheduled, Event::Sealed, Event::Sending, Event::Sent]);
}

#[test]
fn silence_is_uncertain_and_never_tried_again() {
    let (council, courier) = on_the_day(vec![Told::Reply(Reply::Silence("no answer".into()))]);
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Uncertain { .. }));
    assert_eq!(council.alarms()[ABOUT], "CN-515");
    let_days_pass(&council);
    assert!(matches!(council.stage(APRIL), Stage::Uncertain { .. }), "not missed either: it may have arrived");
    assert_eq!(courier.passed().len(), 1);
}

#[test]
fn refusals_are_final_and_said() {
    for told in [Told::PrepareRefuse, Told::Reply(Reply::Refused("552 too large".into()))] {
        let (council, courier) = on_the_day(vec![told]);
        council.tick();
        let Stage::Failed { reply, .. } = council.stage(APRIL) else { panic!("{:?}", council.stage(APRIL)) };
        assert!(reply.starts_with("55"), "{reply}");
        assert_eq!(council.alarms()[ABOUT], "CN-514");
        assert!(council.raised().iter().any(|alarm| alarm.says.contains(&reply)));
        let_days_pass(&council);
        assert!(matches!(council.stage(APRIL), Stage::Failed { .. }));
        assert!(courier.passed().len() <= 1);
    }
}

#[test]
fn later_is_tried_again_with_the_same_bytes_after_growing_pauses() {
    let busy = Told::Reply(Reply::TryLater(DeferCause::CourierBusy, "451 later".into()));
    let (council, courier) = on_the_day(vec![Told::PrepareLater, busy.clone(), busy]);
    let mut pauses = Vec::new();
    for attempt in 1..=3 {
        let before = hbcourier::effects::clock::Clock::now(&*council.clock);
        let wake = council.tick().unwrap();
        let Stage::Deferred { until, attempts, .. } = council.stage(APRIL) else {
            panic!("{:?}", council.stage(APRIL))
        };
        assert_eq!((attempts, wake), (attempt, until));
        pauses.push(until.duration_since(before).as_secs());
        assert_eq!(council.alarms().contains_key(ABOUT), attempt == 3, "after {attempt} attempts");
        council.tick();
        assert!(
            matches!(council.stage(APRIL), Stage::Deferred { attempts, .. } if attempts == attempt),
            "not too soon"
        );
        council.clock.advance_to_moment(until);
    }
    assert_eq!(pauses, [60, 120, 240]);
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
    let passed = courier.passed();
    assert_eq!(passed.len(), 3);
    assert!(passed.iter().all(|given| *given == passed[0]), "every attempt the same, byte for byte");
}

/// The cause of the present deferral.
fn deferred(council: &Council) -> DeferCause {
    let Stage::Deferred { cause, .. } = council.stage(APRIL) else { panic!("{:?}", council.stage(APRIL)) };
    cause
}

#[test]
fn a_damaged_spool_sends_nothing_until_it_is_mended() {
    let (council, courier) = on_the_day(vec![]);
    let sealed = council.submission(APRIL).sealed.unwrap().sealed;
    let file = council.state_file("sealed").join(format!("{sealed}.pgp"));
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"other bytes").unwrap();
    council.tick();
    assert_eq!(deferred(&council), DeferCause::SealedDamaged);
    assert_eq!(council.alarms()[ABOUT], "CN-315");
    assert!(courier.passed().is_empty());
    std::fs::write(&file, good).unwrap();
    let_days_pass(&council);
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
}

/// A wrong password on the transfer date: said at once, and no return is lost by it once it is mended.
#[test]
fn what_stands_in_the_way_before_the_offer_is_said_at_once_and_tried_again() {
    let (council, courier) = on_the_day(vec![Told::PrepareClosed]);
    council.tick();
    assert_eq!(deferred(&council), DeferCause::CourierClosed);
    let alarm = council.raised().into_iter().find(|alarm| alarm.about == ABOUT).unwrap();
    assert!(alarm.code == "CN-313" && alarm.says.contains("535 wrong password"), "{alarm:?}");
    assert!(alarm.next.contains("password") && alarm.next.contains("tried again by itself"), "{alarm:?}");
    let_days_pass(&council);
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
    assert_eq!(courier.passed().len(), 1);

    let (council, courier) = on_the_day(vec![Told::PrepareClosed; 100]);
    for minute in 0..600 {
        council.tick();
        council.clock.advance(std::time::Duration::from_secs(60));
        assert!(matches!(council.stage(APRIL), Stage::Deferred { .. }), "after {minute} minutes");
    }
    council.tick();
    let alarm = council.raised().into_iter().find(|alarm| alarm.about == ABOUT).unwrap();
    assert!(alarm.code == "CN-531" && alarm.says.contains("535 wrong password"), "{alarm:?}");
    council.clock.advance_to("2020-04-15 00:00");
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }));
    assert!(courier.passed().is_empty());
}

#[test]
fn another_file_of_its_name_is_waited_for() {
    let council = Council::new(&["12302"], "2020-04-14 07:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-14", ""));
    council.look();
    let theirs = council.dir.path().join("outgoing/12302/shbe_12302_2020-04.txt.pgp");
    std::fs::write(&theirs, "theirs").unwrap();
    council.clock.advance_to("2020-04-14 08:00");
    council.tick();
    assert_eq!(deferred(&council), DeferCause::NameTaken);
    assert_eq!(council.alarms()[ABOUT], "CN-314");
    assert_eq!(std::fs::read(&theirs).unwrap(), b"theirs");
    std::fs::remove_file(&theirs).unwrap();
    let_days_pass(&council);
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
}

/// The process ends just after the point of no return; then the service starts again.
fn interrupted() -> (Council, Arc<ScriptedCourier>) {
    let (council, courier) = on_the_day(vec![Told::Die]);
    assert!(council.tick_dies());
    assert!(matches!(council.stage(APRIL), Stage::Sending { attempt: 1, .. }));
    (council, courier)
}

#[test]
fn interrupted_and_arrived() {
    let (mut council, courier) = interrupted();
    courier.find(Evidence::Arrived("taken by the transport".into()));
    council.restart();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert_eq!(council.count(Event::SentRecovered, APRIL), 1);
    let_days_pass(&council);
    assert_eq!((courier.passed().len(), courier.asked()), (1, vec![false]));
}

#[test]
fn interrupted_and_not_arrived() {
    let (mut council, courier) = interrupted();
    courier.find(Evidence::NotArrived);
    council.reboot();
    council.tick();
    let_days_pass(&council);
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert_eq!((council.count(Event::SendDeferred, APRIL), council.count(Event::Sent, APRIL)), (1, 1));
    assert_eq!(courier.asked(), [true], "asked with the knowledge of the reboot");
    let passed = courier.passed();
    assert_eq!(passed.len(), 2);
    assert_eq!(passed[0], passed[1]);
}

#[test]
fn interrupted_and_nothing_tells() {
    let (mut council, courier) = interrupted();
    council.restart();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Uncertain { .. }));
    assert_eq!(council.alarms()[ABOUT], "CN-515");
    let_days_pass(&council);
    assert_eq!(courier.passed().len(), 1, "no retry without evidence");
}

#[test]
fn interrupted_on_the_day_and_found_not_arrived_when_it_is_over() {
    let (mut council, courier) = interrupted();
    courier.find(Evidence::NotArrived);
    council.clock.advance_to("2020-04-15 09:00");
    council.restart();
    council.tick();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }), "evidence first, then the day");
    assert_eq!(courier.passed().len(), 1);
}
