//! The calendar: read by Debian's python3-icalendar, and taken by `khal`, a calendar program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hbcourier::domain::ReturnKind;
use serde_json::Value;
use tempfile::TempDir;

use super::{in_force, year_2020};
use crate::support::council::succeeded;

/// Prints every event as JSON: what another program makes of the file.
const READER: &str = r#"
import json, sys, icalendar
calendar = icalendar.Calendar.from_ical(open(sys.argv[1], 'rb').read())
events = [{'uid': str(e['UID']), 'summary': str(e['SUMMARY']), 'from': e['DTSTART'].dt.isoformat(),
           'until': e['DTEND'].dt.isoformat(), 'stamp': e['DTSTAMP'].dt.isoformat()} for e in calendar.walk('VEVENT')]
print(json.dumps({'version': str(calendar['VERSION']), 'prodid': str(calendar['PRODID']), 'events': events}))
"#;

fn hbcourier(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hbcourier")).env_remove("HBCOURIER_CONFIG").args(arguments).output().unwrap()
}

fn export(dir: &TempDir, name: &str, more: &[&str]) -> String {
    let file = dir.path().join(name).display().to_string();
    let mut line = vec!["timetable", "export"];
    line.extend(more);
    line.extend(["--ics", &file]);
    succeeded(hbcourier(&line));
    file
}

fn read(file: &str) -> Value {
    let output = Command::new("/usr/bin/python3").args(["-c", READER, file]).output().unwrap();
    serde_json::from_slice(&succeeded(output)).unwrap()
}

#[test]
fn an_independent_reader_finds_every_date_of_the_year() {
    let dir = tempfile::tempdir().unwrap();
    let calendar = read(&export(&dir, "dover.ics", &["--authority", "16104", "--year", "2020-21"]));
    assert_eq!(calendar["version"], "2.0");
    let events: BTreeMap<&str, &Value> =
        calendar["events"].as_array().unwrap().iter().map(|event| (event["uid"].as_str().unwrap(), event)).collect();
    let dover = "16104".parse().unwrap();
    let mut expected = 0;
    let mut day = |uid: String, from: String, until: String| {
        let event = events.get(uid.as_str()).unwrap_or_else(|| panic!("{uid} is missing"));
        assert_eq!((event["from"].as_str(), event["until"].as_str()), (Some(from.as_str()), Some(until.as_str())));
        assert!(event["summary"].as_str().unwrap().contains("Dover (16104)"), "{event}");
        expected += 1;
    };
    let after = |date: jiff::civil::Date| date.tomorrow().unwrap().to_string();
    for kind in ReturnKind::ALL {
        for owed in year_2020().obligations(&dover, kind) {
            let month = owed.key.month;
            let uid = |what: &str| format!("{kind}-{what}-16104-{month}@timetable.hbcourier");
            day(uid("transfer"), owed.transfer_on.to_string(), after(owed.transfer_on));
            if let Some(from) = owed.extract_from {
                day(uid("extract"), from.to_string(), after(from));
            }
        }
    }
    for pack in in_force().expected_packs(&dover, 1) {
        let uid = format!("hbms-pack-16104-{}@timetable.hbcourier", pack.month);
        day(uid, pack.from.to_string(), after(pack.due_by));
    }
    assert_eq!((expected, events.len()), (48, 48));
}

#[test]
fn several_authorities_share_a_calendar_and_an_event_is_the_same_one_in_every_export() {
    let dir = tempfile::tempdir().unwrap();
    let uids = |file: &str| -> BTreeSet<String> {
        let calendar = read(file);
        calendar["events"].as_array().unwrap().iter().map(|event| event["uid"].as_str().unwrap().to_owned()).collect()
    };
    let both = ["--authority", "16104", "12302"];
    let (first, second) = (export(&dir, "first.ics", &both), export(&dir, "second.ics", &both));
    assert_eq!(uids(&first), uids(&second));
    assert_eq!(uids(&first).len(), 96);
    let lines = fs::read_to_string(&first).unwrap();
    assert!(lines.lines().all(|line| line.len() <= 75), "RFC 5545 §3.1: lines are folded");
    assert!(lines.split_inclusive('\n').all(|line| line.ends_with("\r\n")));
}

#[test]
fn what_cannot_be_exported_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = export(&dir, "taken.ics", &["--authority", "12302"]);
    let code = |line: &[&str]| hbcourier(line).status.code();
    assert_eq!(
        code(&["timetable", "export", "--authority", "12302", "--ics", &file]),
        Some(3),
        "nothing is overwritten"
    );
    assert_eq!(code(&["timetable", "export", "--authority", "99999", "--ics"]), Some(2));
    assert_eq!(code(&["timetable", "export", "--authority", "12302", "--year", "2035-36", "--ics"]), Some(2));
    let printed = succeeded(hbcourier(&["timetable", "export", "--authority", "12302", "--ics", "-"]));
    assert!(printed.starts_with(b"BEGIN:VCALENDAR\r\n"));
}

/// `khal` with a calendar of its own below this folder.
fn khal(dir: &Path, arguments: &[&str]) -> String {
    let config = dir.join("khal.conf");
    let calendar = dir.join("calendar");
    fs::create_dir_all(&calendar).unwrap();
    let text = format!(
        "[calendars]\n[[returns]]\npath = {}\n[sqlite]\npath = {}\n[locale]\nlocal_timezone = Europe/London\n\
         default_timezone = Europe/London\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n\
         datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n[default]\ndefault_calendar = returns\n",
        calendar.display(),
        dir.join("khal.db").display()
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("khal");
    command.env("HOME", dir).env("LC_ALL", "C.UTF-8").arg("-c").arg(&config).args(arguments);
    String::from_utf8(succeeded(command.output().unwrap())).unwrap()
}

#[test]
fn a_calendar_program_takes_it_shows_it_and_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = export(&dir, "first.ics", &["--authority", "12302"]);
    let second = export(&dir, "second.ics", &["--authority", "12302"]);
    for file in [&first, &second] {
        khal(dir.path(), &["import", "--batch", "-a", "returns", file]);
        let on = |from: &str, until: &str| {
            khal(dir.path(), &["list", "--format", "{title}", "--day-format", "{date}", from, until])
        };
        let transfer = on("2020-04-14", "2020-04-15");
        for part in [
            "2020-04-14",
            "SHBE: transfer, Blackpool (12302), for 2020-04",
            "HBMS MI: return, Blackpool (12302), for 2020-04",
        ] {
            assert_eq!(transfer.matches(part).count(), 1, "{part}\n{transfer}");
        }
        let pack = on("2020-04-20", "2020-04-25");
        let days = ["2020-04-20", "2020-04-21", "2020-04-22", "2020-04-23", "2020-04-24"];
        assert!(days.iter().all(|day| pack.contains(day)) && !pack.contains("2020-04-25"), "{pack}");
        assert_eq!(pack.matches("HBMS pack expected this week").count(), 5, "{pack}");
    }
}
