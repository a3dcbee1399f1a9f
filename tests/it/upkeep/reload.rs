//! SIGHUP: other settings under load, bad ones, and ones that need a restart.

use std::collections::BTreeSet;
use std::fs;

use hbcourier::domain::Digest;
use hbcourier::store::Queries;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::council::{Council, LA, files_below, set};
use crate::support::partner::{Algorithm, Partner, SealOptions};

const FILES: usize = 200;

/// Asks for it by SIGHUP, and waits until the ledger tells of this.
pub(super) fn reloads(council: &mut Council, event: &str) {
    let before = told(council, event);
    signals(council, Signal::HUP);
    council.until(event, |council| told(council, event) > before);
    if event == "configuration-reloaded" {
        council.until("the service answers", |council| council.answers());
    }
}

pub(super) fn signals(council: &Council, signal: Signal) {
    kill_process(Pid::from_raw(council.pid().try_into().unwrap()).unwrap(), signal).unwrap();
}

/// How often the ledger tells of it, whatever lies in the configuration.
pub(super) fn told(council: &Council, event: &str) -> usize {
    let lines = council.store().map(|store| store.ledger(0, usize::MAX >> 1).unwrap()).unwrap_or_default();
    let told = format!("\"event\":\"{event}\"");
    lines.iter().filter(|(_, line)| String::from_utf8_lossy(line).contains(&told)).count()
}

#[test]
fn under_load_a_new_route_counts_from_then_on_and_nothing_is_lost_or_doubled() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let seal = |n: usize| dwp.seals(format!("<LAID n=\"{n}\"/>").as_bytes(), "LAID.xml", &SealOptions::default());
    let files: Vec<Vec<u8>> = (0..FILES).map(seal).collect();
    council.start();
    let (first, second) = files.split_at(FILES / 2);
    first.iter().enumerate().for_each(|(n, file)| council.drops(&format!("LAID_{n}.xml.pgp"), file));
    council.until("some are delivered", |council| !council.delivered().is_empty());
    // Below the back office, so that everything that is delivered is counted.
    let other = council.backoffice.join("other");
    fs::create_dir(&other).unwrap();
    council.changes_routes(|route| {
        if route["folder"].as_str().unwrap().ends_with("laid") {
            route.insert("folder".into(), other.to_str().unwrap().into());
            route.insert("destination".into(), "other-12302".into());
        }
    });
    let pid = council.pid();
    reloads(&mut council, "configuration-reloaded");
    second.iter().enumerate().for_each(|(n, file)| council.drops(&format!("LAID_{}.xml.pgp", n + FILES / 2), file));
    council.until("all are delivered", |council| council.all_rest(FILES));
    assert_eq!(council.pid(), pid, "it is the same process");
    let digests = council.delivered_digests();
    assert_eq!((digests.len(), digests.iter().collect::<BTreeSet<_>>().len()), (FILES, FILES), "lost or doubled");
    let there: BTreeSet<Digest> = files_below(&other).iter().map(|path| Digest::of(&fs::read(path).unwrap())).collect();
    let late = (FILES / 2..FILES).map(|n| Digest::of(format!("<LAID n=\"{n}\"/>").as_bytes()));
    assert!(late.clone().all(|digest| there.contains(&digest)), "what came later went by the new route");
    assert!(there.len() < FILES, "what came before went by the old one");
    council.stops_well();
    assert_eq!((council.events("service-started"), council.events("configuration-reloaded")), (1, 1));
    let digest = |event: &str| {
        let entries = council.ledger();
        entries.iter().find(|entry| entry["event"] == event).unwrap()["config"].as_str().unwrap().to_owned()
    };
    assert_ne!(digest("service-started"), digest("configuration-reloaded"));
}

#[test]
fn a_bad_file_changes_nothing_and_is_told_until_it_is_mended() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.start();
    let good = fs::read(&council.config).unwrap();
    fs::write(&council.config, [&good[..], b"\n[service]\nno_such_key = 1\n"].concat()).unwrap();
    reloads(&mut council, "configuration-refused");
    // What is given on the command line reads the file; the service does not.
    council.drops("LAID_1.xml.pgp", &dwp.seals(b"<LAID/>", "LAID_1.xml", &SealOptions::default()));
    council.until("it is delivered all the same", |council| council.delivered().len() == 1);
    fs::write(&council.config, &good).unwrap();
    let alarm = council.json(&["status"])["attention"].clone();
    let alarm = alarm.as_array().unwrap().iter().find(|one| one["code"] == "CN-571").cloned().unwrap();
    assert_eq!(alarm["about"], "configuration");
    assert!(alarm["says"].as_str().unwrap().contains("duplicate key"), "it says where: {alarm}");
    assert!(council.log().contains("the old one stays in force"), "{}", council.log());
    reloads(&mut council, "configuration-reloaded");
    assert!(!council.is_alarmed("configuration", "CN-571"));
    council.stops_well();
    council.ledger();
}

#[test]
fn what_needs_a_restart_is_refused_with_these_words() {
    let mut council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    council.start();
    let good = fs::read(&council.config).unwrap();
    let elsewhere = council.dir.path().join("elsewhere");
    council.changes_settings(|settings| set(settings, &["service", "state"], elsewhere.to_str().unwrap()));
    reloads(&mut council, "configuration-refused");
    fs::write(&council.config, &good).unwrap();
    council.until("the alarm is raised", |council| council.is_alarmed("configuration", "CN-571"));
    let attention = council.json(&["status"])["attention"].to_string();
    assert!(attention.contains("restart the service for this: `service.state`"), "{attention}");
    assert!(!elsewhere.exists());
    // A restart takes up what lies there, so the alarm is over.
    council.stops_well();
    council.start();
    assert!(!council.is_alarmed("configuration", "CN-571"));
}

#[test]
fn an_authority_that_is_removed_is_served_no_more_and_the_other_is() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let (drop, backoffice) = council.adds_authority("101809", "Glasgow");
    council.start();
    let laid = |n: u8| dwp.seals(format!("<LAID n=\"{n}\"/>").as_bytes(), "LAID.xml", &SealOptions::default());
    crate::support::council::drop_into(&drop, "LAID_1.xml.pgp", &laid(1));
    council.until("Glasgow's is delivered", |_| files_below(&backoffice).len() == 1);
    fs::remove_file(council.config.with_file_name("conf.d").join("101809.toml")).unwrap();
    reloads(&mut council, "configuration-reloaded");
    crate::support::council::drop_into(&drop, "LAID_2.xml.pgp", &laid(2));
    council.drops("LAID_3.xml.pgp", &laid(3));
    council.until("Blackpool's is delivered", |council| council.delivered().len() == 1);
    let sources = council.json(&["status"])["service"]["sources"].as_array().unwrap().clone();
    assert!(sources.iter().all(|source| source["name"] == format!("drop-{LA}").as_str()), "{sources:?}");
    assert_eq!((files_below(&drop).len(), files_below(&backoffice).len()), (1, 1), "it lies where it was");
    council.stops_well();
    council.ledger();
}

#[test]
fn alarms_about_what_is_configured_no_more_are_over() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let (drop, backoffice) = council.adds_authority("101809", "Glasgow");
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "500ms"));
    fs::remove_dir(&drop).unwrap();
    fs::remove_dir(&backoffice).unwrap();
    fs::remove_dir(&council.drop).unwrap();
    council.start();
    let destination = backoffice.display().to_string();
    let alarmed = |council: &Council| {
        let of = [("drop-101809", "CN-501"), (&destination, "CN-507"), ("drop-12302", "CN-501")];
        of.map(|(about, code)| council.is_alarmed(about, code))
    };
    council.until("all three are told", |council| alarmed(council) == [true; 3]);
    fs::remove_file(council.config.with_file_name("conf.d").join("101809.toml")).unwrap();
    reloads(&mut council, "configuration-reloaded");
    council.until("Glasgow's are over", |council| alarmed(council)[..2] == [false; 2]);
    council.stops_well();
    let over: Vec<_> = council.ledger().into_iter().filter(|entry| entry["event"] == "alarm-cleared").collect();
    assert!(over.iter().all(|entry| entry["about"] != "drop-12302"), "the other one is configured still: {over:?}");
}

#[test]
fn an_alarm_about_a_destination_stands_while_something_is_staged_there() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let (drop, backoffice) = council.adds_authority("101809", "Glasgow");
    let laid = dwp.seals(b"<LAID/>", "LAID.xml", &SealOptions::default());
    crate::support::council::drop_into(&drop, "LAID.xml.pgp", &laid);
    council.start_with(&[("FAILPOINTS", "stage.recorded=return(kill)")]);
    assert!(!council.ends().success());
    let away = backoffice.with_file_name("away");
    fs::rename(&backoffice, &away).unwrap();
    council.start();
    let destination = backoffice.display().to_string();
    let alarmed = |council: &Council| ["all-101809", &destination].map(|about| council.is_alarmed(about, "CN-507"));
    council.until("both are told", |council| alarmed(council) == [true; 2]);
    fs::remove_file(council.config.with_file_name("conf.d").join("101809.toml")).unwrap();
    reloads(&mut council, "configuration-reloaded");
    assert_eq!(alarmed(&council), [true; 2], "it is waited for");
    fs::rename(&away, &backoffice).unwrap();
    council.until("it is delivered", |council| council.all_rest(1));
    council.stops_well();
    council.start();
    council.until("both are over", |council| alarmed(council) == [false; 2]);
    council.stops_well();
    council.ledger();
}
