//! What opens: byte for byte, with a verdict about all of it.

use hbcourier::domain::Digest;
use hbcourier::effects::pgp::KeyAlgorithm;
use jiff::{SignedDuration, Timestamp};

use super::{Us, acquainted, content, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

fn opens_both_ways(ours: KeyAlgorithm, theirs: Algorithm) {
    let us = Us::new(ours);
    let mut partner = Partner::new(theirs);
    us.meet(&mut partner);
    for options in [SealOptions::default(), SealOptions::armoured(), SealOptions::with(&["--compress-algo", "none"])] {
        for size in [0, 1, 100_000] {
            let sent = content(size);
            let before = Timestamp::now() - SignedDuration::from_secs(2);
            let sealed = partner.seals(&sent, "AOBWR627_LAID_RISK.csv", &options);
            let (verdict, opened) = us.opens(&sealed).unwrap();
            assert!(opened == sent, "{size} bytes came out as they went in");
            assert_eq!(verdict.signer.as_ref(), Some(partner.fingerprint()));
            assert_eq!(verdict.partner, Some(dwp()));
            assert_eq!((verdict.content, verdict.bytes), (Digest::of(&sent), size as u64));
            assert_eq!(verdict.sealed, Digest::of(&sealed));
            assert_eq!(verdict.file_name.as_deref(), Some("AOBWR627_LAID_RISK.csv"));
            assert!(verdict.signed_at.is_some_and(|at| at >= before && at <= Timestamp::now()));
        }
    }
}

#[test]
fn curve25519_to_curve25519() {
    opens_both_ways(KeyAlgorithm::Curve25519, Algorithm::Curve25519);
}

#[test]
fn rsa_to_rsa() {
    opens_both_ways(KeyAlgorithm::Rsa3072, Algorithm::Rsa3072);
}

#[test]
fn larger_than_every_buffer() {
    let (us, partner) = acquainted();
    let sent = content(5_000_000);
    for options in [SealOptions::default(), SealOptions::armoured()] {
        let (verdict, opened) = us.opens(&partner.seals(&sent, "big", &options)).unwrap();
        assert!(opened == sent);
        assert_eq!(verdict.content, Digest::of(&sent));
    }
}

#[test]
fn hidden_recipients_and_a_rotated_key_of_ours() {
    let (us, mut partner) = acquainted();
    let sent = content(1000);
    let old = partner.seals(&sent, "x", &SealOptions::default());
    us.ring.generate("Council", KeyAlgorithm::Rsa3072, Timestamp::now(), super::YEAR).unwrap();
    partner.trusts(&us.ring.export_own().unwrap());
    assert!(us.opens(&old).unwrap().1 == sent, "what was sealed for the older key still opens");
    let hidden = partner.seals(&sent, "x", &SealOptions::with(&["--throw-keyids"]));
    assert!(us.opens(&hidden).unwrap().1 == sent);
}

/// A sender's clock may be a little ahead; and the policy is that of the day of receipt, not of the day of opening.
#[test]
fn judged_as_of_the_recorded_receipt() {
    let january: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let us = Us::since(KeyAlgorithm::Curve25519, january);
    let mut partner = Partner::expired();
    let day = |days: i64| january + SignedDuration::from_hours(24 * days);
    us.ring.trust(&dwp(), &partner.certificate(), None, day(1)).unwrap();
    partner.trusts(&us.ring.export_own().unwrap());
    let options = SealOptions { clock: Some("20200105T000000".into()), ..SealOptions::default() };
    let sealed = partner.seals(b"x", "x", &options);
    let signed = day(4);
    for receipt in [signed, signed + SignedDuration::from_hours(48), signed - SignedDuration::from_mins(29)] {
        assert_eq!(us.opens_at(&sealed, receipt, 10).unwrap().1, b"x", "received {receipt}");
    }
}
