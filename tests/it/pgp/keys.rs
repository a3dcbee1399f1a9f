//! Keys on disk: trusted only by order, noticed when they change, and never silently missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hbcourier::domain::{Consequence, DeferCause, HoldReason};
use hbcourier::effects::pgp::{KeyAlgorithm, KeyFault, KeyProblem, KeyRing, TrustError};
use jiff::{SignedDuration, Timestamp};

use super::{Us, acquainted, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

#[test]
fn what_is_not_trusted() {
    let us = Us::new(KeyAlgorithm::Curve25519);
    let (one, two) = (Partner::new(Algorithm::Curve25519), Partner::new(Algorithm::Curve25519));
    let now = Timestamp::now();
    let trust = |bytes: &[u8]| us.ring.trust(&dwp(), bytes, Some(one.fingerprint()), now);

    assert!(matches!(trust(&one.secret_key()), Err(TrustError::SecretKey)));
    assert!(matches!(trust(&[one.certificate(), two.certificate()].concat()), Err(TrustError::SeveralCertificates)));
    let rings = [&one, &two].map(|partner| partner.gpg(&["--export"], b""));
    assert!(matches!(trust(&rings.concat()), Err(TrustError::SeveralCertificates)));
    assert!(matches!(trust(&two.certificate()), Err(TrustError::OtherFingerprint { .. })));
    assert!(matches!(trust(b"%PDF-1.4"), Err(TrustError::NotACertificate)));
    let expired = us.ring.trust(&dwp(), &Partner::expired().certificate(), None, now);
    assert!(matches!(expired, Err(TrustError::Unusable { problem: KeyProblem::Expired, .. })));
    one.revokes();
    assert!(matches!(trust(&one.certificate()), Err(TrustError::Unusable { problem: KeyProblem::Revoked, .. })));

    assert!(us.ring.list(now).partners.is_empty(), "none of them was kept");
    assert!(!us.state.path().join("keys/partner").exists());
}

#[test]
fn a_listing_says_what_is_good_until_when() {
    let us = Us::new(KeyAlgorithm::Rsa3072);
    let partner = Partner::new(Algorithm::Curve25519);
    let now = Timestamp::now();
    let trusted = us.ring.trust(&dwp(), &partner.certificate(), None, now).unwrap();
    assert!(!trusted.renewed);
    let listing = us.ring.list(now);
    assert!(listing.faults.is_empty());
    let own = &listing.own[0];
    assert_eq!((own.algorithm.as_str(), own.can_sign, own.can_encrypt, own.problem), ("RSA 3072", true, true, None));
    let (name, theirs) = &listing.partners[0];
    assert_eq!((name, &theirs.fingerprint), (&dwp(), partner.fingerprint()));
    let expires = theirs.expires.unwrap();
    let days = expires.duration_since(now).as_hours() / 24;
    assert!((729..=730).contains(&days), "two years: {days} days");
    let after = us.ring.list(expires + SignedDuration::from_secs(1));
    assert_eq!(after.partners[0].1.problem, Some(KeyProblem::Expired));
}

#[test]
fn a_renewal_is_merged_and_an_older_copy_undoes_nothing() {
    let (us, partner) = acquainted();
    let first = partner.certificate();
    let now = Timestamp::now();
    let expires = || us.ring.list(now).partners[0].1.expires.unwrap();
    let before = expires();
    partner.renews("5y");
    assert!(us.ring.trust(&dwp(), &partner.certificate(), None, now).unwrap().renewed);
    // The renewal's signatures may be a second younger than `now`.
    let listed = |at| us.ring.list(at).partners[0].1.expires.unwrap();
    let soon = now + SignedDuration::from_secs(5);
    assert!(listed(soon) > before + SignedDuration::from_hours(24 * 365 * 2));
    us.ring.trust(&dwp(), &first, None, now).unwrap();
    assert!(listed(soon) > before + SignedDuration::from_hours(24 * 365 * 2), "still the renewed one");
    let pinned = fs::read_dir(us.state.path().join("keys/partner/dwp")).unwrap().count();
    assert_eq!(pinned, 1);
}

#[test]
fn only_the_fingerprints_that_the_configuration_names() {
    let (us, partner) = acquainted();
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let mut ring = KeyRing::at(us.state.path());
    ring.restrict(&dwp(), &["0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap()]);
    let restricted = Us { ring, ..us };
    assert_eq!(restricted.holds(&sealed), Consequence::Hold(HoldReason::Stranger));
    let mut ring = KeyRing::at(restricted.state.path());
    ring.restrict(&dwp(), &[partner.fingerprint().clone()]);
    Us { ring, ..restricted }.opens(&sealed).unwrap();
}

#[test]
fn a_key_that_cannot_be_read_defers_and_is_noticed_when_mended() {
    let (us, partner) = acquainted();
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    let own = us.state.path().join("keys/own");
    let file = fs::read_dir(&own).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
    us.opens(&sealed).unwrap();

    let defer = Consequence::Defer(DeferCause::KeyUnreadable);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(us.holds(&sealed), defer, "open to others");
    assert!(matches!(us.ring.list(Timestamp::now()).faults[..], [(None, KeyFault::Exposed { .. })]));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    us.opens(&sealed).unwrap();

    let kept = fs::read(&file).unwrap();
    fs::write(&file, &kept[..kept.len() / 2]).unwrap();
    assert_eq!(us.holds(&sealed), defer, "damaged");
    fs::write(&file, &kept).unwrap();
    us.opens(&sealed).unwrap();

    fs::remove_file(&file).unwrap();
    assert_eq!(us.holds(&sealed), defer, "lost");
    fs::write(&file, &kept).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    us.opens(&sealed).unwrap();

    let theirs = us.state.path().join(format!("keys/partner/dwp/{}.asc", partner.fingerprint()));
    let kept = fs::read(&theirs).unwrap();
    fs::write(&theirs, b"rubbish").unwrap();
    assert_eq!(us.holds(&sealed), defer, "not a stranger: we cannot tell");
    fs::write(&theirs, partner.secret_key()).unwrap();
    assert_eq!(us.holds(&sealed), defer, "a secret key is not a certificate");
    fs::write(&theirs, &kept).unwrap();
    us.opens(&sealed).unwrap();
}

/// What a person is shown names the file below the state directory, not where that is.
#[test]
fn faults_do_not_tell_where_the_state_directory_is() {
    let us = Us::new(KeyAlgorithm::Curve25519);
    let stray = us.state.path().join("keys/own/stray.asc");
    fs::write(&stray, b"rubbish").unwrap();
    fs::set_permissions(&stray, fs::Permissions::from_mode(0o600)).unwrap();
    let listing = us.ring.list(Timestamp::now());
    assert_eq!(listing.own.len(), 1, "the good key still counts");
    let says = listing.faults[0].1.to_string();
    assert!(says.contains("keys/own/stray.asc") && !says.contains(us.state.path().to_str().unwrap()), "{says}");
}
