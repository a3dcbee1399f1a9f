//! `hbcourier deadline` by the real program: with the service down, alive, and stopped in its tracks.

mod verification;

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::mail::alarms::{mailing, mails};
use crate::support::council::{Council, set};
use crate::support::partner::{Algorithm, Partner};
use crate::support::smtp::{Certificates, Postfix};

/// What it printed, and its exit status.
fn deadline(council: &Council) -> (Value, Option<i32>) {
    let output = council.runs(&["deadline", "--json"]);
    let printed = serde_json::from_slice(&output.stdout);
    (printed.unwrap_or_else(|error| panic!("{error}: {output:?}")), output.status.code())
}

fn codes(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["matters"].as_array().unwrap().iter().map(|one| (text(&one["about"]), text(&one["code"]))).collect()
}

fn has(document: &Value, about: &str, code: &str) -> bool {
    codes(document).contains(&(about.to_owned(), code.to_owned()))
}

fn council() -> Council {
    Council::new(&mut Partner::new(Algorithm::Curve25519))
}

#[test]
fn with_the_service_alive_and_nothing_due_all_is_well() {
    let mut council = council();
    council.start();
    let (document, status) = deadline(&council);
    assert_eq!((status, codes(&document)), (Some(0), vec![]), "{document}");
    assert_eq!((&document["well"], &document["service"]), (&true.into(), &"alive".into()));
    assert_eq!(document["mail"]["outcome"], "nobody");
    council.stops_well();
}

#[test]
fn with_the_service_down_it_mails_once_what_is_due_and_once_that_it_is_over() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut council = council();
    council.falls_due_today();
    council.start();
    council.until("it is due", due);
    council.kill();
    // From here on there is somebody to tell.
    mailing(&council, &certificates, postfix.port);
    let (document, status) = deadline(&council);
    assert_eq!((status, &document["service"]), (Some(1), &"down".into()), "{document}");
    assert!(has(&document, "service", "CN-562"), "{document}");
    let owed = codes(&document).into_iter().filter(|(about, code)| about.starts_with("return-") && code == "CN-512");
    assert_eq!(owed.count(), 2, "both returns: {document}");
    assert_eq!(document["mail"]["outcome"], "mailed", "{document}");
    let matters = document["matters"].as_array().unwrap().len();
    assert_eq!(document["mail"]["matters"].as_u64(), Some(matters as u64));

    let (document, status) = deadline(&council);
    assert_eq!((status, &document["mail"]["outcome"]), (Some(1), &"nothing-new".into()), "once a day: {document}");
    council.until("it has come", |_| mails(&postfix).iter().any(|mail| mail.contains("CN-562 about service")));
    assert_eq!(mails(&postfix).len(), 1);

    council.start();
    let (document, status) = deadline(&council);
    assert_eq!((status, &document["service"]), (Some(1), &"alive".into()), "{document}");
    assert!(!has(&document, "service", "CN-562"), "{document}");
    assert_eq!((&document["mail"]["matters"], &document["mail"]["over"]), (&0.into(), &1.into()), "{document}");
    council
        .until("that it is over has come", |_| mails(&postfix).iter().any(|mail| mail.contains("Well again: service")));
    council.stops_well();
}

/// Whether anything is owed today and not there, as the service tells it.
fn due(council: &Council) -> bool {
    council.attention().iter().any(|(about, code)| about.starts_with("return-") && code == "CN-512")
}

#[test]
fn a_deadline_that_passes_while_the_service_is_down_is_missed_and_told() {
    let mut council = council();
    let today = council.falls_due_today();
    council.start();
    council.until("it is due", due);
    council.kill();
    let yesterday = today.yesterday().unwrap();
    // As if the service had been down since before that day: only the recorded dates tell.
    let store = rusqlite_of(&council);
    store
        .execute(
            "UPDATE submission SET transfer_on = ?1 WHERE transfer_on = ?2",
            (yesterday.to_string(), today.to_string()),
        )
        .unwrap();
    drop(store);
    let (document, status) = deadline(&council);
    assert_eq!(status, Some(1));
    let missed = codes(&document).into_iter().filter(|(about, code)| about.starts_with("return-") && code == "CN-513");
    assert_eq!(missed.count(), 2, "{document}");
}

fn rusqlite_of(council: &Council) -> rusqlite::Connection {
    rusqlite::Connection::open(council.state.join("store.sqlite")).unwrap()
}

#[test]
fn a_service_that_hangs_is_told_from_one_that_is_down() {
    let mut council = council();
    council.start();
    let service = Pid::from_raw(council.pid().cast_signed()).unwrap();
    kill_process(service, Signal::STOP).unwrap();
    let (document, status) = deadline(&council);
    kill_process(service, Signal::CONT).unwrap();
    assert_eq!((status, &document["service"]), (Some(1), &"hangs".into()), "{document}");
    assert!(has(&document, "service", "CN-563"), "{document}");
    assert!(!fs::exists(council.state.join("deadline.json")).unwrap(), "nobody was told, so nothing is kept");
    council.until("it is alive again", |council| deadline(council).1 == Some(0));
    council.stops_well();
}

/// A council that mails its alarms, and has told once by which way.
fn told_once(certificates: &Certificates, postfix: &Postfix) -> Council {
    let mut council = council();
    mailing(&council, certificates, postfix.port);
    council.start();
    assert_eq!(deadline(&council).1, Some(0));
    council.stops_well();
    council
}

/// The exit status and the outcome of the mail, where the command itself could not look.
fn blind(council: &Council) -> (Option<i32>, Value, String) {
    let output = council.runs(&["deadline", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), document, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_wrong_configuration_keeps_the_service_down_and_not_the_mail_that_tells_of_it() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut council = told_once(&certificates, &postfix);
    let kept = fs::read_to_string(council.state.join("deadline-way.json")).unwrap();
    assert!(!kept.contains("correct horse"), "by reference only: {kept}");
    council.changes_settings(|settings| set(settings, &["service", "sweeep_every"], "5s"));
    let (status, document, says) = blind(&council);
    assert_eq!((status, &document["mail"]["outcome"]), (Some(78), &"mailed".into()), "{document} {says}");
    assert!(has(&document, "service", "CN-562"), "{document}");
    assert!(says.contains("sweeep_every"), "{says}");
    council.until("it has come", |_| mails(&postfix).iter().any(|mail| mail.contains("CN-562 about service")));
    assert_eq!(blind(&council).1["mail"]["outcome"], "nothing-new", "once a day");
    assert_eq!(mails(&postfix).len(), 1);
}

#[test]
fn a_store_that_cannot_be_read_is_mailed_too() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut council = told_once(&certificates, &postfix);
    rusqlite_of(&council).pragma_update(None, "user_version", 9999).unwrap();
    let (status, document, says) = blind(&council);
    assert_eq!((status, &document["mail"]["outcome"]), (Some(3), &"mailed".into()), "{document} {says}");
    council.until("it has come", |_| mails(&postfix).iter().any(|mail| mail.contains("CN-562 about service")));
}

#[test]
fn where_no_way_to_tell_is_known_it_says_so() {
    let council = council();
    council.changes_settings(|settings| set(settings, &["service", "sweeep_every"], "5s"));
    let output = council.runs(&["deadline", "--json"]);
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{says}");
    assert!(says.contains("Nobody was told of it"), "{says}");
}

#[test]
fn a_state_directory_that_cannot_be_written_floods_nobody() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let council = told_once(&certificates, &postfix);
    // Not even root can replace a folder that holds something by a file.
    fs::create_dir_all(council.state.join(".deadline.json.part/in-the-way")).unwrap();
    for _ in 0..3 {
        let mail = &deadline(&council).0["mail"];
        assert_eq!(mail["outcome"], "unsent", "{mail}");
        let says = mail["says"].as_str().unwrap();
        let is_due = says.starts_with("it was, but");
        assert!(is_due || says.contains("could not be noted down first"), "{says}");
    }
}
