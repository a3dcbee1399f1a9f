//! Secrets that only the service is passed: what it says of one that is missing, and what others say who have none.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use hbcourier::effects::pgp::{KeyAlgorithm, KeyRing};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::office::YEAR;
use crate::support::council::{Council, set};
use crate::support::partner::{Algorithm, Partner};

/// A council whose only own key opens with a credential, and the folder in which systemd would pass it in.
fn council() -> (Council, PathBuf) {
    let council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    fs::remove_dir_all(council.state.join("keys/own")).unwrap();
    let mut ring = KeyRing::at(&council.state);
    ring.unlock_with(Ok(SecretString::from("correct horse")));
    ring.generate("Council <hb@council.example>", KeyAlgorithm::Curve25519, Timestamp::now(), YEAR).unwrap();
    let credentials = council.dir.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("own-key"), "correct horse").unwrap();
    fs::set_permissions(credentials.join("own-key"), fs::Permissions::from_mode(0o400)).unwrap();
    council.changes_settings(|settings| {
        set(settings, &["keys", "passphrase_credential"], "own-key");
        set(settings, &["service", "sweep_every"], "1s");
    });
    (council, credentials)
}

#[test]
fn who_has_no_credentials_says_that_and_not_that_a_good_key_is_broken() {
    let (mut council, credentials) = council();
    council.start_in(&[("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())]);
    let attention = council.attention();
    assert!(attention.iter().all(|(about, _)| !["keys", "secret-own-key"].contains(&about.as_str())), "{attention:?}");
    let status = council.json(&["status"]);
    assert_eq!(status["keys"][0]["only_the_service"], true, "{status}");
    let check: Value = serde_json::from_slice(&council.runs(&["check", "--json"]).stdout).unwrap();
    let says = check.to_string();
    assert!(says.contains("It cannot be tried from here"), "{says}");
    assert!(!says.contains("put it back") && !says.contains("There is no key of our own"), "{says}");
    assert!(!says.contains("keys generate"), "{says}");
    council.stops_well();
}

#[test]
fn a_credential_that_is_named_and_not_there_is_told_at_once() {
    let (mut council, credentials) = council();
    council.start();
    council.until("it is told", |council| council.is_alarmed("secret-own-key", "CN-564"));
    council.stops_well();
    council.start_in(&[("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())]);
    council.until("that is over", |council| !council.is_alarmed("secret-own-key", "CN-564"));
    council.stops_well();
}
