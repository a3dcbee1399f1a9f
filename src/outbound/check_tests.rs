//! What is let through as a return, and what is held for which reason.

use std::io::Write;

use jiff::civil::date;

use super::*;
use crate::config::timetable::bundled;
use crate::domain::{Revision, Stage};

const LIMITS: Limits = Limits { members_max: 100, bytes_max: 1 << 20 };

fn judged(kind: &str, name: &str, content: &[u8]) -> Option<ReturnHold> {
    let submission = Submission {
        key: format!("{kind}/12302/2020-04").parse().unwrap(),
        extract_from: (kind == "shbe").then(|| date(2020, 4, 7)),
        transfer_on: date(2020, 4, 14),
        revision: Revision(0),
        stage: Stage::Scheduled,
        ordered: None,
        resent: None,
        sent: None,
        sealed: None,
    };
    let timetables = bundled().unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    let reference_until = submission.transfer_on;
    let (timetables, policy) = (&timetables, &ShbePolicy::default());
    let expected = Expected { submission: &submission, reference_until, timetables, limits: &LIMITS, policy };
    judge(name, &mut file.into(), &expected).unwrap()
}

fn shbe(content: impl AsRef<[u8]>) -> Option<ReturnHold> {
    judged("shbe", "shbe.txt", content.as_ref())
}

#[test]
fn the_reference_date_lies_between_extraction_and_transfer() {
    for (day, expected) in [
        ("06-04-2020", Some(ReturnHold::TooEarly)),
        ("07-04-2020", None),
        ("14/04/2020", None),
        ("15-04-2020", Some(ReturnHold::AfterTransferDate)),
    ] {
        assert_eq!(shbe(format!("H|12302|{day}|1\nA|1|2\nT|1\n")), expected, "{day}");
    }
}

#[test]
fn a_header_that_is_not_understood_is_no_reason() {
    assert_eq!(shbe("HEADER|UNKNOWN\nA|1|2\n"), None);
    assert_eq!(shbe("H|999999|08-04-2020|31012\n"), None, "no such authority");
}

#[test]
fn another_authoritys_extract_is_held_unless_ours_is_named_too() {
    let found = "16104".parse().unwrap();
    assert_eq!(shbe("H|16104|08-04-2020\n"), Some(ReturnHold::OtherAuthority { found }));
    assert_eq!(shbe("H|12302|08-04-2020|16104\n"), None, "a count of records can look like Dover");
    assert_eq!(shbe("H|BLACKPOOL|08-04-2020|13501\n"), None, "also where no number says whose it is");
}

#[test]
fn other_kinds_are_no_extract() {
    let ole = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1|rest";
    for content in [
        &b"%PDF-1.4\n|"[..],
        b"PK\x03\x04|",
        ole,
        b"<?xml version=\"1.0\"?><a>|</a>",
        b"\xEF\xBB\xBF <a>|</a>",
        b"-----BEGIN PGP MESSAGE-----|",
        b"no pipes in the first line\na|b\n",
        b"H|\0\0",
    ] {
        assert_eq!(shbe(content), Some(ReturnHold::WrongKind), "{content:?}");
    }
}

#[test]
fn only_a_workbook_is_an_mi_return() {
    for content in [&b"H|12302|08-04-2020\n"[..], b"%PDF-1.4\n%%EOF", b"a,b\n1,2\n", b"PK\x03\x04broken"] {
        assert_eq!(judged("hbms-mi", "april.xlsx", content), Some(ReturnHold::WrongKind), "{content:?}");
    }
    assert_eq!(judged("hbms-mi", "april.xlsx", &workbook()), None, "whatever its name");
    let found = "16104".parse().unwrap();
    assert_eq!(
        judged("hbms-mi", "AOBWR501_16104_return.xlsx", &workbook()),
        Some(ReturnHold::OtherAuthority { found })
    );
}

fn workbook() -> Vec<u8> {
    include_bytes!("../../tests/data/workbooks/HBMS MI return completed.xlsx").to_vec()
}
