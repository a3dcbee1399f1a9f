//! What we seal: GnuPG opens and verifies it, and so do we; nothing is sealed for a key that is no good.

use std::io::{self, Cursor};

use hbcourier::domain::{DeferCause, Digest};
use hbcourier::effects::pgp::{KeyAlgorithm, KeyProblem, OpenRequest, Opener, SealError, Signers};
use jiff::{SignedDuration, Timestamp};

use super::{Full, ROOMY, Us, acquainted, content, dwp};
use crate::support::partner::{Algorithm, Partner};

fn gnupg_opens(ours: KeyAlgorithm, theirs: Algorithm) {
    let us = Us::new(ours);
    let mut partner = Partner::new(theirs);
    us.meet(&mut partner);
    let own = us.ring.list(Timestamp::now()).own[0].fingerprint.clone();
    for size in [0, 200_000] {
        let sent = content(size);
        let (facts, sealed) = us.seals(&sent, Timestamp::now()).unwrap();
        assert_eq!((facts.content, facts.content_bytes), (Digest::of(&sent), size as u64));
        assert_eq!((facts.sealed, facts.sealed_bytes), (Digest::of(&sealed), sealed.len() as u64));

        let opened = partner.opens(&sealed);
        assert!(opened.content == sent && opened.good_signature);
        assert_eq!(opened.signer.as_ref(), Some(&own));
        assert_eq!(opened.file_name, "return.txt");

        let request =
            OpenRequest { at: Timestamp::now(), signers: Signers::Own, plaintext_bytes_max: ROOMY, waived: None };
        let mut again = Vec::new();
        let verdict = us.ring.open(&mut Cursor::new(&sealed), &mut again, &request).unwrap();
        assert!(again == sent, "our own archive key opens it");
        assert_eq!((verdict.signer, verdict.partner), (Some(own.clone()), None));
        assert!(us.opens(&sealed).is_err(), "what we signed is not from the partner");
    }
}

#[test]
fn curve25519_for_gnupg() {
    gnupg_opens(KeyAlgorithm::Curve25519, Algorithm::Curve25519);
}

#[test]
fn rsa_for_gnupg() {
    gnupg_opens(KeyAlgorithm::Rsa3072, Algorithm::Rsa3072);
}

/// RFC 9580 §5.13.1: version 1 is what GnuPG 2.2 and PGP read.
#[test]
fn the_container_is_the_one_everybody_reads() {
    let (us, partner) = acquainted();
    let (_, sealed) = us.seals(b"x", Timestamp::now()).unwrap();
    assert!(sealed[0] & 0x80 != 0, "binary");
    let packets = String::from_utf8(partner.gpg(&["--list-packets"], &sealed)).unwrap();
    assert_eq!(packets.matches(":pubkey enc packet: version 3").count(), 2, "the partner's key and ours: {packets}");
    assert!(packets.contains("mdc_method: 2"), "{packets}");
    assert!(!packets.contains(":compressed packet"), "{packets}");
}

#[test]
fn never_for_a_revoked_or_expired_primary_key() {
    let (us, partner) = acquainted();
    us.seals(b"x", Timestamp::now()).unwrap();
    let later = Timestamp::now() + SignedDuration::from_hours(24 * 365 * 3);
    let refused = us.seals(b"x", later).unwrap_err();
    assert!(matches!(refused, SealError::PartnerKeyUnusable { problem: KeyProblem::Expired, .. }), "{refused}");
    assert_eq!(refused.cause(), DeferCause::PartnerKeyUnusable);
    let primary = partner.fingerprint().to_string();
    partner.gpg(&["--quick-set-expire", &primary, "6y", "*"], b"");
    us.ring.trust(&dwp(), &partner.certificate(), None, Timestamp::now()).unwrap();
    let refused = us.seals(b"x", later).unwrap_err();
    assert!(
        matches!(refused, SealError::PartnerKeyUnusable { problem: KeyProblem::Expired, .. }),
        "a live subkey: {refused}"
    );

    partner.revokes();
    us.ring.trust(&dwp(), &partner.certificate(), None, Timestamp::now()).unwrap();
    let refused = us.seals(b"x", Timestamp::now()).unwrap_err();
    assert!(matches!(refused, SealError::PartnerKeyUnusable { problem: KeyProblem::Revoked, .. }), "{refused}");
}

#[test]
fn what_is_missing_is_named() {
    let us = Us::new(KeyAlgorithm::Curve25519);
    let refused = us.seals(b"x", Timestamp::now()).unwrap_err();
    assert!(matches!(refused, SealError::NoCertificate { .. }), "{refused}");

    let (us, _partner) = acquainted();
    let refused = us.seals(b"x", Timestamp::now() - SignedDuration::from_hours(48)).unwrap_err();
    assert!(matches!(refused, SealError::OwnKeyUnusable { problem: KeyProblem::NotYetValid, .. }), "{refused}");
    std::fs::remove_dir_all(us.state.path().join("keys/own")).unwrap();
    let refused = us.seals(b"x", Timestamp::now()).unwrap_err();
    assert!(matches!(refused, SealError::NoOwnKey), "{refused}");
}

#[test]
fn a_full_disk_says_so() {
    use hbcourier::effects::pgp::{SealRequest, Sealer};
    let (us, _partner) = acquainted();
    let to = [dwp()];
    let request = SealRequest { to: &to, file_name: "x", at: Timestamp::now(), armour: false };
    let refused = us.ring.seal(&mut Cursor::new(content(3_000_000)), &mut Full, &request).unwrap_err();
    assert!(matches!(&refused, SealError::Write(error) if error.kind() == io::ErrorKind::StorageFull), "{refused:?}");
}
