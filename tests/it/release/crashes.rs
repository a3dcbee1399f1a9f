//! Killed at every step between the release and the delivery: delivered once, and the release used once.

use std::os::unix::process::ExitStatusExt;

use hbcourier::domain::{Consignment, Digest};
use hbcourier::store::Queries;
use jiff::Timestamp;

use super::desk::Desk;
use super::events_of;
use super::people::{Staff, approval};
use crate::inbound::laid_xml;
use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner, SealOptions};

const STEPS: [&str; 10] = [
    "open.opened",
    "stage.written",
    "stage.synced",
    "stage.directory-synced",
    "stage.recorded",
    "publish.renamed",
    "publish.directory-synced",
    "publish.recorded",
    "close.archived",
    "close.recorded",
];

/// Two people approve it while no service runs.
pub(crate) fn released(council: &Council, staff: &Staff, one: &Consignment) {
    released_by(council, &[(staff.anna, "anna"), (staff.bela, "bela")], one);
}

/// These people approve it while no service runs.
pub(crate) fn released_by(council: &Council, people: &[(u32, &str)], one: &Consignment) {
    let policy = hbcourier::config::load(&council.config).unwrap().digest;
    let desk = Desk::over(&council.state, Timestamp::now(), policy);
    for (uid, name) in people {
        desk.gives(*uid, name, &approval(one, "they confirmed it")).unwrap();
    }
}

/// Whether the step is this one or a later one.
fn done_from(first: &str, step: &str) -> bool {
    let place = |wanted: &str| STEPS.iter().position(|step| *step == wanted).unwrap();
    place(step) >= place(first)
}

#[test]
fn killed_at_every_step_it_is_delivered_once() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    council.start();
    for number in 0..STEPS.len() {
        council.drops(&format!("{number}.pgp"), &dwp.seals(&laid_xml(number), "LAID.xml", &unsigned));
    }
    council.until("all are held", |council| council.all_rest(STEPS.len()));
    council.stops_well();
    for (done, (step, one)) in STEPS.into_iter().zip(council.consignments()).enumerate() {
        released(&council, &staff, &one);
        council.start_with(&[("FAILPOINTS", &format!("{step}=return(kill)"))]);
        assert_eq!(council.ends().signal(), Some(9), "{step} is passed");
        let is_visible = done_from("publish.renamed", step);
        assert_eq!(council.delivered().len(), done + usize::from(is_visible), "{step}");
        council.start();
        council.until("it rests", |council| {
            council.all_rest(STEPS.len()) && council.codes().len() == STEPS.len() - done - 1
        });
        council.stops_well();
        let told = events_of(&council, &one);
        let delivered = told.iter().filter(|event| event.starts_with("delivered")).count();
        let count = |event: &str| told.iter().filter(|told| *told == event).count();
        assert_eq!((delivered, count("released"), count("staged"), count("held")), (1, 1, 1, 1), "{step}: {told:?}");
        assert!(council.store().unwrap().release(&one.id).unwrap().is_none(), "{step}: the release is used up");
        assert_eq!(council.delivered().len(), done + 1, "{step}");
        assert!(council.hidden_parts().is_empty(), "{step}");
    }
    let mut sent: Vec<Digest> = (0..STEPS.len()).map(|number| Digest::of(&laid_xml(number))).collect();
    sent.sort_unstable();
    assert_eq!(council.delivered_digests(), sent);
    council.ledger();
}

#[test]
fn what_waits_for_its_destination_keeps_its_release() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    council.start();
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &unsigned));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    council.stops_well();
    let one = council.consignments().remove(0);
    let (laid, away) = (council.backoffice.join("laid"), council.backoffice.join("away"));
    std::fs::rename(&laid, &away).unwrap();
    released(&council, &staff, &one);
    council.start();
    council.until("it waits", |council| council.deferred() == ["CN-303"]);
    council.kill();
    std::fs::rename(&away, &laid).unwrap();
    council.start();
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    assert_eq!(council.events("released"), 1);
    council.stops_well();
}
