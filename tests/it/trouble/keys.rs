//! An own key that cannot be read.

use std::fs;

use super::quick;
use crate::inbound::laid_xml;
use crate::support::council::files_below;
use crate::support::partner::SealOptions;

#[test]
fn an_own_key_that_cannot_be_read_is_waited_for_and_named() {
    let (dwp, mut council) = quick();
    let key = files_below(&council.state.join("keys/own")).remove(0);
    let good = fs::read(&key).unwrap();
    council.start();
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    council.until("the first is delivered", |council| council.all_rest(1));
    fs::write(&key, &good[..good.len() / 2]).unwrap();
    council.drops("2.pgp", &dwp.seals(&laid_xml(2), "LAID.xml", &SealOptions::default()));
    council.until("it waits for the key", |council| council.deferred() == ["CN-306"]);
    let name = key.file_name().unwrap().to_str().unwrap();
    let check = council.runs(&["check"]);
    let says = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(1), "{says}");
    assert!(says.contains(name), "{says}");
    let status = council.json(&["status"])["attention"].to_string();
    assert!(status.contains(name) && status.contains("put it back"), "{status}");

    fs::write(&key, &good).unwrap();
    council.until("it is delivered", |council| council.all_rest(2) && council.delivered().len() == 2);
    assert!(!council.json(&["status"])["attention"].to_string().contains(name), "it is mended");
    assert!(council.stop().success());
}
