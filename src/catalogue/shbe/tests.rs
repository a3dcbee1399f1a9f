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
    assert_eq!(found(&report(cut)), [("no-trailer", 2, 0), ("truncated", 2, 0), ("field-count", 2, 0)]);
    assert_eq!(found(&report(text(&whole).replace("08-04", "31-04").as_bytes())), [("header-date", 1, 3)]);
    assert_eq!(found(&report(&file(&[]))), [("no-records", 2, 0)]);
    assert_eq!(found(&report(b"")), [("no-records", 1, 0), ("no-trailer", 1, 0), ("header-date", 1, 3)]);
    assert_eq!(found(&report(HEADER.as_bytes())), [("no-records", 1, 0), ("no-trailer", 1, 0)]);
    let unix = text(&whole).replace("\r\n", "\n") + "\n\n";
    assert_eq!(found(&report(unix.as_bytes())), [], "either line end, and empty lines at the end");
    assert_eq!(found(&report(&[b"\xEF\xBB\xBF", &whole[..]].concat())), [], "a byte order mark");
    for mark in [&b"\x1a"[..], b"\x1a\r\n"] {
        assert_eq!(found(&report(&[&whole, mark].concat())), [], "a mark of the file's end");
    }
}

#[test]
fn a_trailer_is_no_record_that_was_cut() {
    let with = |trailer: &str| {
        found(&report(&[HEADER, &claim(&[]), &record("D", &[(2, "other")]), trailer, "\r\n"].concat().into_bytes()))
    };
    for trailer in ["Z|2", "T|2", "T", "T|12302|08-04-2020|2|", "TRAILER|two records", "9"] {
        assert_eq!(with(trailer), [], "{trailer}");
    }
    let short = format!("D{}", "|".repeat(FIELDS - 2));
    for broken in ["D|HB0000004|", &short, "T|HB0000004|1", "T|1|1|1|1|1|1|1|1|1|1", "R", "E|1"] {
        assert_eq!(with(broken), [("no-trailer", 4, 0), ("field-count", 4, 0)], "{broken}");
    }
}

#[test]
fn a_delimiter_behind_the_last_field_of_every_line_is_told_once() {
    let line = |number: u32| record("D", &[(2, &format!("R{number}")), (8, "01-01-1960")]);
    let delimited = |number| line(number).replace("\r\n", "|\r\n");
    let habit: Vec<String> = (0..300).map(delimited).collect();
    let told = report(&file(&habit));
    assert_eq!((found(&told), told.is_accepted(), told.live_claims()), (vec![("trailing-delimiter", 2, 0)], true, 300));
    // The fields are looked at all the same.
    let wrong = [delimited(1), record("D", &[(2, "R2"), (8, "01-13-1960")]).replace("\r\n", "|\r\n")];
    assert_eq!(found(&report(&file(&wrong))), [("trailing-delimiter", 2, 0), ("not-a-date", 3, 8)]);
    // A field with a delimiter in it, in a file whose lines have none behind the last.
    let stray = [line(1), line(2), record("D", &[(2, "R3"), (10, "A|B")])];
    assert_eq!(found(&report(&file(&stray))), [("field-count", 4, 0)]);
    // A field that is missing, in a file whose lines all have it.
    let missing = [delimited(1), delimited(2), line(3)];
    assert_eq!(found(&report(&file(&missing))), [("trailing-delimiter", 2, 0), ("field-count", 4, 0)]);
    let many: Vec<String> =
        (0..700).map(|number| if number < 400 { line(number) } else { delimited(number) }).collect();
    let told = report(&file(&many));
    assert_eq!((told.count(Severity::Error), told.findings.len(), told.rules[0].shown), (300, 100, 100));
}

#[test]
fn identifiers_are_whatever_they_are() {
    let long = "12345678901234567890";
    let change = record("T", &[CLAIM, (320, long)]);
    let review = record("R", &[CLAIM, (173, "2"), (316, "RMS/90000001-x"), (317, "HBSA002"), (318, "01-03-2020")]);
    let full = [(337, "100"), (338, "10"), (339, "01-04-2020"), (340, "02-04-2020"), (341, "1")];
    let error = |number| record("E", &[&[CLAIM, (320, number)], &full[..]].concat());
    assert_eq!(found(&report(&file(&[change.clone(), review, error(long)]))), []);
    // As they stand: a zero before it makes it another one.
    assert_eq!(found(&report(&file(&[change, error(&format!("0{long}"))]))), [("link-e-without-t", 3, 320)]);
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
    let unnumbered = record("E", &[&[CLAIM], &full[..]].concat());
    kept_and_broken(&[change(), error("5", &full)], &[change(), unnumbered], "error-incomplete", 320);
}

#[test]
fn what_a_review_changed_is_told_in_full() {
    let full = [(50, "1"), (248, "2"), (251, "01-04-2020"), (253, "01-04-2020"), (255, "01-04-2020"), (320, "7")];
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
    kept_and_broken(&review(&[(173, "01"), (174, "Y")]), &review(&[(173, "01"), (174, "N")]), "review-not-full", 174);
    let told = [(173, "2"), (316, "9"), (317, "HBSA002"), (318, "01-03-2020")];
    kept_and_broken(&review(&told), &review(&[(173, "02"), (316, "9"), (317, "HBSA002")]), "referral-untold", 318);
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
    for unclear in ["H|BLACKPOOL|08-04-2020|16104", "H||08-04-2020|1|16104", "H|31012|08-04-2020|16104"] {
        assert_eq!(with(unclear), [("authority-unclear", 1, 0)], "{unclear}");
    }
    assert_eq!(with("H|16104|08-04-2020|12302"), [], "ours stands there");
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
fn the_same_content_is_not_for_two_months() {
    let policy = ShbePolicy::default();
    let with = |earlier| check(&file(&[claim(&[])])[..], &Terms { earlier, ..Terms::form_only(&policy) }).unwrap();
    let not_tried = |report: &Report| report.not_tried.iter().any(|one| one.rule == ShbeRule::SameAsEarlier);
    let same = with(Earlier::SealedFor("2020-03".parse().unwrap()));
    assert_eq!((found(&same), same.is_accepted(), not_tried(&same)), (vec![("same-as-earlier", 1, 0)], false, false));
    assert!(same.findings[0].says.ends_with("That month is 2020-03."), "{}", same.findings[0].says);
    let (never, unknown) = (with(Earlier::Never), with(Earlier::Unknown));
    assert_eq!((found(&never), not_tried(&never)), (vec![], false));
    assert_eq!((found(&unknown), not_tried(&unknown)), (vec![], true));
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
