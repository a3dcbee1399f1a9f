//! `shbe check`: what is planted is found, nothing else is, and nothing of what stands in the file is told.

use super::Desk;
use crate::support::risk::{Written, workbook};
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
    assert!(untried.iter().map(|one| &one["rule"]).eq(["same-as-earlier", "d-count-moved"]), "{untried:?}");
    for record in ["A", "C", "D", "E", "G", "P", "R", "S", "T"] {
        assert!(answer["records"][record].as_u64() > Some(0), "{record}");
    }
}

#[test]
fn letters_of_windows_1252_are_letters() {
    let desk = Desk::new();
    let (bytes, written) = extract().western().bytes();
    assert!(std::str::from_utf8(&bytes).is_err() && bytes.contains(&0xe9), "é as one byte");
    desk.file("shbe.txt", bytes);
    let (answer, status) = desk.json(&[&["check", "shbe.txt"][..], &TIMED].concat());
    assert_eq!((found(&answer), status, answer["encoding"].as_str()), (vec![], 0, Some("windows-1252")));
    // A byte that is no letter among them is found all the same.
    let (bytes, faulty) = extract().western().fault("encoding").bytes();
    desk.file("shbe.txt", bytes);
    let (answer, _) = desk.json(&["check", "shbe.txt"]);
    assert_eq!(found(&answer)[0], ("encoding".to_owned(), faulty.fault.unwrap().0, 0));
    let told = answer.to_string();
    assert!(written.personal.iter().all(|value| !told.contains(value.as_str())));
}

#[test]
fn habits_of_software_hold_nothing() {
    let desk = Desk::new();
    let (bytes, _) = extract().bytes();
    desk.file("marked.txt", [&bytes[..], b"\x1a"].concat());
    let (answer, status) = desk.json(&["check", "marked.txt"]);
    assert_eq!((found(&answer), status), (vec![], 0));
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<String> = text.lines().map(|line| format!("{line}|\r\n")).collect();
    desk.file("delimited.txt", lines.concat());
    let (answer, status) = desk.json(&["check", "delimited.txt"]);
    assert_eq!((found(&answer), status), (vec![("trailing-delimiter".to_owned(), 2, 0)], 0));
    let counted = text.replacen("H|12302|", "H|BLACKPOOL|", 1).replacen("|\r\n", "|13501\r\n", 1);
    desk.file("counted.txt", counted);
    let (answer, status) = desk.json(&[&["check", "counted.txt"][..], &TIMED].concat());
    assert_eq!((found(&answer), status), (vec![("authority-unclear".to_owned(), 1, 0)], 0));
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
    let untold = desk.runs(&["check", "shbe.txt", "--risk", "risk.csv"]);
    let says = String::from_utf8_lossy(&untold.stderr).into_owned();
    assert!(untold.status.code() == Some(2) && says.contains("Name it with --risk-claim-column"), "{says}");
    let minimal = include_str!("../../../config/hbcourier.minimal.toml");
    desk.file("hbcourier.toml", format!("{minimal}\n[risk]\nclaim = \"CLAIM_REF\"\n"));
    let (told, _) = desk.json(&["check", "shbe.txt", "--config", "hbcourier.toml", "--risk", "risk.csv"]);
    assert_eq!(found(&told), found(&answer));
    let missing = desk.runs(&["check", "shbe.txt", "--risk", "risk.csv", "--risk-claim-column", "CLAIM"]);
    let says = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(2) && says.contains("no such column in row 1"), "{says}");
}

#[test]
fn risk_data_are_read_as_the_report_on_them_reads_them() {
    let desk = Desk::new();
    let (bytes, written) = extract().bytes();
    desk.file("shbe.txt", &bytes);
    let rows: String = written.by_score.iter().map(|claim| format!("{claim};99;é\n")).collect();
    let table = format!("CLAIM_REF;SCORE;LANDLORD\n{rows}");
    let by = |file: &str, column: &str| {
        let words = ["check", "shbe.txt", "--risk", file, "--risk-claim-column", column];
        desk.json(&words)
    };
    for way in Written::ALL {
        for text in [table.clone(), table.replace(';', ",")] {
            desk.file("risk.csv", way.bytes(&text));
            for column in ["CLAIM_REF", "1"] {
                let (answer, status) = by("risk.csv", column);
                assert_eq!((found(&answer), status), (vec![], 0), "{way:?} {column}");
            }
        }
    }
    // A workbook's first claims are made those of the extract.
    let mut text = String::from_utf8(bytes).unwrap();
    for (claim, listed) in written.by_score.iter().zip(["HB0751503", "HB2305163", "HB7006904"]) {
        text = text.replace(claim, listed);
    }
    desk.file("shbe.txt", text);
    for name in ["risk.xlsx", "risk.xls"] {
        desk.file(name, workbook(name));
        let (answer, status) = by(name, "CLAIM_REFERENCE");
        assert_eq!((found(&answer), status), (vec![], 0), "{name}");
    }
    for (name, content) in
        [("risk.pgp", &b"-----BEGIN PGP MESSAGE-----\n\nabc\n"[..]), ("risk.xlsx", b"PK\x03\x04"), ("none", b"")]
    {
        desk.file(name, content);
        let refused = desk.runs(&["check", "shbe.txt", "--risk", name, "--risk-claim-column", "1"]);
        let says = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(3) && says.contains("hbcourier risk report FILE"), "{name}: {says}");
    }
}

/// A first row of words that nothing else tells to be names or a claim's.
#[test]
fn whether_risk_data_have_a_heading_the_configuration_says() {
    let desk = Desk::new();
    let (bytes, written) = extract().bytes();
    desk.file("shbe.txt", bytes);
    let first = "somebody,else\n";
    let rows: String = written.by_score.iter().map(|claim| format!("{claim},99\n")).collect();
    desk.file("risk.csv", format!("{first}{rows}"));
    let minimal = include_str!("../../../config/hbcourier.minimal.toml");
    let with = |header: &str| {
        desk.file("hbcourier.toml", format!("{minimal}\n[risk]\nclaim = \"1\"\nheader = \"{header}\"\n"));
        desk.runs(&["check", "shbe.txt", "--config", "hbcourier.toml", "--risk", "risk.csv", "--json"])
    };
    assert_eq!(with("present").status.code(), Some(0));
    desk.file("risk.csv", rows);
    let refused = with("present");
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && says.contains("its first row has numbers"), "{says}");
    assert_eq!(with("absent").status.code(), Some(0));
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
        desk.file("risk.csv", "CLAIM_REF,SCORE\nsomebody,99\n");
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
