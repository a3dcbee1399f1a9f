//! Dates: a certificate counts from a day on and until one, as of receipt; a compromise reaches back.

use hbcourier::domain::{Consequence, HoldReason};
use hbcourier::effects::pgp::{KeyAlgorithm, KeyProblem, SealError};

use jiff::Timestamp;

use super::office::{Office, YEAR, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

fn acquainted() -> (Office, Partner) {
    let (office, mut partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    office.meets(&mut partner);
    (office, partner)
}

#[test]
fn a_certificate_counts_from_its_date_on() {
    let (office, mut partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    let from = office.day(5);
    office.trusts(1001, &partner.certificate(), Some(from)).unwrap();
    partner.trusts(&office.keys.export_own().unwrap());
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    assert_eq!(office.holds(&sealed, office.now()), Consequence::Hold(HoldReason::Stranger));
    assert_eq!(office.keys.list(office.now()).partners[0].1.problem, Some(KeyProblem::NotYetTrusted));
    office.opens(&sealed, from).unwrap();
    assert!(office.keys.list(from).partners[0].1.can_encrypt);
    office.is_sound();
}

#[test]
fn a_retired_certificate_verifies_nothing_more_and_is_not_sealed_to() {
    let (office, partner) = acquainted();
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let from = office.day(5);
    let done = office.retires(Some(dwp()), partner.fingerprint(), Some(from), None).unwrap();
    assert!(done.says.contains("No other certificate"), "{}", done.says);
    office.opens(&sealed, office.now()).unwrap();
    office.passes(6);
    let signer = partner.fingerprint().clone();
    assert_eq!(office.holds(&sealed, office.now()), Consequence::Hold(HoldReason::SignerRevoked { signer }));
    office.opens(&sealed, from - jiff::SignedDuration::from_secs(1)).expect("judged as of receipt");
    assert_eq!(office.keys.list(office.now()).partners[0].1.problem, Some(KeyProblem::Retired));
    let refused = office.tries_to_seal(office.now()).unwrap_err();
    assert!(matches!(refused, SealError::PartnerKeyUnusable { problem: KeyProblem::Retired, .. }), "{refused}");
    let again = office.retires(Some(dwp()), partner.fingerprint(), None, None).unwrap_err();
    assert!(again.contains("already"), "{again}");
    office.is_sound();
}

#[test]
fn a_compromise_reaches_back_and_names_what_was_accepted() {
    let (office, partner) = acquainted();
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let other = Partner::new(Algorithm::Curve25519);
    let (before, since) = (office.now(), office.day(1));
    office.accepted(1, partner.fingerprint(), before);
    let after = office.accepted(2, partner.fingerprint(), office.day(2));
    office.accepted(3, other.fingerprint(), office.day(2));
    office.passes(4);
    let done = office.retires(Some(dwp()), partner.fingerprint(), None, Some(since)).unwrap();
    let accepted = done.keys.unwrap().accepted.unwrap();
    let told: Vec<_> = accepted.transfers.iter().map(|one| (one.id, one.authority.to_string())).collect();
    assert_eq!(told, [(after, "12302".to_owned())]);
    office.opens(&sealed, before).unwrap();
    let signer = partner.fingerprint().clone();
    let held = Consequence::Hold(HoldReason::SignerRevoked { signer });
    assert_eq!(office.holds(&sealed, since), held, "what still waits from that time is judged so too");
    let again = office.trusts(1001, &partner.certificate(), None).unwrap_err();
    assert!(again.contains("needs another key"), "{again}");
    assert!(office.retires(Some(dwp()), other.fingerprint(), None, None).unwrap_err().contains("no such certificate"));
    let ahead = office.retires(Some(dwp()), partner.fingerprint(), None, Some(office.day(1))).unwrap_err();
    assert!(ahead.contains("future"), "{ahead}");
    office.is_sound();
}

#[test]
fn an_own_key_that_is_retired_opens_and_does_nothing_else() {
    let (office, mut partner) = acquainted();
    let old = office.keys.list(office.now()).own[0].fingerprint.clone();
    let refused = office.retires(None, &old, None, None).unwrap_err();
    assert!(refused.contains("no return could leave"), "{refused}");
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let new =
        office.keys.generate("Council", KeyAlgorithm::Curve25519, Timestamp::now(), 2 * YEAR).unwrap().fingerprint;
    partner.trusts(&office.keys.export_own().unwrap());
    assert_eq!(partner.opens(&office.seals(office.now())).signer.as_ref(), Some(&old), "the older signs still");
    office.retires(None, &old, None, None).unwrap();
    office.passes(1);
    office.opens(&sealed, office.now()).unwrap();
    let given = String::from_utf8(office.keys.export_own().unwrap()).unwrap();
    assert_eq!(given.matches("BEGIN PGP PUBLIC KEY").count(), 1, "the old one is given out no more");
    assert_eq!(hbcourier::effects::pgp::trust::fingerprint_of(given.as_bytes()).unwrap(), new);
    partner.trusts(given.as_bytes());
    assert_eq!(partner.opens(&office.seals(office.now())).signer, Some(new));
    assert_eq!(
        std::fs::read(office.state.path().join("keys/own-public.asc")).unwrap(),
        given.as_bytes(),
        "and the file to give away says the same"
    );
    office.is_sound();
}
