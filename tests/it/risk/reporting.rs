//! A month's file in numbers, whatever encoding it came in.

use std::process::Command;

use serde_json::json;

use crate::support::risk::{Desk, RiskFile, Written, codes};

#[test]
fn a_hundred_thousand_rows_in_every_encoding() {
    let desk = Desk::profiled();
    let text = RiskFile::of(100_000, 1_234).text();
    for written in Written::ALL {
        let file = desk.put("AOBWR627_12302_RISK.csv", written.bytes(&text));
        let (exit, report) = desk.report(&file);
        assert_eq!(exit, Some(0), "{written:?}: {report}");
        let (encoding, marked) = match written {
            Written::Utf8 => ("utf-8", false),
            Written::Utf8Marked => ("utf-8", true),
            Written::Utf16Le => ("utf-16le", false),
            Written::Utf16LeMarked => ("utf-16le", true),
            Written::Utf16Be => ("utf-16be", false),
            Written::Utf16BeMarked => ("utf-16be", true),
            Written::Windows1252 => ("windows-1252", false),
        };
        assert_eq!(report["encoding"], encoding, "{written:?}");
        assert_eq!(report["byte_order_mark"], marked, "{written:?}");
        assert_eq!(report["authority"], "12302");
        assert_eq!(
            (&report["rows"], &report["high_risk"], &report["ranked"]),
            (&json!(100_000), &json!(1234), &json!(true))
        );
        assert_eq!(report["columns"], json!(["CLAIM_REFERENCE", "RISK_SCORE", "HIGH_RISK", "LANDLORD"]));
        assert_eq!((&report["previous"], &report["expected_reviews_mean"]), (&json!(null), &json!(1234)));
        assert!(codes(&report).is_empty(), "{report}");
    }
}

#[test]
fn the_first_row_out_of_order_is_named_and_equal_scores_are_in_order() {
    let desk = Desk::profiled();
    let rows = |scores: &[&str]| {
        let rows: String = scores.iter().map(|score| format!("HB1,{score},N\n")).collect();
        format!("CLAIM_REFERENCE,RISK_SCORE,HIGH_RISK\n{rows}")
    };
    let file = desk.put("AOBWR627_LAID_RISK.csv", rows(&["0.9", "0.9", "0.5", "0.50", "0.1"]));
    let (exit, report) = desk.report(&file);
    assert_eq!((exit, &report["ranked"], &report["authority"]), (Some(0), &json!(true), &json!(null)), "{report}");

    let file = desk.put("AOBWR627_LAID_RISK.csv", rows(&["0.9", "0.5", "0.7", "0.6", "0.95"]));
    let (exit, report) = desk.report(&file);
    assert_eq!((exit, &report["ranked"], &report["out_of_order"]), (Some(1), &json!(false), &json!(4)), "{report}");
    assert_eq!(codes(&report), ["risk-not-ranked", "risk-none-marked"]);

    let file = desk.put("AOBWR627_LAID_RISK.csv", rows(&["0.9", "unknown", "", "0.6"]));
    let (exit, report) = desk.report(&file);
    assert_eq!((exit, &report["ranked"]), (Some(1), &json!(true)));
    let found = &report["findings"][0];
    assert_eq!(
        (&found["code"], &found["rows"], &found["column"]),
        (&json!("risk-score-not-number"), &json!([3, 4]), &json!(2))
    );
}

#[test]
fn without_a_profile_the_shape_is_told_and_how_to_get_one() {
    let desk = Desk::with("");
    let file = desk.put("AOBWR627_LAID_RISK.csv", RiskFile::of(50, 5).text());
    let (exit, report) = desk.report(&file);
    assert_eq!((exit, codes(&report)), (Some(0), vec!["risk-no-profile"]));
    assert_eq!((&report["rows"], &report["high_risk"], &report["ranked"]), (&json!(50), &json!(null), &json!(null)));
    let page = String::from_utf8(desk.risk("report", &[&file], &[]).stdout).unwrap();
    assert!(page.contains("Claims") && page.contains("50") && page.contains("`hbcourier risk learn`"), "{page}");
}

#[test]
fn a_profile_that_does_not_fit_is_told() {
    let desk = Desk::with("\n[risk]\nscore = \"SCORE\"\nhigh_risk = \"9\"\n");
    let file = desk.put("AOBWR627_LAID_RISK.csv", RiskFile::of(50, 5).text());
    let (exit, report) = desk.report(&file);
    assert_eq!((exit, codes(&report)), (Some(1), vec!["risk-column-missing"]), "{report}");
    let headless = RiskFile { header: false, ..RiskFile::of(50, 5) };
    let desk = Desk::with("\n[risk]\nscore = \"2\"\nheader = \"present\"\n");
    let (exit, report) = desk.report(&desk.put("AOBWR627_LAID_RISK.csv", headless.text()));
    assert_eq!((exit, codes(&report), &report["rows"]), (Some(1), vec!["risk-header-absent"], &json!(50)));
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_a_next_step() {
    let desk = Desk::profiled();
    let output = desk.risk("report", &[&desk.config().with_file_name("no-such-file")], &["--json"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
    assert!(told.starts_with("Could not open ") && told.contains("\nNext: "), "{told}");
}

/// What the process may allocate is far less than the file: it is read row by row.
#[test]
fn memory_does_not_grow_with_the_file() {
    let desk = Desk::profiled();
    let wide = RiskFile::of(100_000, 10).text().replace("Council", &"wide ".repeat(400));
    assert!(wide.len() > 40 << 20, "{}", wide.len());
    let file = desk.put("AOBWR627_LAID_RISK.csv", wide);
    for verb in ["report", "learn"] {
        let limited = format!("ulimit -d {}; exec \"$@\"", 16 << 10);
        let output = Command::new("sh")
            .args(["-c", &limited, "sh", env!("CARGO_BIN_EXE_hbcourier"), "--config"])
            .arg(desk.config())
            .args(["risk", verb, "--json"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
