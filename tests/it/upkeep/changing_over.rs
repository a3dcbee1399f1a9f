//! SIGHUP in the middle of something: while an answer is awaited, with a stop behind it, without a socket, failing half-way.

use std::fs;

use hbcourier::cli::demo::samples;
use rustix::process::Signal;

use super::reload::{reloads, signals, told};
use crate::support::council::{Council, files_below, set};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::smtp::{Certificates, FaultServer, postfix_table};

const RELOADED: &str = "configuration-reloaded";
const REFUSED: &str = "configuration-refused";

fn laid(dwp: &Partner, n: u8) -> Vec<u8> {
    dwp.seals(format!("<LAID n=\"{n}\"/>").as_bytes(), "LAID.xml", &SealOptions::default())
}

fn in_flight(council: &Council) -> String {
    council.json(&["status"])["service"]["in_flight"].to_string()
}

fn stage_of_shbe(council: &Council) -> String {
    let returns = council.json(&["returns", "list"]);
    let rows = returns["returns"].as_array().unwrap();
    let april = |row: &&serde_json::Value| {
        row["return"] == "shbe" && row["relevant_month"].as_str().is_some_and(|month| month.ends_with("-04"))
    };
    rows.iter().find(april).map(|row| row["stage"].as_str().unwrap().to_owned()).unwrap_or_default()
}

/// A council that is sending a return to a server which has it and answers when it is told to; a reload was asked for.
fn reload_put_off(dwp: &mut Partner) -> (Council, FaultServer) {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "waits");
    let mut council = Council::new(dwp);
    let today = council.falls_due_today();
    // The service reads it as long as the council is there.
    let authority = council.dir.path().join("ca.pem");
    fs::copy(certificates.file("ca.pem"), &authority).unwrap();
    let mut smtp = postfix_table(&certificates, council.dir.path(), server.port, "hbcourier@council.example");
    for key in ["account", "password_file"] {
        smtp.remove(key);
    }
    smtp.insert("ca_file".into(), authority.to_str().unwrap().into());
    council.changes_settings(|settings| {
        let courier = settings["courier"][0].as_table_mut().unwrap();
        courier.remove("folder");
        courier.insert("smtp".into(), smtp.into());
        let partner = settings["partner"][0].as_table_mut().unwrap();
        partner.insert("addresses".into(), vec!["hbms@dwp.example"].into());
    });
    fs::write(council.returns.join("shbe/extract.txt"), samples::shbe_extract(today)).unwrap();
    council.start();
    council.until("the server has it", |_| server.taken().len() == 1);
    signals(&council, Signal::HUP);
    council.until("the reload is put off", |council| in_flight(council).contains("a reload, put off until the answer"));
    (council, server)
}

#[test]
fn an_answer_is_waited_for_and_everything_else_goes_on_meanwhile() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let (mut council, server) = reload_put_off(&mut dwp);
    council.drops("LAID_1.xml.pgp", &laid(&dwp, 1));
    council.until("it is delivered meanwhile", |council| council.delivered().len() == 1);
    assert_eq!((told(&council, RELOADED), stage_of_shbe(&council).as_str()), (0, "sending"));
    server.answers();
    council.until("it goes over", |council| told(council, RELOADED) == 1 && council.answers());
    assert_eq!(stage_of_shbe(&council), "sent");
    council.stops_well();
    let events = ["sending", "sent", "uncertain", "service-started", RELOADED].map(|event| council.events(event));
    assert_eq!((events, server.taken().len()), ([1, 1, 0, 1, 1], 1), "{}", council.log());
}

#[test]
fn a_stop_while_a_reload_is_put_off_is_a_stop_and_the_answer_counts() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let (mut council, server) = reload_put_off(&mut dwp);
    signals(&council, Signal::TERM);
    council.until("it stops", |council| !council.answers());
    server.answers();
    let ended = council.ends();
    assert!(ended.success(), "{ended}\n{}", council.log());
    let events = ["sent", "uncertain", RELOADED, "service-stopped"].map(|event| council.events(event));
    assert_eq!(events, [1, 0, 0, 1], "{}", council.log());
}

/// The delivery takes far longer than the signals.
#[test]
fn a_stop_while_a_reload_waits_for_a_delivery_is_a_stop_and_the_delivery_is_finished() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.start_in(&[("FAILPOINTS", "stage.written=1*sleep(8000)")]);
    council.drops("LAID_1.xml.pgp", &laid(&dwp, 1));
    council.until("a delivery is in hand", |council| !council.consignments().is_empty() && in_flight(council) != "[]");
    signals(&council, Signal::HUP);
    council.until("it winds down", |council| !council.answers());
    signals(&council, Signal::TERM);
    let ended = council.ends();
    assert!(ended.success(), "{ended}\n{}", council.log());
    assert_eq!((council.delivered().len(), council.dropped().len()), (1, 0));
    assert_eq!([RELOADED, "service-stopped"].map(|event| council.events(event)), [0, 1], "{}", council.log());
}

#[test]
fn without_its_socket_it_goes_over_and_stops_all_the_same() {
    let mut council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    council.start();
    fs::remove_file(council.socket()).unwrap();
    reloads(&mut council, RELOADED);
    fs::remove_file(council.socket()).unwrap();
    council.stops_well();
    assert_eq!(council.events("service-stopped"), 1);
}

#[test]
fn a_timetable_that_was_changed_counts_although_the_configuration_is_the_same() {
    let mut council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    council.falls_due_today();
    let file = council.config.with_file_name("timetable.toml");
    let whole = fs::read_to_string(&file).unwrap();
    let from = whole.find(", { relevant_month").unwrap();
    let to = from + whole[from..].find(']').unwrap();
    fs::write(&file, format!("{}{}", &whole[..from], &whole[to..])).unwrap();
    let months = |council: &Council, month: &str| {
        let returns = council.json(&["returns", "list"]);
        let rows = returns["returns"].as_array().unwrap().clone();
        rows.iter().any(|row| row["relevant_month"].as_str().is_some_and(|of| of.ends_with(month)))
    };
    council.start();
    council.until("April is owed", |council| months(council, "-04"));
    assert!(!months(&council, "-05"));
    fs::write(&file, whole).unwrap();
    reloads(&mut council, RELOADED);
    council.until("May is owed", |council| months(council, "-05"));
    council.stops_well();
}

#[test]
fn what_fails_half_way_leaves_the_old_settings_in_force_and_is_told() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.start_in(&[("FAILPOINTS", "reload.begun=1*return(28)")]);
    let since = |council: &Council| council.json(&["status"])["service"]["since"].clone();
    let (pid, began) = (council.pid(), since(&council));
    let other = council.backoffice.join("other");
    fs::create_dir(&other).unwrap();
    council.changes_routes(|route| {
        if route["folder"].as_str().unwrap().ends_with("laid") {
            route.insert("folder".into(), other.to_str().unwrap().into());
            route.insert("destination".into(), "other-12302".into());
        }
    });
    reloads(&mut council, REFUSED);
    council.until("it is an alarm", |council| council.is_alarmed("configuration", "CN-571"));
    council.drops("LAID_1.xml.pgp", &laid(&dwp, 1));
    council.until("it is delivered by the old route", |council| council.delivered().len() == 1);
    assert!(files_below(&other).is_empty());
    reloads(&mut council, RELOADED);
    assert!(!council.is_alarmed("configuration", "CN-571"));
    council.drops("LAID_2.xml.pgp", &laid(&dwp, 2));
    council.until("it is delivered by the new route", |_| files_below(&other).len() == 1);
    assert_eq!((council.pid(), since(&council)), (pid, began), "it runs since its start");
    council.stops_well();
    council.ledger();
}

#[test]
fn the_same_refusal_is_on_record_once_and_another_anew() {
    let mut council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    council.start();
    let elsewhere = |council: &Council, key: &str| {
        let path = council.dir.path().join("elsewhere");
        council.changes_settings(|settings| set(settings, &["service", key], path.to_str().unwrap()));
    };
    let refused = |council: &Council| council.log().matches("and the old one stays in force").count();
    elsewhere(&council, "control_socket");
    for times in 1..=3 {
        signals(&council, Signal::HUP);
        council.until("it is refused", |council| refused(council) == times);
    }
    assert_eq!(told(&council, REFUSED), 1);
    elsewhere(&council, "state");
    reloads(&mut council, REFUSED);
    council.until("it is told", |council| told(council, "alarm-raised") == 2);
}
