//! How the volumes move, and what they make of the year's reviews.

use serde_json::json;

use crate::support::risk::{Desk, RiskFile};

/// The monthly volumes of the example, March to February.
// DWP A5/2020 paragraph 21
const EXAMPLE: [u32; 12] = [168, 182, 177, 180, 172, 190, 179, 183, 182, 162, 178, 181];

#[test]
fn the_circulars_twelve_files_expect_178_reviews() {
    let desk = Desk::profiled();
    let put = |(month, marked): (usize, &u32)| {
        let file = RiskFile { seed: month as u64, ..RiskFile::of(1000 + 10 * month as u32, *marked) };
        desk.put(&format!("AOBWR627_12302_RISK_{month:02}.csv"), file.text())
    };
    let files: Vec<_> = EXAMPLE.iter().enumerate().map(put).collect();
    let (exit, report) = desk.report_after(&files[11], &files[..11]);
    assert_eq!(exit, Some(0), "{report}");
    assert_eq!(report["expected_reviews_mean"], 178);
    assert_eq!(report["months"].as_array().unwrap().len(), 12);
    assert_eq!(report["previous"], json!({"rows": 1100, "high_risk": 178}));
    assert_eq!(report["movement"]["rows"], json!({"difference": 10, "percent": 0.9}));
    assert_eq!(report["movement"]["high_risk"], json!({"difference": 3, "percent": 1.7}));
    let page = desk.risk("report", &[&files[1], "--previous".as_ref(), &files[0]], &[]);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("182 (+14 against the month before, +8.3 %)"), "{page}");
    assert!(page.contains("175 (mean of the high risks in the 2 files given"), "{page}");
}
