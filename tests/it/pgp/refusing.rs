//! What is held or rejected, and under which reason.

use std::io::{self, Cursor, Read};

use hbcourier::domain::reason::Limit;
use hbcourier::domain::{Consequence, DeferCause, Digest, HoldReason, RejectReason};
use hbcourier::effects::pgp::{KeyAlgorithm, OpenRequest, Opener, Signers};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Full, ROOMY, Us, acquainted, content, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

fn hold(reason: HoldReason) -> Consequence {
    Consequence::Hold(reason)
}

#[test]
fn altered_anywhere() {
    let (us, partner) = acquainted();
    for (size, compress) in [(3000, "zlib"), (3000, "none"), (3_000_000, "none")] {
        let sealed = partner.seals(&content(size), "x", &SealOptions::with(&["--compress-algo", compress]));
        let length = sealed.len();
        for at in [length - 1, length - 15, length - 200, length / 2, length / 3] {
            let mut altered = sealed.clone();
            altered[at] ^= 0x10;
            assert_eq!(us.holds(&altered), hold(HoldReason::Tampered), "{size} {compress}: octet {at} of {length}");
        }
    }
    // In the session key itself. RFC 9580 §5.1: the key id ends at octet 10 of the packet.
    let mut sealed = partner.seals(b"x", "x", &SealOptions::default());
    sealed[60] ^= 1;
    assert_eq!(us.holds(&sealed), hold(HoldReason::Tampered));
}

#[test]
fn whatever_octet_is_altered_nothing_else_comes_out() {
    let (us, partner) = acquainted();
    let sent = content(300);
    for options in [SealOptions::default(), SealOptions::armoured()] {
        let sealed = partner.seals(&sent, "x", &options);
        // The message is another one every time, so a remembered case would be of no use.
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(at in 0..sealed.len(), mask in 1u8..)| {
            let mut altered = sealed.clone();
            altered[at] ^= mask;
            // The checksum of an armour and its header lines may change without harm.
            if let Ok((verdict, opened)) = us.opens(&altered) {
                prop_assert!(options.armour && opened == sent && verdict.sealed == Digest::of(&altered));
            }
        });
    }
}

/// Where the container begins, characters outside ASCII make sequoia 2.4.2 panic.
#[test]
fn armour_that_the_parser_cannot_cope_with() {
    let (us, partner) = acquainted();
    let sealed = partner.seals(&content(300), "x", &SealOptions::armoured());
    for at in (170..210).filter(|at| sealed[*at] != b'\n') {
        let mut altered = sealed.clone();
        altered[at] ^= 0x80;
        let held = us.holds(&altered);
        let expected = [HoldReason::Tampered, HoldReason::Truncated, HoldReason::OddStructure].map(hold);
        assert!(expected.contains(&held), "octet {at}: {held:?}");
    }
}

#[test]
fn cut_short_anywhere() {
    let (us, partner) = acquainted();
    for options in [SealOptions::default(), SealOptions::armoured()] {
        let sealed = partner.seals(&content(2_000_000), "x", &options);
        for kept in [0, 3, 20, 96, 300, 10_000, sealed.len() / 2, sealed.len() - 30, sealed.len() - 3] {
            assert_eq!(us.holds(&sealed[..kept]), hold(HoldReason::Truncated), "{kept} of {}", sealed.len());
        }
    }
}

#[test]
fn unsigned_stranger_and_somebody_elses_key() {
    let (us, partner) = acquainted();
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    assert_eq!(us.holds(&partner.seals(b"x", "x", &unsigned)), hold(HoldReason::Unsigned));

    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&us.ring.export_own().unwrap());
    let strange = stranger.seals(b"x", "x", &SealOptions::default());
    assert_eq!(us.holds(&strange), hold(HoldReason::Stranger));
    us.ring.trust(&"other".parse().unwrap(), &stranger.certificate(), None, Timestamp::now()).unwrap();
    assert_eq!(us.holds(&strange), hold(HoldReason::Stranger), "pinned, but for another partner");

    let misdirected = SealOptions { to: vec![partner.fingerprint().to_string()], ..SealOptions::default() };
    assert_eq!(us.holds(&partner.seals(b"x", "x", &misdirected)), hold(HoldReason::NoKey));
}

#[test]
fn a_revoked_signer() {
    let (us, partner) = acquainted();
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    us.opens(&sealed).unwrap();
    partner.revokes();
    let renewed = us.ring.trust(&dwp(), &partner.certificate(), None, Timestamp::now()).unwrap();
    assert!(renewed.renewed && renewed.facts.problem.is_some(), "a revocation is learned at once");
    let signer = partner.fingerprint().clone();
    assert_eq!(us.holds(&sealed), hold(HoldReason::SignerRevoked { signer }));
}

#[test]
fn an_expired_signer_and_the_age_of_a_signature() {
    let january: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let us = Us::since(KeyAlgorithm::Curve25519, january);
    let day = |days: i64| january + SignedDuration::from_hours(24 * days);
    let own = us.ring.export_own().unwrap();
    let at = |clock: &str| SealOptions { clock: Some(clock.into()), ..SealOptions::default() };
    let received = |sealed: &[u8], receipt| us.opens_at(sealed, receipt, ROOMY).unwrap_err().consequence();

    let mut brief = Partner::expired();
    us.ring.trust(&dwp(), &brief.certificate(), None, day(1)).unwrap();
    brief.trusts(&own);
    let sealed = brief.seals(b"x", "x", &at("20200105T000000"));
    let signer = brief.fingerprint().clone();
    assert_eq!(received(&sealed, day(12)), hold(HoldReason::SignerExpired { signer }));

    let mut lasting = Partner::made(Algorithm::Curve25519, Some("20200101T000000"), "5y");
    us.ring.trust(&dwp(), &lasting.certificate(), None, day(1)).unwrap();
    lasting.trusts(&own);
    let sealed = lasting.seals(b"x", "x", &at("20200201T000000"));
    let signed = day(31);
    us.opens_at(&sealed, signed + SignedDuration::from_hours(24 * 29), ROOMY).unwrap();
    assert_eq!(received(&sealed, signed + SignedDuration::from_hours(24 * 31)), hold(HoldReason::SignatureAge));
    assert_eq!(received(&sealed, signed - SignedDuration::from_mins(31)), hold(HoldReason::SignatureAge));
}

#[test]
fn more_than_one_message_and_other_surroundings() {
    let (us, partner) = acquainted();
    let sealed = partner.seals(&content(5000), "x", &SealOptions::default());
    let armoured = partner.seals(&content(5000), "x", &SealOptions::armoured());
    for whole in [&sealed, &armoured] {
        us.opens(whole).unwrap();
        assert_eq!(us.holds(&[whole.as_slice(), whole].concat()), hold(HoldReason::SeveralMessages));
        assert_eq!(us.holds(&[whole.as_slice(), b"and this"].concat()), hold(HoldReason::OddStructure));
        assert_eq!(us.holds(&[b"and this", whole.as_slice()].concat()), hold(HoldReason::NotOpenPgp));
    }
    let signature = partner.gpg(&["--detach-sign"], b"x");
    assert_eq!(us.holds(&[sealed.as_slice(), &signature].concat()), hold(HoldReason::OddStructure));
    assert_eq!(us.holds(&[signature.as_slice(), &sealed].concat()), hold(HoldReason::OddStructure));
}

#[test]
fn without_integrity_protection() {
    let (us, partner) = acquainted();
    let old = SealOptions::with(&["--rfc2440", "--cipher-algo", "3DES", "--disable-mdc"]);
    let sealed = partner.seals(&content(2000), "x", &old);
    assert_eq!(us.holds(&sealed), Consequence::Reject(RejectReason::NoIntegrity));
    assert_eq!(us.holds(&sealed[..sealed.len() - 10]), Consequence::Reject(RejectReason::NoIntegrity));
}

#[test]
fn legacy_algorithms() {
    let (us, partner) = acquainted();
    let cipher = SealOptions::with(&["--cipher-algo", "3DES"]);
    assert_eq!(us.holds(&partner.seals(b"x", "x", &cipher)), hold(HoldReason::LegacyAlgorithm));
    let digest = SealOptions::with(&["--digest-algo", "SHA1"]);
    assert_eq!(us.holds(&partner.seals(b"x", "x", &digest)), hold(HoldReason::LegacyAlgorithm));
}

#[test]
fn not_encrypted_or_not_for_a_key() {
    let (us, partner) = acquainted();
    let odd = hold(HoldReason::OddStructure);
    assert_eq!(us.holds(&partner.gpg(&["--sign"], b"x")), odd);
    assert_eq!(us.holds(&partner.gpg(&["--store"], b"x")), odd);
    assert_eq!(us.holds(&partner.gpg(&["--clear-sign"], b"x")), odd);
    let passphrase = ["--symmetric", "--passphrase", "known to all", "--sign"];
    assert_eq!(us.holds(&partner.gpg(&passphrase, b"x")), hold(HoldReason::NoKey));
    for none in [&b"%PDF-1.4\n"[..], b"PK\x03\x04", &partner.certificate(), b"\xff\xd8\xff\xe0", b"\n"] {
        assert_eq!(us.holds(none), hold(HoldReason::NotOpenPgp), "{:?}", &none[..none.len().min(8)]);
    }
}

#[test]
fn two_signatures() {
    let (us, partner) = acquainted();
    let second = partner.second_signer();
    let sealed = partner.seals(b"x", "x", &SealOptions::with(&["-u", &second]));
    assert_eq!(us.holds(&sealed), hold(HoldReason::OddStructure));
}

#[test]
fn limits_on_content_and_recipients() {
    let (us, partner) = acquainted();
    let bomb = partner.seals(&vec![0; 30_000_000], "x", &SealOptions::with(&["--compress-algo", "bzip2"]));
    assert!(bomb.len() < 10_000, "small as sent");
    let at = Timestamp::now();
    let refused = us.opens_at(&bomb, at, 2_000_000).unwrap_err();
    assert_eq!(refused.consequence(), hold(HoldReason::LimitReached { limit: Limit::PlaintextBytes }));
    us.opens_at(&partner.seals(&[0; 10], "x", &SealOptions::default()), at, 10).unwrap();
    let refused = us.opens_at(&partner.seals(&[0; 11], "x", &SealOptions::default()), at, 10).unwrap_err();
    assert_eq!(refused.consequence(), hold(HoldReason::LimitReached { limit: Limit::PlaintextBytes }));

    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let (session_key, rest) = sealed.split_at(2 + usize::from(sealed[1]));
    us.opens(&[session_key.repeat(16).as_slice(), rest].concat()).unwrap();
    let crowded = [session_key.repeat(17).as_slice(), rest].concat();
    assert_eq!(us.holds(&crowded), hold(HoldReason::LimitReached { limit: Limit::Recipients }));
}

struct Broken<'a>(Cursor<&'a [u8]>);

impl Read for Broken<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            n => Ok(n),
        }
    }
}

#[test]
fn our_own_trouble_is_not_the_senders() {
    let (us, partner) = acquainted();
    let sealed = partner.seals(&content(500_000), "x", &SealOptions::default());
    let from = [dwp()];
    let request = OpenRequest {
        at: Timestamp::now(),
        signers: Signers::Partners(&from),
        plaintext_bytes_max: ROOMY,
        waived: None,
    };
    for kept in [0, 50, 1000, 300_000, sealed.len()] {
        let mut broken = Broken(Cursor::new(&sealed[..kept]));
        let refused = us.ring.open(&mut broken, &mut Vec::new(), &request).unwrap_err();
        assert_eq!(refused.consequence(), Consequence::Defer(DeferCause::SpoolUnreadable), "after {kept}: {refused:?}");
    }
    let refused = us.ring.open(&mut Cursor::new(&sealed), &mut Full, &request).unwrap_err();
    assert_eq!(refused.consequence(), Consequence::Defer(DeferCause::PrivateSpace));
}
