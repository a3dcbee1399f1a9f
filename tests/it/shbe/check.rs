//! `shbe check`: what is planted is found, nothing else is, and nothing of what stands in the file is told.

use super::Desk;
use crate::support::shbe::{Extract, FAULTS};
use serde_json::Value;

const TIMED: [&str; 4] = ["--authority", "12302", "--month", "2020-04"];

fn extract() -> Extract {
    Extract::new("12302", "2020-04-08").claims(40)
}

fn found(answer: &Value) -> Vec<(String, u64, u64)> {
    let findings = answer["findings"].as_array().unwrap().iter();
    let one = |one: &Value| {
        (one["rule"].as_str().unwrap().to_owned(), one["line"].as_u64().unwrap(), one["field"].as_u64().unwrap_or(0))
    };
    findings.map(one).collect()
}

#[test]
fn a_clean_extract_is_accepted_with_every_rule_tried_that_can_be() {
    let desk = Desk::new();
    let (bytes, written) = extract().bytes();
    desk.file("shbe.txt", bytes);
    let risk: String = written.by_score.iter().map(|claim| format!("{claim},99\n")).collect();
    desk.file("risk.csv", format!("CLAIM_REF,SCORE\n{risk}"));
    let by_risk = ["--risk", "risk.csv", "--risk-claim-column", "claim_ref"];
    let (answer, status) = desk.json(&[&["check", "shbe.txt"][..], &TIMED, &by_risk].concat());
    assert_eq!((found(&answer), status), (vec![], 0));
    assert_eq!((answer["verdict"].as_str(), answer["profile"].as_str()), (Some("accept"), Some("shbe-2015-341")));
    assert_eq!((answer["records"]["D"].as_u64(), answer["encoding"].as_str()), (Some(40), Some("ascii")));
    let untried = answer["rules_not_tried"].as_array().unwrap();
    assert!(untried.len() == 1 && untried[0]["rule"] == "d-count-moved", "{untried:?}");
    for record in ["A", "C", "D", "E", "G", "P", "R", "S", "T"] {
        assert!(answer["records"][record].as_u64() > Some(0), "{record}");
    }
}

#[test]
fn each_planted_fault_is_found_at_its_place_and_nothing_else() {
    let desk = Desk::new();
    for (seed, rule) in (1..).zip(FAULTS) {
        let (bytes, written) = extract().seed(seed).fault(rule).bytes();
        let (line, field) = written.fault.unwrap_or_else(|| panic!("{rule} was not planted"));
        desk.file("shbe.txt", bytes);
        let (answer, status) = desk.json(&["check", "shbe.txt"]);
        assert_eq!(found(&answer), [(rule.to_owned(), line, field)]);
        let weight = answer["findings"][0]["severity"].as_str().unwrap();
        assert_eq!(status, i32::from(weight == "error"), "{rule}: {answer}");
    }
}

#[test]
fn the_dates_and_the_authority_are_the_obligations() {
    let desk = Desk::new();
    for (authority, day, rule) in [
        ("12302", "2020-04-06", "extracted-early"),
        ("12302", "2020-04-15", "extracted-late"),
        ("16104", "2020-04-08", "other-authority"),
    ] {
        desk.file("shbe.txt", Extract::new(authority, day).bytes().0);
        let (answer, status) = desk.json(&[&["check", "shbe.txt"][..], &TIMED].concat());
        assert_eq!((found(&answer)[0].0.as_str(), status), (rule, 1), "{answer}");
    }
    let unknown = desk.runs(&["check", "shbe.txt", "--authority", "12302", "--month", "2031-01"]);
    let says = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(unknown.status.code() == Some(2) && says.contains("No timetable in force has an extract"), "{says}");
    assert_eq!(desk.runs(&["check", "shbe.txt", "--month", "2020-04"]).status.code(), Some(2));
    assert_eq!(desk.runs(&["check", "nothing.txt"]).status.code(), Some(3));
}

#[test]
fn a_review_of_a_claim_in_no_risk_file_is_told() {
    let desk = Desk::new();
    desk.file("shbe.txt", extract().bytes().0);
    desk.file("risk.csv", "CLAIM_REF,SCORE\nsomebody,99\n");
    let (answer, status) = desk.json(&["check", "shbe.txt", "--risk", "risk.csv", "--risk-claim-column", "1"]);
    assert!(status == 0 && !found(&answer).is_empty(), "{answer}");
    assert!(found(&answer).iter().all(|one| one.0 == "review-not-in-risk"), "{answer}");
    let missing = desk.runs(&["check", "shbe.txt", "--risk", "risk.csv", "--risk-claim-column", "CLAIM"]);
    let says = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(2) && says.contains("no such column in row 1"), "{says}");
}

#[test]
fn severities_are_the_configurations() {
    let desk = Desk::new();
    desk.file("shbe.txt", extract().fault("not-an-amount").bytes().0);
    let config = |severity: &str| {
        let minimal = include_str!("../../../config/hbcourier.minimal.toml");
        desk.file("hbcourier.toml", format!("{minimal}\n[shbe.severity]\n{severity}\n"));
        let answer = desk.runs(&["check", "shbe.txt", "--json", "--config", "hbcourier.toml"]);
        (
            answer.status.code(),
            String::from_utf8_lossy(&answer.stdout).into_owned() + &String::from_utf8_lossy(&answer.stderr),
        )
    };
    let (status, answer) = config("not-an-amount = \"warning\"");
    assert!(status == Some(0) && answer.contains("\"severity\":\"warning\""), "{answer}");
    let (status, answer) = config("not-an-amount = \"off\"");
    assert!(status == Some(0) && answer.contains("the configuration has switched it off"), "{answer}");
    let (status, answer) = config("not-an-amuont = \"off\"");
    assert!(status == Some(78) && answer.contains("did you mean `not-an-amount`?"), "{answer}");
    let (status, answer) = config("zzz = \"off\"");
    assert!(status == Some(78) && answer.contains("the keys here are line-length, control-byte"), "{answer}");
    let (status, answer) = config("truncated = \"maybe\"");
    assert!(status == Some(78) && answer.contains("write error or warning or off"), "{answer}");
}

#[test]
fn nothing_personal_is_told_in_any_form() {
    let desk = Desk::new();
    for rule in FAULTS {
        let (bytes, written) = extract().fault(rule).bytes();
        assert!(written.personal.len() > 500 || rule == "no-records", "{}", written.personal.len());
        desk.file("shbe.txt", bytes);
        // Every review is of a claim that no risk file named, so claims are told of as well.
        desk.file("risk.csv", "CLAIM_REF\nsomebody\n");
        let by_risk = ["--risk", "risk.csv", "--risk-claim-column", "CLAIM_REF"];
        for form in [&["--json"][..], &[]] {
            let output = desk.runs(&[&["check", "shbe.txt"][..], &TIMED, &by_risk, form].concat());
            let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(told.contains(rule), "{rule}: {told}");
            for value in &written.personal {
                assert!(!told.contains(value.as_str()), "{rule} tells a personal value");
            }
        }
    }
}

#[test]
fn people_are_told_by_rule_by_line_and_what_next() {
    let desk = Desk::new();
    let (bytes, written) = extract().fault("not-a-date").bytes();
    desk.file("shbe.txt", bytes);
    let output = desk.runs(&["check", "shbe.txt"]);
    let page = String::from_utf8(output.stdout).unwrap();
    let line = written.fault.unwrap().0.to_string();
    assert!(page.contains("By rule\n") && page.contains("8 claimant: born"), "{page}");
    assert!(page.lines().any(|one| one.trim_start().starts_with(&line) && one.contains("99-99-9999")), "{page}");
    assert!(page.contains("reject (errors: 1, warnings: 0)\nNext: have the errors mended"), "{page}");
    assert!(page.contains("review-not-in-risk: no risk file was given"), "{page}");
}
