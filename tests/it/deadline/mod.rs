//! `hbcourier deadline` by the real program: with the service down, alive, and stopped in its tracks.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::mail::alarms::{mailing, mails};
use crate::support::council::Council;
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
