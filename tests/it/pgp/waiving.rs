//! What opens with one finding waived: that finding only, and never without integrity.

use hbcourier::domain::{Consequence, HoldReason, RejectReason, Waiver};
use hbcourier::effects::pgp::KeyAlgorithm;
use jiff::{SignedDuration, Timestamp};

use super::{ROOMY, Us, acquainted, content, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

fn unsigned(extra: &[&str]) -> SealOptions {
    SealOptions { sign: false, ..SealOptions::with(extra) }
}

impl Us {
    fn opens_all_the_same(&self, waived: &Waiver, sealed: &[u8]) -> Vec<u8> {
        self.opens_waiving(Some(waived), sealed, Timestamp::now(), ROOMY).unwrap().1
    }

    fn still_refuses(&self, waived: &Waiver, sealed: &[u8]) -> Consequence {
        let opened = self.opens_waiving(Some(waived), sealed, Timestamp::now(), ROOMY);
        opened.expect_err("it must not open").consequence()
    }
}

fn hold(reason: HoldReason) -> Consequence {
    Consequence::Hold(reason)
}

#[test]
fn what_nobody_signed_opens_in_the_accepted_layers_only() {
    let (us, partner) = acquainted();
    let sent = content(400_000);
    for options in [unsigned(&[]), unsigned(&["--compress-algo", "none"]), unsigned(&["--compress-algo", "bzip2"])] {
        for armour in [false, true] {
            let sealed = partner.seals(&sent, "LAID.pdf", &SealOptions { armour, ..options.clone() });
            let (verdict, opened) =
                us.opens_waiving(Some(&Waiver::Unsigned), &sealed, Timestamp::now(), ROOMY).unwrap();
            assert!(opened == sent && verdict.content == hbcourier::domain::Digest::of(&sent));
            assert_eq!((verdict.signer, verdict.partner, verdict.signed_at), (None, None, None));
            assert_eq!(us.holds(&sealed), hold(HoldReason::Unsigned), "without the release");
            assert_eq!(us.still_refuses(&Waiver::Stranger, &sealed), hold(HoldReason::Unsigned), "another finding");
        }
    }
    // One that is signed has its signer all the same.
    let signed = partner.seals(&sent, "LAID.pdf", &SealOptions::default());
    let (verdict, _) = us.opens_waiving(Some(&Waiver::Unsigned), &signed, Timestamp::now(), ROOMY).unwrap();
    assert_eq!(verdict.signer.as_ref(), Some(partner.fingerprint()));
    let sealed = partner.seals(&sent, "x", &unsigned(&[]));
    let twice = [sealed.as_slice(), &sealed].concat();
    assert_eq!(us.still_refuses(&Waiver::Unsigned, &twice), hold(HoldReason::SeveralMessages));
    assert_eq!(us.still_refuses(&Waiver::Unsigned, &sealed[..sealed.len() - 9]), hold(HoldReason::Truncated));
    assert_eq!(us.still_refuses(&Waiver::Unsigned, &partner.gpg(&["--store"], b"x")), hold(HoldReason::OddStructure));
    let misdirected = SealOptions { to: vec![partner.fingerprint().to_string()], ..unsigned(&[]) };
    assert_eq!(us.still_refuses(&Waiver::Unsigned, &partner.seals(b"x", "x", &misdirected)), hold(HoldReason::NoKey));
}

/// I18: whatever is waived.
#[test]
fn nothing_opens_without_integrity() {
    let (us, partner) = acquainted();
    let old = unsigned(&["--rfc2440", "--cipher-algo", "3DES", "--disable-mdc"]);
    let unprotected = partner.seals(&content(2000), "x", &old);
    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&us.ring.export_own().unwrap());
    let strange = stranger.seals(&content(300), "x", &SealOptions::default());
    let sent = content(300);
    for waived in [Waiver::Unsigned, Waiver::Stranger, Waiver::SignatureAge] {
        let refused = us.still_refuses(&waived, &unprotected);
        assert_eq!(refused, Consequence::Reject(RejectReason::NoIntegrity), "{waived:?}");
    }
    for (compress, step) in [("zlib", 1), ("none", 3)] {
        let sealed = partner.seals(&sent, "x", &unsigned(&["--compress-algo", compress]));
        for at in (0..sealed.len()).step_by(step) {
            let mut altered = sealed.clone();
            altered[at] ^= 1 << (at % 8);
            let opened = us.opens_waiving(Some(&Waiver::Unsigned), &altered, Timestamp::now(), ROOMY);
            assert!(opened.is_err(), "octet {at} of {} ({compress})", sealed.len());
        }
    }
    for at in (0..strange.len()).step_by(5) {
        let mut altered = strange.clone();
        altered[at] ^= 0x10;
        let opened = us.opens_waiving(Some(&Waiver::Stranger), &altered, Timestamp::now(), ROOMY);
        assert!(opened.is_err(), "octet {at} of {}", strange.len());
    }
}

#[test]
fn a_stranger_is_let_through_where_the_key_is_unknown_and_nowhere_else() {
    let (us, partner) = acquainted();
    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&us.ring.export_own().unwrap());
    let sent = content(3000);
    let strange = stranger.seals(&sent, "x", &SealOptions::default());
    assert_eq!(us.opens_all_the_same(&Waiver::Stranger, &strange), sent);
    assert_eq!(us.still_refuses(&Waiver::Unsigned, &strange), hold(HoldReason::Stranger));
    let second = stranger.second_signer();
    let two = stranger.seals(b"x", "x", &SealOptions::with(&["-u", &second]));
    assert_eq!(us.still_refuses(&Waiver::Stranger, &two), hold(HoldReason::OddStructure), "exactly one signature");
    let unsigned = partner.seals(b"x", "x", &unsigned(&[]));
    assert_eq!(us.still_refuses(&Waiver::Stranger, &unsigned), hold(HoldReason::Unsigned));
    // Once the key is known, its signature is verified as any other.
    us.ring.trust(&dwp(), &stranger.certificate(), None, Timestamp::now()).unwrap();
    let (verdict, _) = us.opens_waiving(Some(&Waiver::Stranger), &strange, Timestamp::now(), ROOMY).unwrap();
    assert_eq!(verdict.signer.as_ref(), Some(stranger.fingerprint()));
    stranger.revokes();
    us.ring.trust(&dwp(), &stranger.certificate(), None, Timestamp::now()).unwrap();
    let signer = stranger.fingerprint().clone();
    assert_eq!(us.still_refuses(&Waiver::Stranger, &strange), hold(HoldReason::SignerRevoked { signer }));
}

#[test]
fn the_time_of_a_good_signature_is_judged_mildly() {
    let january: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let us = Us::since(KeyAlgorithm::Curve25519, january);
    let day = |days: i64| january + SignedDuration::from_hours(24 * days);
    let own = us.ring.export_own().unwrap();
    let at = |clock: &str| SealOptions { clock: Some(clock.into()), ..SealOptions::default() };
    let refused = |waived: &Waiver, sealed: &[u8], receipt| {
        us.opens_waiving(Some(waived), sealed, receipt, ROOMY).unwrap_err().consequence()
    };

    let mut brief = Partner::expired();
    us.ring.trust(&dwp(), &brief.certificate(), None, day(1)).unwrap();
    brief.trusts(&own);
    let sealed = brief.seals(b"brief", "x", &at("20200105T000000"));
    let signer = brief.fingerprint().clone();
    let expired = Waiver::SignerExpired { signer: signer.clone() };
    let (verdict, opened) = us.opens_waiving(Some(&expired), &sealed, day(12), ROOMY).unwrap();
    assert_eq!(
        (verdict.signer.as_ref(), verdict.signed_at, opened.as_slice()),
        (Some(&signer), Some(day(4)), &b"brief"[..])
    );
    let of_another = Waiver::SignerExpired { signer: "A".repeat(40).parse().unwrap() };
    let is_expired = || hold(HoldReason::SignerExpired { signer: signer.clone() });
    assert_eq!(refused(&of_another, &sealed, day(12)), is_expired());
    assert_eq!(refused(&Waiver::SignatureAge, &sealed, day(12)), is_expired());
    // Its age is a finding of its own.
    assert_eq!(refused(&expired, &sealed, day(40)), hold(HoldReason::SignatureAge));
    let mut altered = sealed.clone();
    let last = altered.len() - 40;
    altered[last] ^= 1;
    assert_eq!(refused(&expired, &altered, day(12)), hold(HoldReason::Tampered));
    brief.revokes();
    us.ring.trust(&dwp(), &brief.certificate(), None, day(11)).unwrap();
    assert_eq!(refused(&expired, &sealed, day(12)), hold(HoldReason::SignerRevoked { signer }));

    let mut lasting = Partner::made(Algorithm::Curve25519, Some("20200101T000000"), "5y");
    us.ring.trust(&dwp(), &lasting.certificate(), None, day(1)).unwrap();
    lasting.trusts(&own);
    let sealed = lasting.seals(b"lasting", "x", &at("20200201T000000"));
    for receipt in [day(31 + 40), day(31) - SignedDuration::from_hours(3)] {
        assert_eq!(us.opens_at(&sealed, receipt, ROOMY).unwrap_err().consequence(), hold(HoldReason::SignatureAge));
        let (verdict, opened) = us.opens_waiving(Some(&Waiver::SignatureAge), &sealed, receipt, ROOMY).unwrap();
        assert_eq!((verdict.signer.as_ref(), opened.as_slice()), (Some(lasting.fingerprint()), &b"lasting"[..]));
        assert_eq!(refused(&Waiver::Unsigned, &sealed, receipt), hold(HoldReason::SignatureAge));
    }
}

/// A signature by a pinned key over other content: no waiver of its time, or of the signer, makes it good.
#[test]
fn a_bad_signature_stays_bad() {
    let january: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let us = Us::since(KeyAlgorithm::Curve25519, january);
    let mut lasting = Partner::made(Algorithm::Curve25519, Some("20200101T000000"), "5y");
    us.ring.trust(&dwp(), &lasting.certificate(), None, january).unwrap();
    lasting.trusts(&us.ring.export_own().unwrap());
    let clock = ["--faked-system-time", "20200201T000000"];
    let signed = lasting.gpg(&[&clock[..], &["--sign", "--compress-algo", "none"]].concat(), b"a payment of 100");
    let mut forged = signed.clone();
    let place = forged.windows(3).position(|window| window == b"100").unwrap();
    forged[place] = b'9';
    let reader = us.ring.list(january).own[0].fingerprint.to_string();
    let bare = ["--no-literal", "--compress-algo", "none", "--encrypt", "-r", &reader];
    let wrap = |inside: &[u8]| lasting.gpg(&[&clock[..], &bare].concat(), inside);
    let receipts =
        [january + SignedDuration::from_hours(24 * 32), january + SignedDuration::from_hours(24 * 80), january];
    for receipt in receipts {
        us.opens_waiving(Some(&Waiver::SignatureAge), &wrap(&signed), receipt, ROOMY).unwrap();
        for waived in [Waiver::SignatureAge, Waiver::Unsigned, Waiver::Stranger] {
            let opened = us.opens_waiving(Some(&waived), &wrap(&forged), receipt, ROOMY);
            assert!(opened.is_err(), "{waived:?} at {receipt}");
        }
    }
}
