//! What `keys list` prints, over real keys.

use serde_json::json;

use super::{ListArgs, list};
use crate::cli::council::Council;

const JSON: ListArgs = ListArgs { json: true };

#[test]
fn keys_have_the_shape_of_the_interface() {
    let council = Council::with_keys(2);
    let (_, document) = council.json(|out| list(&JSON, &council.reading(), out));
    let listing = council.keys.list(council.now);
    let own = &document["own"][0];
    assert_eq!(own["fingerprint"], listing.own[0].fingerprint.to_string());
    assert_eq!(own["usable_for"], json!(["sign", "encrypt"]));
    assert_eq!(own["until"], listing.own[0].expires.unwrap().to_string());
    assert_eq!(own["problem"], json!(null));
    let dwp = &document["partners"][0];
    assert_eq!(dwp["partner"], "dwp");
    assert_eq!(dwp["certificates"][0]["fingerprint"], listing.partners[0].1.fingerprint.to_string());
    assert_eq!(document["warnings"], json!([]), "both last longer than the timetable");
}

#[test]
fn a_partner_without_a_certificate_is_listed_and_told_how_to_get_one() {
    let council = Council::new();
    let (_, document) = council.json(|out| list(&JSON, &council.reading(), out));
    assert_eq!(document["partners"], json!([{"partner": "dwp", "certificates": []}]));
    let (_, text) = council.text(|out| list(&ListArgs::default(), &council.reading(), out));
    assert!(text.contains("hbcourier keys trust") && text.contains("hbcourier keys generate"), "{text}");
}

#[test]
fn a_key_that_ends_before_a_return_is_warned_of_by_that_return() {
    let council = Council::new();
    // Own until 31 December 2020 (2020 is a leap year), DWP's for two years.
    council.make_keys(1, 2);
    let (_, document) = council.json(|out| list(&JSON, &council.reading(), out));
    let warnings = document["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["partner"], json!(null));
    // The first transfer date after it is 4 January 2021.
    let says = warnings[0]["says"].as_str().unwrap();
    assert_eq!(says, "expires 4 days before the SHBE for 2021-01 (due 2021-01-04)");
    council.make_keys(3, 3);
    let (_, document) = council.json(|out| list(&JSON, &council.reading(), out));
    assert_eq!(document["warnings"], json!([]), "a newer key covers it");
}

#[test]
fn a_key_file_that_cannot_be_used_is_said_and_an_expired_one_has_a_problem() {
    let mut council = Council::with_keys(1);
    std::fs::write(council.at("state/keys/own/broken.asc"), "nothing").unwrap();
    council.now = "2022-06-01T00:00:00Z".parse().unwrap();
    let (_, document) = council.json(|out| list(&JSON, &council.reading(), out));
    assert_eq!(document["own"][0]["problem"], "it has expired");
    assert_eq!(document["own"][0]["usable_for"], json!([]));
    assert_eq!(document["faults"].as_array().unwrap().len(), 1);
}
