//! What `held list` and `held show` print, over a real store.

use serde_json::json;

use super::{ListArgs, ShowArgs, list, show};
use crate::cli::council::Council;
use crate::cli::output::{Exit, Output};
use crate::domain::ledger::Event;
use crate::domain::{ReturnHold, Stage, Standing};
use crate::store::samples::*;

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
    let (exit, document) =
        council.json(|out| list(&ListArgs { json: true, ..ListArgs::default() }, council.queries(), out));
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
        council.text(|out| list(&ListArgs { fail_if_any, ..ListArgs::default() }, council.queries(), out)).0
    };
    assert_eq!(exit(&council, true), Exit::No);
    assert_eq!(exit(&council, false), Exit::Yes);
    assert_eq!(exit(&Council::new(), true), Exit::Yes);
}

#[test]
fn only_what_is_held_is_shown() {
    let council = with_two_held();
    let args = |n| ShowArgs { id: id(n).to_string(), json: true };
    let (_, shown) = council.json(|out| show(&args(1), council.queries(), out));
    assert_eq!(shown["entries"][1]["event"], "held");
    let refused = show(&args(2), council.queries(), &mut Output::to(Vec::new())).unwrap_err();
    assert_eq!(refused.exit, Exit::No);
    assert!(refused.to_string().contains("rejected"), "{refused}");
}

#[test]
fn text_says_what_to_do_next() {
    let council = with_two_held();
    let (_, text) = council.text(|out| list(&ListArgs::default(), council.queries(), out));
    assert!(text.contains("CN-105") && text.contains("Next: Ask the partner to sign"), "{text}");
}
