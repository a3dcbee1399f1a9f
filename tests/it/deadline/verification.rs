//! That the nightly verification failed, or did not run, is told by `hbcourier deadline`.

use std::fs;

use jiff::{Timestamp, ToSpan};

use super::{council, deadline, has, rusqlite_of};
use crate::mail::alarms::{mailing, mails};
use crate::support::council::Council;
use crate::support::smtp::{Certificates, Postfix};

const ABOUT: &str = "verification";

fn verifies(council: &Council) -> Option<i32> {
    council.runs(&["audit", "verify"]).status.code()
}

/// Alters one line of the ledger, as somebody does who may write its file.
fn replace_in_first_line(council: &Council, old: &str, new: &str) {
    let store = rusqlite_of(council);
    store.execute_batch("DROP TRIGGER IF EXISTS ledger_is_never_rewritten").unwrap();
    let sql = "UPDATE ledger SET line = CAST(replace(line, ?1, ?2) AS BLOB) WHERE seq = (SELECT min(seq) FROM ledger)";
    assert_eq!(store.execute(sql, (old, new)).unwrap(), 1);
}

#[test]
fn a_verification_that_fails_is_mailed_until_one_holds() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut council = council();
    mailing(&council, &certificates, postfix.port);
    council.start();
    assert_eq!(verifies(&council), Some(0));
    let (document, status) = deadline(&council);
    assert_eq!(status, Some(0), "{document}");
    council.stops_well();

    let (as_it_was, altered) = ("\"boot\":\"", "\"boot\":\"9");
    replace_in_first_line(&council, as_it_was, altered);
    assert_eq!(verifies(&council), Some(1));
    let (document, status) = deadline(&council);
    assert_eq!(status, Some(1), "{document}");
    assert!(has(&document, ABOUT, "CN-567"), "{document}");
    council.until("it has come", |_| mails(&postfix).iter().any(|mail| mail.contains("CN-567 about verification")));

    replace_in_first_line(&council, altered, as_it_was);
    assert!(has(&deadline(&council).0, ABOUT, "CN-567"), "until one has ended that holds");
    assert_eq!(verifies(&council), Some(0));
    let (document, _) = deadline(&council);
    assert!(!has(&document, ABOUT, "CN-567"), "{document}");
    council.until("its end has come", |_| mails(&postfix).iter().any(|mail| mail.contains("Well again: verification")));
}

#[test]
fn two_days_without_one_are_told_and_the_first_day_is_not() {
    let mut council = council();
    council.start();
    assert_eq!(deadline(&council).1, Some(0), "on the first day");
    let file = council.state.join("verification.json");
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["answer"], "awaited");

    let three_days_ago = Timestamp::now() - 72.hours();
    fs::write(&file, serde_json::json!({ "at": three_days_ago, "answer": "holds" }).to_string()).unwrap();
    let (document, status) = deadline(&council);
    assert_eq!(status, Some(1), "{document}");
    assert!(has(&document, ABOUT, "CN-568"), "{document}");

    assert_eq!(verifies(&council), Some(0));
    assert_eq!(deadline(&council).1, Some(0));
    council.stops_well();
}
