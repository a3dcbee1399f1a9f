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
    let (bad, written) = extract(1).fault("not-a-date").bytes();
    fs::write(&file, bad).unwrap();
    council.until("it is held", |council| row(council)["code"] == "CN-421");

    let place = format!("line {}, record D, field 8 (not-a-date)", written.fault.unwrap().0);
    let key = format!("shbe/12302/{}", row(&council)["relevant_month"].as_str().unwrap());
    let text = |words: &[&str]| String::from_utf8(council.runs(words).stdout).unwrap();
    for words in [&["returns", "show", &key][..], &["status"], &["transfers", "why", &key], &["held", "list"]] {
        let told = text(words);
        assert!(told.contains("CN-421"), "{words:?}: {told}");
        assert!(written.personal.iter().all(|value| !told.contains(value.as_str())), "{words:?}");
    }
    let shown = text(&["returns", "show", &key]);
    assert!(shown.contains(&place) && shown.contains("hbcourier shbe check FILE"), "{shown}");
    let why = text(&["transfers", "why", &key]);
    assert!(why.contains(&place), "{why}");
    assert!(file.exists(), "it is left where it is");

    // Warnings are told in the log and hold nothing.
    let (odd, written) = extract(2).fault("code-range").bytes();
    fs::write(&file, odd).unwrap();
    council.until("it is sent", |council| row(council)["stage"] == "sent");
    let log = council.log();
    assert!(log.contains("breaks rules that hold nothing: code-range 1"), "{log}");
    assert!(written.personal.iter().all(|value| !log.contains(value.as_str())));
    council.stops_well();
}
