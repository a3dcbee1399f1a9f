//! After a restart of the machine a rename may have been undone: what may come twice is flagged, what may not have
//! arrived is for a person.

use std::fs;

use hbcourier::domain::Stage;
use hbcourier::store::Queries;

use super::samples::Sample;
use super::scene::{Scene, kill};
use crate::support::council::{LA, files_below};

#[test]
fn a_second_publish_is_flagged() {
    let mut scene = Scene::new();
    scene.drops(&Sample::pdf(1).sealed_by(&scene.dwp));
    assert!(scene.dies_at(&kill("stage.recorded")));
    let watch = scene.watched(false);
    scene.council.start_rebooted(&[]);
    assert!(!scene.is_killed("rebooted"));
    let entries = scene.council.entries();
    let told = |event: &str| entries.iter().filter(|entry| entry["event"] == event).count();
    assert_eq!((told("possible-republish"), told("delivered-recovered")), (1, 1));
    let boots: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry["boot"].as_str().unwrap()).collect();
    assert_eq!(boots.len(), 2, "the ledger knows that the machine was restarted");
    scene.zeros(watch, 1, "rebooted");
}

/// A return is placed and taken by the transport, and the service is killed before it records that. The other return is
/// handed in only then: the two would be sent beside each other, and killed anywhere.
fn taken_by_the_transport() -> Scene {
    let mut scene = Scene::new();
    scene.returns().hands_in_shbe(LA);
    assert!(scene.dies_at(&kill("send.committed")));
    let placed = files_below(&scene.council.outgoing);
    assert_eq!(placed.len(), 1, "{placed:?}");
    fs::remove_file(&placed[0]).unwrap();
    scene.returns().hands_in_workbook(LA);
    scene
}

#[test]
fn a_return_that_the_transport_took_is_sent() {
    let mut scene = taken_by_the_transport();
    scene.completes();
    assert_eq!(files_below(&scene.council.outgoing).len(), 1, "the other one; this one is not placed again");
    let recovered = scene.council.entries().iter().filter(|entry| entry["event"] == "sent-recovered").count();
    assert_eq!(recovered, 1);
    scene.council.ledger();
}

#[test]
fn a_return_that_may_have_been_undone_is_uncertain() {
    let mut scene = taken_by_the_transport();
    scene.council.start_rebooted(&[]);
    let uncertain =
        |scene: &Scene| scene.submissions().iter().filter(|one| matches!(one.stage, Stage::Uncertain { .. })).count();
    let alarmed = |scene: &Scene| {
        let alarms = scene.council.store().and_then(|store| store.alarms().ok()).unwrap_or_default();
        alarms.iter().any(|alarm| alarm.code == "CN-515")
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(90);
    while !(uncertain(&scene) == 1 && alarmed(&scene)) {
        assert!(std::time::Instant::now() < deadline, "{}", scene.council.log());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(scene.council.stop().success());
    assert!(files_below(&scene.council.outgoing).len() <= 1, "it is not sent again by itself");
    scene.council.ledger();
}
