//! Erasing with the real program, killed at every step: what is due is gone in the end, once, and the ledger tells of it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use hbcourier::cli::demo::samples;
use hbcourier::durable::step::ERASING_STEPS;

use super::{IN_NAMES, closed, council, drops_laid, entries, keeps, named, originals, state_holds};
use crate::support::council::{Council, command};
use crate::support::partner::SealOptions;

/// Two transfers closed, one rejected, a return sent.
fn with_everything() -> Council {
    let (dwp, mut council) = council();
    let today = council.falls_due_today();
    (1..=2).for_each(|number| drops_laid(&dwp, &council, number));
    let without_integrity = SealOptions::with(&["--rfc2440", "--cipher-algo", "3DES", "--disable-mdc"]);
    council.drops(&named("old.pgp"), &dwp.seals(b"<LAID/>", &named("old.xml"), &without_integrity));
    fs::write(council.returns.join("shbe/shbe.txt"), samples::shbe_extract(today)).unwrap();
    council.start();
    council.until("all rest", |council| council.all_rest(3) && closed(council) == 2);
    council.until("it is sent", |council| council.json(&["returns", "list"]).to_string().contains("\"sent\""));
    assert_eq!(council.codes(), ["CN-201"]);
    council.stops_well();
    assert_eq!(originals(&council).len(), 4);
    council
}

fn copied(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

fn assert_erased(council: &Council, what: &str) {
    assert!(originals(council).is_empty(), "{what}: {:?}", originals(council));
    for canary in IN_NAMES {
        assert!(!state_holds(council, canary), "{what}: a file of the state directory holds a name");
    }
    council.ledger();
    let told = ["original-erased", "names-erased"].map(|event| entries(council, event).len());
    assert_eq!(told, [4, 3], "{what}: each is told of once");
}

#[test]
fn killed_at_every_step_it_is_finished_at_the_next_look() {
    let council = with_everything();
    keeps(&council, "0s");
    assert!(state_holds(&council, IN_NAMES[0]));
    let snapshot = council.dir.path().join("snapshot");
    copied(&council.state, &snapshot);
    for step in ERASING_STEPS {
        copied(&snapshot, &council.state);
        let mut once = command();
        once.arg("--config")
            .arg(&council.config)
            .args(["run", "--once"])
            .env("FAILPOINTS", format!("{step}=return(kill)"));
        let killed = once.output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{step} is not passed: {killed:?}");
        council.runs(&["run", "--once"]);
        assert_erased(&council, step);
    }
}

/// An error at any step is told, ends nothing, and what it left is finished.
#[test]
fn an_error_at_every_step_is_told_and_mended() {
    let council = with_everything();
    keeps(&council, "0s");
    let snapshot = council.dir.path().join("snapshot");
    copied(&council.state, &snapshot);
    for step in ERASING_STEPS {
        copied(&snapshot, &council.state);
        let mut once = command();
        once.arg("--config")
            .arg(&council.config)
            .args(["run", "--once"])
            .env("FAILPOINTS", format!("{step}=1*return(5)"));
        let ended = once.output().unwrap();
        assert!(ended.status.success(), "{step}: {ended:?}");
        assert!(council.is_alarmed("retention", "CN-555"), "{step}");
        council.runs(&["run", "--once"]);
        assert!(!council.is_alarmed("retention", "CN-555"), "{step}");
        assert_erased(&council, step);
    }
}

/// The running service erases when it starts; a person can see beforehand what, and that the usual time is long.
#[test]
fn the_service_erases_what_is_due_at_its_start() {
    let mut council = with_everything();
    let outlook = council.json(&["retention"]);
    let rules: Vec<&str> = outlook["due"].as_array().unwrap().iter().map(|due| due["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["keep_rejected", "keep_original", "keep_names", "keep_sealed"], "{outlook}");
    assert!(outlook["next_look"].is_string());
    council.start();
    council
        .until("it looked at its source", |council| council.json(&["status"])["service"]["sources"][0]["ok"] == true);
    council.stops_well();
    assert_eq!(originals(&council).len(), 4, "nothing is due");
    keeps(&council, "0s");
    council.start();
    council
        .until("it is erased", |council| originals(council).is_empty() && entries(council, "names-erased").len() == 3);
    council.until("its log is emptied", |council| !state_holds(council, IN_NAMES[0]));
    council.stops_well();
    assert_erased(&council, "at its start");
    let outlook = council.json(&["retention"]);
    assert!(outlook["due"].as_array().unwrap().is_empty(), "{outlook}");
}
