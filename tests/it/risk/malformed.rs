//! Malformed data: findings, never a failure.

use serde_json::Value;

use crate::support::risk::{Desk, Written, codes, workbook};

fn found(content: impl AsRef<[u8]>) -> (Option<i32>, Value) {
    let desk = Desk::profiled();
    desk.report(&desk.put("AOBWR627_LAID_RISK.csv", content))
}

const HEAD: &str = "CLAIM_REFERENCE,RISK_SCORE,HIGH_RISK\n";

#[test]
fn whatever_is_wrong_with_the_form_is_a_finding() {
    let cut = workbook("risk.xlsx");
    let cases: [(Vec<u8>, &str); 8] = [
        (Vec::new(), "empty"),
        (HEAD.into(), "empty"),
        (b"one\ncolumn\n".to_vec(), "csv-columns"),
        (format!("{HEAD}A,0.9,Y\nB,0.8\nC,0.7,N,more\n").into(), "csv-columns"),
        (format!("{HEAD}A,0.9,\x07\n").into(), "csv-not-text"),
        ([HEAD.as_bytes(), b"\"", &vec![b'x'; 3 << 20]].concat(), "csv-row-long"),
        (vec![b','; 5000], "csv-columns-many"),
        (cut[..cut.len() / 2].to_vec(), "workbook-broken"),
    ];
    for (content, code) in cases {
        let (exit, report) = found(content);
        assert_eq!(exit, Some(1), "{code}: {report}");
        assert!(codes(&report).contains(&code), "{code}: {report}");
    }
}

#[test]
fn rows_and_columns_are_named() {
    let (exit, report) = found(format!("{HEAD}A,0.9,Y\nB,0.8\n=1+1,0.7,Y\nD,-0.6,-\n+44,0.5,N,more\n@x,0.4,N\n"));
    assert_eq!((exit, codes(&report)), (Some(1), vec!["csv-columns", "risk-formula", "risk-not-ranked"]), "{report}");
    assert_eq!(report["findings"][0]["rows"], serde_json::json!([3, 6]));
    assert_eq!(
        (&report["findings"][1]["rows"], &report["findings"][1]["column"]),
        (&serde_json::json!([4, 7]), &1.into())
    );
}

#[test]
fn other_separators_and_broken_characters_are_odd_and_read() {
    let text = "CLAIM_REFERENCE\tRISK_SCORE\tHIGH_RISK\nA\t0.9\tY\n";
    let (exit, report) = found(Written::Utf16LeMarked.bytes(text));
    assert_eq!((exit, codes(&report), &report["rows"]), (Some(0), vec!["csv-delimiter"], &1.into()), "{report}");
    let mut half = Written::Utf16BeMarked.bytes(&format!("{HEAD}A,0.9,Y\n"));
    half.push(b'x');
    let (_, report) = found(half);
    assert!(codes(&report).contains(&"text-undecodable"), "{report}");
    let (exit, report) = found(format!("{HEAD}A,0.9,Y"));
    assert_eq!((exit, codes(&report)), (Some(0), vec!["csv-last-line"]));
}
