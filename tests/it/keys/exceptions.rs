//! Exceptions: one algorithm, one partner, one time. Messages by real GnuPG.

use hbcourier::domain::{Consequence, HoldReason, LegacyAlgorithm, PartnerName, RejectReason, Waiver};
use hbcourier::effects::pgp::OpenError;
use hbcourier::operator::{Done, KeyOrder};
use jiff::Timestamp;

use super::office::{Office, SERVICE, dwp};
use crate::support::partner::{Algorithm, Partner, SealOptions};

const LEGACY: Consequence = Consequence::Hold(HoldReason::LegacyAlgorithm);

fn except(office: &Office, uid: u32, allow: LegacyAlgorithm, until: Timestamp) -> Result<Done, String> {
    let reason = "their new software comes in March".to_owned();
    office.order(uid, KeyOrder::Except { partner: dwp(), allow, from: None, until, reason })
}

fn end(office: &Office, allow: LegacyAlgorithm) -> Result<Done, String> {
    office.order(1001, KeyOrder::EndException { partner: dwp(), allow, reason: "no longer needed".to_owned() })
}

fn acquainted() -> (Office, Partner) {
    let (office, mut partner) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    office.meets(&mut partner);
    (office, partner)
}

/// Held without, accepted with, held again after its end; of another partner held all the time.
fn is_excepted(allow: LegacyAlgorithm, options: &[&str]) {
    let (office, partner) = acquainted();
    let other: PartnerName = "other".parse().unwrap();
    let mut stranger = Partner::new(Algorithm::Curve25519);
    office.keys.trust(&other, &stranger.certificate(), None, office.now()).unwrap();
    stranger.trusts(&office.keys.export_own().unwrap());
    let both = [dwp(), other];
    let theirs = partner.seals(b"x", "x", &SealOptions::with(options));
    let others = stranger.seals(b"x", "x", &SealOptions::with(options));
    let modern = partner.seals(b"x", "x", &SealOptions::default());
    let held = |sealed: &[u8], at| office.opens_from(&both, sealed, at).expect_err("it must not open").consequence();
    assert_eq!((held(&theirs, office.now()), held(&others, office.now())), (LEGACY, LEGACY));

    let until = office.day(5);
    except(&office, 1001, allow, until).unwrap();
    let granted = office.ledger().len() as u64 - 1;
    let verdict = office.opens_from(&both, &theirs, office.now()).unwrap();
    assert_eq!((verdict.partner, verdict.exceptions), (Some(dwp()), vec![granted]));
    assert_eq!(office.opens_from(&both, &modern, office.now()).unwrap().exceptions, [0; 0], "not needed, not used");
    assert_eq!(held(&others, office.now()), LEGACY, "another partner is not excepted");
    assert_eq!(held(&theirs, until), LEGACY, "it ends by itself");
    office.passes(2);
    office.opens_from(&both, &theirs, office.now()).unwrap();
    end(&office, allow).unwrap();
    assert_eq!(held(&theirs, office.now()), LEGACY, "it was ended");
    assert!(end(&office, allow).unwrap_err().contains("no exception"));
    office.is_sound();
}

#[test]
fn triple_des() {
    is_excepted(LegacyAlgorithm::TripleDes, &["--cipher-algo", "3DES"]);
}

#[test]
fn cast5() {
    is_excepted(LegacyAlgorithm::Cast5, &["--cipher-algo", "CAST5"]);
}

#[test]
fn idea() {
    let office = Office::of_one();
    if !office.keys.has(LegacyAlgorithm::Idea) {
        let refused = except(&office, 1001, LegacyAlgorithm::Idea, office.day(5)).unwrap_err();
        return assert!(refused.contains("OpenSSL of this machine"), "{refused}");
    }
    is_excepted(LegacyAlgorithm::Idea, &["--cipher-algo", "IDEA"]);
}

#[test]
fn sha1() {
    is_excepted(LegacyAlgorithm::Sha1, &["--digest-algo", "SHA1"]);
}

#[test]
fn one_exception_is_not_another() {
    let (office, partner) = acquainted();
    except(&office, 1001, LegacyAlgorithm::TripleDes, office.day(5)).unwrap();
    let both = partner.seals(b"x", "x", &SealOptions::with(&["--cipher-algo", "3DES", "--digest-algo", "SHA1"]));
    assert_eq!(office.holds(&both, office.now()), LEGACY);
    except(&office, 1001, LegacyAlgorithm::Sha1, office.day(5)).unwrap();
    assert_eq!(office.opens(&both, office.now()).unwrap().exceptions.len(), 2);
}

/// What is excepted for one partner decrypts for all of the source, and is then judged by whose it is.
#[test]
fn never_for_who_is_not_pinned_nor_unsigned_nor_without_integrity_protection() {
    let (office, partner) = acquainted();
    for allow in [LegacyAlgorithm::Sha1, LegacyAlgorithm::TripleDes, LegacyAlgorithm::Cast5] {
        except(&office, 1001, allow, office.day(5)).unwrap();
    }
    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&office.keys.export_own().unwrap());
    let old = ["--cipher-algo", "3DES", "--digest-algo", "SHA1"];
    let sealed = stranger.seals(b"x", "x", &SealOptions::with(&old));
    // As if nobody were excepted: so no release is offered, which would only meet the old algorithm.
    assert!(matches!(office.opens(&sealed, office.now()), Err(OpenError::LegacyAlgorithm)));
    let unsigned = partner.seals(b"x", "x", &SealOptions { sign: false, ..SealOptions::with(&old) });
    assert_eq!(office.holds(&unsigned, office.now()), Consequence::Hold(HoldReason::LegacyAlgorithm));
    assert_eq!(Waiver::of(&HoldReason::LegacyAlgorithm), None);
    let md5 = SealOptions::with(&["--digest-algo", "MD5", "--allow-weak-digest-algos"]);
    assert_eq!(office.holds(&partner.seals(b"x", "x", &md5), office.now()), LEGACY, "nothing covers MD5");

    let mut broken = partner.seals(b"x", "x", &SealOptions::with(&["--cipher-algo", "CAST5"]));
    let last = broken.len() - 1;
    broken[last] ^= 1;
    assert_eq!(office.holds(&broken, office.now()), Consequence::Hold(HoldReason::Tampered));
    let without = ["--rfc2440", "--cipher-algo", "3DES", "--digest-algo", "SHA1", "--disable-mdc"];
    let without = partner.seals(&[b'x'; 2000], "x", &SealOptions::with(&without));
    assert_eq!(office.holds(&without, office.now()), Consequence::Reject(RejectReason::NoIntegrity));
}

#[test]
fn a_weak_key_of_a_partner() {
    let office = Office::of_one();
    let mut partner = Partner::with_keys("rsa1024", "cv25519");
    let refused = office.trusts(1001, &partner.certificate(), None).unwrap_err();
    assert!(refused.contains("no longer safe"), "{refused}");
    except(&office, 1001, LegacyAlgorithm::Rsa1024, office.day(30)).unwrap();
    office.meets(&mut partner);
    let sealed = partner.seals(b"x", "x", &SealOptions::default());
    assert_eq!(office.opens(&sealed, office.now()).unwrap().exceptions.len(), 1);
    let facts = &office.keys.list(office.now()).partners[0].1;
    assert!(facts.can_sign && !facts.can_encrypt, "nothing is sealed by exception");
    office.passes(31);
    assert_eq!(office.holds(&sealed, office.now()), LEGACY);
    office.is_sound();
}

#[test]
fn an_exception_takes_two_people_and_has_bounds() {
    let office = Office::of_two();
    let (sha1, until) = (LegacyAlgorithm::Sha1, office.day(90));
    let says = |done: Result<Done, String>| done.map(|done| done.says).unwrap_or_else(|says| says);
    for nobody in [0, SERVICE] {
        assert!(says(except(&office, nobody, sha1, until)).contains("takes the role keymaster"));
    }
    assert!(says(except(&office, 1001, sha1, until)).starts_with("Proposed"));
    assert!(says(except(&office, 1001, sha1, until)).contains("waits for a second person"));
    assert!(office.keys.rules().exceptions().is_empty());
    assert!(says(except(&office, 1002, sha1, office.day(91))).starts_with("Proposed"), "another date is another thing");
    assert!(says(except(&office, 1002, sha1, until)).contains("may use sha1"));
    assert_eq!(office.keys.rules().exceptions().len(), 1);
    assert!(says(except(&office, 1003, sha1, office.day(91))).contains("already"), "one at a time");
    assert!(says(except(&office, 1001, LegacyAlgorithm::Cast5, office.day(367))).contains("twelve months"));
    assert!(says(except(&office, 1001, LegacyAlgorithm::Cast5, office.now())).contains("over before"));
    end(&office, sha1).unwrap();
    let events = office.events();
    for event in ["exception-proposed", "exception-granted", "exception-ended"] {
        assert!(events.iter().any(|word| word == event), "{events:?}");
    }
    office.is_sound();
}
