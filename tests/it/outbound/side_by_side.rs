//! Several returns on one day: one silent server holds up neither the others nor a stop.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hbcourier::domain::ReturnKind::Shbe;
use hbcourier::domain::Stage;
use hbcourier::domain::ledger::Event;
use hbcourier::effects::courier::Form;

use super::council::{Council, Way, extract};
use super::scripted::{ScriptedCourier, Told};

const SILENT: &str = "shbe/12302/2020-04";
const OTHER: &str = "shbe/12305/2020-04";
const PATIENCE: Duration = Duration::from_secs(30);

/// Two authorities whose returns are due today, each by a courier of its own; the first does as told.
fn two(told: Told) -> (Council, Vec<Arc<ScriptedCourier>>) {
    let couriers = vec![ScriptedCourier::new(Form::Bare, [told]), ScriptedCourier::new(Form::Bare, [])];
    let council = Council::new(&["12302", "12305"], "2020-04-08 10:00", Way::Each(couriers.clone()));
    for number in ["12302", "12305"] {
        council.put(number, Shbe, "shbe.txt", extract(number, "2020-04-08", ""));
    }
    council.look();
    council.clock.advance_to("2020-04-14 08:00");
    (council, couriers)
}

/// The silent one is past the point of no return, however late its thread came to run.
fn passes(council: &Council, courier: &ScriptedCourier) {
    let began = Instant::now();
    while courier.passed().is_empty() {
        assert!(began.elapsed() < PATIENCE, "{:?}", council.stage(SILENT));
        std::thread::yield_now();
    }
    assert!(matches!(council.stage(SILENT), Stage::Sending { .. }));
}

#[test]
fn a_silent_server_holds_up_nobody_else() {
    let mute = Arc::new(Mutex::new(()));
    let silence = mute.lock().unwrap();
    let (council, couriers) = two(Told::MuteAfter(mute.clone()));
    let ended = council.round();
    ended.recv_timeout(PATIENCE).expect("the other is sent while the first is silent");
    assert!(matches!(council.stage(OTHER), Stage::Sent { .. }));
    passes(&council, &couriers[0]);
    // Neither a second attempt nor a judgement while it is on its way.
    let again = council.round();
    assert!(matches!(council.stage(SILENT), Stage::Sending { .. }));
    assert!(couriers[0].asked().is_empty() && couriers[0].passed().len() == 1);
    drop((silence, again));
    ended.recv_timeout(PATIENCE).expect("an answer that comes late is still waited for");
    assert!(matches!(council.stage(SILENT), Stage::Sent { .. }));
    assert_eq!((council.count(Event::Sending, SILENT), council.count(Event::Sent, SILENT)), (1, 1));
}

#[test]
fn a_stop_leaves_a_silent_server_and_the_next_start_says_uncertain() {
    let mute = Arc::new(Mutex::new(()));
    let silence = mute.lock().unwrap();
    let (mut council, couriers) = two(Told::MuteAfter(mute.clone()));
    let ended = council.round();
    ended.recv_timeout(PATIENCE).unwrap();
    passes(&council, &couriers[0]);
    let began = Instant::now();
    assert_eq!(council.finish(Duration::from_millis(200)), [SILENT]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(silence);
    ended.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(council.stage(SILENT), Stage::Sending { .. }), "nothing is recorded after the end");
    council.restart();
    council.tick();
    assert!(matches!(council.stage(SILENT), Stage::Uncertain { .. }));
    assert_eq!(couriers[0].passed().len(), 1, "and it is not sent again");
}

#[test]
fn a_stop_lets_be_what_was_not_offered_yet() {
    let mute = Arc::new(Mutex::new(()));
    let silence = mute.lock().unwrap();
    let (mut council, couriers) = two(Told::MuteBefore(mute.clone()));
    let ended = council.round();
    ended.recv_timeout(PATIENCE).unwrap();
    assert!(council.finish(PATIENCE).is_empty(), "nothing to wait for");
    drop(silence);
    ended.recv_timeout(PATIENCE).unwrap();
    assert_eq!((council.stage(SILENT), couriers[0].undone(), couriers[0].passed().len()), (Stage::Sealed, 1, 0));
    council.restart();
    council.tick();
    assert!(matches!(council.stage(SILENT), Stage::Sent { .. }), "the next start sends it");
}

#[test]
fn an_answer_to_the_offer_that_comes_after_the_hours_sends_nothing() {
    let mute = Arc::new(Mutex::new(()));
    let silence = mute.lock().unwrap();
    let (council, couriers) = two(Told::MuteBefore(mute.clone()));
    let ended = council.round();
    ended.recv_timeout(PATIENCE).unwrap();
    council.clock.advance_to("2020-04-14 18:00");
    drop(silence);
    ended.recv_timeout(PATIENCE).unwrap();
    assert_eq!((council.stage(SILENT), couriers[0].passed().len()), (Stage::Sealed, 0));
}
