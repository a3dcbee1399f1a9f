//! Released by two people at the running service, and delivered: each finding that has a release.

use hbcourier::cli::demo::samples;
use hbcourier::domain::Digest;
use hbcourier::effects::pgp::KeyRing;
use hbcourier::store::Queries;
use jiff::{SignedDuration, Timestamp};

use super::people::{Staff, approval, approves, orders};
use super::{events_of, the_held_one};
use crate::inbound::laid_xml;
use crate::support::council::{Council, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::risk::workbook;

fn unsigned() -> SealOptions {
    SealOptions { sign: false, ..SealOptions::default() }
}

/// A route that takes XML takes it with this root element only.
fn accepts_laids_only(route: &mut toml::Table) {
    if route["kinds"].as_array().unwrap().iter().any(|kind| kind.as_str() == Some("laid-xml")) {
        route.insert("xml_roots".into(), toml::Value::Array(vec!["LAID".into()]));
    }
}

fn clock(days_ago: i32) -> String {
    (Timestamp::now() - SignedDuration::from_hours(24) * days_ago).strftime("%Y%m%dT%H%M%S").to_string()
}

#[test]
fn what_nobody_signed_is_delivered_when_a_second_person_agrees() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    council.start();
    council.drops("LAID.xml.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &unsigned()));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    let one = the_held_one(&council);
    let id = one.id.to_string();

    let first = approves(&council, staff.anna, &one).unwrap();
    assert!(first.contains("second, different person"), "{first}");
    assert_eq!((council.codes(), council.delivered().len()), (vec!["CN-105"], 0), "one person releases nothing");
    let held = council.held();
    assert_eq!(
        (held[0]["approvals"].as_array().unwrap().len(), &held[0]["sha256"]),
        (1, &one.sealed_digest.to_string().into())
    );
    let shown = council.json(&["held", "show", &id]);
    assert_eq!((&shown["release"]["possible"], &shown["release"]["needed"]), (&true.into(), &1.into()), "{shown}");
    let next = shown["release"]["next"].as_str().unwrap();
    assert!(next.contains(&one.sealed_digest.to_string()) && next.contains("CN-105"), "{next}");

    let again = approves(&council, staff.anna, &one).unwrap_err();
    assert!(again.contains("already") && again.contains("different person"), "{again}");
    let second = approves(&council, staff.bela, &one).unwrap();
    assert!(second.contains("is released by"), "{second}");
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    assert_eq!(council.delivered_digests(), [Digest::of(&laid_xml(1))]);

    let told = ["collected", "held", "release-approved", "order-refused", "released", "staged", "delivered", "closed"];
    assert_eq!(events_of(&council, &one), told);
    let entries = council.entries();
    let of = |event: &str| entries.iter().find(|entry| entry["event"] == event).unwrap();
    assert_eq!(of("release-approved")["actor"]["account"]["uid"], staff.anna);
    let released = of("released");
    assert_eq!(released["actor"]["account"]["uid"], staff.bela);
    assert_eq!((&released["approved"], &released["code"]), (&of("release-approved")["seq"], &"CN-105".into()));
    assert_eq!(released["sealed"], one.sealed_digest.to_string());
    assert_eq!(
        released["config"],
        of("service-started")["config"],
        "the policy version is that of the settings in force"
    );
    for event in ["staged", "delivered"] {
        assert_eq!(of(event)["release"], released["seq"], "{event}");
        assert!(of(event).get("fingerprint").is_none(), "nobody signed it");
    }
    council.ledger();
    assert!(council.store().unwrap().release(&one.id).unwrap().is_none(), "it is used up");

    let shown = String::from_utf8(succeeded(council.runs(&["transfers", "show", &id]))).unwrap();
    assert!(shown.contains("Released") && shown.contains("anna (") && shown.contains("bela ("), "{shown}");
    let why = council.json(&["transfers", "why", &id]);
    let rules = why["rules"].as_array().unwrap();
    let signature = rules.iter().find(|rule| rule["rule"] == "signature").unwrap();
    let says = signature["says"].as_str().unwrap();
    assert!(says.contains("set aside by ") && says.contains("anna"), "{signature}");
    assert!(why["says"].as_str().unwrap().contains("every rule was met but one"), "{why}");

    // The same bytes once more are another transfer, which nobody has released.
    council.drops("LAID-again.xml.pgp", &dwp.seals(&laid_xml(2), "LAID.xml", &unsigned()));
    council.until("the next one is held", |council| council.codes() == ["CN-105"]);
    assert_eq!(council.delivered().len(), 1);
    council.stops_well();
}

/// Held for this, released by two people, delivered as it was sent.
fn released(council: &mut Council, staff: &Staff, name: &str, sealed: &[u8], (code, content): (&str, &[u8])) {
    let (count, before) = (council.consignments().len() + 1, council.delivered().len());
    council.drops(name, sealed);
    council.until(&format!("{name} is held as {code}"), |council| council.all_rest(count) && council.codes() == [code]);
    let one = the_held_one(council);
    approves(council, staff.anna, &one).unwrap();
    approves(council, staff.bela, &one).unwrap();
    council.until("it rests", |council| council.all_rest(count));
    assert_eq!(council.codes(), [""; 0], "{code}: {:#?}", council.held());
    let delivered = council.delivered_digests();
    assert!(delivered.len() > before && delivered.contains(&Digest::of(content)), "{code}");
}

#[test]
fn each_finding_that_has_a_release_is_set_aside() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    council.changes_routes(accepts_laids_only);
    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&council.own_certificate);
    let mut brief = Partner::made(Algorithm::Curve25519, Some(&clock(10)), "8d");
    let mut slow = Partner::made(Algorithm::Curve25519, Some(&clock(100)), "5y");
    let ring = KeyRing::at(&council.state);
    for partner in [&mut brief, &mut slow] {
        let nine_days_ago = Timestamp::now() - SignedDuration::from_hours(24 * 9);
        ring.trust(&"dwp".parse().unwrap(), &partner.certificate(), None, nine_days_ago).unwrap();
        partner.trusts(&council.own_certificate);
    }
    council.start();
    let signed_ago = |partner: &Partner, days: i32, content: &[u8]| {
        let extra = ["--ignore-time-conflict", "--ignore-valid-from"];
        partner.seals(content, "LAID.xml", &SealOptions { clock: Some(clock(days)), ..SealOptions::with(&extra) })
    };
    let xml = laid_xml;
    let plain = SealOptions::default();
    released(&mut council, &staff, "1.pgp", &stranger.seals(&xml(1), "LAID.xml", &plain), ("CN-106", &xml(1)));
    released(&mut council, &staff, "2.pgp", &signed_ago(&brief, 5, &xml(2)), ("CN-109", &xml(2)));
    released(&mut council, &staff, "3.pgp", &signed_ago(&slow, 40, &xml(3)), ("CN-113", &xml(3)));
    let acts = samples::laid_pdf();
    let at = acts.windows(4).position(|window| window == b"xref").unwrap();
    let acts = [&acts[..at], b"4 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj\n", &acts[at..]].concat();
    released(&mut council, &staff, "4.pgp", &dwp.seals(&acts, "LAID.pdf", &plain), ("CN-117", &acts));
    let ragged = [&samples::caseload_risk(20)[..], b"one,more\r\n"].concat();
    released(&mut council, &staff, "5.pgp", &dwp.seals(&ragged, "AOBWR627_LAID_RISK.csv", &plain), ("CN-117", &ragged));
    let macros = workbook("risk-macros.xlsm");
    released(
        &mut council,
        &staff,
        "6.pgp",
        &dwp.seals(&macros, "AOBWR627_12302_RISK.xlsm", &plain),
        ("CN-151", &macros),
    );
    let other_root = b"<Batch/>".to_vec();
    released(&mut council, &staff, "7.pgp", &dwp.seals(&other_root, "LAID.xml", &plain), ("CN-155", &other_root));
    // The same content, which was delivered: once more, and not a third time by itself.
    let (before, sealed) = (council.delivered().len(), dwp.seals(&xml(1), "LAID.xml", &plain));
    released(&mut council, &staff, "8.pgp", &sealed, ("CN-114", &xml(1)));
    assert_eq!(council.delivered().len(), before + 1);
    let released: Vec<String> = council
        .ledger()
        .iter()
        .filter(|entry| entry["event"] == "released")
        .map(|entry| entry["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(released, ["CN-106", "CN-109", "CN-113", "CN-117", "CN-117", "CN-151", "CN-155", "CN-114"]);
    council.stops_well();
}

#[test]
fn whatever_else_is_found_holds_it_anew() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    council.changes_routes(accepts_laids_only);
    council.start();
    let other_root = b"<Batch/>".to_vec();
    council.drops("1.pgp", &dwp.seals(&other_root, "LAID.xml", &unsigned()));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    let one = the_held_one(&council);
    approves(&council, staff.anna, &one).unwrap();
    approves(&council, staff.bela, &one).unwrap();
    council.until("it is held for the other thing", |council| council.codes() == ["CN-155"]);
    let anew = the_held_one(&council);
    assert!(council.store().unwrap().release(&one.id).unwrap().is_none(), "the release is used up");
    // As it was shown before, it cannot be approved any more.
    let stale = orders(&council, staff.anna, approval(&one, "as before")).unwrap_err();
    assert!(stale.contains("CN-155, not as CN-105"), "{stale}");
    // Released for that, it is still not signed.
    approves(&council, staff.bela, &anew).unwrap();
    approves(&council, staff.anna, &anew).unwrap();
    council.until("it is held as unsigned again", |council| council.all_rest(1) && council.codes() == ["CN-105"]);
    assert!(council.delivered().is_empty());
    let shown = council.json(&["transfers", "show", &one.id.to_string()]);
    assert_eq!((&shown["released"]["ended"], &shown["released"]["code"]), (&true.into(), &"CN-155".into()));
    council.ledger();
    council.stops_well();
}

#[test]
fn a_file_that_was_changed_between_two_approvals_is_held_for_that() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    council.start();
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &unsigned()));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    let one = the_held_one(&council);
    approves(&council, staff.anna, &one).unwrap();
    let raw = crate::support::council::files_below(&council.state.join("spool/raw"));
    let [raw] = raw.as_slice() else { panic!("one file is spooled: {raw:?}") };
    let other = dwp.seals(&laid_xml(666), "LAID.xml", &unsigned());
    std::fs::write(raw, other).unwrap();
    let refused = approves(&council, staff.bela, &one).unwrap_err();
    assert!(refused.contains("no longer the one that was collected"), "{refused}");
    assert_eq!(council.codes(), ["CN-122"]);
    let changed = the_held_one(&council);
    for uid in [staff.anna, staff.bela] {
        let refused = approves(&council, uid, &changed).unwrap_err();
        assert!(refused.contains("never released"), "{refused}");
    }
    assert!(council.delivered().is_empty() && council.store().unwrap().approvals(&one.id).unwrap().is_empty());
    assert_eq!(events_of(&council, &one)[3..], ["held", "order-refused", "order-refused", "order-refused"]);
    council.ledger();
    council.stops_well();
}

#[test]
fn what_is_rejected_stays_away_and_the_next_sending_is_welcome() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    council.start();
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &unsigned()));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    let one = the_held_one(&council);
    approves(&council, staff.anna, &one).unwrap();
    let id = one.id.to_string();
    succeeded(council.runs(&["held", "reject", &id, "--reason", "they did not send it"]));
    assert_eq!(council.codes(), ["CN-202"]);
    let refused = orders(&council, staff.bela, approval(&one, "too late")).unwrap_err();
    assert!(refused.contains("rejected, not held"), "{refused}");
    let again = council.runs(&["held", "reject", &id, "--reason", "once more"]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    council.drops("2.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    council.until("the signed one is delivered", |council| council.delivered().len() == 1 && council.all_rest(2));
    council.ledger();
    council.stops_well();
}
