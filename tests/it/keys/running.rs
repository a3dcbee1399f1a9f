//! The real service: an exception lets a held file through, and the whole of it is on record.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::inbound::laid_xml;
use crate::support::council::{Council, set, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

fn council() -> (Partner, Council) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    (dwp, council)
}

#[test]
fn an_exception_is_ordered_used_counted_and_ended() {
    let (dwp, mut council) = council();
    council.start();
    let old = SealOptions::with(&["--cipher-algo", "3DES"]);
    council.drops("one.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &old));
    council.until("it is held", |council| council.codes() == ["CN-112"]);
    let held = council.held()[0]["id"].as_str().unwrap().to_owned();
    let until = (jiff::Zoned::now().date() + jiff::Span::new().days(20)).to_string();
    let order = ["keys", "except", "dwp", "--allow", "3des", "--until", &until, "--reason", "until their new software"];
    succeeded(council.runs(&order));
    succeeded(council.runs(&["held", "retry", &held, "--reason", "excepted"]));
    council.until("it is delivered", |council| council.delivered().len() == 1 && council.all_rest(1));
    assert_eq!(council.events("exception-used"), 1);
    let used = council.entries().into_iter().find(|entry| entry["event"] == "exception-used").unwrap();
    assert_eq!((used["about"].as_str(), used["transfer"].as_str()), (Some("dwp"), Some(held.as_str())));

    let check = council.runs(&["keys", "check", "--json"]);
    assert_eq!(check.status.code(), Some(1), "it ends within 30 days");
    let check: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!((&check["exceptions"][0]["transfers"], &check["exceptions"][0]["allow"]), (&1.into(), &"3des".into()));
    assert!(check["probes"].to_string().contains("CN-551"), "{check}");
    council.until("an alarm says so", |council| council.is_alarmed("exception-dwp-3des", "CN-551"));
    let signer = dwp.fingerprint().to_string();
    let accepted = council.json(&["keys", "check", "--accepted-since", "2020-01-01", "--signer", &signer]);
    assert_eq!(accepted["transfers"][0]["id"], held.as_str());
    assert_eq!(accepted["transfers"][0]["kinds"], serde_json::json!(["laid-xml"]));

    succeeded(council.runs(&["keys", "except", "dwp", "--allow", "3des", "--end", "--reason", "they have it now"]));
    council.drops("two.pgp", &dwp.seals(&laid_xml(2), "LAID.xml", &old));
    council.until("it is held", |council| council.codes().contains(&"CN-112"));
    succeeded(council.runs(&["audit", "verify"]));
    council.stops_well();

    // A service that starts anew judges by what was decided before.
    council.start();
    council.drops("three.pgp", &dwp.seals(&laid_xml(3), "LAID.xml", &old));
    council.until("it is held too", |council| council.codes().iter().filter(|code| **code == "CN-112").count() == 2);
    council.stops_well();
}

#[test]
fn keys_are_examined_trusted_and_retired_by_commands() {
    let (_dwp, council) = council();
    let next = Partner::new(Algorithm::Curve25519);
    let file = council.dir.path().join("next.asc");
    fs::write(&file, next.certificate()).unwrap();
    let file = file.to_str().unwrap();
    let report = council.json(&["keys", "import", "dwp", file, "--dry-run"]);
    assert_eq!(report["fingerprint"], next.fingerprint().to_string());
    assert_eq!(report["changes"][0]["change"], "new-certificate");
    let shown = String::from_utf8(succeeded(council.runs(&["keys", "import", "dwp", file]))).unwrap();
    assert!(shown.contains("To read aloud") && shown.contains("Nothing was changed"), "{shown}");
    let fingerprint = next.fingerprint().to_string();
    let tomorrow = (jiff::Zoned::now().date() + jiff::Span::new().days(1)).to_string();
    let trust = ["keys", "trust", "dwp", file, "--fingerprint", &fingerprint, "--from", &tomorrow];
    succeeded(council.runs(&trust));
    let listed = council.json(&["keys", "list"]);
    let theirs = listed["partners"][0]["certificates"].as_array().unwrap();
    let problem = |of: &str| theirs.iter().find(|one| one["fingerprint"] == of).unwrap()["problem"].clone();
    assert_eq!(problem(&fingerprint), "it is trusted from a later date on");
    let retire = ["keys", "retire", "dwp", &fingerprint, "--compromised-since", "2020-01-01", "--reason", "lost"];
    let done = council.json(&retire);
    assert_eq!(done["keys"]["accepted"]["transfers"], serde_json::json!([]));
    let again = council.runs(&["keys", "trust", "dwp", file, "--fingerprint", &fingerprint]);
    assert_eq!(again.status.code(), Some(1));
    let own = council.json(&["keys", "list"])["own"][0]["fingerprint"].as_str().unwrap().to_owned();
    let refused = council.runs(&["keys", "retire", "own", &own, "--reason", "rotation"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("keys generate"), "{refused:?}");
    assert_eq!(council.runs(&["keys", "trust", "nobody", file, "--fingerprint", &fingerprint]).status.code(), Some(2));
    succeeded(council.runs(&["audit", "verify"]));
}

#[test]
fn a_wrong_passphrase_is_named_by_check_and_what_comes_waits() {
    let (dwp, mut council) = council();
    let secret = council.dir.path().join("passphrase");
    let write = |text: &str| {
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("the right one\n");
    council.changes_settings(|settings| set(settings, &["keys", "passphrase_file"], secret.to_str().unwrap()));
    // `init` made a key without one; the new one has it, and the old one goes.
    succeeded(council.runs(&["keys", "generate", "--algorithm", "curve25519"]));
    let own = council.json(&["keys", "list"])["own"].as_array().unwrap().clone();
    assert_eq!(own.len(), 2);
    let old = council.state.join("keys/own").join(own_of(&council, "RSA 3072"));
    fs::remove_file(old).unwrap();
    let mut dwp = dwp;
    dwp.trusts(&fs::read(council.state.join("keys/own-public.asc")).unwrap());
    let new = own_of(&council, "Ed25519 256").replace(".asc", "");
    let sealed = dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions { to: vec![new], ..SealOptions::default() });

    write("a wrong one\n");
    let check = String::from_utf8(council.runs(&["check"]).stdout).unwrap();
    assert!(check.contains("the configured passphrase does not open"), "{check}");
    council.start();
    council.drops("x.pgp", &sealed);
    council.until("it waits for the key", |council| council.deferred() == ["CN-306"]);
    council.stops_well();
    write("the right one\n");
    council.start();
    council.until("it is delivered", |council| council.delivered().len() == 1);
    council.stops_well();
    let log = council.log();
    assert!(!log.contains("right one") && !log.contains("wrong one"), "a secret in the log");
}

/// The file name of the own key with this algorithm.
fn own_of(council: &Council, algorithm: &str) -> String {
    let listed = council.json(&["keys", "list"]);
    let own = listed["own"].as_array().unwrap().iter().find(|one| one["algorithm"] == algorithm).unwrap();
    format!("{}.asc", own["fingerprint"].as_str().unwrap())
}
