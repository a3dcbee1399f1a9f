//! Killed or failed at every step of sealing and sending, and once more while recovering: sealed once, sent once.

use std::path::Path;

use fail::FailScenario;
use hbcourier::domain::ReturnKind::Shbe;
use hbcourier::domain::Stage;
use hbcourier::domain::ledger::Event;
use hbcourier::durable::step::STEPS;
use hbcourier::effects::courier::Form;

use super::council::{Council, Way, extract};
use super::scripted::ScriptedCourier;

const APRIL: &str = "shbe/12302/2020-04";

fn outbound_steps() -> impl Iterator<Item = &'static str> {
    STEPS.into_iter().filter(|step| step.starts_with("seal.") || step.starts_with("send."))
}

/// From the file in the folder to Sent, whatever happens at `step`; with a second look over the remaining day.
fn goes_out_once(step: &str, action: &str) {
    let scenario = FailScenario::setup();
    let mut council = Council::new(&["12302"], "2020-04-14 08:00", Way::Folders);
    let content = extract("12302", "2020-04-14", step);
    council.put("12302", Shbe, "shbe.txt", &content);
    council.tick();
    council.clock.advance(super::council::SETTLE);
    fail::cfg(step, action).unwrap();
    let died = council.tick_dies();
    assert_eq!(died, action.contains("panic"), "{step} was not passed");
    council.restart();
    council.tick_dies();
    council.clock.advance(super::council::SETTLE);
    council.tick_dies();
    fail::cfg(step, "off").unwrap();
    council.restart();
    for _ in 0..10 {
        council.look();
        council.clock.advance(std::time::Duration::from_secs(1800));
    }
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }), "{step} {action}: {:?}", council.stage(APRIL));
    let sealed = council.submission(APRIL).sealed.unwrap();
    assert_eq!(council.count(Event::Sealed, APRIL), 1, "{step} {action}");
    let sent = council.count(Event::Sent, APRIL) + council.count(Event::SentRecovered, APRIL);
    assert_eq!(sent, 1, "{step} {action}");
    let outgoing = council.outgoing("12302");
    assert_eq!(outgoing.len(), 1, "{step} {action}: {:?}", outgoing.keys());
    let file = &outgoing["shbe_12302_2020-04.txt.pgp"];
    assert_eq!(hbcourier::domain::Digest::of(file), sealed.sealed);
    assert_eq!(council.opened_by_dwp(file), content.as_bytes());
    assert_eq!(council.left_in("12302", Shbe), 0, "{step} {action}: the file is gone from its folder");
    let kept = std::fs::read_dir(council.state_file("sealed")).unwrap().count();
    assert_eq!(kept, 1, "{step} {action}: nothing that no record names");
    assert!(!matches!(council.stage("shbe/12302/2020-05"), Stage::Held { .. }), "nothing was taken for May's");
    assert!(!council.alarms().keys().any(|about| about.contains("shbe")), "{step}: {:?}", council.alarms());
    scenario.teardown();
}

#[test]
fn killed_at_every_step() {
    for step in outbound_steps() {
        goes_out_once(step, "1*panic->off");
    }
}

#[test]
fn killed_at_every_step_and_again_while_recovering() {
    for step in outbound_steps() {
        goes_out_once(step, "3*panic->off");
    }
}

/// All but one: see `an_error_once_the_file_is_visible_is_for_a_person()`.
#[test]
fn every_step_fails() {
    for step in outbound_steps().filter(|step| *step != "send.placed") {
        for errno in ["28", "5"] {
            goes_out_once(step, &format!("2*return({errno})->off"));
        }
    }
}

#[test]
fn an_error_once_the_file_is_visible_is_for_a_person() {
    let scenario = FailScenario::setup();
    let council = Council::new(&["12302"], "2020-04-14 09:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-14", ""));
    council.tick();
    council.clock.advance(super::council::SETTLE);
    fail::cfg("send.placed", "1*return(5)").unwrap();
    council.tick();
    assert!(matches!(council.stage(APRIL), Stage::Uncertain { .. }), "{:?}", council.stage(APRIL));
    assert_eq!(council.outgoing("12302").len(), 1);
    scenario.teardown();
}

/// An attempt undone while Sending may be on disk would look as if it had arrived and been taken.
#[test]
fn an_attempt_is_undone_only_when_no_record_says_sending() {
    for (step, action, undone) in
        [("send.prepared", "return(5)", 1), ("send.recorded", "return(5)", 1), ("send.recorded", "panic", 0)]
    {
        let scenario = FailScenario::setup();
        let courier = ScriptedCourier::new(Form::Bare, []);
        let council = Council::new(&["12302"], "2020-04-14 09:00", Way::Scripted(courier.clone()));
        council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-14", ""));
        council.tick();
        council.clock.advance(super::council::SETTLE);
        fail::cfg(step, action).unwrap();
        council.tick_dies();
        assert_eq!(courier.undone(), undone, "{step} {action}");
        let stands_at_sending = matches!(council.stage(APRIL), Stage::Sending { .. });
        assert_eq!(stands_at_sending, undone == 0, "{step} {action}: {:?}", council.stage(APRIL));
        assert!(courier.passed().is_empty());
        scenario.teardown();
    }
}

/// Ends with Sending recorded and the file not yet published; what becomes of the outgoing folder until the next start?
fn killed_before_publishing(then: impl Fn(&Path)) -> Council {
    let scenario = FailScenario::setup();
    let mut council = Council::new(&["12302"], "2020-04-14 09:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-14", ""));
    council.tick();
    council.clock.advance(super::council::SETTLE);
    fail::cfg("send.recorded", "panic").unwrap();
    assert!(council.tick_dies());
    scenario.teardown();
    assert!(matches!(council.stage(APRIL), Stage::Sending { .. }));
    then(&council.dir.path().join("outgoing/12302"));
    council.restart();
    council.tick();
    council
}

/// An empty folder tells that the file was taken only if it is the folder in which the file was to be placed.
#[test]
fn another_folder_in_its_place_proves_nothing() {
    let away = |folder: &Path| std::fs::rename(folder, folder.with_extension("away")).unwrap();
    let moved_away = |folder: &Path| {
        away(folder);
        std::fs::create_dir(folder).unwrap();
    };
    // The new folder may well get the old one's inode.
    let made_anew = |folder: &Path| {
        std::fs::remove_dir_all(folder).unwrap();
        std::fs::create_dir(folder).unwrap();
    };
    for replaced in [&moved_away as &dyn Fn(&Path), &made_anew] {
        let council = killed_before_publishing(replaced);
        assert!(matches!(council.stage(APRIL), Stage::Uncertain { .. }), "{:?}", council.stage(APRIL));
        assert_eq!(council.alarms()["return-shbe-12302-2020-04"], "CN-515");
        assert!(council.outgoing("12302").is_empty());
    }
    let put_back = killed_before_publishing(|folder| {
        away(folder);
        std::fs::rename(folder.with_extension("away"), folder).unwrap();
    });
    assert!(matches!(put_back.stage(APRIL), Stage::Sent { .. }), "{:?}", put_back.stage(APRIL));
    assert_eq!((put_back.count(Event::SendDeferred, APRIL), put_back.outgoing("12302").len()), (1, 1));
}

/// Sealed, but its file stays where it is for now: said, and tried again by itself.
#[test]
fn a_file_that_could_not_be_removed_is_said_and_removed_later() {
    let scenario = FailScenario::setup();
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    fail::cfg("seal.recorded", "return(13)").unwrap();
    council.look();
    assert_eq!((council.stage(APRIL), council.left_in("12302", Shbe)), (Stage::Sealed, 1));
    assert_eq!(council.alarms()["returns-12302-shbe"], "CN-535");
    council.look();
    assert_eq!(council.left_in("12302", Shbe), 0);
    assert!(council.alarms().is_empty());
    assert_eq!(council.stage("shbe/12302/2020-05"), Stage::Scheduled, "nothing was taken for May's");
    scenario.teardown();
}

/// What lies under our hidden name is not what was sealed: somebody had renamed it over the sealed file.
#[test]
fn another_file_on_its_way_out_is_given_back() {
    let scenario = FailScenario::setup();
    let mut council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.tick();
    council.clock.advance(super::council::SETTLE);
    fail::cfg("seal.source-withdrawn", "panic").unwrap();
    assert!(council.tick_dies());
    fail::cfg("seal.source-withdrawn", "off").unwrap();
    let folder = council.folder("12302", Shbe);
    let hidden = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert!(hidden.file_name().unwrap().to_str().unwrap().starts_with(".hbcourier-"), "{hidden:?}");
    std::fs::write(&hidden, extract("12302", "2020-04-08", "other")).unwrap();
    council.restart();
    council.tick();
    let other = std::fs::read_to_string(folder.join("shbe.txt")).unwrap();
    assert_eq!((other, council.left_in("12302", Shbe)), (extract("12302", "2020-04-08", "other"), 1));
    assert_eq!((council.stage(APRIL), council.count(Event::Sealed, APRIL)), (Stage::Sealed, 1));
    scenario.teardown();
}

/// The leftover of April is removed after a crash; the same bytes put there anew for May are not.
#[test]
fn a_leftover_is_told_from_the_same_bytes_put_there_again() {
    let scenario = FailScenario::setup();
    let mut council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    let content = extract("12302", "2020-04-08", "same");
    council.put("12302", Shbe, "shbe.txt", &content);
    council.tick();
    council.clock.advance(super::council::SETTLE);
    fail::cfg("seal.recorded", "panic").unwrap();
    assert!(council.tick_dies());
    fail::cfg("seal.recorded", "off").unwrap();
    assert_eq!((council.stage(APRIL), council.left_in("12302", Shbe)), (Stage::Sealed, 1));
    // While the service is down, somebody replaces the leftover by the same content on purpose.
    std::fs::remove_file(council.folder("12302", Shbe).join("shbe.txt")).unwrap();
    council.put("12302", Shbe, "again.txt", &content);
    council.restart();
    council.look();
    assert_eq!(council.left_in("12302", Shbe), 1, "not removed");
    assert!(matches!(council.stage("shbe/12302/2020-05"), Stage::Held { .. }));
    scenario.teardown();
}
