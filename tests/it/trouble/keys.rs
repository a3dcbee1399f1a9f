//! An own key that cannot be read, or is not there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::quick;
use crate::inbound::laid_xml;
use crate::support::council::{Council, files_below};
use crate::support::partner::{Partner, SealOptions};

/// Spoils the own key so, and puts it back; meanwhile a file waits, and both `check` and `status` say why.
fn is_waited_for(dwp: &Partner, council: &mut Council, number: usize, spoil: impl Fn(&Path), says: &str) {
    let key = files_below(&council.state.join("keys/own")).remove(0);
    let aside = council.dir.path().join("aside");
    fs::rename(&key, &aside).unwrap();
    spoil(&key);
    council.drops("x.pgp", &dwp.seals(&laid_xml(number), "LAID.xml", &SealOptions::default()));
    council.until("it waits for the key", |council| council.deferred() == ["CN-306"]);
    let check = council.runs(&["check"]);
    let shown = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.status.code() == Some(1) && shown.contains(says), "{says}: {shown}");
    let named = |council: &Council| {
        let status = council.json(&["status"])["attention"].clone();
        status
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["about"] == "keys" && one["says"].as_str().unwrap().contains(says))
    };
    assert!(named(council), "status does not say: {says}");

    if key.is_dir() {
        fs::remove_dir(&key).unwrap()
    } else {
        drop(fs::remove_file(&key))
    }
    fs::rename(&aside, &key).unwrap();
    let before = number - 1;
    council.until("it is delivered", |council| council.all_rest(number) && council.delivered().len() == before + 1);
    assert!(!named(council), "it is mended");
}

#[test]
fn an_own_key_that_cannot_be_read_is_waited_for_and_named() {
    let (dwp, mut council) = quick();
    council.start();
    let broken = |key: &Path| {
        fs::write(key, "-----BEGIN PGP").unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    };
    is_waited_for(&dwp, &mut council, 1, broken, "is not one OpenPGP certificate");
    is_waited_for(&dwp, &mut council, 2, |key| fs::create_dir(key).unwrap(), "keys/own/");
    is_waited_for(&dwp, &mut council, 3, |_| (), "no key of our own");
    council.stops_well();
}

#[test]
fn partners_that_cannot_be_read_are_no_strangers() {
    let (dwp, mut council) = quick();
    council.start();
    let (partners, aside) = (council.state.join("keys/partner"), council.dir.path().join("aside"));
    fs::rename(&partners, &aside).unwrap();
    fs::write(&partners, "no directory").unwrap();
    council.drops("x.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    council.until("it waits for the certificate", |council| council.deferred() == ["CN-306"]);
    let listed = council.runs(&["keys", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("could not read `keys/partner`"), "{listed:?}");
    fs::remove_file(&partners).unwrap();
    fs::rename(&aside, &partners).unwrap();
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    council.stops_well();
}
