//! From a real file to a profile.

use crate::support::risk::{Desk, RiskFile, codes, workbook};

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
