//! The page, over a real store.

use serde_json::json;

use super::{Args, run};
use crate::cli::council::Council;
use crate::cli::output::Exit;
use crate::domain::FileKind;
use crate::domain::ledger::Event;
use crate::store::StateChange;
use crate::store::samples::*;

#[test]
fn before_the_first_start_only_what_is_ahead_is_expected() {
    let council = Council::with_keys(2);
    let (exit, told) = council.json(|out| run(&Args { json: true, ..Args::default() }, &council.reading(), out));
    // 27 April 2020: April's week is over, and nobody was there to see it.
    let first = &told["authorities"][0]["expectations"][0];
    assert_eq!((exit, &first["relevant_month"], &first["state"]), (Exit::Yes, &json!("2020-05"), &json!("awaited")));
    let overdue = Args { overdue: true, ..Args::default() };
    let (exit, text) = council.text(|out| run(&overdue, &council.reading(), out));
    assert!(exit == Exit::Yes && text.contains("Nothing."), "{text}");
}

#[test]
fn a_pack_that_was_staged_is_there_and_a_rejected_one_is_not() {
    let council = Council::with_keys(2);
    let (authority, from) = ("12302".parse().unwrap(), "2020-04-01".parse().unwrap());
    council.record(change(Event::TakenIntoService, StateChange::InService { authority, from }));
    let asked = Args { json: true, month: Some("2020-04".parse().unwrap()), ..Args::default() };
    let state =
        || council.json(|out| run(&asked, &council.reading(), out)).1["authorities"][0]["expectations"][0].clone();
    assert_eq!(state()["state"], "red");
    council.record(collect(1));
    let mut change = staged(1, 0, 1);
    if let StateChange::Consignment { deliveries: Some(deliveries), .. } = &mut change.state {
        // The workbook and the referrals of one transfer are one pack.
        deliveries[0].kind = FileKind::HbmsMi;
        deliveries[1].kind = FileKind::HbmsPack;
    }
    council.record(change);
    assert_eq!((&state()["state"], &state()["arrived"]), (&json!("late"), &json!("2020-04-27")));
    let (_, told) = council.json(|out| run(&asked, &council.reading(), out));
    let irregular = told["authorities"][0]["irregular"].as_array().unwrap();
    assert_eq!(irregular.len(), 1, "{irregular:?}");
    assert_eq!(irregular[0]["says"], "The hbms-pack for 2020-04 came on 2020-04-27, after its week.");
}
