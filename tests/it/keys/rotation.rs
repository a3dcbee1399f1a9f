//! A year's rotation, rehearsed: our key, then the partner's, then a subkey; nothing is lost at any point.

use hbcourier::domain::{Consequence, HoldReason};
use hbcourier::effects::pgp::KeyAlgorithm;
use jiff::{SignedDuration, Timestamp};

use super::office::{Office, YEAR, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

#[test]
fn our_own_key() {
    let (office, mut partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    office.meets(&mut partner);
    let to_the_old = partner.seals(b"old", "x", &SealOptions::default());
    let old = office.keys.list(office.now()).own[0].fingerprint.clone();
    let new = office.keys.generate("Council", KeyAlgorithm::Rsa3072, Timestamp::now(), 2 * YEAR).unwrap().fingerprint;
    partner.trusts(&office.keys.export_own().unwrap());
    let to = |key: &hbcourier::domain::Fingerprint| SealOptions { to: vec![key.to_string()], ..SealOptions::default() };
    let to_the_new = partner.seals(b"new", "x", &to(&new));
    for sealed in [&to_the_old, &to_the_new] {
        office.opens(sealed, office.now()).unwrap();
    }
    office.retires(None, &old, None, None).unwrap();
    office.passes(1);
    for sealed in [&to_the_old, &to_the_new] {
        office.opens(sealed, office.now()).expect("a retired key of ours still opens");
    }
    assert_eq!(partner.opens(&office.seals(office.now())).signer, Some(new));
    office.is_sound();
}

#[test]
fn the_partners_certificate_with_an_overlap() {
    let (office, mut old) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    office.meets(&mut old);
    // Newer by a day, as its own clock tells: which is the newest must not hang on one second.
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    let clock = tomorrow.strftime("%Y%m%dT%H%M%S").to_string();
    let mut new = Partner::made(Algorithm::Curve25519, Some(&clock), "2y");
    new.trusts(&office.keys.export_own().unwrap());
    office.clock.advance_to_moment(tomorrow + SignedDuration::from_hours(1));
    let begins = office.day(1);
    office.trusts(1001, &new.certificate(), Some(begins)).unwrap();
    let ends = office.day(10);
    office.retires(Some(dwp()), old.fingerprint(), Some(ends), None).unwrap();
    let by_the_old = old.seals(b"old", "x", &SealOptions::default());
    let by_the_new = new.seals(b"new", "x", &SealOptions { clock: Some(clock), ..SealOptions::default() });

    assert_eq!(office.holds(&by_the_new, office.now()), Consequence::Hold(HoldReason::Stranger), "before the overlap");
    assert!(old.opens(&office.seals(office.now())).good_signature, "sealed to the old one");
    let overlap = office.day(5);
    assert_eq!(office.opens(&by_the_old, overlap).unwrap().signer.as_ref(), Some(old.fingerprint()));
    assert_eq!(office.opens(&by_the_new, overlap).unwrap().signer.as_ref(), Some(new.fingerprint()));
    let sealed = office.seals(overlap);
    let packets = String::from_utf8(new.gpg(&["--list-packets"], &sealed)).unwrap();
    assert_eq!(packets.matches(":pubkey enc packet").count(), 2, "the newest of theirs, and ours: {packets}");
    assert!(!packets.is_empty() && opens_with(&new, &sealed));

    let signer = old.fingerprint().clone();
    assert_eq!(office.holds(&by_the_old, ends), Consequence::Hold(HoldReason::SignerRevoked { signer }));
    office.opens(&by_the_new, ends).unwrap();
    office.is_sound();
}

fn opens_with(partner: &Partner, sealed: &[u8]) -> bool {
    // Signed at a time that the partner's machine has not reached.
    let options = ["--ignore-time-conflict", "--status-fd", "2", "--decrypt"];
    partner.gpg(&options, sealed) == b"return"
}

#[test]
fn a_subkey_within_one_certificate() {
    let (office, mut partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    office.meets(&mut partner);
    let primary = partner.fingerprint().to_string();
    partner.gpg(&["--quick-add-key", &primary, "ed25519", "sign", "1y"], b"");
    partner.gpg(&["--quick-add-key", &primary, "cv25519", "encr", "1y"], b"");
    // GnuPG signs with the newest subkey that can.
    let by_the_subkey = partner.seals(b"x", "x", &SealOptions::default());
    office.passes(1);
    let before = office.holds(&by_the_subkey, office.now());
    assert_eq!(before, Consequence::Hold(HoldReason::Stranger), "the pinned copy does not know it");
    let dated = office.trusts(1001, &partner.certificate(), Some(office.day(1))).unwrap_err();
    assert!(dated.contains("counts already"), "{dated}");
    office.trusts(1001, &partner.certificate(), None).unwrap();
    assert_eq!(office.opens(&by_the_subkey, office.now()).unwrap().signer.as_ref(), Some(partner.fingerprint()));
    assert!(opens_with(&partner, &office.seals(office.now())));
    office.is_sound();
}
