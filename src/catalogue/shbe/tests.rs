//! Each rule, kept and broken; and what never comes out.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::catalogue::Severity;
use crate::domain::{LaNumber, RuleLevel, ShbePolicy, ShbeRule};

const CLAIM: (usize, &str) = (2, "SECRET-7001");
const HEADER: &str = "H|12302|08-04-2020\r\n";
const TRAILER: &str = "Z|1\r\n";

fn record(letter: &str, fields: &[(usize, &str)]) -> String {
    let mut cells = vec![""; FIELDS];
    cells[0] = letter;
    for (field, value) in fields {
        cells[field - 1] = value;
    }
    cells.join("|") + "\r\n"
}

fn claim(fields: &[(usize, &str)]) -> String {
    record("D", &[&[CLAIM], fields].concat())
}

fn file(lines: &[String]) -> Vec<u8> {
    [HEADER, &lines.concat(), TRAILER].concat().into_bytes()
}

fn report(content: &[u8]) -> Report {
    check(content, &Terms::form_only(&ShbePolicy::default())).unwrap()
}

/// Every finding as rule, line and field.
fn found(report: &Report) -> Vec<(&'static str, u64, u16)> {
    report.findings.iter().map(|one| (one.rule.id(), one.line, one.field.unwrap_or(0))).collect()
}

/// These lines behind the header are well; what is wrong with `bad` in their last is exactly this.
#[track_caller]
fn kept_and_broken(good: &[String], bad: &[String], rule: &'static str, field: u16) {
    assert_eq!(found(&report(&file(good))), [], "{rule}");
    assert_eq!(found(&report(&file(bad))), [(rule, bad.len() as u64 + 1, field)]);
}

#[test]
fn the_form_of_fields() {
    let good = claim(&[(8, "29/02/1960"), (43, "-12345"), (13, "2"), (241, "37.5"), (9, "9"), (126, "AB123456C")]);
    for (field, value, rule) in [
        (8, "30-02-1960", "not-a-date"),
        (43, "12.50", "not-an-amount"),
        (13, "two", "not-a-number"),
        (241, "37,5", "not-a-number"),
        (4, "AB123", "nino-shape"),
        (126, "OO123456C", "nino-shape"),
        (9, "0", "code-range"),
        (12, "6", "code-range"),
        (33, "3", "code-range"),
        (123, "3", "code-range"),
        (210, "x", "code-range"),
    ] {
        kept_and_broken(std::slice::from_ref(&good), &[claim(&[(field, value)])], rule, field as u16);
    }
    for (letter, field) in [("T", 250), ("G", 274), ("S", 308)] {
        let lines = |value| [claim(&[]), record(letter, &[CLAIM, (field, value)])];
        kept_and_broken(&lines("1"), &lines("9"), "code-range", field as u16);
    }
    // Where a record does not carry the field, nobody knows what stands there.
    assert_eq!(found(&report(&file(&[claim(&[]), record("P", &[CLAIM, (43, "n/a")])]))), []);
    assert_eq!(found(&report(&file(&[claim(&[(8, "  01-01-1960 "), (43, "   ")])]))), [], "spaces are nothing");
}

#[test]
fn the_form_of_lines() {
    let good = [claim(&[])];
    let short = format!("D|{}|x\r\n", CLAIM.1);
    kept_and_broken(&good, &[short], "field-count", 0);
    kept_and_broken(&good, &[claim(&[]), record("X", &[CLAIM])], "record-type", 1);
    kept_and_broken(&good, &[claim(&[(10, "a\tb")])], "control-byte", 0);
    kept_and_broken(&good, &[claim(&[]), "\r\n".to_owned()], "field-count", 0);
    let long = claim(&[(10, &"x".repeat(70 << 10))]);
    assert_eq!(found(&report(&file(&[claim(&[]), long]))), [("line-length", 3, 0)]);
}

#[test]
fn the_ends_of_the_file() {
    let whole = file(&[claim(&[])]);
    let text = |content: &[u8]| String::from_utf8(content.to_vec()).unwrap();
    assert_eq!(found(&report(whole.strip_suffix(b"\r\n").unwrap())), [("truncated", 3, 0)]);
    assert_eq!(found(&report(text(&whole).replace(TRAILER, "").as_bytes())), [("no-trailer", 2, 0)]);
    let cut = &whole[..whole.len() - TRAILER.len() - 40];
    assert_eq!(found(&report(cut)), [("no-records", 2, 0), ("truncated", 2, 0)]);
    assert_eq!(found(&report(text(&whole).replace("08-04", "31-04").as_bytes())), [("header-date", 1, 3)]);
    assert_eq!(found(&report(&file(&[]))), [("no-records", 2, 0)]);
    assert_eq!(found(&report(b"")), [("no-records", 1, 0), ("no-trailer", 1, 0), ("header-date", 1, 3)]);
    assert_eq!(found(&report(HEADER.as_bytes())), [("no-records", 1, 0), ("no-trailer", 1, 0)]);
    let unix = text(&whole).replace("\r\n", "\n") + "\n\n";
    assert_eq!(found(&report(unix.as_bytes())), [], "either line end, and empty lines at the end");
    assert_eq!(found(&report(&[b"\xEF\xBB\xBF", &whole[..]].concat())), [], "a byte order mark");
}

#[test]
fn the_characters() {
    let with = |values: &[&[u8]]| {
        let lines = values.iter().zip(0..).map(|(value, number): (&&[u8], u32)| {
            let (before, after) = (format!("D|R{number}|||||"), "|".repeat(FIELDS - 7) + "\n");
            [before.as_bytes(), value, after.as_bytes()].concat()
        });
        let lines: Vec<u8> = lines.flatten().collect();
        report(&[HEADER.as_bytes(), &lines, TRAILER.as_bytes()].concat())
    };
    for (values, encoding, faults) in [
        (&[&b"O'Neill"[..], b"x"][..], "ascii", &[][..]),
        (&["Zoë".as_bytes(), "Siân".as_bytes()], "utf-8", &[]),
        (&[b"Zo\xEB", b"\x80 100"], "windows-1252", &[]),
        (&["Zoë".as_bytes(), b"Si\xE2n"], "mixed", &[("encoding", 3, 0)]),
        (&[b"a\x81"], "mixed", &[("encoding", 2, 0)]),
    ] {
        let report = with(values);
        assert_eq!((report.encoding, found(&report).as_slice()), (encoding, faults), "{values:?}");
    }
}

#[test]
fn records_name_claims_and_claims_are_there_once() {
    let member = |fields: &[(usize, &str)]| record("S", fields);
    kept_and_broken(&[claim(&[])], &[record("D", &[(8, "01-01-1960")])], "no-reference", 2);
    kept_and_broken(&[record("G", &[(274, "1")])], &[record("A", &[])], "no-reference", 2);
    kept_and_broken(&[claim(&[]), member(&[CLAIM])], &[claim(&[]), member(&[(2, "other")])], "link-s-without-d", 2);
    kept_and_broken(
        &[claim(&[(3, "T1")]), member(&[(3, "T1")])],
        &[claim(&[]), member(&[(3, "T1")])],
        "link-s-without-d",
        3,
    );
    assert_eq!(found(&report(&file(&[member(&[CLAIM]), claim(&[])]))), [], "in any order");
    kept_and_broken(&[claim(&[]), record("D", &[(2, "other")])], &[claim(&[]), claim(&[])], "duplicate-claim", 2);
    let shared = [record("D", &[(2, "A"), (3, "T")]), record("D", &[(2, "B"), (3, "T")])];
    assert_eq!(found(&report(&file(&shared))), [], "one council tax account, two claims");
    // A claim whose line is broken is one all the same.
    let broken = format!("D|{}|x\r\n", CLAIM.1);
    assert_eq!(found(&report(&file(&[broken, member(&[CLAIM])]))), [("field-count", 2, 0)]);
}

#[test]
fn errors_name_changes_and_tell_all_that_is_read_of_them() {
    let full = [(337, "100"), (338, "10"), (339, "01-04-2020"), (340, "02-04-2020"), (341, "1")];
    let error = |number, fields: &[(usize, &str)]| record("E", &[&[CLAIM, (320, number)], fields].concat());
    let change = || record("T", &[CLAIM, (320, "5")]);
    kept_and_broken(&[error("5", &full), change()], &[change(), error("6", &full)], "link-e-without-t", 320);
    for missing in 0..full.len() {
        let mut some = full.to_vec();
        let (field, _) = some.remove(missing);
        kept_and_broken(
            &[change(), error("5", &full)],
            &[change(), error("5", &some)],
            "error-incomplete",
            field as u16,
        );
    }
}

#[test]
fn what_a_review_changed_is_told_in_full() {
    let full = [(50, "1"), (248, "2"), (251, "01-04-2020"), (253, "01-04-2020"), (255, "01-04-2020")];
    let change = |how, fields: &[(usize, &str)]| record("T", &[&[CLAIM, (254, how)], fields].concat());
    for missing in 0..full.len() {
        let mut some = full.to_vec();
        let (field, _) = some.remove(missing);
        kept_and_broken(
            &[change("8", &full), change("1", &some)],
            &[change("8", &some)],
            "change-incomplete",
            field as u16,
        );
    }
}

#[test]
fn activity_fits_together() {
    let review = |fields: &[(usize, &str)]| vec![record("R", &[&[CLAIM], fields].concat())];
    kept_and_broken(&review(&[(173, "1"), (174, "Y")]), &review(&[(173, "1")]), "review-not-full", 174);
    kept_and_broken(&review(&[(173, "1"), (174, "Y")]), &review(&[(173, "1"), (174, "N")]), "review-not-full", 174);
    let told = [(173, "2"), (316, "9"), (317, "HBSA002"), (318, "01-03-2020")];
    for missing in 1..told.len() {
        let mut some = told.to_vec();
        let (field, _) = some.remove(missing);
        kept_and_broken(&review(&told), &review(&some), "referral-untold", field as u16);
    }
    kept_and_broken(&review(&told), &review(&[(317, "HBZZ999")]), "referral-rule", 317);
    let days = |begun, completed| review(&[(171, begun), (175, completed), (176, "1")]);
    kept_and_broken(&days("01-04-2020", "01-04-2020"), &days("02-04-2020", "01-04-2020"), "outcome-before-start", 175);
    kept_and_broken(&review(&[(171, "01-04-2020")]), &review(&[(176, "1")]), "outcome-half", 175);
    kept_and_broken(&review(&[]), &review(&[(175, "01-04-2020")]), "outcome-half", 176);
}

#[test]
fn a_review_by_score_is_of_a_claim_that_the_risk_files_named() {
    let lines = file(&[record("R", &[CLAIM, (173, "1"), (174, "Y")])]);
    let policy = ShbePolicy::default();
    let mut risk = ClaimSet::default();
    risk.add(b"another");
    let with = |risk: &ClaimSet| check(&lines[..], &Terms { risk: Some(risk), ..Terms::form_only(&policy) }).unwrap();
    assert_eq!(found(&with(&risk)), [("review-not-in-risk", 2, 173)]);
    risk.add(CLAIM.1.as_bytes());
    assert_eq!(found(&with(&risk)), []);
    let untold = report(&lines);
    assert_eq!(found(&untold), []);
    assert!(
        untold.not_tried.iter().any(|one| one.rule == ShbeRule::ReviewNotInRisk && one.why == "no risk file was given")
    );
}

#[test]
fn the_header_is_held_against_the_obligation() {
    let ours: LaNumber = "12302".parse().unwrap();
    let is_known = |number: &LaNumber| ["12302", "16104"].contains(&number.as_str());
    let policy = ShbePolicy::default();
    let with = |header: &str| {
        let dates = Some((Some(date(2020, 4, 7)), date(2020, 4, 14)));
        let terms =
            Terms { whose: Some(Whose { authority: &ours, is_known: &is_known }), dates, ..Terms::form_only(&policy) };
        let lines = [header, "\n", &claim(&[]), TRAILER].concat();
        found(&check(lines.as_bytes(), &terms).unwrap())
    };
    assert_eq!(with("H|12302|07-04-2020"), []);
    assert_eq!(with("H|x|14/04/2020|31012"), [], "no number is no reason, nor one that nobody has");
    assert_eq!(with("H|12302|06-04-2020"), [("extracted-early", 1, 3)]);
    assert_eq!(with("H|12302|15-04-2020"), [("extracted-late", 1, 3)]);
    assert_eq!(with("H|16104|08-04-2020"), [("other-authority", 1, 0)]);
    assert_eq!(with("H|12302|08-04-2020|16104"), [], "a count can look like a number");
}

#[test]
fn the_number_of_claims_is_held_against_the_month_before() {
    let policy = ShbePolicy::default();
    let ten: Vec<String> = (0..10).map(|number| record("D", &[(2, &format!("R{number}"))])).collect();
    let with = |before| {
        let terms = Terms { claims_before: Some(before), ..Terms::form_only(&policy) };
        found(&check(&file(&ten)[..], &terms).unwrap())
    };
    for before in [0, 10, 11] {
        assert_eq!(with(before), [], "{before}");
    }
    for before in [9, 12] {
        assert_eq!(with(before), [("d-count-moved", 1, 0)], "{before}");
    }
}

#[test]
fn weights_are_the_configurations() {
    let content = file(&[claim(&[(43, "x"), (9, "x")])]);
    let with = |rule, level| {
        let mut policy = ShbePolicy::default();
        policy.set(rule, level);
        check(&content[..], &Terms::form_only(&policy)).unwrap()
    };
    assert!(!report(&content).is_accepted());
    let warned = with(ShbeRule::NotAnAmount, RuleLevel::Warning);
    assert!(warned.is_accepted() && warned.count(Severity::Warning) == 2);
    let off = with(ShbeRule::NotAnAmount, RuleLevel::Off);
    assert_eq!(found(&off), [("code-range", 2, 9)]);
    assert!(off.not_tried.iter().any(|one| one.rule == ShbeRule::NotAnAmount));
    assert_eq!(with(ShbeRule::CodeRange, RuleLevel::Error).count(Severity::Error), 2);
}

#[test]
fn of_very_many_faults_some_are_shown_and_all_counted() {
    let bad: Vec<String> = (0..250).map(|number| record("D", &[(2, &format!("R{number}")), (43, "x")])).collect();
    let report = report(&file(&bad));
    assert_eq!((report.findings.len(), report.count(Severity::Error)), (100, 250));
    assert_eq!((report.rules[0].count, report.rules[0].shown), (250, 100));
    assert_eq!((report.live_claims(), report.first_errors(3).len()), (250, 3));
}

proptest! {
    #[test]
    fn whatever_the_bytes_it_ends_and_counts(content in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let report = report(&content);
        let kept: u64 = report.rules.iter().map(|rule| rule.shown).sum();
        prop_assert_eq!(kept, report.findings.len() as u64);
    }

    #[test]
    fn whatever_the_lines_it_ends(lines in proptest::collection::vec("[A-Z|0-9 /\r-]{0,400}", 0..12)) {
        report(lines.join("\n").as_bytes());
    }

    /// No value comes out, whichever field it stands in.
    #[test]
    fn no_value_is_told(letter in "[ACDEGPRST]", field in 2usize..=FIELDS, value in "[a-z]{3}[0-9]{3}[a-z!]{3}") {
        let report = report(&file(&[claim(&[]), record(&letter, &[(field, &value)])]));
        let told = format!("{report:?} {}", serde_json::to_string(&report.findings).unwrap());
        prop_assert!(!told.contains(&value), "{}", told);
    }
}
