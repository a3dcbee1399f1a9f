//! What two people cannot release, whatever they agree on.

use super::people::{Staff, approves};
use crate::inbound::laid_xml;
use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner, SealOptions};

#[test]
fn what_is_altered_cut_short_revoked_or_cannot_be_opened_has_no_release() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    council.changes_drop_folders(|folder| {
        folder.insert("patience".into(), "2s".into());
        folder.insert("settle".into(), "500ms".into());
    });
    let mut careless = Partner::new(Algorithm::Curve25519);
    council.trusts(&careless);
    careless.trusts(&council.own_certificate);
    let revoked = careless.seals(&laid_xml(5), "LAID.xml", &SealOptions::default());
    careless.revokes();
    council.trusts(&careless);
    council.start();
    let good = |number| dwp.seals(&laid_xml(number), "LAID.xml", &SealOptions::default());
    let mut tampered = good(1);
    let at = tampered.len() - 60;
    tampered[at] ^= 1;
    let whole = good(2);
    let misdirected = SealOptions { to: vec![dwp.fingerprint().to_string()], ..SealOptions::default() };
    let second = dwp.second_signer();
    let files = [
        ("CN-101", b"<?xml version=\"1.0\"?><LAID/>".to_vec()),
        ("CN-102", tampered),
        ("CN-103", whole[..whole.len() - 30].to_vec()),
        ("CN-104", dwp.seals(&laid_xml(3), "LAID.xml", &misdirected)),
        ("CN-108", revoked),
        ("CN-110", [good(8), good(9)].concat()),
        ("CN-111", dwp.seals(&laid_xml(4), "LAID.xml", &SealOptions::with(&["-u", &second]))),
        ("CN-112", dwp.seals(&laid_xml(6), "LAID.xml", &SealOptions::with(&["--cipher-algo", "3DES"]))),
        ("CN-117", dwp.seals(b"%PDF-1.4\nno end", "LAID.pdf", &SealOptions::default())),
        ("CN-119", dwp.seals(b"x,y\r\n", "AOBWR627_20101_RISK.csv", &SealOptions::default())),
    ];
    for (code, sealed) in &files {
        council.drops(&format!("{code}.pgp"), sealed);
    }
    council.until("all are held", |council| council.all_rest(files.len()));
    assert_eq!(council.codes(), files.each_ref().map(|(code, _)| *code), "{:#?}", council.held());
    for one in council.consignments() {
        for uid in [staff.anna, staff.bela] {
            let refused = approves(&council, uid, &one).unwrap_err();
            assert!(refused.contains("is never released"), "{refused}");
        }
        let shown = council.json(&["held", "show", &one.id.to_string()]);
        assert_eq!((&shown["release"]["possible"], &shown["release"]["next"]), (&false.into(), &().into()), "{shown}");
    }
    assert_eq!(council.codes(), files.each_ref().map(|(code, _)| *code), "nothing moved");
    assert!(council.delivered().is_empty());
    assert_eq!((council.events("order-refused"), council.events("released")), (2 * files.len(), 0));
    council.stops_well();
}

#[test]
fn a_return_is_not_released_and_what_to_do_is_said() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.falls_due_today();
    council.start();
    std::fs::write(council.returns.join("shbe/shbe.txt"), b"").unwrap();
    council.until("it is held", |council| council.held().iter().any(|item| item["code"] == "CN-401"));
    let key = council.held()[0]["id"].as_str().unwrap().to_owned();
    let refused = council.runs(&["held", "approve", &key, "--reason", "it is right"]);
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains("never released") && says.contains("hbcourier returns waive"), "{says}");
    let shown = council.json(&["held", "show", &key]);
    assert_eq!(shown["release"]["possible"], false);
    council.stops_well();
}
