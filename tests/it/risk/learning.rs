//! From a real file to a profile.

use crate::support::risk::{Desk, RiskFile, codes, workbook};

/// Names that could be anybody's are not told, and columns are numbered.
#[test]
fn a_first_row_of_unknown_words_is_passed_over_untold() {
    let desk = Desk::with("");
    let text = RiskFile::of(30, 3).text().replacen(
        "CLAIM_REFERENCE,RISK_SCORE,HIGH_RISK,LANDLORD",
        "Crn,Wert,Mk,Vermieter",
        1,
    );
    let (exit, learnt) = desk.learn(&desk.put("AOBWR627_LAID_RISK.csv", &text));
    assert_eq!((exit, codes(&learnt["draft"])), (Some(0), vec!["risk-header-doubtful"]), "{learnt}");
    assert!(!learnt.to_string().contains("Vermieter"), "{learnt}");
    let toml = learnt["toml"].as_str().unwrap();
    assert!(toml.contains("score = \"2\"") && toml.contains("header = \"present\""), "{toml}");
    let pasted = Desk::with(&format!("\n{toml}"));
    let (exit, report) = pasted.report(&pasted.put("AOBWR627_LAID_RISK.csv", &text));
    assert_eq!((exit, &report["rows"], &report["high_risk"]), (Some(0), &30.into(), &3.into()), "{report}");
}

#[test]
fn what_is_learnt_from_a_file_reports_on_it() {
    let files = [
        (RiskFile::of(400, 40).text().into_bytes(), 400, 40),
        (RiskFile { header: false, ..RiskFile::of(400, 40) }.text().into_bytes(), 400, 40),
        (workbook("risk.xls"), 3000, 168),
    ];
    for (content, rows, marked) in files {
        let desk = Desk::with("");
        let (exit, learnt) = desk.learn(&desk.put("AOBWR627_LAID_RISK.csv", &content));
        assert_eq!(exit, Some(0), "{learnt}");
        let toml = learnt["toml"].as_str().unwrap();
        let pasted = Desk::with(&format!("\n{toml}"));
        let (exit, report) = pasted.report(&pasted.put("AOBWR627_LAID_RISK.csv", &content));
        assert_eq!((exit, codes(&report).is_empty()), (Some(0), true), "{toml}\n{report}");
        assert_eq!((&report["rows"], &report["high_risk"]), (&rows.into(), &marked.into()), "{toml}");
        assert_eq!(report["ranked"], true);
        let page = desk.risk("learn", &[&desk.put("again.csv", &content)], &[]);
        assert!(String::from_utf8(page.stdout).unwrap().starts_with(toml), "what people see is what scripts get");
    }
}
