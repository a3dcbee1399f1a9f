use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::catalogue::{Identified, Limits, identify};

const LIMITS: Limits = Limits { members_max: 10, bytes_max: 1 << 20 };

fn look_at(name: &str, text: impl Into<Vec<u8>>) -> Identified {
    identify(Some(name), &mut Cursor::new(text.into()), &LIMITS).unwrap()
}

fn codes(seen: &Identified) -> Vec<&'static str> {
    seen.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_table_under_its_name() {
    let seen = look_at("AOBWR627_101809_RISK.csv", "CLAIM,SCORE,HIGH\n\"A,1\",0.91,Y\nA2,0.5,N\n");
    assert_eq!((seen.kind, seen.confidence), (FileKind::CaseloadRisk, Confidence::Certain));
    assert_eq!(seen.authority.as_ref().unwrap().as_str(), "101809");
    assert!(seen.findings.is_empty(), "{:?}", seen.findings);
}

#[test]
fn what_is_not_a_table_is_not_let_through() {
    for (text, code) in [
        (&b"a,b\nc,d,e\n"[..], "csv-columns"),
        (b"a\nb\n", "csv-columns"),
        (b"", "empty"),
        (b"a,\0b\n", "csv-not-text"),
        (b"%PDF-1.4,x\n1 0 obj\n", "csv-columns"),
    ] {
        let seen = look_at("AOBWR627_LAID_RISK.csv", text);
        assert_eq!(seen.kind, FileKind::CaseloadRisk);
        assert_eq!(codes(&seen), [code], "{text:?}");
        assert!(!seen.is_sound());
    }
}

#[test]
fn an_unclosed_quote_does_not_swallow_the_file() {
    let mut text = b"a,b\n\"".to_vec();
    text.resize(4 << 20, b'x');
    assert_eq!(codes(&look_at("AOBWR627_LAID_RISK.csv", text)), ["csv-row-long"]);
}

#[test]
fn a_row_cut_short_is_mentioned() {
    let seen = look_at("AOBWR627_LAID_RISK.csv", "a,b\nc,d");
    assert!(seen.is_sound());
    assert_eq!(codes(&seen), ["csv-last-line"]);
}

#[test]
fn a_table_of_another_name_stays_unknown() {
    let seen = look_at("list.csv", "a,b\nc,d\n");
    assert_eq!((seen.kind, seen.confidence), (FileKind::Unknown, Confidence::Guess));
}

#[test]
fn a_workbook_under_the_name_is_risk_data_and_odd() {
    for (name, book) in [("AOBWR627_LAID_RISK.xlsx", "risk.xlsx"), ("AOBWR627_LAID_RISK.csv", "risk.xls")] {
        let seen = look_at(name, fixture(book));
        assert_eq!((seen.kind, codes(&seen)), (FileKind::CaseloadRisk, vec!["risk-workbook"]));
        assert!(seen.is_sound());
    }
    let seen = look_at("AOBWR627_LAID_RISK.xlsm", fixture("risk-macros.xlsm"));
    assert_eq!((seen.kind, seen.unsound()), (FileKind::CaseloadRisk, Some(crate::domain::reason::Unsound::Macros)));
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/workbooks/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Beginnings that reach every reader.
fn beginning() -> impl Strategy<Value = Vec<u8>> {
    let texts: [&[u8]; 8] = [
        b"",
        b"CLAIM,SCORE,HIGH\nA,1,Y\n",
        b"\xEF\xBB\xBFa,b\n",
        b"\xFF\xFEa\0,\0b\0\n\0",
        b"\xFE\xFF\0a\0,",
        b"a;b\n\"",
        b"PK\x03\x04\x14\0\0\0\x08\0",
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
    ];
    prop::sample::select(texts.map(<[u8]>::to_vec).to_vec())
}

proptest! {
    /// Whatever comes, there is a report and a draft.
    #[test]
    fn nothing_makes_it_panic(beginning in beginning(), rest in prop::collection::vec(any::<u8>(), 0..3000)) {
        let bytes = [beginning, rest].concat();
        let profile = crate::domain::RiskProfile {
            score: "2".parse().ok(),
            high_risk: "HIGH".parse().ok(),
            high_risk_values: vec!["Y".to_owned()],
            ..Default::default()
        };
        let told = report(&mut Cursor::new(&bytes), Some(&profile)).unwrap();
        let drafted = learn(&mut Cursor::new(&bytes)).unwrap();
        // No file is passed over in silence.
        prop_assert!(told.rows > 0 || !told.findings.is_empty());
        prop_assert!(drafted.columns.len() <= crate::domain::risk::RISK_COLUMNS_MAX);
    }
}
