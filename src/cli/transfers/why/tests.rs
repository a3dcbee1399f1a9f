//! Which rule `why` names, for transfers in a real store and files in real folders.

use std::time::Duration;

use super::{Considered, Explanation, Outcome, WhyArgs, explain, why};
use crate::cli::council::{Council, put};
use crate::cli::output::Exit;
use crate::domain::ledger::Event;
use crate::domain::reason::{Became, Unsound};
use crate::domain::{Digest, HoldReason, RejectReason, ReturnHold, Stage, Standing};
use crate::effects::drop_folder::DropFolder;
use crate::store::samples::*;
use crate::store::{Change, StateChange};

fn ask(council: &Council, what: impl ToString) -> Explanation {
    explain(&what.to_string(), &council.reading()).unwrap()
}

fn decided(explanation: &Explanation) -> Vec<&Considered> {
    explanation.rules.iter().filter(|considered| considered.decided).collect()
}

fn held_for(council: &Council, n: u32, reason: HoldReason) -> Explanation {
    council.record(collect(n));
    council.record(move_to(n, 0, Event::Held, Standing::Held { since: at(1), reason, restored: false }));
    ask(council, id(n))
}

/// Stages the n-th consignment with one LAID PDF for the council's own folder.
fn staged_there(council: &Council, n: u32) -> Change {
    let mut change = staged(n, 0, n);
    if let StateChange::Consignment { deliveries: Some(deliveries), .. } = &mut change.state {
        deliveries.truncate(1);
        deliveries[0].destination = "laid-12302".parse().unwrap();
        deliveries[0].path = council.at("backoffice/12302/laid/a.pdf");
        deliveries[0].digest = Digest::of(b"%PDF-1.4");
    }
    change
}

#[test]
fn a_hold_names_the_rule_that_was_not_met_and_leaves_the_later_ones_open() {
    let council = Council::with_keys(2);
    let explanation = held_for(&council, 1, HoldReason::Unsigned);
    let by = decided(&explanation);
    assert_eq!(by.len(), 1);
    assert_eq!((by[0].rule, by[0].outcome), ("signature", Outcome::NotMet));
    assert!(by[0].says.contains("CN-105") && by[0].says.contains("signed by dwp"), "{}", by[0].says);
    let pinned = council.keys.list(council.now).partners[0].1.fingerprint.to_string();
    assert!(by[0].says.contains(&pinned), "{}", by[0].says);
    let outcome = |rule| explanation.rules.iter().find(|considered| considered.rule == rule).unwrap().outcome;
    assert_eq!(outcome("opening"), Outcome::Met);
    assert_eq!(outcome("route"), Outcome::NotReached);
    assert!(explanation.next.unwrap().contains("sign"));
}

#[test]
fn without_a_route_each_route_is_named_and_what_none_takes() {
    let council = Council::new();
    let explanation = held_for(&council, 1, HoldReason::NoRoute);
    let routes: Vec<&Considered> = explanation.rules.iter().filter(|considered| considered.rule == "route").collect();
    assert_eq!(routes.len(), 4, "three configured, and the result");
    assert!(routes[0].says.contains("laid-pdf, laid-xml") && !routes[0].decided);
    assert!(routes[3].decided && routes[3].says.contains("shbe, unknown"), "{}", routes[3].says);
}

#[test]
fn at_a_source_that_serves_several_the_numbers_are_named_and_no_routes_of_the_wrong_one() {
    let mut council = Council::new();
    council.settings.authorities[0].drop_folders[0].also_for = vec!["16104".parse().unwrap()];
    let untold = held_for(&council, 1, HoldReason::AuthorityUntold);
    assert!(decided(&untold)[0].says.contains("serves 12302 and 16104"), "{}", decided(&untold)[0].says);
    let unrouted = held_for(&council, 2, HoldReason::NoRoute);
    let routes: Vec<&Considered> = unrouted.rules.iter().filter(|considered| considered.rule == "route").collect();
    assert!(routes.len() == 1 && routes[0].decided && routes[0].says.contains("of 12302 and 16104"), "{routes:?}");
}

#[test]
fn every_reason_is_explained_by_one_rule_or_by_none() {
    let council = Council::new();
    let outcomes = [
        (HoldReason::SpoolChanged, Some("spool")),
        (HoldReason::NotOpenPgp, Some("form")),
        (HoldReason::NoKey, Some("opening")),
        (HoldReason::Malformed { unsound: Unsound::Broken }, Some("content")),
        (HoldReason::OtherAuthority { found: "16104".parse().unwrap() }, Some("authority")),
        (HoldReason::SeveralAuthorities { found: vec!["16104".parse().unwrap()] }, Some("authority")),
        (HoldReason::AuthorityUntold, Some("authority")),
        (HoldReason::NameConflict, Some("final name")),
        (HoldReason::Repeat { first: id(90), received: at(1), became: Became::Delivered }, Some("repeat")),
        (HoldReason::Replaced, Some("published")),
        (HoldReason::WorkerFault, None),
    ];
    for (n, (reason, rule)) in (1..).zip(outcomes) {
        let code = reason.notice().code;
        let explanation = held_for(&council, n, reason);
        let by: Vec<&str> = decided(&explanation).iter().map(|considered| considered.rule).collect();
        assert_eq!(by, rule.into_iter().collect::<Vec<_>>());
        assert!(explanation.says.contains(code), "{}", explanation.says);
    }
    council.record(collect(99));
    let rejected = Standing::Rejected { at: at(1), reason: RejectReason::NoIntegrity };
    council.record(move_to(99, 0, Event::Rejected, rejected));
    assert_eq!(decided(&ask(&council, id(99)))[0].rule, "opening");
}

#[test]
fn a_delivered_file_is_explained_by_its_route_and_compared_with_what_was_delivered() {
    let council = Council::new();
    council.record(collect(1));
    council.record(staged_there(&council, 1));
    council.record(move_to(1, 1, Event::Delivered, Standing::Delivered { at: at(9) }));
    let path = council.at("backoffice/12302/laid/a.pdf");
    put(&path, b"%PDF-1.4");
    let explanation = ask(&council, path.display());
    assert_eq!(explanation.transfer, Some(id(1).to_string()));
    let by = decided(&explanation);
    assert_eq!(by.len(), 1);
    assert!(by[0].rule == "route" && by[0].says.contains("`laid-12302`"), "{:?}", by[0]);
    let now = |explanation: &Explanation| explanation.rules.last().unwrap().clone();
    assert_eq!((now(&explanation).rule, now(&explanation).outcome), ("now", Outcome::Met));
    put(&path, b"other");
    assert_eq!(now(&ask(&council, path.display())).outcome, Outcome::NotMet);
    std::fs::remove_file(&path).unwrap();
    let taken = now(&ask(&council, path.display()));
    assert!(taken.outcome == Outcome::NotMet && taken.says.contains("taken"), "{}", taken.says);
}

/// The rule that keeps a file in the drop folder.
fn kept_by(council: &Council, name: &str) -> (&'static str, String) {
    let explanation = ask(council, council.at("drop/12302").join(name).display());
    let by = decided(&explanation);
    assert_eq!(by.len(), 1, "{explanation:?}");
    (by[0].rule, explanation.next.unwrap())
}

#[test]
fn a_file_in_the_drop_folder_is_kept_there_by_the_rule_that_applies() {
    let mut council = Council::new();
    let drop = council.at("drop/12302");
    // One-byte literal packets: complete as OpenPGP. RFC 9580 §4.2, §5.9
    let complete = [0xCB, 0x07, b'b', 0, 0, 0, 0, 0, b'x'];
    for name in ["a.pgp.part", "a.pgp", "twice.pgp"] {
        put(&drop.join(name), &complete);
    }
    std::os::unix::fs::symlink("a.pgp", drop.join("link")).unwrap();
    std::fs::hard_link(drop.join("twice.pgp"), council.at("elsewhere")).unwrap();
    put(&drop.join("short.pgp"), &complete[..5]);
    council.now = jiff::Timestamp::now() + Duration::from_secs(60);
    assert_eq!(kept_by(&council, "a.pgp.part").0, "name");
    assert_eq!(kept_by(&council, "link").0, "file");
    assert_eq!(kept_by(&council, "twice.pgp").0, "second name");
    assert_eq!(kept_by(&council, "short.pgp").0, "settled");
    council.settings.service.limits.ciphertext_bytes_max = 8;
    assert_eq!(kept_by(&council, "a.pgp").0, "size");
    council.settings.service.limits.ciphertext_bytes_max = 9;
    council.settings.service.limits.free_bytes_min = u64::MAX;
    assert_eq!(kept_by(&council, "a.pgp").0, "space");
    council.settings.service.limits.free_bytes_min = 1;
    council.service = None;
    let (rule, next) = kept_by(&council, "a.pgp");
    assert!(rule == "service" && next.contains("Start"), "{next}");
    let missing = explain(&drop.join("none").display().to_string(), &council.reading()).unwrap_err();
    assert_eq!(missing.exit, Exit::No);
}

#[test]
fn a_file_that_settles_still_says_how_long_it_rested() {
    let mut council = Council::new();
    let path = council.at("drop/12302/a.pgp");
    put(&path, &[0xCB, 0x07, b'b', 0, 0, 0, 0, 0, b'x']);
    council.now = jiff::Timestamp::now();
    assert_eq!(kept_by(&council, "a.pgp").0, "settled");
    council.now += Duration::from_secs(60);
    let explanation = ask(&council, path.display());
    assert!(decided(&explanation).is_empty(), "{explanation:?}");
    assert!(explanation.says.contains("Every rule is met"), "{}", explanation.says);
}

#[test]
fn a_file_that_was_collected_but_not_removed_names_its_transfer() {
    let council = Council::new();
    let path = council.at("drop/12302/a.pgp");
    put(&path, b"sealed");
    let folder = DropFolder::new(council.at("drop/12302"), std::sync::Arc::default());
    let sighting = folder.sight("a.pgp").unwrap().unwrap();
    let mut change = collect(1);
    if let StateChange::Collect(new) = &mut change.state {
        new.native = Digest::of(sighting.native().as_bytes());
    }
    council.record(change);
    let explanation = ask(&council, path.display());
    assert_eq!(explanation.transfer, Some(id(1).to_string()));
    assert_eq!(decided(&explanation)[0].rule, "new");
}

#[test]
fn a_return_names_what_it_waits_for() {
    let council = Council::new();
    let key = "shbe/12302/2020-04";
    council.record(owe(key));
    let rule = |council: &Council| decided(&ask(council, key))[0].rule;
    assert_eq!(rule(&council), "pick-up");
    let held = Stage::Held { since: at(1), reason: ReturnHold::Empty, content: None };
    council.record(return_to(key, 0, Event::ReturnHeld, held, None));
    assert_eq!(rule(&council), "check");
    let file = council.at("returns/12302/shbe/shbe.txt");
    put(&file, b"H|");
    let waiting = ask(&council, file.display());
    assert!(waiting.says.contains(key), "{}", waiting.says);
    council.record(return_to(key, 1, Event::Sealed, Stage::Sealed, Some(sealed())));
    let missed = Stage::Missed { since: at(3) };
    council.record(return_to(key, 2, Event::Missed, missed, None));
    assert_eq!(rule(&council), "date");
}

#[test]
fn text_marks_the_rule_that_decided_and_a_strange_path_is_refused() {
    let council = Council::new();
    council.record(collect(90));
    let repeat = HoldReason::Repeat { first: id(90), received: at(1), became: Became::Delivered };
    let explanation = held_for(&council, 1, repeat);
    let by = &decided(&explanation)[0].says;
    assert!(by.contains(&format!("now that transfer {} is collected", id(90))), "{by}");
    let args = WhyArgs { what: id(1).to_string(), json: false };
    let (_, text) = council.text(|out| why(&args, &council.reading(), out));
    let marked: Vec<&str> = text.lines().filter(|line| line.starts_with('>')).collect();
    assert!(marked.len() == 1 && marked[0].contains("repeat"), "{text}");
    let (_, json) = council.json(|out| why(&WhyArgs { json: true, ..args }, &council.reading(), out));
    assert!(
        json["rules"].as_array().unwrap().iter().any(|rule| rule["decided"] == true && rule["outcome"] == "not-met")
    );
    let nowhere = explain("/nowhere/at/all", &council.reading()).unwrap_err();
    assert_eq!(nowhere.exit, Exit::No);
}
