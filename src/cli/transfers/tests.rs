//! What `transfers list` and `transfers show` print, over a real store.

use serde_json::{Value, json};

use super::list::{ListArgs, list};
use super::show::{ShowArgs, show};
use super::{Direction, find};
use crate::cli::council::Council;
use crate::cli::output::Exit;
use crate::domain::ledger::Event;
use crate::domain::{DeferCause, Resume, Stage, Standing};
use crate::store::samples::*;

const RETURN: &str = "shbe/12302/2020-04";

/// One delivered, one held, one deferred, and a return that was sent.
fn busy() -> Council {
    let council = Council::new();
    for n in [1, 2, 3] {
        council.record(collect(n));
    }
    council.record(staged(1, 0, 1));
    council.record(move_to(1, 1, Event::Delivered, Standing::Delivered { at: at(9) }));
    council.record(held(2, 0));
    let (cause, resume) = (DeferCause::SpoolUnreadable, Resume::Opening);
    let deferred = Standing::Deferred { until: at(60), attempts: 2, cause, resume };
    council.record(move_to(3, 0, Event::Deferred, deferred));
    council.record(owe(RETURN));
    council.record(owe("hbms-mi/12302/2020-04"));
    council.record(return_to(RETURN, 0, Event::Sealed, Stage::Sealed, Some(sealed())));
    let sending = Stage::Sending { at: at(6), attempt: 1, boot: "boot".into(), place: None };
    council.record(return_to(RETURN, 1, Event::Sending, sending, None));
    let sent = Stage::Sent { at: at(7), reply: "250 taken".into() };
    council.record(return_to(RETURN, 2, Event::Sent, sent, None));
    council
}

fn listed(council: &Council, args: ListArgs) -> Vec<Value> {
    let args = ListArgs { json: true, ..args };
    let (exit, document) = council.json(|out| list(&args, council.queries(), out));
    assert_eq!(exit, Exit::Yes);
    document["transfers"].as_array().unwrap().clone()
}

fn states(transfers: &[Value]) -> Vec<&str> {
    transfers.iter().map(|transfer| transfer["state"].as_str().unwrap()).collect()
}

#[test]
fn a_transfer_has_the_shape_of_the_interface() {
    let council = busy();
    let transfers = listed(&council, ListArgs::default());
    assert_eq!(states(&transfers), ["delivered", "held", "deferred", "sent"], "the newest last, nothing unsealed");
    let delivered = &transfers[0];
    let keys = ["id", "direction", "authority", "kind", "state", "received_at", "finished_at", "source", "parts"];
    for key in keys.iter().chain(&["signer", "code", "says"]) {
        assert!(delivered.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(delivered["id"], id(1).to_string());
    assert_eq!(delivered["direction"], "in");
    assert_eq!(delivered["kind"], "hbms-pack", "several parts are a pack");
    assert_eq!(delivered["received_at"], at(1).to_string());
    assert_eq!(delivered["finished_at"], at(9).to_string());
    assert_eq!(delivered["signer"], "0123456789ABCDEF0123456789ABCDEF01234567");
    let part = json!({
        "kind": "laid-pdf", "sha256": content(100).to_string(), "size": 10, "delivered_to": "/backoffice/laid-1-0.pdf"
    });
    assert_eq!(delivered["parts"][0], part);
    assert_eq!(delivered["code"], Value::Null);
    let held = &transfers[1];
    assert_eq!((&held["code"], &held["kind"]), (&json!("CN-105"), &json!("unknown")));
    assert!(held["says"].as_str().unwrap().contains("not signed") && held["next"].is_string());
    let deferred = &transfers[2];
    assert_eq!(
        (&deferred["attempts"], &deferred["until"], &deferred["code"]),
        (&json!(2), &json!(at(60).to_string()), &json!("CN-301"))
    );
    let sent = &transfers[3];
    assert_eq!((&sent["id"], &sent["direction"], &sent["kind"]), (&json!(RETURN), &json!("out"), &json!("shbe")));
    assert_eq!(sent["parts"][0]["sha256"], content(7).to_string());
    assert_eq!(sent["parts"][0]["delivered_to"], Value::Null);
    assert_eq!(sent["finished_at"], at(7).to_string());
}

#[test]
fn what_is_only_staged_is_not_called_delivered() {
    let council = Council::new();
    council.record(collect(1));
    council.record(staged(1, 0, 1));
    let transfers = listed(&council, ListArgs::default());
    assert_eq!(transfers[0]["parts"][1]["kind"], "laid-pdf");
    assert_eq!(transfers[0]["parts"][1]["delivered_to"], Value::Null);
    assert_eq!(transfers[0]["finished_at"], Value::Null);
}

#[test]
fn filters_leave_the_others_out() {
    let council = busy();
    let only = |args| states(&listed(&council, args)).join(" ");
    assert_eq!(only(ListArgs { direction: Some(Direction::Out), ..ListArgs::default() }), "sent");
    assert_eq!(only(ListArgs { direction: Some(Direction::In), ..ListArgs::default() }), "delivered held deferred");
    assert_eq!(only(ListArgs { state: Some("held".into()), ..ListArgs::default() }), "held");
    assert_eq!(only(ListArgs { limit: Some(2), ..ListArgs::default() }), "deferred sent");
    let of = |authority: &str| ListArgs { authority: Some(authority.parse().unwrap()), ..ListArgs::default() };
    assert_eq!(only(of("16104")), "");
    assert_eq!(only(of("12302")), "delivered held deferred sent");
    // All of it was received on 27 April 2020.
    let day = |text: &str| Some(text.parse().unwrap());
    assert_eq!(only(ListArgs { since: day("2020-04-28"), ..ListArgs::default() }), "");
    assert_eq!(only(ListArgs { until: day("2020-04-26"), ..ListArgs::default() }), "");
    let (since, until) = (day("2020-04-27"), day("2020-04-27"));
    assert_eq!(only(ListArgs { since, until, ..ListArgs::default() }), "delivered held deferred sent");
}

#[test]
fn one_is_shown_without_names_of_others_and_with_its_own_ledger_entries_only() {
    let council = busy();
    let args = ShowArgs { id: id(1).to_string()[..8].to_owned(), json: true };
    let (_, shown) = council.json(|out| show(&args, council.queries(), out));
    assert_eq!(shown["id"], id(1).to_string());
    assert_eq!(shown["name"], "(name withheld)");
    let entries = |shown: &Value| -> Vec<String> {
        let entries = shown["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(entries(&shown), ["collected", "staged", "delivered"]);
    let args = ShowArgs { id: RETURN.into(), json: true };
    let (_, shown) = council.json(|out| show(&args, council.queries(), out));
    assert_eq!(shown["message_id"], "abc@hbcourier.invalid");
    assert_eq!(entries(&shown), ["scheduled", "sealed", "sending", "sent"]);
    let (_, text) = council.text(|out| show(&ShowArgs { json: false, ..args }, council.queries(), out));
    assert!(text.contains("State") && text.contains("sent") && !text.contains('{'), "{text}");
}

/// A name that the sender's is part of is shown by no reading command, before it is erased and after.
#[test]
fn a_delivered_name_is_shown_if_it_is_our_own() {
    let council = Council::new();
    for change in [
        collect(1),
        staged_by_sender(1, 0, 1),
        move_to(1, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
        move_to(1, 2, Event::Closed, Standing::Closed { at: at(9) }),
    ] {
        council.record(change);
    }
    let delivered_to = || listed(&council, ListArgs::default())[0]["parts"][0]["delivered_to"].clone();
    assert_eq!(delivered_to(), "/backoffice/(name withheld)");
    council.record(erase_names(1, 3));
    assert_eq!(delivered_to(), "/backoffice/(name erased)");
    let args = ShowArgs { id: id(1).to_string(), json: true };
    let (_, shown) = council.json(|out| show(&args, council.queries(), out));
    assert_eq!(shown["name"], "(name erased)");
}

#[test]
fn a_beginning_that_several_share_and_one_that_none_has_are_told_apart() {
    let council = Council::new();
    let digit = |n: u32| id(n).to_string()[..4].to_owned();
    let (one, other) = (0..2000u32)
        .flat_map(|n| (0..n).map(move |m| (m, n)))
        .find(|(m, n)| digit(*m) == digit(*n))
        .expect("among so many, two begin alike");
    council.record(collect(one));
    council.record(collect(other));
    let ambiguous = find::find(&digit(one), council.queries()).unwrap_err();
    assert_eq!(ambiguous.exit, Exit::Usage);
    let words = ambiguous.to_string();
    assert!(words.contains(&id(one).to_string()) && words.contains(&id(other).to_string()), "{words}");
    assert_eq!(find::consignment(&id(one).to_string(), council.queries()), Ok(id(one)));
    let exit = |text: &str| find::find(text, council.queries()).unwrap_err().exit;
    assert_eq!(exit("ffffffffffffffffffffffffffffffff"), Exit::No);
    assert_eq!(exit("shbe/12302/2020-05"), Exit::No);
    assert_eq!(exit("abc"), Exit::Usage);
    assert_eq!(exit("drop"), Exit::Usage);
}

#[test]
fn the_states_that_can_be_asked_for_are_all_there_are() {
    use crate::domain::{HoldReason, RejectReason, ReturnHold};
    let (since, until) = (at(0), at(0));
    let boot = String::new;
    let cause = DeferCause::SpoolUnreadable;
    let standings = [
        Standing::Collected { at: at(0) },
        Standing::Staged { at: at(0), boot: boot() },
        Standing::Deferred { until, attempts: 1, cause, resume: Resume::Opening },
        Standing::Held { since, reason: HoldReason::WorkerFault, restored: false },
        Standing::Delivered { at: at(0) },
        Standing::Matched { at: at(0) },
        Standing::Closed { at: at(0) },
        Standing::Rejected { at: at(0), reason: RejectReason::ByOrder },
    ];
    let stages = [
        Stage::Held { since, reason: ReturnHold::Empty, content: None },
        Stage::Sealed,
        Stage::Sending { at: at(0), attempt: 1, boot: boot(), place: None },
        Stage::Deferred { until, attempts: 1, cause, reply: None },
        Stage::Sent { at: at(0), reply: boot() },
        Stage::Acknowledged { at: at(0) },
        Stage::Uncertain { since, restored: false },
        Stage::Failed { at: at(0), reply: boot() },
        Stage::Missed { since },
        Stage::Waived { at: at(0) },
    ];
    let mut words: Vec<&str> = standings.iter().map(Standing::word).chain(stages.iter().map(Stage::word)).collect();
    words.sort_unstable();
    words.dedup();
    let mut states = super::list::STATES;
    states.sort_unstable();
    assert_eq!(words, states);
}
