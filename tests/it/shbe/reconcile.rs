//! `shbe reconcile`: packs against the R records of an extract.

use std::io::Write;

use super::Desk;
use crate::support::shbe::Extract;

fn pack(members: &[(&str, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The extract's R records with code 2 are of claims 5, 20, 35, …; those of claims 20 and 50 are completed.
#[test]
fn referrals_without_an_outcome_are_counted_by_rule() {
    let desk = Desk::new();
    desk.file("shbe.txt", Extract::new("12302", "2020-04-08").claims(60).bytes().0);
    let referral = |number: u64| format!("{}\n", 90_000_000 + number);
    // The rule of a referral in the extract is by its claim: 5 and 35 differ from 20 and 50.
    let one = format!("REFERRAL\n{}{}{}", referral(20), referral(1), referral(2));
    let other = format!("REFERRAL\n{}{}", referral(5), referral(20));
    let members = [("AOBWR501_12302_HBSA002.csv", one), ("x/HBIS005.csv", other), ("readme.csv", "A\n1\n".into())];
    desk.file("april.zip", pack(&members));
    desk.file("HBRP103.csv", format!("Referral\n{}", referral(50)));
    let words = ["reconcile", "shbe.txt", "--pack", "april.zip", "HBRP103.csv", "--referral-column", "referral"];
    let (answer, status) = desk.json(&words);
    assert_eq!((status, answer["referrals"].as_u64(), answer["repeated"].as_u64()), (0, Some(5), Some(1)), "{answer}");
    assert_eq!(answer["left_out"].as_array().unwrap(), &["readme.csv"]);
    let row = |rule: &str| {
        ["received", "with_outcome", "without_outcome", "not_received"]
            .map(|key| answer["rules"][rule][key].as_u64().unwrap())
    };
    // 20 came again, under HBIS005, and counts there.
    assert_eq!(row("HBSA002")[..3], [2, 0, 2], "{answer}");
    assert_eq!(row("HBIS005")[..3], [2, 1, 1], "{answer}");
    assert_eq!(row("HBRP103")[..3], [1, 1, 0], "{answer}");
    // That of claim 35.
    let foreign: u64 =
        answer["rules"].as_object().unwrap().values().map(|one| one["not_received"].as_u64().unwrap()).sum();
    assert_eq!(foreign, 1, "{answer}");
    let page = String::from_utf8(desk.runs(&words).stdout).unwrap();
    assert!(page.contains("5 referrals, 1 of them received more than once"), "{page}");
    assert!(page.contains("3 referrals have no outcome in this extract"), "{page}");
    assert!(!page.contains("9000"), "no referral's number is told: {page}");
}

#[test]
fn a_column_or_pack_that_is_not_as_said_is_an_error_that_names_the_file() {
    let desk = Desk::new();
    desk.file("shbe.txt", Extract::new("12302", "2020-04-08").bytes().0);
    desk.file("april.zip", pack(&[("HBSA002.csv", "NUMBER\n1\n".into())]));
    let by = |column: &str| desk.runs(&["reconcile", "shbe.txt", "--pack", "april.zip", "--referral-column", column]);
    let missing = by("REFERRAL");
    let says = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(
        missing.status.code() == Some(2) && says.contains("april.zip/HBSA002.csv: it has no such column"),
        "{says}"
    );
    assert_eq!(by("NUMBER").status.code(), Some(0));
    desk.file("april.zip", b"PK\x03\x04broken");
    assert_eq!(by("NUMBER").status.code(), Some(3));
}

#[test]
fn what_is_no_extract_is_not_reconciled() {
    let desk = Desk::new();
    desk.file("HBSA002.csv", "NUMBER\n90000001\n");
    let whole = String::from_utf8(Extract::new("12302", "2020-04-08").bytes().0).unwrap();
    let headless = whole.split_once('\n').unwrap().1.to_owned();
    for (name, content) in [
        ("word", "word"),
        ("shbe.txt.pgp", "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n"),
        ("empty", ""),
        ("headless", &headless),
        ("bare", "H|12302|08-04-2020|\r\nZ|0\r\n"),
    ] {
        desk.file(name, content);
        let output = desk.runs(&["reconcile", name, "--pack", "HBSA002.csv", "--referral-column", "NUMBER", "--json"]);
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && output.stdout.is_empty(), "{name}: {says}");
        assert!(says.contains("it is no extract") && says.contains("hbcourier shbe check FILE"), "{name}: {says}");
    }
}

#[test]
fn headings_and_empty_rows_are_no_referrals() {
    let desk = Desk::new();
    desk.file("shbe.txt", Extract::new("12302", "2020-04-08").bytes().0);
    let referrals = |table: &str| {
        desk.file("HBSA002.csv", table);
        let words = ["reconcile", "shbe.txt", "--pack", "HBSA002.csv", "--referral-column", "2"];
        let (answer, status) = desk.json(&words);
        assert_eq!(status, 0, "{answer}");
        answer["referrals"].as_u64()
    };
    assert_eq!(referrals("LA,REFERRAL NUMBER\n12302,90000001\n12302,90000002\n,\n \n\"\"\n"), Some(2));
    assert_eq!(referrals("12302,90000001\n12302,90000002\n"), Some(2));
    assert_eq!(referrals(",\nLA,RMS\n12302,RMS90000001\n"), Some(1));
}
