//! The calendar: each transfer date is held against the keys as they will be on that day.

use hbcourier::domain::timetable::Obligation;
use hbcourier::domain::{PartnerName, SubmissionKey};
use hbcourier::effects::clock::london;
use hbcourier::effects::pgp::KeyAlgorithm;
use hbcourier::foresight::keys::ends_before;
use jiff::Timestamp;

use super::office::{Office, YEAR, dwp};
use crate::support::partner::{Algorithm, Partner};

/// Something that is due to DWP in so many days.
fn due_in(office: &Office, days: i64) -> (Obligation, PartnerName) {
    let on = office.day(days).to_zoned(london()).date();
    let key: SubmissionKey = format!("shbe/12302/{}", on.strftime("%Y-%m")).parse().unwrap();
    (Obligation { key, extract_from: None, transfer_on: on }, dwp())
}

fn warned(office: &Office, days: &[i64]) -> Vec<String> {
    let ahead: Vec<_> = days.iter().map(|days| due_in(office, *days)).collect();
    let ends = ends_before(&office.keys, office.now(), &ahead);
    ends.into_iter().map(|ends| ends.partner.map_or("own".to_owned(), |partner| partner.to_string())).collect()
}

#[test]
fn a_gap_between_two_certificates_is_seen_and_an_overlap_is_none() {
    let (office, mut old) = (Office::of_one(), Partner::new(Algorithm::Curve25519));
    office.keys.generate("Council", KeyAlgorithm::Curve25519, office.now(), 9 * YEAR).unwrap();
    office.meets(&mut old);
    let days = [10, 40, 70, 100];
    assert_eq!(warned(&office, &days), [""; 0]);
    office.retires(Some(dwp()), old.fingerprint(), Some(office.day(50)), None).unwrap();
    assert_eq!(warned(&office, &days), ["dwp"], "nothing follows");
    let next = Partner::new(Algorithm::Curve25519);
    office.trusts(1001, &next.certificate(), Some(office.day(80))).unwrap();
    assert_eq!(warned(&office, &days), ["dwp"], "nothing on day 70");
    assert_eq!(warned(&office, &[10, 40, 100]), [""; 0], "nothing is due in the gap");
    let third = Partner::new(Algorithm::Curve25519);
    office.trusts(1001, &third.certificate(), Some(office.day(45))).unwrap();
    assert_eq!(warned(&office, &days), [""; 0], "the overlap is closed");
    office.is_sound();
}

#[test]
fn a_subkey_that_ends_first_is_seen() {
    let office = Office::of_one();
    office.keys.generate("Council", KeyAlgorithm::Curve25519, office.now(), 9 * YEAR).unwrap();
    let partner = Partner::new(Algorithm::Curve25519);
    let primary = partner.fingerprint().to_string();
    partner.gpg(&["--quick-set-expire", &primary, "60d", "*"], b"");
    office.passes(1);
    office.trusts(1001, &partner.certificate(), None).unwrap();
    assert_eq!(warned(&office, &[30]), [""; 0]);
    assert_eq!(warned(&office, &[30, 90]), ["dwp"], "its primary key lasts two years, what is sealed to does not");
}

#[test]
fn each_own_key_is_tried() {
    let office = Office::of_one();
    office.keys.generate("Council", KeyAlgorithm::Rsa3072, office.now(), YEAR).unwrap();
    let tried = office.keys.probe_own();
    assert_eq!(tried.iter().map(|(_, opens)| *opens).collect::<Vec<_>>(), [true, true]);
    let expired: Timestamp = "2010-01-01T00:00:00Z".parse().unwrap();
    office.keys.generate("Council", KeyAlgorithm::Curve25519, expired, YEAR).unwrap();
    assert!(office.keys.probe_own().iter().all(|(_, opens)| *opens), "one that has expired must still open");
}
