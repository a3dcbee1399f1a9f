//! Trust: by one person, by two; what a certificate changes is said first.

use hbcourier::domain::Consequence;
use hbcourier::domain::HoldReason;
use hbcourier::effects::pgp::{CertificateReport, KeyChange};
use hbcourier::operator::{Done, KeyOrder};
use hbcourier::store::Queries;

use super::office::{Office, SERVICE, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

fn report(done: &Done) -> &CertificateReport {
    done.keys.as_ref().unwrap().certificate.as_ref().unwrap()
}

#[test]
fn where_one_person_decides_an_import_shows_and_a_trust_trusts() {
    let (office, partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    let shown = office.imports(0, &partner.certificate()).unwrap();
    assert!(office.events().is_empty(), "nothing was changed");
    let found = report(&shown);
    assert_eq!(&found.fingerprint, partner.fingerprint());
    assert_eq!(found.spoken.replace(' ', ""), partner.fingerprint().to_string());
    assert_eq!(found.spoken.split(' ').map(str::len).collect::<Vec<_>>(), [4; 10]);
    assert_eq!(found.user_ids, ["Transfers <transfers@partner.test>"]);
    let may: Vec<_> = found.keys.iter().map(|key| (key.algorithm.as_str(), key.may.join(","))).collect();
    assert_eq!(may, [("Ed25519 256", "sign".to_owned()), ("ECDH 256", "encrypt".to_owned())]);
    assert!(!found.pinned && found.changes.is_empty() && found.problem.is_none());

    let trusted = office.trusts(0, &partner.certificate(), None).unwrap();
    assert_eq!(office.events(), ["trust-ordered", "key-trusted"]);
    assert_eq!(trusted.fingerprint.as_ref(), Some(partner.fingerprint()));
    let told = serde_json::to_string(&office.ledger()).unwrap();
    assert!(!told.contains("partner.test"), "user ids are not recorded: {told}");
    assert!(office.order(0, trust_without_file(&partner)).unwrap_err().contains("file is needed"));
    office.is_sound();
}

fn trust_without_file(partner: &Partner) -> KeyOrder {
    let fingerprint = partner.fingerprint().clone();
    KeyOrder::Trust { partner: dwp(), certificate: None, fingerprint, from: None }
}

#[test]
fn two_people_agree_on_the_same_bytes_within_three_days() {
    let (office, mut partner) = (Office::of_two(), Partner::new(Algorithm::Curve25519));
    partner.trusts(&office.keys.export_own().unwrap());
    let certificate = partner.certificate();
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let refused = |uid, what: &str| {
        let says = office.agrees(uid, partner.fingerprint()).unwrap_err();
        assert!(says.contains(what), "{says}");
    };
    refused(1001, "nobody has proposed");
    for nobody in [0, SERVICE] {
        assert!(office.imports(nobody, &certificate).unwrap_err().contains("takes the role keymaster"));
        assert!(office.trusts(nobody, &certificate, None).unwrap_err().contains("takes the role keymaster"));
    }
    assert!(office.trusts(1001, &certificate, None).unwrap_err().contains("nobody has proposed"));

    office.imports(1001, &certificate).unwrap();
    assert!(office.imports(1001, &certificate).unwrap_err().contains("waits for a second person"));
    assert!(office.imports(1002, &certificate).unwrap_err().contains("agree to it with"));
    refused(1001, "proposed it yourself");
    refused(0, "takes the role keymaster");
    refused(SERVICE, "takes the role keymaster");
    assert!(office.keys.list(office.now()).partners.is_empty(), "not yet");

    // A copy with one more name is other bytes.
    let primary = partner.fingerprint().to_string();
    partner.gpg(&["--quick-add-uid", &primary, "Other <other@partner.test>"], b"");
    assert!(office.trusts(1002, &partner.certificate(), None).unwrap_err().contains("nobody has proposed"));

    let agreed = office.agrees(1002, partner.fingerprint()).unwrap();
    assert_eq!(report(&agreed).digest, hbcourier::domain::Digest::of(&certificate));
    office.opens(&sealed, office.now()).unwrap();
    refused(1002, "nobody has proposed");
    let told = office.ledger();
    let words: Vec<String> = told.iter().map(|entry| entry.event.to_string()).collect();
    assert_eq!(words.iter().filter(|word| *word == "key-proposed").count(), 1);
    assert_eq!(words.iter().filter(|word| *word == "key-trusted").count(), 1);
    assert!(words.iter().filter(|word| *word == "order-refused").count() >= 9, "refusals are recorded: {words:?}");
    office.is_sound();
}

#[test]
fn a_proposal_lapses() {
    let (office, partner) = (Office::of_two(), Partner::new(Algorithm::Curve25519));
    office.imports(1001, &partner.certificate()).unwrap();
    office.passes(3);
    assert!(office.agrees(1002, partner.fingerprint()).unwrap_err().contains("nobody has proposed"));
    office.imports(1002, &partner.certificate()).unwrap();
    office.agrees(1001, partner.fingerprint()).unwrap();
    office.is_sound();
}

#[test]
fn proposed_bytes_that_were_exchanged_in_the_store_are_not_trusted() {
    let (office, partner) = (Office::of_two(), Partner::new(Algorithm::Curve25519));
    office.imports(1001, &partner.certificate()).unwrap();
    let raw = rusqlite::Connection::open(office.state.path().join("store.sqlite")).unwrap();
    let other = Partner::new(Algorithm::Curve25519).certificate();
    assert_eq!(raw.execute("UPDATE key_step SET certificate = ?1", [other]).unwrap(), 1);
    assert!(office.agrees(1002, partner.fingerprint()).unwrap_err().contains("not as it was proposed"));
    let verdict = hbcourier::store::verify(&office.store.queries()).unwrap();
    assert!(!verdict.ok && verdict.says.contains("another decision about keys"), "{}", verdict.says);
    assert!(office.store.queries().proposed_certificate(0).unwrap().is_some());
}

#[test]
fn what_a_renewed_certificate_changes_is_said() {
    let (office, partner) = (Office::of_one(), Partner::new(Algorithm::Rsa3072));
    office.trusts(1001, &partner.certificate(), None).unwrap();
    let same = office.imports(1001, &partner.certificate()).unwrap();
    assert!(report(&same).pinned && report(&same).changes.is_empty());

    let primary = partner.fingerprint().to_string();
    partner.renews("4y");
    partner.gpg(&["--quick-add-uid", &primary, "Other <other@partner.test>"], b"");
    partner.gpg(&["--quick-add-key", &primary, "rsa2048", "sign", "1y"], b"");
    office.passes(1);
    let renewed = office.trusts(1001, &partner.certificate(), None).unwrap();
    let changes = &report(&renewed).changes;
    let count = |is: fn(&KeyChange) -> bool| changes.iter().filter(|change| is(change)).count();
    assert_eq!(count(|change| matches!(change, KeyChange::Expiry { was: Some(was), is: Some(is), .. } if was < is)), 2);
    assert_eq!(count(|change| matches!(change, KeyChange::NewKey { algorithm, .. } if algorithm == "RSA 2048")), 1);
    let weaker = |change: &KeyChange| matches!(change, KeyChange::Weaker { algorithm, than, .. } if algorithm == "RSA 2048" && than == "RSA 3072");
    assert_eq!(changes.iter().filter(|change| weaker(change)).count(), 1);
    assert_eq!(count(|change| matches!(change, KeyChange::NewUserIds { count: 1 })), 1);

    let other = Partner::new(Algorithm::Curve25519);
    let another = office.imports(1001, &other.certificate()).unwrap();
    let beside = vec![partner.fingerprint().clone()];
    assert_eq!(report(&another).changes, [KeyChange::NewCertificate { beside }]);
    office.is_sound();
}

#[test]
fn a_key_that_is_gone_from_a_copy_is_named_and_stays() {
    let (office, partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    let first = partner.certificate();
    let primary = partner.fingerprint().to_string();
    partner.gpg(&["--quick-add-key", &primary, "ed25519", "sign", "1y"], b"");
    office.passes(1);
    office.trusts(1001, &partner.certificate(), None).unwrap();
    let older = office.imports(1001, &first).unwrap();
    assert!(matches!(report(&older).changes[..], [KeyChange::MissingKey { .. }]), "{:?}", report(&older).changes);
}

#[test]
fn a_revocation_names_what_was_accepted_before() {
    let (office, mut partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    office.meets(&mut partner);
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let id = office.accepted(1, partner.fingerprint(), office.now());
    partner.revokes();
    office.passes(1);
    let revoked = office.trusts(1001, &partner.certificate(), None).unwrap();
    assert!(report(&revoked).changes.iter().any(|change| matches!(change, KeyChange::Revoked { .. })));
    let accepted = revoked.keys.as_ref().unwrap().accepted.as_ref().unwrap();
    assert_eq!(accepted.transfers.iter().map(|one| one.id).collect::<Vec<_>>(), [id]);
    assert!(!serde_json::to_string(&revoked).unwrap().contains("secret-name"));
    let signer = partner.fingerprint().clone();
    assert_eq!(office.holds(&sealed, office.now()), Consequence::Hold(HoldReason::SignerRevoked { signer }));
    office.is_sound();
}
