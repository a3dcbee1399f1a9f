//! Own secret keys: for our account alone, under a passphrase, passed in by systemd, brought along from elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use hbcourier::domain::{Consequence, DeferCause};
use hbcourier::effects::pgp::{ImportError, KeyAlgorithm, KeyFault, KeyRing, SecretKeyBytes, Unhad};
use hbcourier::operator::KeyOrder;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::office::{Office, YEAR, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

const PASSPHRASE: &str = "correct horse battery staple";

fn ring(state: &std::path::Path, passphrase: Option<&str>) -> KeyRing {
    let mut ring = KeyRing::at(state);
    if let Some(passphrase) = passphrase {
        ring.unlock_with(Ok(SecretString::from(passphrase)));
    }
    ring
}

fn now() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(1)
}

fn own_file(ring_at: &std::path::Path) -> PathBuf {
    fs::read_dir(ring_at.join("keys/own")).unwrap().next().unwrap().unwrap().path()
}

/// Why a secret is not there, where the service has it no more than anybody else.
fn unhad(says: &str) -> Unhad {
    Unhad { says: says.to_owned(), only_the_service: false }
}

#[test]
fn a_new_key_is_protected_with_the_passphrase_and_opened_by_it_alone() {
    let state = tempfile::tempdir().unwrap();
    let locked = ring(state.path(), Some(PASSPHRASE));
    let own = locked.generate("Council", KeyAlgorithm::Curve25519, Timestamp::now(), YEAR).unwrap();
    assert_eq!(locked.probe_own(), [(own.fingerprint.clone(), true)]);
    assert_eq!(fs::metadata(own_file(state.path())).unwrap().permissions().mode() & 0o777, 0o600);
    let gpg = Partner::new(Algorithm::Curve25519);
    let packets = String::from_utf8(gpg.gpg(&["--list-packets"], &fs::read(own_file(state.path())).unwrap())).unwrap();
    assert!(packets.contains("protect"), "on disk it is protected: {packets}");

    let faults = |ring: &KeyRing| ring.list(now()).faults.into_iter().map(|(_, fault)| fault).collect::<Vec<_>>();
    let none = ring(state.path(), None);
    assert!(matches!(faults(&none)[..], [KeyFault::NoPassphrase { .. }]));
    let wrong = ring(state.path(), Some("wrong"));
    assert!(matches!(faults(&wrong)[..], [KeyFault::WrongPassphrase { .. }]));
    let says = faults(&wrong)[0].to_string();
    assert!(says.contains("keys/own/") && !says.contains("wrong `") && !says.contains(PASSPHRASE), "{says}");
    let mut lost = KeyRing::at(state.path());
    lost.unlock_with(Err(unhad("the credential is not there")));
    assert!(matches!(faults(&lost)[..], [KeyFault::PassphraseUnreadable { .. }]));
    assert!(lost.generate("x", KeyAlgorithm::Curve25519, Timestamp::now(), YEAR).is_err(), "never unprotected instead");
}

#[test]
fn what_comes_waits_for_the_passphrase() {
    let state = tempfile::tempdir().unwrap();
    let locked = ring(state.path(), Some(PASSPHRASE));
    locked.generate("Council", KeyAlgorithm::Rsa3072, Timestamp::now(), YEAR).unwrap();
    let mut partner = Partner::new(Algorithm::Curve25519);
    locked.trust(&dwp(), &partner.certificate(), None, now()).unwrap();
    partner.trusts(&locked.export_own().unwrap());
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let opens = |ring: &KeyRing| {
        use hbcourier::effects::pgp::{OpenRequest, Opener, Signers};
        let from = [dwp()];
        let request =
            OpenRequest { at: now(), signers: Signers::Partners(&from), plaintext_bytes_max: 1 << 20, waived: None };
        ring.open(&mut &sealed[..], &mut Vec::new(), &request)
    };
    opens(&locked).unwrap();
    let refused = opens(&ring(state.path(), Some("wrong"))).unwrap_err();
    assert_eq!(refused.consequence(), Consequence::Defer(DeferCause::KeyUnreadable));
    assert_eq!(DeferCause::KeyUnreadable.notice().code, "CN-306");
}

#[test]
fn a_file_that_is_open_to_others_is_refused_with_the_command_that_mends_it() {
    let office = Office::of_one();
    let file = own_file(office.state.path());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let faults = office.keys.list(office.now()).faults;
    let says = faults[0].1.to_string();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(says.contains(&format!("chmod 600 keys/own/{name}")), "{says}");
}

#[test]
fn a_key_that_systemd_passes_in() {
    let (made, state, credentials) = (Office::of_one(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let passed = credentials.path().join("own-key");
    fs::copy(own_file(made.state.path()), &passed).unwrap();
    // As systemd lets the service in: by an access list, which shows as group bits.
    fs::set_permissions(&passed, fs::Permissions::from_mode(0o440)).unwrap();
    let mut ring = KeyRing::at(state.path());
    ring.passed_in([Ok(passed.clone()), Err(unhad("no such credential"))]);
    let listing = ring.list(now());
    assert_eq!(listing.own[0].fingerprint, made.keys.list(now()).own[0].fingerprint);
    assert!(matches!(&listing.faults[..], [(None, KeyFault::NotPassedIn { .. })]), "{:?}", listing.faults);
    assert_eq!(ring.probe_own().len(), 1);
    fs::remove_file(&passed).unwrap();
    let says = ring.list(now()).faults[0].1.to_string();
    assert!(says.contains("own-key") && !says.contains(credentials.path().to_str().unwrap()), "{says}");
}

#[test]
fn a_key_from_the_old_scripts_is_taken_in_as_an_order() {
    let office = Office::of_one();
    let scripts = Partner::new(Algorithm::Rsa3072);
    let key = || SecretKeyBytes::from(scripts.secret_key());
    assert!(!format!("{:?}", KeyOrder::ImportOwn { key: key() }).contains("BEGIN"), "not printed");
    let done = office.order(1001, KeyOrder::ImportOwn { key: key() }).unwrap();
    assert_eq!(done.fingerprint.as_ref(), Some(scripts.fingerprint()));
    assert_eq!(office.events(), ["key-imported"]);
    let file = office.state.path().join(format!("keys/own/{}.asc", scripts.fingerprint()));
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);

    let mut partner = Partner::new(Algorithm::Curve25519);
    office.trusts(1001, &partner.certificate(), None).unwrap();
    partner.trusts(&scripts.certificate());
    office.opens(&partner.seals(b"x", "x", &SealOptions::default()), office.now()).unwrap();

    let again = office.order(1001, KeyOrder::ImportOwn { key: key() }).unwrap_err();
    assert!(again.contains("there already"), "{again}");
    let public = SecretKeyBytes::from(scripts.certificate());
    let refused = office.order(1001, KeyOrder::ImportOwn { key: public }).unwrap_err();
    assert!(refused.contains("no secret key"), "{refused}");
    office.is_sound();
}

/// It is recorded before it counts, so what could not be written is told, and is taken in when it is ordered again.
#[test]
fn no_key_counts_of_which_the_ledger_does_not_tell() {
    let office = Office::of_one();
    let scripts = Partner::new(Algorithm::Curve25519);
    let order = || KeyOrder::ImportOwn { key: SecretKeyBytes::from(scripts.secret_key()) };
    let own = office.state.path().join("keys/own");
    let away = own.with_extension("away");
    fs::rename(&own, &away).unwrap();
    fs::write(&own, "").unwrap();
    let says = office.order(1001, order()).unwrap_err();
    assert!(says.contains("is recorded, but does not count"), "{says}");
    assert_eq!(office.events(), ["key-imported"]);
    fs::remove_file(&own).unwrap();
    fs::rename(&away, &own).unwrap();
    assert!(!own.join(format!("{}.asc", scripts.fingerprint())).exists());
    office.order(1001, order()).unwrap();
    assert_eq!(office.events(), ["key-imported", "key-imported"]);
    office.is_sound();
}

#[test]
fn a_key_that_is_brought_along_gets_the_passphrase_or_must_have_it() {
    let state = tempfile::tempdir().unwrap();
    let scripts = Partner::new(Algorithm::Curve25519);
    let key = SecretKeyBytes::from(scripts.secret_key());
    let locked = ring(state.path(), Some(PASSPHRASE));
    locked.import_own(&key, now()).unwrap();
    assert_eq!(locked.probe_own(), [(scripts.fingerprint().clone(), true)]);
    assert!(matches!(ring(state.path(), None).list(now()).faults[..], [(None, KeyFault::NoPassphrase { .. })]));

    let kept = SecretKeyBytes::from(fs::read(own_file(state.path())).unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = ring(elsewhere.path(), Some("wrong")).import_own(&kept, now()).unwrap_err();
    assert!(matches!(refused, ImportError::Locked(KeyFault::WrongPassphrase { .. })), "{refused}");
    let refused = ring(elsewhere.path(), None).import_own(&kept, now()).unwrap_err();
    assert!(matches!(refused, ImportError::Locked(KeyFault::NoPassphrase { .. })), "{refused}");
    ring(elsewhere.path(), Some(PASSPHRASE)).import_own(&kept, now()).unwrap();
}
