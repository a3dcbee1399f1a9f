//! Orders about returns: each state that waits for a person is ended by one, and what goes out again is the same.

use std::sync::Arc;

use hbcourier::domain::ReturnKind::Shbe;
use hbcourier::domain::ledger::Event;
use hbcourier::domain::{Actor, DeferCause, ReturnOrder, Stage};
use hbcourier::effects::courier::{Form, Reply};

use super::council::{Council, Way, extract};
use super::scripted::{ScriptedCourier, Told};
use crate::support::virtual_clock::in_london;

const APRIL: &str = "shbe/12302/2020-04";
const ABOUT: &str = "return-shbe-12302-2020-04";

/// April's return after its first attempt was answered so.
fn answered(told: Vec<Told>) -> (Council, Arc<ScriptedCourier>) {
    let courier = ScriptedCourier::new(Form::Bare, told);
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Scripted(courier.clone()));
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.look();
    council.clock.advance_to("2020-04-14 08:00");
    council.tick();
    (council, courier)
}

fn silence() -> Told {
    Told::Reply(Reply::Silence("no answer".into()))
}

#[test]
fn uncertain_and_confirmed_is_over() {
    let (mut council, courier) = answered(vec![silence()]);
    assert_eq!(council.alarms()[ABOUT], "CN-515");
    let says = council.order(APRIL, ReturnOrder::Confirm).unwrap();
    assert!(says.contains("not sent again"), "{says}");
    council.restart();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Acknowledged { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
    assert_eq!(courier.passed().len(), 1);
    let entry = council.ledger().into_iter().find(|entry| entry.event == Event::ReturnOrdered).unwrap();
    assert!(matches!(&entry.actor, Actor::Account { uid: 1000, .. }), "{entry:?}");
    assert_eq!(entry.facts.order, Some(ReturnOrder::Confirm));
    assert_eq!(entry.facts.why.as_deref(), Some("as DWP asked by telephone"));
    for order in [ReturnOrder::Confirm, ReturnOrder::Resend, ReturnOrder::Waive] {
        assert!(council.order(APRIL, order).is_err(), "{order:?}: it is over");
    }
    assert_eq!(council.ledger().iter().filter(|entry| entry.event == Event::OrderRefused).count(), 3);
}

#[test]
fn uncertain_and_sent_again_is_the_same_message() {
    let (council, courier) = answered(vec![silence()]);
    // Days later: the order counts, not the transfer date.
    council.clock.advance_to("2020-04-17 20:00");
    council.tick();
    let says = council.order(APRIL, ReturnOrder::Resend).unwrap();
    assert!(says.contains("same Message-ID") && says.contains("may get it twice"), "{says}");
    council.tick();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
    let passed = courier.passed();
    assert_eq!(passed.len(), 2);
    assert!(passed[0] == passed[1], "the same bytes, Message-ID and date");
    assert_eq!((council.count(Event::Sealed, APRIL), council.count(Event::Sending, APRIL)), (1, 2));
    assert!(council.order(APRIL, ReturnOrder::Resend).is_err(), "what was sent is not sent again");
}

#[test]
fn an_alarm_tells_the_last_refusal() {
    let refused = |words: &str| Told::Reply(Reply::Refused(words.into()));
    let (council, _courier) = answered(vec![refused("552 too large"), refused("550 not wanted")]);
    let says = || council.raised().into_iter().find(|alarm| alarm.about == ABOUT).unwrap().says;
    assert!(says().contains("552 too large"), "{}", says());
    council.order(APRIL, ReturnOrder::Resend).unwrap();
    council.tick();
    assert!(says().contains("550 not wanted") && !says().contains("552"), "{}", says());
}

#[test]
fn failed_is_sent_again_or_waived() {
    let refused = || Told::Reply(Reply::Refused("552 too large".into()));
    let (council, courier) = answered(vec![refused(), refused()]);
    assert_eq!(council.alarms()[ABOUT], "CN-514");
    council.order(APRIL, ReturnOrder::Resend).unwrap();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Failed { .. }), "refused once more");
    assert_eq!((council.alarms()[ABOUT].as_str(), courier.passed().len()), ("CN-514", 2));
    council.order(APRIL, ReturnOrder::Waive).unwrap();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Waived { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
}

#[test]
fn missed_with_what_was_sealed_is_sent_late_and_missed_again_if_it_cannot_be() {
    let courier = ScriptedCourier::new(Form::Bare, vec![Told::PrepareLater; 40]);
    let mut council = Council::new(&["12302"], "2020-04-08 10:00", Way::Scripted(courier.clone()));
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.look();
    council.clock.advance_to("2020-04-15 09:00");
    council.restart();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }));
    council.order(APRIL, ReturnOrder::Resend).unwrap();
    council.tick();
    let Stage::Deferred { cause: DeferCause::CourierUnreachable, .. } = council.stage(APRIL) else {
        panic!("{:?}", council.stage(APRIL))
    };
    council.clock.advance_to("2020-04-16 09:00");
    council.restart();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }), "a day is given, then it is said again");
    assert_eq!(council.alarms()[ABOUT], "CN-513");
    assert!(courier.passed().is_empty());
    // An order given by a clock that was ahead does not wait for it.
    council.clock.advance_to("2020-05-30 09:00");
    council.order(APRIL, ReturnOrder::Resend).unwrap();
    council.clock.jump_to(in_london("2020-04-17 09:00"));
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Deferred { .. }), "{:?}", council.stage(APRIL));
    council.order(APRIL, ReturnOrder::Confirm).unwrap();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Acknowledged { .. }), "an earlier one was found after all");
    assert!(!council.alarms().contains_key(ABOUT));
}
