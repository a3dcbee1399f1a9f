//! Returns of which nobody knows whether they arrived: what comes back decides, then the policy, once.

use std::sync::Arc;
use std::time::Duration;

use hbcourier::domain::ReturnKind::{HbmsMi, Shbe};
use hbcourier::domain::ledger::{Event, Facts};
use hbcourier::domain::{
    Actor, AlarmReason, Answer, ConsignmentId, Digest, ReturnOrder, Revision, SourceName, Stage, Standing,
};
use hbcourier::effects::courier::{Form, Reply};
use hbcourier::store::{Change, Named, NewConsignment, Queries, Recorder, StateChange};

use super::council::{Council, SETTLE, Way, extract, workbook};
use super::scripted::{ScriptedCourier, Told};

const MI: &str = "hbms-mi/12302/2020-04";
const SHBE: &str = "shbe/12302/2020-04";
const DAY: Duration = Duration::from_secs(86_400);

fn silence() -> Told {
    Told::Reply(Reply::Silence("no answer".into()))
}

/// Both of April's returns were sent on their days, and no answer came.
fn uncertain(told: Vec<Told>, resend_after: Option<Duration>) -> (Council, Arc<ScriptedCourier>) {
    let courier = ScriptedCourier::new(Form::Bare, told);
    let mut council = Council::new(&["12302"], "2020-04-08 10:00", Way::Scripted(courier.clone()));
    council.resend_after = resend_after;
    council.restart();
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.put("12302", HbmsMi, "mi.xlsx", workbook("april"));
    council.look();
    // Both are due on the same day.
    council.clock.advance_to("2020-04-14 08:00");
    council.tick();
    for key in [SHBE, MI] {
        assert!(matches!(council.stage(key), Stage::Uncertain { .. }), "{:?}", council.stage(key));
    }
    (council, courier)
}

/// A mail that tells this of a return, as the way in records it.
fn tells(council: &Council, number: u32, key: &str, answer: Answer) -> ConsignmentId {
    let source: SourceName = "inbox-12302".parse().unwrap();
    let (digest, at) = (Digest::of(&number.to_be_bytes()), council.now());
    let id = ConsignmentId::derive(&source, &number.to_string(), &digest);
    let named = Named::new("");
    let consignment = hbcourier::domain::Consignment {
        id,
        source,
        authority: "12302".parse().unwrap(),
        received_at: at,
        sealed_digest: digest,
        sealed_bytes: 4,
        revision: Revision(0),
        standing: Standing::Collected { at },
        signer: None,
    };
    let record = |event, facts, names, state| {
        council.recorder().record(Change { at, actor: Actor::Service, event, facts, names, state }).unwrap()
    };
    let facts = Facts {
        source: Some(consignment.source.clone()),
        name: Some(named.commitment()),
        sealed: Some(digest),
        bytes: Some(4),
        ..Facts::default()
    };
    let new = NewConsignment { consignment, native: digest, name: named.commitment() };
    record(Event::Collected, facts, vec![named], StateChange::Collect(Box::new(new)));
    let (key, status) = (key.parse().unwrap(), Some("2.0.0".to_owned()));
    let standing = Standing::Matched { at };
    let state = StateChange::Answer { id, expect: Revision(0), standing, key, answer, status };
    record(Event::Answered, Facts::default(), Vec::new(), state);
    id
}

#[test]
fn what_may_come_twice_is_sent_once_more_by_policy_as_it_was_and_no_further() {
    let (council, courier) = uncertain(vec![silence(), silence(), silence()], Some(DAY));
    let alarm = |council: &Council| council.raised().into_iter().find(|alarm| alarm.about.contains("hbms-mi")).unwrap();
    assert!(alarm(&council).says.contains("it is sent once more on"), "{}", alarm(&council).says);
    council.clock.advance(DAY - SETTLE);
    council.tick();
    assert_eq!(courier.passed().len(), 2, "not before its time");
    council.clock.advance(SETTLE);
    council.tick();
    let passed = courier.passed();
    assert_eq!(passed.len(), 3);
    let first = passed.iter().find(|given| given.message_id == passed[2].message_id);
    assert_eq!(first, Some(&passed[2]), "the identical message");
    assert!(matches!(council.stage(MI), Stage::Uncertain { .. }), "no answer came this time either");
    assert!(!alarm(&council).says.contains("sent once more"), "{}", alarm(&council).says);
    for _ in 0..5 {
        council.clock.advance(DAY);
        council.tick();
    }
    assert_eq!(courier.passed().len(), 3, "once");
    assert_eq!((council.count(Event::ResentByPolicy, MI), council.count(Event::Sending, MI)), (1, 2));
    assert_eq!(council.count(Event::ResentByPolicy, SHBE), 0, "an extract may not come twice");
    assert!(matches!(council.stage(SHBE), Stage::Uncertain { .. }));
}

#[test]
fn without_a_policy_nothing_is_sent_again() {
    let (council, courier) = uncertain(vec![silence(), silence()], None);
    for _ in 0..5 {
        council.clock.advance(DAY);
        council.tick();
    }
    assert_eq!(courier.passed().len(), 2);
}

#[test]
fn a_crash_between_the_decision_and_the_sending_sends_once() {
    let (mut council, courier) = uncertain(vec![silence(), silence(), Told::Die], Some(DAY));
    council.clock.advance(DAY);
    assert!(council.tick_dies());
    council.restart();
    for _ in 0..3 {
        council.clock.advance(DAY);
        council.tick();
    }
    assert_eq!(courier.passed().len(), 3);
    assert_eq!((council.count(Event::ResentByPolicy, MI), council.count(Event::Sending, MI)), (1, 2));
}

#[test]
fn what_comes_back_comes_before_the_policy() {
    for answer in [Answer::Copy, Answer::Delivered, Answer::Delayed] {
        let (council, courier) = uncertain(vec![silence(), silence()], Some(DAY));
        let transfer = tells(&council, 1, MI, answer);
        // Both are due at this tick.
        council.clock.advance(2 * DAY);
        council.tick();
        let Stage::Sent { reply, .. } = council.stage(MI) else { panic!("{answer:?}: {:?}", council.stage(MI)) };
        assert!(reply.contains(&transfer.to_string()), "{reply}");
        assert_eq!((courier.passed().len(), council.count(Event::SentRecovered, MI)), (2, 1), "{answer:?}");
        assert!(matches!(council.stage(SHBE), Stage::Uncertain { .. }), "the other is another");
    }
}

#[test]
fn a_reply_decides_nothing_and_leaves_the_decision_to_a_person() {
    let (council, courier) = uncertain(vec![silence(), silence()], Some(DAY));
    tells(&council, 1, MI, Answer::Reply);
    council.clock.advance(2 * DAY);
    council.tick();
    assert!(matches!(council.stage(MI), Stage::Uncertain { .. }), "it may say that nothing came");
    assert_eq!(courier.passed().len(), 2, "and it may say the contrary");
}

#[test]
fn proof_that_comes_while_it_waits_to_be_sent_again_spares_the_sending() {
    let (council, courier) = uncertain(vec![silence(), silence()], None);
    council.order(SHBE, ReturnOrder::Resend).unwrap();
    tells(&council, 1, SHBE, Answer::Copy);
    council.tick();
    assert!(matches!(council.stage(SHBE), Stage::Sent { .. }), "{:?}", council.stage(SHBE));
    assert_eq!(courier.passed().len(), 2);
}

#[test]
fn where_a_person_sent_it_again_the_policy_does_not() {
    let (council, courier) = uncertain(vec![silence(), silence(), silence()], Some(DAY));
    council.order(MI, ReturnOrder::Resend).unwrap();
    for _ in 0..5 {
        council.tick();
        council.clock.advance(DAY);
    }
    assert!(matches!(council.stage(MI), Stage::Uncertain { .. }));
    assert_eq!((courier.passed().len(), council.count(Event::ResentByPolicy, MI)), (3, 0));
}

#[test]
fn while_a_mailbox_cannot_be_looked_into_the_policy_waits() {
    let (council, courier) = uncertain(vec![silence(), silence(), silence()], Some(DAY));
    let alarm = |notice| {
        let about = "inbox-12302".to_owned();
        let event = if notice { Event::AlarmRaised } else { Event::AlarmCleared };
        let notice = notice.then(|| AlarmReason::MailboxUnreachable.notice(&about));
        let state = StateChange::Alarm { about, notice };
        let (at, facts) = (council.now(), Facts::default());
        council.recorder().record(Change { at, actor: Actor::Service, event, facts, names: vec![], state }).unwrap();
    };
    alarm(true);
    council.clock.advance(2 * DAY);
    council.tick();
    assert_eq!(courier.passed().len(), 2, "an answer may lie there");
    alarm(false);
    council.tick();
    assert_eq!(courier.passed().len(), 3);
}

#[test]
fn a_report_of_failure_ends_what_was_sent_and_is_about_that_attempt_only() {
    let courier = ScriptedCourier::new(Form::Bare, vec![]);
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Scripted(courier.clone()));
    council.put("12302", HbmsMi, "mi.xlsx", workbook("april"));
    council.look();
    council.clock.advance_to(&format!("{} 08:00", council.submission(MI).transfer_on));
    council.tick();
    tells(&council, 1, MI, Answer::Delivered);
    council.tick();
    assert!(matches!(council.stage(MI), Stage::Sent { .. }));
    assert_eq!(council.count(Event::SentRecovered, MI), 0, "it was sent already");
    let transfer = tells(&council, 2, MI, Answer::Failed);
    council.tick();
    let Stage::Failed { reply, .. } = council.stage(MI) else { panic!("{:?}", council.stage(MI)) };
    assert!(reply.contains(&transfer.to_string()) && reply.contains("2.0.0"), "{reply}");
    assert_eq!(council.alarms()["return-hbms-mi-12302-2020-04"], "CN-514");
    council.order(MI, ReturnOrder::Resend).unwrap();
    council.tick();
    council.tick();
    assert!(matches!(council.stage(MI), Stage::Sent { .. }), "what came back before is not about this attempt");
    assert_eq!(courier.passed().len(), 2);
    assert!(council.queries().answers(&MI.parse().unwrap()).unwrap().len() == 2, "it is still there to be read");
}
