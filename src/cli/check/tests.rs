//! What `check` finds, over real folders, keys and a real courier.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use serde_json::Value;

use super::{Args, Couriers, Outcome, Probe, Subjects, probe, run};
use crate::cli::council::Council;
use crate::cli::output::Exit;
use crate::effects::courier::Courier;
use crate::effects::courier::folder::FolderCourier;

fn couriers(council: &Council) -> Couriers {
    let courier: Arc<dyn Courier> = Arc::new(FolderCourier::new(council.at("outgoing/12302")));
    Couriers::from([("outgoing-12302".parse().unwrap(), courier)])
}

fn checked(council: &Council) -> Vec<Probe> {
    with(council, probe)
}

fn with<T>(council: &Council, check: impl FnOnce(&Subjects<'_>) -> T) -> T {
    check(&Subjects {
        settings: &council.settings,
        keys: &council.keys,
        couriers: &couriers(council),
        timetables: &council.timetables,
        authorities: &crate::config::authorities::authorities(None).unwrap(),
        queries: Some(council.queries()),
        now: council.now,
    })
}

fn of<'p>(probes: &'p [Probe], kind: &str, about: &str) -> Vec<&'p Probe> {
    probes.iter().filter(|probe| probe.probe == kind && probe.about == about).collect()
}

fn worst(probes: &[Probe], kind: &str, about: &str) -> Outcome {
    of(probes, kind, about).iter().map(|probe| probe.outcome).max().expect("it was tried")
}

#[test]
fn a_good_set_up_passes_and_leaves_nothing_behind() {
    let council = Council::with_keys(2);
    let probes = checked(&council);
    // The council's clock stands in 2020, when this program was not written.
    let wrong: Vec<&Probe> =
        probes.iter().filter(|probe| probe.outcome == Outcome::Problem && probe.probe != "clock").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for about in ["state", "drop-12302", "laid-12302", "hbms-12302", "risk-12302", "shbe 12302", "hbms-mi 12302"] {
        assert!(!of(&probes, "folder", about).is_empty(), "{about} was not tried");
    }
    assert_eq!(worst(&probes, "courier", "outgoing-12302"), Outcome::Ok);
    assert_eq!(worst(&probes, "keys", "own"), Outcome::Ok);
    assert_eq!(worst(&probes, "keys", "dwp"), Outcome::Ok);
    assert_eq!(worst(&probes, "timetable", "12302"), Outcome::Ok);
    assert_eq!(worst(&probes, "space", "state"), Outcome::Ok);
    assert!(of(&probes, "folder", "laid-12302")[0].says.contains("never overwritten"));
    for folder in ["drop/12302", "backoffice/12302/laid", "returns/12302/shbe", "outgoing/12302"] {
        assert_eq!(fs::read_dir(council.at(folder)).unwrap().count(), 0, "{folder} is as it was");
    }
}

#[test]
fn a_missing_folder_is_a_problem_with_a_next_step() {
    let council = Council::with_keys(2);
    fs::remove_dir(council.at("backoffice/12302/risk")).unwrap();
    fs::remove_dir(council.at("outgoing/12302")).unwrap();
    let probes = checked(&council);
    let risk = of(&probes, "folder", "risk-12302");
    assert_eq!(risk[0].outcome, Outcome::Problem);
    assert!(risk[0].next.as_ref().unwrap().contains("Make the folder"));
    assert_eq!(worst(&probes, "courier", "outgoing-12302"), Outcome::Problem);
    assert!(!council.at("backoffice/12302/risk").exists(), "nothing is made by checking");
}

#[test]
fn a_file_where_a_folder_should_be_and_a_link_are_problems() {
    let council = Council::with_keys(2);
    fs::remove_dir(council.at("backoffice/12302/risk")).unwrap();
    fs::write(council.at("backoffice/12302/risk"), "").unwrap();
    fs::remove_dir(council.at("backoffice/12302/hbms")).unwrap();
    std::os::unix::fs::symlink(council.at("backoffice/12302/laid"), council.at("backoffice/12302/hbms")).unwrap();
    let probes = checked(&council);
    assert_eq!(worst(&probes, "folder", "risk-12302"), Outcome::Problem);
    assert_eq!(worst(&probes, "folder", "hbms-12302"), Outcome::Problem);
}

/// Nobody, root included, can write below `/proc/sys/kernel` by making files.
#[test]
fn a_folder_that_cannot_be_written_is_a_problem() {
    let mut council = Council::with_keys(2);
    council.settings.authorities[0].routes[0].folder = "/proc/sys/kernel".into();
    let probes = checked(&council);
    let laid = of(&probes, "folder", "laid-12302");
    assert_eq!(laid[0].outcome, Outcome::Problem);
    assert!(laid[0].says.contains("cannot work in it"), "{}", laid[0].says);
}

#[test]
fn access_for_others_is_said() {
    let mut council = Council::with_keys(2);
    let mode = |path: &str, mode| fs::set_permissions(council.at(path), Permissions::from_mode(mode)).unwrap();
    mode("state", 0o750);
    mode("drop/12302", 0o777);
    mode("backoffice/12302/laid", 0o755);
    council.settings.authorities[0].routes[0].mode = 0o644;
    let probes = checked(&council);
    assert_eq!(worst(&probes, "folder", "state"), Outcome::Problem);
    assert_eq!(worst(&probes, "folder", "drop-12302"), Outcome::Warning);
    assert_eq!(worst(&probes, "folder", "laid-12302"), Outcome::Warning);
    assert_eq!(worst(&probes, "folder", "hbms-12302"), Outcome::Ok);
    assert_eq!(worst(&probes, "route", "laid-12302"), Outcome::Warning);
}

#[test]
fn keys_that_are_missing_or_ended_are_problems() {
    let council = Council::new();
    let probes = checked(&council);
    assert_eq!(worst(&probes, "keys", "own"), Outcome::Problem);
    assert_eq!(worst(&probes, "keys", "dwp"), Outcome::Problem);
    let mut council = Council::new();
    council.make_keys(1, 1);
    assert_eq!(worst(&checked(&council), "keys", "own"), Outcome::Warning, "they end before the year's last return");
    council.now = "2021-02-01T00:00:00Z".parse().unwrap();
    let probes = checked(&council);
    assert_eq!(worst(&probes, "keys", "own"), Outcome::Problem);
    assert_eq!(worst(&probes, "keys", "dwp"), Outcome::Problem);
}

#[test]
fn a_timetable_that_ended_is_a_warning_and_an_unknown_authority_a_problem() {
    let mut council = Council::with_keys(2);
    council.now = "2021-06-01T00:00:00Z".parse().unwrap();
    assert_eq!(worst(&checked(&council), "timetable", "12302"), Outcome::Warning);
    council.settings.authorities[0].number = "99999".parse().unwrap();
    assert_eq!(worst(&checked(&council), "timetable", "99999"), Outcome::Problem);
}

#[test]
fn a_clock_behind_the_ledger_is_a_problem() {
    let mut council = Council::with_keys(5);
    let mut later = crate::store::samples::remark();
    later.at = "2025-02-01T00:00:00Z".parse().unwrap();
    council.record(later);
    council.now = "2025-01-01T00:00:00Z".parse().unwrap();
    let behind = checked(&council);
    assert!(of(&behind, "clock", "time")[0].says.contains("went back"));
    assert_eq!(worst(&behind, "clock", "time"), Outcome::Problem);
    council.now = "2025-03-01T00:00:00Z".parse().unwrap();
    assert_eq!(worst(&checked(&council), "clock", "time"), Outcome::Ok);
}

#[test]
fn one_document_with_every_probe_and_the_exit_status_of_the_worst() {
    let mut council = Council::with_keys(5);
    council.now = "2024-06-01T00:00:00Z".parse().unwrap();
    council.make_keys(5, 5);
    let check = |council: &Council| -> (Exit, Value) {
        council.json(|out| with(council, |subjects| run(&Args { json: true }, subjects, out)))
    };
    let (exit, document) = check(&council);
    assert_eq!((exit, &document["ok"]), (Exit::Yes, &Value::Bool(true)), "{document}");
    for key in ["probe", "about", "outcome", "says", "next"] {
        assert!(document["probes"].as_array().unwrap().iter().all(|probe| probe.get(key).is_some()), "{key}");
    }
    fs::remove_dir(council.at("drop/12302")).unwrap();
    let (exit, document) = check(&council);
    assert_eq!((exit, &document["ok"]), (Exit::No, &Value::Bool(false)));
    let (_, text) = council.text(|out| with(&council, |subjects| run(&Args::default(), subjects, out)));
    assert!(text.contains("problem  folder") && text.contains("Something will not work."), "{text}");
}

#[test]
fn where_health_is_told_needs_its_folder() {
    use crate::config::settings::Listen;
    let mut council = Council::with_keys(5);
    let checked_at = |council: &Council, at: &str| of(&checked(council), "watch", at).len();
    assert_eq!(checked(&council).iter().filter(|probe| probe.probe == "watch").count(), 0, "nowhere");
    for (folder, outcome) in [("state", Outcome::Ok), ("not-there", Outcome::Warning)] {
        let path = council.at(folder).join("watch.sock");
        council.settings.watch.listen = Some(Listen::Unix(path.clone()));
        let about = format!("unix:{}", path.display());
        assert_eq!((checked_at(&council, &about), worst(&checked(&council), "watch", &about)), (1, outcome));
    }
}
