//! What must not be let through, all in one service: each held under its own reason, the good ones not held up.

use std::process::Output;

use hbcourier::domain::Digest;
use hbcourier::effects::pgp::KeyRing;
use jiff::{SignedDuration, Timestamp};

use super::laid_xml;
use crate::support::council::{Council, drop_into, files_below, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// GnuPG's way to write a moment.
fn clock(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

/// A message by a partner whose key was good when it was pinned and when it signed, and has expired since.
fn by_an_expired_key(council: &Council, content: &[u8]) -> (Vec<u8>, String) {
    let ago = |days: i32| Timestamp::now() - DAY * days;
    let mut brief = Partner::made(Algorithm::Curve25519, Some(&clock(ago(10))), "8d");
    let dwp = "dwp".parse().unwrap();
    KeyRing::at(&council.state).trust(&dwp, &brief.certificate(), None, ago(9)).unwrap();
    brief.trusts(&council.own_certificate);
    // Our key is younger than the partner's clock says it is.
    let extra = ["--ignore-time-conflict", "--ignore-valid-from"];
    let options = SealOptions { clock: Some(clock(ago(5))), ..SealOptions::with(&extra) };
    (brief.seals(content, "LAID.xml", &options), brief.fingerprint().to_string())
}

/// A message by a partner who has revoked the key since.
fn by_a_revoked_key(council: &Council, content: &[u8]) -> Vec<u8> {
    let mut careless = Partner::new(Algorithm::Curve25519);
    council.trusts(&careless);
    careless.trusts(&council.own_certificate);
    let sealed = careless.seals(content, "LAID.xml", &SealOptions::default());
    careless.revokes();
    council.trusts(&careless);
    sealed
}

fn exit(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn each_is_held_under_its_own_reason_and_the_good_ones_flow() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.changes_drop_folders(|folder| {
        folder.insert("patience".into(), "2s".into());
        folder.insert("settle".into(), "500ms".into());
    });
    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&council.own_certificate);
    let revoked = by_a_revoked_key(&council, &laid_xml(5));
    let (expired, expired_signer) = by_an_expired_key(&council, &laid_xml(6));
    council.start();

    let good = |number| dwp.seals(&laid_xml(number), "LAID.xml", &SealOptions::default());
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    let misdirected = SealOptions { to: vec![dwp.fingerprint().to_string()], ..SealOptions::default() };
    let mut tampered = good(1);
    let at = tampered.len() - 60;
    tampered[at] ^= 1;
    let whole = good(2);
    let files = [
        ("CN-101", b"<?xml version=\"1.0\"?><LAID/>".to_vec()),
        ("CN-102", tampered),
        ("CN-103", whole[..whole.len() - 30].to_vec()),
        ("CN-104", dwp.seals(&laid_xml(3), "LAID.xml", &misdirected)),
        ("CN-105", dwp.seals(&laid_xml(4), "LAID.xml", &unsigned)),
        ("CN-106", stranger.seals(&laid_xml(7), "LAID.xml", &SealOptions::default())),
        ("CN-108", revoked),
        ("CN-109", expired),
        ("CN-110", [good(8), good(9)].concat()),
    ];
    let first = good(100);
    council.drops("good-before.pgp", &first);
    for (code, sealed) in &files {
        council.drops(&format!("{code}.pgp"), sealed);
    }
    council.drops("good-after.pgp", &good(101));
    council.until("the good ones are delivered", |council| council.delivered().len() == 2);
    // The content of a good one once more, sealed anew.
    council.drops("CN-114.pgp", &good(100));
    council.until("all twelve rest", |council| council.all_rest(12));

    let mut codes: Vec<&str> = files.iter().map(|(code, _)| *code).chain(["CN-114"]).collect();
    codes.sort_unstable();
    assert_eq!(council.codes(), codes, "{:#?}", council.held());
    let delivered = |numbers: &[usize]| {
        let mut digests: Vec<_> = numbers.iter().map(|number| Digest::of(&laid_xml(*number))).collect();
        digests.sort_unstable();
        digests
    };
    assert_eq!(council.delivered_digests(), delivered(&[100, 101]), "none of the others");
    assert!(council.dropped().is_empty() && council.hidden_parts().is_empty());

    let held = council.held();
    for item in &held {
        assert!(item["says"].as_str().unwrap().ends_with('.') && item["next"].as_str().unwrap().len() > 20, "{item}");
        assert_eq!((&item["direction"], &item["state"]), (&"in".into(), &"held".into()));
        let sealed = files.iter().find(|(code, _)| item["code"] == *code);
        assert!(sealed.is_none_or(|(_, sealed)| item["sha256"] == Digest::of(sealed).to_string()));
    }
    let of = |code: &str| held.iter().find(|item| item["code"] == code).unwrap();
    assert!(of("CN-109")["says"].as_str().unwrap().contains(&expired_signer));
    let first = council.consignments().into_iter().find(|one| one.sealed_digest == Digest::of(&first)).unwrap().id;
    let says = of("CN-114")["says"].as_str().unwrap();
    assert!(says.contains(&first.to_string()) && says.contains("was delivered"), "{says}");
    assert_eq!(exit(&council.runs(&["held", "list"])), Some(0));
    assert_eq!(exit(&council.runs(&["held", "list", "--fail-if-any"])), Some(1));

    // Mended while the service runs, and tried again.
    council.trusts(&stranger);
    let id = of("CN-106")["id"].as_str().unwrap().to_owned();
    let retry = ["held", "retry", &id, "--by", "A. Officer", "--reason", "their new key, read over the telephone"];
    succeeded(council.runs(&retry));
    council.until("the stranger's is delivered", |council| council.all_rest(12) && council.codes().len() == 9);
    assert_eq!(council.delivered_digests(), delivered(&[7, 100, 101]));

    let again = council.runs(&retry);
    assert_ne!(exit(&again), Some(0), "it is no longer held");
    assert!(String::from_utf8_lossy(&again.stderr).contains("not held"), "{again:?}");
    let unknown = council.runs(&["held", "retry", "ffffffffffff", "--reason", "x"]);
    assert!(matches!(exit(&unknown), Some(1..=3)), "{unknown:?}");
    // Tried again without anything mended, it is held again.
    let id = of("CN-105")["id"].as_str().unwrap().to_owned();
    succeeded(council.runs(&["held", "retry", &id, "--reason", "to see"]));
    council.until("it is held again", |council| council.all_rest(12) && council.codes().len() == 9);
    assert_eq!((council.events("retry-ordered"), council.events("order-refused")), (2, 1));
    council.stops_well();
}

#[test]
fn a_pack_of_nothing_and_one_of_the_same_names_are_held() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.changes_routes(|route| drop(route.insert("file_name".into(), "{name}".into())));
    let pack = |members: &[(&str, &[u8])]| hbcourier::cli::demo::samples::archive(members).unwrap();
    let same = [("a/HBSA001.csv", &b"REFERRAL,RULE\r\n1,HBSA001\r\n"[..]), ("b/HBSA001.csv", b"REFERRAL,RULE\r\n")];
    for (name, content) in [("HBMS_empty.zip", pack(&[])), ("HBMS_same.zip", pack(&same))] {
        council.drops(&format!("{name}.pgp"), &dwp.seals(&content, name, &SealOptions::default()));
    }
    council.start();
    council.until("both are held", |council| council.all_rest(2) && council.codes() == ["CN-117", "CN-126"]);
    assert!(council.delivered().is_empty() && council.hidden_parts().is_empty());
    council.stops_well();
}

#[test]
fn the_same_file_for_two_authorities_is_no_repeat() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let (drop_of_other, backoffice_of_other) = council.adds_authority("20101", "Somewhere");
    let sealed = dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default());
    council.drops("1.pgp", &sealed);
    drop_into(&drop_of_other, "1.pgp", &sealed);
    council.start();
    council.until("both are delivered", |council| council.all_rest(2) && council.codes().is_empty());
    assert_eq!((council.delivered().len(), files_below(&backoffice_of_other).len()), (1, 1));
    drop_into(&drop_of_other, "2.pgp", &sealed);
    council.until("again for the same authority", |council| council.all_rest(3) && council.codes() == ["CN-114"]);
    council.stops_well();
}
