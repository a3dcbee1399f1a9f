//! Transfer dates that pass: said in time, recorded once, and nothing sent late.

use hbcourier::domain::ReturnKind::Shbe;
use hbcourier::domain::Stage;
use hbcourier::domain::ledger::Event;
use hbcourier::effects::courier::Form;

use super::council::{Council, Way, extract};
use super::scripted::{ScriptedCourier, Told};

const APRIL: &str = "shbe/12302/2020-04";
const ABOUT: &str = "return-shbe-12302-2020-04";

#[test]
fn due_today_then_missed_and_never_late() {
    let council = Council::new(&["12302"], "2020-04-14 07:59", Way::Folders);
    council.tick();
    assert!(!council.alarms().contains_key(ABOUT), "the window has not opened");
    council.clock.advance_to("2020-04-14 08:00");
    council.tick();
    council.tick();
    assert_eq!(council.alarms()[ABOUT], "CN-512");
    council.clock.advance_to("2020-04-14 18:00");
    council.tick();
    assert_eq!(council.alarms()[ABOUT], "CN-531", "the hours are over");
    council.clock.advance_to("2020-04-15 00:00");
    council.tick();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }));
    assert_eq!(council.alarms()[ABOUT], "CN-513");
    let raised = |entry: &&hbcourier::domain::ledger::Entry| {
        entry.event == Event::AlarmRaised && entry.facts.about.as_deref() == Some(ABOUT)
    };
    assert_eq!(council.ledger().iter().filter(raised).count(), 3, "each once");

    council.put("12302", Shbe, "late.txt", extract("12302", "2020-04-14", ""));
    council.look();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }), "a late file is not April's");
    assert_eq!(council.count(Event::Missed, APRIL), 1);
    assert!(council.outgoing("12302").is_empty());
}

#[test]
fn a_file_on_the_day_clears_the_alarm_by_being_sent() {
    let council = Council::new(&["12302"], "2020-04-14 09:00", Way::Folders);
    council.tick();
    assert_eq!(council.alarms()[ABOUT], "CN-512");
    council.put("12302", Shbe, "shbe.txt", "");
    council.look();
    assert!(matches!(council.stage(APRIL), Stage::Held { .. }));
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-14", ""));
    council.look();
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }));
    assert!(!council.alarms().contains_key(ABOUT));
}

#[test]
fn the_service_was_down_over_the_whole_day() {
    let mut council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
    council.clock.advance_to("2020-04-15 03:00");
    council.restart();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }));
    assert!(council.alarms().contains_key(ABOUT));
    assert!(council.outgoing("12302").is_empty());
    assert!(council.submission(APRIL).sealed.is_some(), "what was sealed is kept for whoever decides");
}

#[test]
fn the_service_starts_after_the_day_of_its_first_start_only() {
    let council = Council::new(&["12302"], "2020-05-12 10:00", Way::Folders);
    council.tick();
    let first = council.submissions().remove(0);
    assert_eq!(first.transfer_on.to_string(), "2020-06-08", "earlier dates were somebody else's business");
    assert_eq!(council.submissions().len(), 20);
}

#[test]
fn a_courier_that_stays_away_all_day() {
    let courier = ScriptedCourier::new(Form::Bare, vec![Told::PrepareLater; 200]);
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Scripted(courier.clone()));
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.look();
    council.clock.advance_to("2020-04-14 08:00");
    while council.clock_shows("2020-04-14 18:00") == std::cmp::Ordering::Less {
        let wake = council.tick().unwrap();
        council.clock.advance_to_moment(wake);
    }
    let Stage::Deferred { attempts, .. } = council.stage(APRIL) else { panic!("{:?}", council.stage(APRIL)) };
    assert!((10..30).contains(&attempts), "backed off to the longest pause: {attempts}");
    council.tick();
    assert_eq!(council.alarms()[ABOUT], "CN-531");
    council.clock.advance_to("2020-04-15 00:00");
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }));
    assert!(courier.passed().is_empty());
}
