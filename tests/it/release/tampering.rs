//! A release that somebody puts into the store by hand.

use hbcourier::store::Queries;
use jiff::Timestamp;
use rusqlite::Connection;

use super::desk::Desk;
use super::events_of;
use super::people::{Staff, approval, approves};
use crate::inbound::laid_xml;
use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// Sets the held one back to the start, with a release of its own making that names this entry.
fn forge(council: &Council, entry: u64) {
    let raw = Connection::open(council.state.join("store.sqlite")).unwrap();
    let forged = format!(
        r#"UPDATE consignment SET word = 'collected', due_at = 1, standing = '{{"is":"collected","at":"2020-01-01T00:00:00Z"}}';
           INSERT INTO release SELECT id, '{{"finding":"unsigned"}}', {entry} FROM consignment"#
    );
    raw.execute_batch(&forged).unwrap();
}

#[test]
fn one_that_was_used_and_is_put_back_is_refused() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    // Whoever opens it finds a second thing, so that the release ends without a delivery.
    let broken = b"%PDF-1.4\nno end";
    council.start();
    council.drops("1.pgp", &dwp.seals(broken, "LAID.pdf", &unsigned));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    let one = council.consignments().remove(0);
    approves(&council, staff.anna, &one).unwrap();
    approves(&council, staff.bela, &one).unwrap();
    council.until("it is held anew", |council| council.all_rest(1) && council.codes() == ["CN-117"]);
    council.stops_well();
    let entries = council.entries();
    let released = entries.iter().find(|entry| entry["event"] == "released").unwrap();
    forge(&council, released["seq"].as_u64().unwrap());
    assert_eq!(council.json(&["audit", "verify"])["ok"], false);
    council.start();
    council.until("it is held for that", |council| council.codes() == ["CN-156"]);
    assert!(council.delivered().is_empty());
    council.stops_well();
}

#[test]
fn by_hand_is_refused_by_the_flow_and_found_by_verification() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    for approved in [false, true] {
        let mut council = Council::new(&mut dwp);
        let staff = Staff::of(&council);
        let unsigned = SealOptions { sign: false, ..SealOptions::default() };
        council.start();
        council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &unsigned));
        council.until("it is held", |council| council.codes() == ["CN-105"]);
        council.stops_well();
        let one = council.consignments().remove(0);
        if approved {
            // One person did approve it.
            let policy = hbcourier::config::load(&council.config).unwrap().digest;
            let desk = Desk::over(&council.state, Timestamp::now(), policy);
            desk.gives(staff.anna, "anna", &approval(&one, "they confirmed it")).unwrap();
        }
        let events = council.entries();
        let about = if approved { "release-approved" } else { "held" };
        forge(&council, events.iter().find(|entry| entry["event"] == about).unwrap()["seq"].as_u64().unwrap());
        let verdict = council.json(&["audit", "verify"]);
        assert_eq!(verdict["ok"], false, "{verdict}");
        council.start();
        council.until("it is held for that", |council| council.codes() == ["CN-156"]);
        assert!(council.delivered().is_empty() && council.hidden_parts().is_empty());
        assert!(council.store().unwrap().release(&one.id).unwrap().is_none());
        assert!(!events_of(&council, &one).contains(&"staged".to_owned()));
        council.stops_well();
    }
}
