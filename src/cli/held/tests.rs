//! What `held list` and `held show` print, over a real store.

use serde_json::json;

use super::{ListArgs, Now, ShowArgs, list, show};
use crate::cli::council::Council;
use crate::cli::output::{Exit, Output};
use crate::domain::ledger::Event;
use crate::domain::{ReturnHold, Stage, Standing};
use crate::store::samples::*;

fn now(council: &Council) -> Now {
    Now { at: at(100), policy: council.settings.digest }
}

fn with_two_held() -> Council {
    let council = Council::new();
    council.record(collect(1));
    council.record(held(1, 0));
    council.record(collect(2));
    council.record(move_to(
        2,
        0,
        Event::Rejected,
        Standing::Rejected { at: at(1), reason: crate::domain::RejectReason::ByOrder },
    ));
    council.record(owe("shbe/12302/2020-04"));
    let reason = ReturnHold::Empty;
    let waits = Stage::Held { since: at(0), reason, content: Some(content(5)) };
    council.record(return_to("shbe/12302/2020-04", 0, Event::ReturnHeld, waits, None));
    council
}

#[test]
fn held_items_have_the_shape_of_the_interface() {
    let council = with_two_held();
    let (exit, document) = council
        .json(|out| list(&ListArgs { json: true, ..ListArgs::default() }, council.queries(), now(&council), out));
    assert_eq!(exit, Exit::Yes, "listing is not judging");
    let held = document["held"].as_array().unwrap();
    assert_eq!(held.len(), 2, "what was rejected waits for nobody");
    assert_eq!(held[0]["id"], "shbe/12302/2020-04");
    assert_eq!((&held[0]["code"], &held[0]["sha256"]), (&json!("CN-401"), &json!(content(5).to_string())));
    let consignment = &held[1];
    assert_eq!(consignment["id"], id(1).to_string());
    assert_eq!((&consignment["code"], &consignment["since"]), (&json!("CN-105"), &json!(at(1).to_string())));
    assert_eq!(consignment["sha256"], crate::domain::Digest::of(&1u32.to_be_bytes()).to_string());
    assert_eq!(consignment["approvals"], json!([]));
    assert!(consignment["says"].is_string() && consignment["next"].is_string());
}

#[test]
fn the_exit_status_answers_only_where_that_was_asked() {
    let council = with_two_held();
    let exit = |council: &Council, fail_if_any| {
        let args = ListArgs { fail_if_any, ..ListArgs::default() };
        council.text(|out| list(&args, council.queries(), now(council), out)).0
    };
    assert_eq!(exit(&council, true), Exit::No);
    assert_eq!(exit(&council, false), Exit::Yes);
    assert_eq!(exit(&Council::new(), true), Exit::Yes);
}

#[test]
fn only_what_is_held_is_shown() {
    let council = with_two_held();
    let args = |n| ShowArgs { id: id(n).to_string(), json: true };
    let (_, shown) = council.json(|out| show(&args(1), council.queries(), now(&council), out));
    assert_eq!(shown["entries"][1]["event"], "held");
    let refused = show(&args(2), council.queries(), now(&council), &mut Output::to(Vec::new())).unwrap_err();
    assert_eq!(refused.exit, Exit::No);
    assert!(refused.to_string().contains("rejected"), "{refused}");
}

#[test]
fn text_says_what_to_do_next() {
    let council = with_two_held();
    let (_, text) = council.text(|out| list(&ListArgs::default(), council.queries(), now(&council), out));
    assert!(text.contains("CN-105") && text.contains("Next: Ask the partner to sign"), "{text}");
}

#[test]
fn who_has_approved_until_when_and_what_is_needed_is_shown() {
    let council = with_two_held();
    let args = |n| ShowArgs { id: n, json: true };
    let release = |id: String, at| {
        let now = Now { at, ..now(&council) };
        council.json(|out| show(&args(id), council.queries(), now, out)).1["release"].clone()
    };
    let nobody = release(id(1).to_string(), at(100));
    assert_eq!((&nobody["possible"], &nobody["needed"], &nobody["approvals"]), (&json!(true), &json!(2), &json!([])));
    council.record(approved_under(council.settings.digest, 1, 1, 1001));
    let one = release(id(1).to_string(), at(100));
    let until = at(1) + crate::domain::release::APPROVED_WITHIN;
    assert_eq!(one["approvals"], json!([{ "by": "uid 1001", "at": at(1), "until": until }]));
    assert_eq!(one["needed"], 1);
    let sealed = crate::domain::Digest::of(&1u32.to_be_bytes());
    let next = format!("hbcourier held approve {} --sha256 {sealed} --code CN-105 --reason TEXT", id(1));
    assert_eq!(one["next"], next);
    let (_, listed) = council
        .json(|out| list(&ListArgs { json: true, ..ListArgs::default() }, council.queries(), now(&council), out));
    assert_eq!(listed["held"][1]["approvals"], one["approvals"]);
    let (_, text) = council
        .text(|out| show(&ShowArgs { id: id(1).to_string(), json: false }, council.queries(), now(&council), out));
    assert!(text.contains("approved by uid 1001") && text.contains(&next), "{text}");
    // 72 hours later it counts no more; neither does it under other settings.
    let late = release(id(1).to_string(), until + jiff::SignedDuration::from_secs(1));
    assert_eq!((&late["approvals"], &late["needed"]), (&json!([]), &json!(2)));
    assert!(late["says"].as_str().unwrap().contains("counts no more"), "{late}");
    let other = Now { policy: crate::domain::Digest::of(b"other settings"), ..now(&council) };
    let (_, shown) = council.json(|out| show(&args(id(1).to_string()), council.queries(), other, out));
    assert_eq!(shown["release"]["approvals"], json!([]));
    let of_return = release("shbe/12302/2020-04".to_owned(), at(100));
    assert_eq!((&of_return["possible"], &of_return["next"]), (&json!(false), &json!(null)));
    assert!(of_return["says"].as_str().unwrap().contains("hbcourier returns waive"), "{of_return}");
}
