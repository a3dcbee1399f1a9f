//! The copy in a back office's own layout, beside the original.

use std::path::Path;

use hbcourier::domain::Digest;

use crate::support::council::{Council, set};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::risk::{RiskFile, Written};

/// The route's `derived` table; `score` names the column.
fn derives(council: &Council, score: &str) {
    let layout = format!(
        "encoding = \"windows-1252\"\ndelimiter = \"bar\"\n[[column]]\nfrom = \"{score}\"\nto = \"SCORE\"\n\
        [[column]]\nfrom = \"LANDLORD\"\nto = \"WHO\"\n"
    );
    council.changes_routes(|route| {
        if route["kinds"].as_array().unwrap().contains(&"caseload-risk".into()) {
            let mut derived: toml::Table = layout.parse().unwrap();
            set(&mut derived, &["destination"], "risk-copy-12302");
            derived.insert("folder".to_owned(), route["folder"].clone());
            route.insert("derived".to_owned(), derived.into());
        }
    });
}

#[test]
fn the_original_comes_unchanged_and_the_copy_is_labelled() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    derives(&council, "RISK_SCORE");
    council.start();
    let original = Written::Utf16LeMarked.bytes(&RiskFile::of(3, 1).text().replace("Council", "=HYPERLINK(x)"));
    council.drops("risk.pgp", &dwp.seals(&original, "AOBWR627_12302_RISK.csv", &SealOptions::default()));
    council.until("it is delivered", |council| council.all_rest(1));
    let delivered = council.delivered();
    let is_copy = |path: &&Path| path.to_string_lossy().ends_with(".derived.csv");
    let copies: Vec<_> = delivered.iter().filter(|(path, _)| is_copy(&path.as_path())).collect();
    assert_eq!((delivered.len(), copies.len()), (2, 1), "{delivered:?}");
    let kept = delivered.iter().find(|(path, _)| !is_copy(&path.as_path())).unwrap();
    assert_eq!(Digest::of(kept.1), Digest::of(&original), "delivered bytes are the signed bytes");
    let copy: String = copies[0].1.iter().map(|byte| char::from(*byte)).collect();
    assert!(copy.starts_with("SCORE|WHO\r\n0.990000|"), "{copy}");
    assert_eq!(copy.lines().count(), 4);
    assert!(!copy.lines().any(|line| line.contains("|=")), "{copy}");
    let staged = council.entries().into_iter().find(|entry| entry["event"] == "staged").unwrap();
    let marks: Vec<bool> = staged["parts"].as_array().unwrap().iter().map(|p| p["derived"] == true).collect();
    assert_eq!(marks, [false, true]);
    assert!(council.runs(&["audit", "verify"]).status.success());
    council.stops_well();
}

#[test]
fn without_a_copy_nothing_is_delivered_until_the_layout_is_corrected() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    derives(&council, "NO_SUCH_COLUMN");
    council.start();
    let original = RiskFile::of(30, 3).text();
    council.drops("risk.pgp", &dwp.seals(original.as_bytes(), "AOBWR627_12302_RISK.csv", &SealOptions::default()));
    council.until("it is held", |council| council.all_rest(1));
    assert_eq!((council.codes(), council.delivered().len()), (vec!["CN-152"], 0));
    council.stops_well();
    derives(&council, "RISK_SCORE");
    council.start();
    let id = council.held()[0]["id"].as_str().unwrap().to_owned();
    let retried = council.runs(&["held", "retry", &id, "--by", "Officer", "--reason", "the layout is corrected"]);
    assert!(retried.status.success(), "{}", String::from_utf8_lossy(&retried.stderr));
    council.until("both are delivered", |council| council.delivered().len() == 2);
    assert!(council.delivered_digests().contains(&Digest::of(original.as_bytes())));
    council.stops_well();
}
