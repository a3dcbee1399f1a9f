//! The pre-flight as the service does it: an extract with errors is held, and people are told where they are.

use std::fs;

use serde_json::Value;

use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner};
use crate::support::shbe::Extract;

fn row(council: &Council) -> Value {
    let returns = council.json(&["returns", "list"]);
    let rows = returns["returns"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["return"] == "shbe").unwrap_or_default()
}

#[test]
fn an_extract_with_errors_is_held_until_it_is_replaced() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let today = council.falls_due_today().to_string();
    council.start();
    let file = council.returns.join("shbe/extract.txt");
    let extract = |seed| Extract::new("12302", &today).claims(30).seed(seed);
    let faults = ["not-a-date", "review-not-full", "field-count"];
    let (bad, written) = faults.into_iter().fold(extract(1), Extract::fault).bytes();
    fs::write(&file, bad).unwrap();
    council.until("it is held", |council| row(council)["code"] == "CN-421");

    let place = |rule: &str, within: &str| {
        let (_, line, _) = written.faults.iter().find(|(planted, ..)| *planted == rule).unwrap();
        format!("line {line}, record {within} ({rule})")
    };
    let places =
        [place("not-a-date", "D, field 8"), place("review-not-full", "R, field 174"), place("field-count", "P")];
    let key = format!("shbe/12302/{}", row(&council)["relevant_month"].as_str().unwrap());
    let text = |words: &[&str]| String::from_utf8(council.runs(words).stdout).unwrap();
    for words in [&["returns", "show", &key][..], &["status"], &["transfers", "why", &key], &["held", "list"]] {
        let told = text(words);
        assert!(told.contains("CN-421"), "{words:?}: {told}");
        assert!(written.personal.iter().all(|value| !told.contains(value.as_str())), "{words:?}");
    }
    let shown = text(&["returns", "show", &key]);
    assert!(shown.contains("hbcourier shbe check FILE"), "{shown}");
    let why = text(&["transfers", "why", &key]);
    assert!(places.iter().all(|place| shown.contains(place) && why.contains(place)), "{places:?}: {shown} {why}");
    assert!(file.exists(), "it is left where it is");

    // Warnings are told in the log and hold nothing.
    let (odd, written) = extract(2).fault("code-range").bytes();
    fs::write(&file, &odd).unwrap();
    council.until("it is sent", |council| row(council)["stage"] == "sent");
    let log = council.log();
    assert!(log.contains("breaks rules that hold nothing: code-range 1"), "{log}");
    assert!(log.contains("review-not-in-risk (no risk file was given)"), "what was not tried is told: {log}");
    assert!(!log.contains("same-as-earlier"), "that was tried: {log}");
    assert!(written.personal.iter().all(|value| !log.contains(value.as_str())));

    // By hand the same bytes are found to be of that month, and of no other.
    let copy = council.dir.path().join("again.txt");
    fs::write(&copy, odd).unwrap();
    let (authority, month) = key.strip_prefix("shbe/").unwrap().split_once('/').unwrap();
    let next = format!("{}05", month.strip_suffix("04").unwrap());
    let check = |month: &str| {
        let words = ["shbe", "check", copy.to_str().unwrap(), "--authority", authority, "--month", month, "--json"];
        let output = council.runs(&words);
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let told = |answer: &Value, list: &str| {
        answer[list].as_array().unwrap().iter().any(|one| one["rule"] == "same-as-earlier")
    };
    let (status, answer) = check(&next);
    assert!(status == Some(1) && told(&answer, "findings"), "{answer}");
    assert!(answer.to_string().contains(&format!("That month is {month}.")), "{answer}");
    let (status, answer) = check(month);
    assert!(status == Some(0) && !told(&answer, "findings") && !told(&answer, "rules_not_tried"), "{answer}");
    council.stops_well();
}
