//! The way out, by the real service on a day on which returns are due: what is sent opens in GnuPG, what must not be
//! sent is held until it is replaced.

use std::fs;
use std::path::PathBuf;

use hbcourier::cli::demo::samples;
use jiff::civil::Date;
use serde_json::Value;

use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner};

fn due_today(algorithm: Algorithm) -> (Partner, Council, Date) {
    let mut dwp = Partner::new(algorithm);
    let mut council = Council::new(&mut dwp);
    let today = council.falls_due_today();
    council.start();
    (dwp, council, today)
}

/// The return of one kind whose month ends so.
fn row(council: &Council, kind: &str, month: &str) -> Option<Value> {
    let returns = council.json(&["returns", "list"]);
    let rows = returns["returns"].as_array().unwrap().clone();
    let is_it = |row: &Value| row["return"] == kind && row["relevant_month"].as_str().unwrap().ends_with(month);
    rows.into_iter().find(is_it)
}

fn stage(council: &Council, kind: &str, month: &str) -> Value {
    row(council, kind, month).map_or(Value::Null, |row| row["stage"].clone())
}

fn is_held(council: &Council, kind: &str, month: &str, code: &str) -> bool {
    row(council, kind, month).is_some_and(|row| row["stage"] == "held" && row["code"] == code)
}

/// What lies in the outgoing folder, by name.
fn outgoing(council: &Council) -> Vec<PathBuf> {
    let mut files = crate::support::council::files_below(&council.outgoing);
    files.sort();
    files
}

fn both_are_sent_and_open(algorithm: Algorithm) {
    let (dwp, mut council, today) = due_today(algorithm);
    let (shbe, workbook) = (samples::shbe_extract(today), samples::mi_workbook("HBMS MI").unwrap());
    fs::write(council.returns.join("shbe/extract.txt"), &shbe).unwrap();
    fs::write(council.returns.join("hbms-mi/workbook.xlsx"), &workbook).unwrap();
    council
        .until("both are sent", |council| ["shbe", "hbms-mi"].iter().all(|kind| stage(council, kind, "-04") == "sent"));

    let files = outgoing(&council);
    assert_eq!(files.len(), 2, "{files:?}");
    for (kind, content) in [("shbe", shbe), ("hbms-mi", workbook)] {
        let named =
            |file: &&PathBuf| file.file_name().unwrap().to_string_lossy().starts_with(&format!("{kind}_12302_"));
        let sealed = fs::read(files.iter().find(named).unwrap()).unwrap();
        let opened = dwp.opens(&sealed);
        assert!(opened.content == content, "{kind}: byte for byte");
        assert!(opened.good_signature, "{kind}");
        let row = row(&council, kind, "-04").unwrap();
        assert_eq!(row["sha256"], hbcourier::domain::Digest::of(&sealed).to_string());
        assert_eq!(row["content_sha256"], hbcourier::domain::Digest::of(&content).to_string());
    }
    assert_eq!(crate::support::council::files_below(&council.returns), [""; 0].map(PathBuf::from), "both were taken");
    for event in ["sealed", "sending", "sent"] {
        assert_eq!(council.events(event), 2, "{event}");
    }
    council.stops_well();
}

#[test]
fn both_are_sent_and_open_with_rsa_keys() {
    both_are_sent_and_open(Algorithm::Rsa3072);
}

#[test]
fn both_are_sent_and_open_with_curve25519_keys() {
    both_are_sent_and_open(Algorithm::Curve25519);
}

#[test]
fn an_order_ends_what_waits_with_and_without_a_running_service() {
    let (_dwp, mut council, _) = due_today(Algorithm::Curve25519);
    fs::write(council.returns.join("shbe/extract.txt"), b"").unwrap();
    council.until("it is held", |council| is_held(council, "shbe", "-04", "CN-401"));
    let month = |kind| row(&council, kind, "-04").unwrap()["relevant_month"].as_str().unwrap().to_owned();
    let (shbe, mi) = (format!("shbe/12302/{}", month("shbe")), format!("hbms-mi/12302/{}", month("hbms-mi")));
    let order =
        |council: &Council, what, key: &str| council.runs(&["returns", what, key, "--reason", "agreed", "--json"]);
    let refused = order(&council, "confirm", &shbe);
    let says = String::from_utf8_lossy(&refused.stderr);
    assert!(
        refused.status.code() == Some(1) && says.contains("is held: only what was offered to its courier"),
        "{says}"
    );
    let done = crate::support::council::succeeded(order(&council, "waive", &shbe));
    assert!(serde_json::from_slice::<Value>(&done).unwrap()["says"].as_str().unwrap().contains("is waived"));
    assert_eq!(stage(&council, "shbe", "-04"), "waived");
    // The file still lies there and is judged for the month after: that one is held now, and this one is over.
    let alarm = format!("return-{}", shbe.replace('/', "-"));
    council.until("its alarm is over", |council| {
        council.attention().iter().all(|(about, _)| *about != alarm && *about != shbe)
    });
    council.stops_well();
    crate::support::council::succeeded(order(&council, "waive", &mi));
    assert_eq!(stage(&council, "hbms-mi", "-04"), "waived");
    assert_eq!((council.events("return-ordered"), council.events("order-refused")), (2, 1));
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}

#[test]
fn what_must_not_be_sent_is_held_until_it_is_replaced() {
    let (dwp, mut council, today) = due_today(Algorithm::Curve25519);
    let extract = council.returns.join("shbe/extract.txt");
    let good = samples::shbe_extract(today);
    let foreign = String::from_utf8(good.clone()).unwrap().replacen("H|", "H|20101|", 1);
    let early = samples::shbe_extract(today.yesterday().unwrap().saturating_sub(jiff::ToSpan::days(30)));
    for (code, content) in
        [("CN-401", Vec::new()), ("CN-407", samples::laid_pdf()), ("CN-402", foreign.into_bytes()), ("CN-403", early)]
    {
        fs::write(&extract, content).unwrap();
        council.until(code, |council| is_held(council, "shbe", "-04", code));
        let item = council.held().remove(0);
        assert!(item["code"] == code && item["direction"] == "out", "{item}");
        assert!(extract.exists() && outgoing(&council).is_empty(), "{code}: it is left, and nothing is sent");
    }
    fs::write(council.returns.join("shbe/second.txt"), &good).unwrap();
    council.until("two files are too many", |council| is_held(council, "shbe", "-04", "CN-406"));
    fs::remove_file(&extract).unwrap();
    council.until("the good one is sent", |council| stage(council, "shbe", "-04") == "sent");
    assert_eq!(dwp.opens(&fs::read(&outgoing(&council)[0]).unwrap()).content, good);

    // The same extract for the next month.
    fs::write(&extract, &good).unwrap();
    council.until("it was sent already", |council| is_held(council, "shbe", "-05", "CN-405"));
    assert_eq!(outgoing(&council).len(), 1);
    council.stops_well();
    assert_eq!((council.events("sent"), council.events("return-held")), (1, 6));
}
