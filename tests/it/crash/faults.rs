//! Errors of the system and faults of our own at every named step: tried again, deferred or held, and recorded.

use hbcourier::store::Queries;

use super::samples::{Sample, Sealed};
use super::scene::Scene;
use super::{length, steps};
use crate::support::council::{Council, LA};

const EIO: u32 = 5;
const ENOSPC: u32 = 28;

/// What the ledger tells of a single failure at this step; `None` where it is only tried again.
fn told_as(step: &str) -> Option<&'static str> {
    match step {
        "open.opened" => Some("deferred"),
        _ if step.starts_with("stage.") => Some("deferred"),
        // A part that has its final name in spite of the error is published.
        "publish.renamed" => None,
        "publish.directory-synced" => Some("deferred"),
        _ if step.starts_with("seal.") => Some("alarm-raised"),
        "send.prepared" | "send.recorded" => Some("send-deferred"),
        _ => None,
    }
}

/// In an ordinary run each step with one of the two errors, in a long one (`HBCOURIER_CRASH_ERRORS=2`) with both.
#[test]
fn an_error_at_every_step() {
    let mut scene = Scene::new();
    let files = scene.one_of_each();
    // An error once a return is visible leaves it to a person: `outbound::crashes`.
    for (at, step) in steps().into_iter().filter(|step| *step != "send.placed").enumerate() {
        for which in 0..length("HBCOURIER_CRASH_ERRORS", 1) {
            let errno = if (at + which) % 2 == 0 { EIO } else { ENOSPC };
            scene.sets_back();
            files.iter().for_each(|sealed| scene.drops(sealed));
            scene.hands_in_returns(LA);
            let what = format!("{step} failed with errno {errno}");
            let watch = scene.watched(false);
            assert!(!scene.dies_at(&format!("{step}=1*return({errno})")), "{what}");
            if let Some(event) = told_as(step) {
                let told = scene.council.entries().iter().any(|entry| entry["event"] == event);
                assert!(told, "{what}, and no entry says {event}");
            }
            println!("{what}: {}", scene.zeros(watch, 0, &what));
        }
    }
}

fn alarm(council: &Council, code: &str) -> bool {
    let alarms = council.store().and_then(|store| store.alarms().ok()).unwrap_or_default();
    alarms.iter().any(|alarm| alarm.code == code)
}

/// An error that stays is told, and nothing leaves the drop folder; once it is gone all goes on.
#[test]
fn an_error_that_stays_below_the_state_directory() {
    let mut scene = Scene::new();
    scene.drops(&Sample::pdf(1).sealed_by(&scene.dwp));
    let watch = scene.watched(false);
    for (step, errno, code) in [("collect.synced", EIO, "CN-517"), ("collect.named", ENOSPC, "CN-505")] {
        let failpoints = format!("{step}=return({errno})");
        scene.council.start_with(&[("FAILPOINTS", &failpoints)]);
        scene.council.until(code, |council| alarm(council, code));
        assert_eq!(scene.dropped().len(), 1);
        scene.council.kill();
    }
    scene.completes();
    assert!(!alarm(&scene.council, "CN-505") && !alarm(&scene.council, "CN-517"), "well again");
    scene.zeros(watch, 2, "an error that stays");
}

/// Twenty files meet it at once, and the service goes on.
#[test]
fn an_error_that_stays_at_the_destination() {
    let mut scene = Scene::new();
    let files: Vec<Sealed> = (0..20).map(|number| Sample::xml(number, 100).sealed_by(&scene.dwp)).collect();
    files.iter().for_each(|sealed| scene.drops(sealed));
    let watch = scene.watched(false);
    // Everybody looks before anybody tells.
    scene.council.start_with(&[("FAILPOINTS", "stage.synced=return(5);alarm.looked=sleep(50)")]);
    scene.council.until("all are deferred", |council| {
        let all = council.consignments();
        all.len() == files.len() && all.iter().all(|one| one.standing.word() == "deferred")
    });
    assert!(alarm(&scene.council, "CN-507"));
    assert!(scene.council.stop().success(), "{}", scene.council.log());
    scene.completes();
    assert!(!alarm(&scene.council, "CN-507"), "well again");
    scene.zeros(watch, 0, "an error that stays at the destination");
}

/// What is delivered stays delivered; that its original cannot be archived is told, and tried again.
#[test]
fn an_error_that_stays_in_the_archive() {
    let mut scene = Scene::new();
    scene.drops(&Sample::pdf(1).sealed_by(&scene.dwp));
    let watch = scene.watched(false);
    scene.council.start_with(&[("FAILPOINTS", "close.archived=return(5)")]);
    scene.council.until("CN-518", |council| alarm(council, "CN-518"));
    scene.drops(&Sample::pdf(2).sealed_by(&scene.dwp));
    scene.council.until("the next one is delivered", |council| council.delivered().len() == 2);
    assert!(scene.council.stop().success(), "{}", scene.council.log());
    scene.completes();
    assert!(!alarm(&scene.council, "CN-518"), "well again");
    scene.zeros(watch, 0, "an error that stays in the archive");
}

/// A file that makes a worker panic twice is held, and the others still flow through the same process.
#[test]
fn a_file_that_crashes_a_worker_twice_is_held() {
    let mut scene = Scene::new();
    let deadly = Sealed { parts: Vec::new(), held_as: Some("CN-124"), ..Sample::pdf(1).sealed_by(&scene.dwp) };
    scene.drops(&deadly);
    let watch = scene.watched(false);
    scene.council.start_with(&[("FAILPOINTS", "open.opened=2*panic")]);
    scene.council.until("it is held", |council| council.codes() == ["CN-124"]);
    let deferred = scene.council.entries().iter().filter(|entry| entry["event"] == "deferred").count();
    assert_eq!(deferred, 1, "the first time it is tried again");
    for number in 2..6 {
        scene.drops(&Sample::pdf(number).sealed_by(&scene.dwp));
    }
    assert!(!scene.is_killed("a worker panicked"));
    scene.zeros(watch, 0, "a worker panicked");
}
