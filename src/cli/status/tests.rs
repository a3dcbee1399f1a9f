//! What `status` says, over a real store.

use serde_json::{Value, json};

use super::{Args, run};
use crate::cli::council::Council;
use crate::cli::output::Exit;
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::Event;
use crate::domain::{Stage, Standing};
use crate::store::StateChange;
use crate::store::samples::*;

fn status(council: &Council) -> (Exit, Value) {
    council.json(|out| run(&Args { json: true, fail_if_attention: true }, &council.reading(), out))
}

fn first_line(council: &Council) -> String {
    let (exit, text) = council.text(|out| run(&Args::default(), &council.reading(), out));
    assert_eq!(exit, Exit::Yes, "without the option, saying is enough");
    text.lines().next().unwrap().to_owned()
}

fn about(status: &Value) -> Vec<&str> {
    status["attention"].as_array().unwrap().iter().map(|attention| attention["about"].as_str().unwrap()).collect()
}

#[test]
fn all_is_well_when_nothing_is_the_matter() {
    let council = Council::with_keys(2);
    let (exit, status) = status(&council);
    assert_eq!((exit, &status["well"]), (Exit::Yes, &json!(true)), "{status}");
    assert_eq!(first_line(&council), "All is well.");
    let next = status["next"].as_array().unwrap();
    assert_eq!(next.len(), 5);
    assert_eq!(next[0]["id"], "shbe/12302/2020-05");
    assert_eq!((&next[0]["transfer_on"], &next[0]["state"]), (&json!("2020-05-11"), &json!("scheduled")));
    assert_eq!(status["overdue"], json!([]));
    assert_eq!(status["service"]["sources"][0]["name"], "drop-12302");
}

#[test]
fn a_service_that_does_not_run_or_does_not_see_needs_attention() {
    let mut council = Council::with_keys(2);
    council.service.as_mut().unwrap().sources[0].ok = false;
    let (exit, blind) = status(&council);
    assert_eq!((exit, about(&blind)), (Exit::No, vec!["drop-12302"]));
    council.service = None;
    let (_, stopped) = status(&council);
    assert_eq!((about(&stopped), &stopped["service"]), (vec!["service"], &json!(null)));
    assert_eq!(first_line(&council), "One thing needs attention.");
}

#[test]
fn held_overdue_and_alarms_are_counted_once_each() {
    let council = Council::with_keys(2);
    council.record(collect(1));
    council.record(held(1, 0));
    council.record(collect(2));
    council.record(owe("shbe/12302/2020-04"));
    council.record(owe("hbms-mi/12302/2020-04"));
    let missed = Stage::Missed { since: at(0) };
    council.record(return_to("hbms-mi/12302/2020-04", 0, Event::Missed, missed, None));
    let about_drop = AlarmReason::SourceMissing.notice("drop-12302");
    let alarm = StateChange::Alarm { about: "drop-12302".into(), notice: Some(about_drop) };
    council.record(change(Event::AlarmRaised, alarm));
    let (exit, status) = status(&council);
    assert_eq!(exit, Exit::No);
    let mut about = about(&status);
    about.sort_unstable();
    let id = id(1).to_string();
    let mut expected = vec![id.as_str(), "drop-12302", "hbms-mi/12302/2020-04", "shbe/12302/2020-04"];
    expected.sort_unstable();
    assert_eq!(about, expected, "the missed return is held and overdue, and named once");
    assert_eq!(status["queues"]["transfers"], json!({"collected": 1, "held": 1}));
    assert_eq!(status["queues"]["returns"], json!({"missed": 1, "scheduled": 1}));
    assert_eq!((&status["held"], status["overdue"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(status["alarms"][0]["code"], "CN-501");
    assert_eq!(first_line(&council), "4 things need attention.");
}

#[test]
fn a_return_is_overdue_once_its_window_is_over_and_not_when_it_was_sent() {
    let mut council = Council::with_keys(2);
    council.record(owe("shbe/12302/2020-04"));
    council.settings.authorities[0].returns[0].window.until = "17:00".parse().unwrap();
    let overdue = |council: &mut Council, now: &str| {
        council.now = now.parse().unwrap();
        status(council).1["overdue"].as_array().unwrap().iter().any(|owed| owed["id"] == "shbe/12302/2020-04")
    };
    // The day is 14 April 2020; London is an hour ahead of UTC.
    assert!(!overdue(&mut council, "2020-04-14T15:59:00Z"));
    assert!(overdue(&mut council, "2020-04-14T16:00:00Z"));
    council.record(return_to("shbe/12302/2020-04", 0, Event::Sealed, Stage::Sealed, Some(sealed())));
    let sending = Stage::Sending { at: at(6), attempt: 1, boot: "boot".into(), place: None };
    council.record(return_to("shbe/12302/2020-04", 1, Event::Sending, sending, None));
    let sent = Stage::Sent { at: at(7), reply: "250".into() };
    council.record(return_to("shbe/12302/2020-04", 2, Event::Sent, sent, None));
    assert!(!overdue(&mut council, "2020-04-15T12:00:00Z"));
}

#[test]
fn a_pack_that_has_not_come_is_overdue_until_one_comes() {
    let mut council = Council::with_keys(2);
    // The pack after the SHBE of 14 April is expected by 24 April; the samples come on 27 April.
    let expected = |council: &Council| status(council).1["overdue_from_partners"].clone();
    assert_eq!(expected(&council), json!([]), "before the first start nothing was expected");
    let (authority, from) = ("12302".parse().unwrap(), "2020-04-01".parse().unwrap());
    council.record(change(Event::TakenIntoService, StateChange::InService { authority, from }));
    let pack = json!([{
        "kind": "hbms-pack", "authority": "12302", "relevant_month": "2020-04", "due_by": "2020-04-24"
    }]);
    assert_eq!(expected(&council), pack);
    council.record(collect(1));
    let mut change = staged(1, 0, 1);
    if let StateChange::Consignment { deliveries: Some(deliveries), .. } = &mut change.state {
        deliveries[0].kind = crate::domain::FileKind::HbmsPack;
        deliveries[1].kind = crate::domain::FileKind::CaseloadRisk;
    }
    council.record(change);
    council.record(move_to(1, 1, Event::Delivered, Standing::Delivered { at: at(9) }));
    assert_eq!(expected(&council), json!([]));
    council.now = "2020-04-24T12:00:00Z".parse().unwrap();
    assert_eq!(expected(&council), json!([]), "its last day is not over");
}

#[test]
fn keys_and_timetables_that_end_need_attention() {
    let mut council = Council::new();
    council.make_keys(1, 2);
    let (_, ending) = status(&council);
    assert_eq!(about(&ending), ["keys"]);
    council.now = "2021-06-01T12:00:00Z".parse().unwrap();
    council.service.as_mut().unwrap().sources[0].last_look = Some(council.now);
    let (_, over) = status(&council);
    assert_eq!((about(&over), &over["next"]), (vec!["12302"], &json!([])));
}

#[test]
fn a_source_that_is_not_looked_at_any_more_needs_attention() {
    let mut council = Council::with_keys(2);
    let minutes = |council: &Council, ago: i64| Some(council.now - jiff::SignedDuration::from_mins(ago));
    council.service.as_mut().unwrap().sources[0].last_look = minutes(&council, 2);
    assert_eq!(status(&council).1["well"], true, "a sweep of half a minute may be late by some");
    council.service.as_mut().unwrap().sources[0].last_look = minutes(&council, 10);
    let (exit, late) = status(&council);
    assert_eq!((exit, about(&late)), (Exit::No, vec!["drop-12302"]));
    let says = late["attention"][0]["says"].as_str().unwrap();
    assert_eq!(says, "The service has not looked into drop-12302 since 2020-04-27 16:50.");
}

/// What a person sees without asking for more: who looks, what waits, what runs out.
#[test]
fn the_page_tells_what_runs_out() {
    let council = Council::with_keys(2);
    let (_, page) = council.text(|out| run(&Args::default(), &council.reading(), out));
    for words in ["Service: running since", "drop-12302", "0 s ago", "Held", "own until 2021-12-31 (612 days)"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("iB (") && page.contains("state") && page.contains("Checkpoint  none yet"), "{page}");
    let (_, status) = status(&council);
    assert_eq!(status["keys"][1]["holder"], "dwp");
    let space = status["space"].as_array().unwrap();
    let places: Vec<&str> = space.iter().map(|space| space["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["hbms-12302", "laid-12302", "risk-12302", "state"]);
    assert!(space.iter().all(|space| space["free"].is_u64()), "{space:?}");
    assert_eq!(status["ledger"], json!({"entries": 0, "made": null, "left": []}));
}
