//! `hbcourier timetable simulate`: a year of five LA numbers against a table made by hand, and what it leaves alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use clap::Parser;
use hbcourier::cli::output::Output;
use hbcourier::cli::timetable::{SimulateArgs, simulate};
use serde_json::Value;

use super::in_force;
use crate::support::council::{command, set, succeeded};

/// Week 1 Monday (shifted on 14 April and 1 September, and due on the first day after the clocks went back), week 2 Tuesday,
/// week 3 Wednesday, week 4 Monday, and week 4 Thursday (due three days before they go back, and three before they go
/// forward).
const FIVE: [&str; 5] = ["12302", "11302", "20501", "13802", "13501"];

/// The LA number; the month; when the MI return's file is left, a week before the transfer date; when the SHBE's is, the
/// day after its earliest extraction date; the transfer date, by Annexes B and D the same for both; what becomes of them, if
/// not the usual; and the day on which they are found missed.
const YEAR: &str = "
12302  2020-04  2020-04-07 2020-04-08  2020-04-14
12302  2020-05  2020-05-04 2020-05-05  2020-05-11
12302  2020-06  2020-06-01 2020-06-02  2020-06-08
12302  2020-07  2020-06-29 2020-06-30  2020-07-06
12302  2020-08  2020-07-27 2020-07-28  2020-08-03
12302  2020-09  2020-08-25 2020-08-26  2020-09-01
12302  2020-10  2020-09-21 2020-09-22  2020-09-28
12302  2020-11  2020-10-19 2020-10-20  2020-10-26
12302  2020-12  2020-11-16 2020-11-17  2020-11-23
12302  2021-01  2020-12-28 2020-12-29  2021-01-04
12302  2021-02  2021-01-25 2021-01-26  2021-02-01
12302  2021-03  2021-02-22 2021-02-23  2021-03-01  no-key          2021-03-02

11302  2020-04  2020-04-14 2020-04-15  2020-04-21
11302  2020-05  2020-05-12 2020-05-13  2020-05-19
11302  2020-06  2020-06-09 2020-06-10  2020-06-16  sealed-missed   2020-06-29
11302  2020-07  2020-07-07 2020-07-08  2020-07-14
11302  2020-08  2020-08-04 2020-08-05  2020-08-11
11302  2020-09  2020-09-01 2020-09-02  2020-09-08
11302  2020-10  2020-09-29 2020-09-30  2020-10-06
11302  2020-11  2020-10-27 2020-10-28  2020-11-03
11302  2020-12  2020-11-24 2020-11-25  2020-12-01
11302  2021-01  2021-01-05 2021-01-06  2021-01-12
11302  2021-02  2021-02-02 2021-02-03  2021-02-09
11302  2021-03  2021-03-02 2021-03-03  2021-03-09  no-key          2021-03-10

20501  2020-04  2020-04-22 2020-04-23  2020-04-29
20501  2020-05  2020-05-20 2020-05-21  2020-05-27
20501  2020-06  2020-06-17 2020-06-18  2020-06-24  unsealed-missed 2020-06-29
20501  2020-07  2020-07-15 2020-07-16  2020-07-22
20501  2020-08  2020-08-12 2020-08-13  2020-08-19
20501  2020-09  2020-09-09 2020-09-10  2020-09-16
20501  2020-10  2020-10-07 2020-10-08  2020-10-14
20501  2020-11  2020-11-04 2020-11-05  2020-11-11
20501  2020-12  2020-12-02 2020-12-03  2020-12-09
20501  2021-01  2021-01-13 2021-01-14  2021-01-20
20501  2021-02  2021-02-10 2021-02-11  2021-02-17  no-key          2021-02-18
20501  2021-03  2021-03-10 2021-03-11  2021-03-17  no-key          2021-03-18

13802  2020-04  2020-04-27 2020-04-28  2020-05-04
13802  2020-05  2020-05-25 2020-05-26  2020-06-01
13802  2020-06  2020-06-22 2020-06-23  2020-06-29  sealed-on-return
13802  2020-07  2020-07-20 2020-07-21  2020-07-27
13802  2020-08  2020-08-17 2020-08-18  2020-08-24
13802  2020-09  2020-09-14 2020-09-15  2020-09-21
13802  2020-10  2020-10-12 2020-10-13  2020-10-19
13802  2020-11  2020-11-09 2020-11-10  2020-11-16
13802  2020-12  2020-12-07 2020-12-08  2020-12-14
13802  2021-01  2021-01-18 2021-01-19  2021-01-25
13802  2021-02  2021-02-15 2021-02-16  2021-02-22  no-key          2021-02-23
13802  2021-03  2021-03-15 2021-03-16  2021-03-22  no-key          2021-03-23

13501  2020-04  2020-04-30 2020-05-01  2020-05-07
13501  2020-05  2020-05-28 2020-05-29  2020-06-04
13501  2020-06  2020-06-25 2020-06-26  2020-07-02  sealed-on-return
13501  2020-07  2020-07-23 2020-07-24  2020-07-30
13501  2020-08  2020-08-20 2020-08-21  2020-08-27
13501  2020-09  2020-09-17 2020-09-18  2020-09-24
13501  2020-10  2020-10-15 2020-10-16  2020-10-22
13501  2020-11  2020-11-12 2020-11-13  2020-11-19
13501  2020-12  2020-12-10 2020-12-11  2020-12-17
13501  2021-01  2021-01-21 2021-01-22  2021-01-28
13501  2021-02  2021-02-18 2021-02-19  2021-02-25  no-key          2021-02-26
13501  2021-03  2021-03-18 2021-03-19  2021-03-25  no-key          2021-03-26
";

/// What happens besides: to the service and the clocks, what is held because a missed month's file still lies there, the
/// alarm about DWP's certificate while anything waits for it, and files that no date is left for.
const BESIDES: &str = "
2020-03-15T00:00:00+00:00 service-started - - - -
2020-03-29T02:00:00+01:00 clocks-change   - - - -
2020-06-15T00:00:00+01:00 service-stopped - - - -
2020-06-29T00:00:00+01:00 service-started - - - -
2020-10-25T01:00:00+00:00 clocks-change   - - - -
2021-02-05T00:00:00+00:00 key-expires     - - - -
2021-03-28T02:00:00+01:00 clocks-change   - - - -

2020-06-29T00:00:10+01:00 return-held 20501 shbe    2020-07 CN-411
2020-06-29T00:00:10+01:00 return-held 20501 hbms-mi 2020-07 CN-411
2021-02-18T00:00:00+00:00 return-held 20501 shbe    2021-03 CN-411
2021-02-18T00:00:00+00:00 return-held 20501 hbms-mi 2021-03 CN-411
2021-02-23T00:00:00+00:00 return-held 13802 shbe    2021-03 CN-411
2021-02-23T00:00:00+00:00 return-held 13802 hbms-mi 2021-03 CN-411
2021-02-26T00:00:00+00:00 return-held 13501 shbe    2021-03 CN-411
2021-02-26T00:00:00+00:00 return-held 13501 hbms-mi 2021-03 CN-411

2021-02-10T09:00:10+00:00 alarm-raised  - - - CN-511
2021-03-02T00:00:00+00:00 alarm-cleared - - - -
2021-03-02T09:00:10+00:00 alarm-raised  - - - CN-511
2021-03-10T00:00:00+00:00 alarm-cleared - - - -
2021-03-10T09:00:10+00:00 alarm-raised  - - - CN-511
2021-03-26T00:00:00+00:00 alarm-cleared - - - -

2021-03-02T00:00:00+00:00 alarm-raised 12302 shbe    - CN-537
2021-03-02T00:00:00+00:00 alarm-raised 12302 hbms-mi - CN-537
2021-03-10T00:00:00+00:00 alarm-raised 11302 shbe    - CN-537
2021-03-10T00:00:00+00:00 alarm-raised 11302 hbms-mi - CN-537
2021-03-18T00:00:00+00:00 alarm-raised 20501 shbe    - CN-537
2021-03-18T00:00:00+00:00 alarm-raised 20501 hbms-mi - CN-537
2021-03-23T00:00:00+00:00 alarm-raised 13802 shbe    - CN-537
2021-03-23T00:00:00+00:00 alarm-raised 13802 hbms-mi - CN-537
2021-03-26T00:00:00+00:00 alarm-raised 13501 shbe    - CN-537
2021-03-26T00:00:00+00:00 alarm-raised 13501 hbms-mi - CN-537
";

/// The time of a day in London: summer time from 29 March to 24 October 2020.
fn at(day: &str, time: &str) -> String {
    let offset = if ("2020-03-29".."2020-10-25").contains(&day) { "+01:00" } else { "+00:00" };
    format!("{day}T{time}{offset}")
}

/// The table, with a row for each thing that happens.
fn by_hand() -> Vec<String> {
    let mut rows: Vec<String> = lines(BESIDES).map(|words| words.join(" ")).collect();
    for words in lines(YEAR) {
        let (number, month, transfer) = (words[0], words[1], words[4]);
        let (fate, missed_on) = (words.get(5).copied().unwrap_or("usual"), words.get(6).copied());
        for (kind, left) in [("hbms-mi", words[2]), ("shbe", words[3])] {
            let mut row = |at: String, event: &str, code: &str| {
                rows.push(format!("{at} {event} {number} {kind} {month} {code}"));
            };
            row(at("2020-03-15", "00:00:00"), "scheduled", "-");
            row(at(left, "09:00:00"), "file-put", "-");
            match fate {
                "usual" | "sealed-missed" => row(at(left, "09:00:10"), "sealed", "-"),
                "sealed-on-return" => row(at("2020-06-29", "00:00:10"), "sealed", "-"),
                "no-key" => {
                    row(at(transfer, "08:00:00"), "alarm-raised", "CN-512");
                    row(at(transfer, "18:00:00"), "alarm-raised", "CN-531");
                }
                "unsealed-missed" => {}
                other => panic!("{other}"),
            }
            match missed_on {
                None => row(at(transfer, "08:00:00"), "sent", "-"),
                Some(day) => {
                    row(at(day, "00:00:00"), "missed", "-");
                    row(at(day, "00:00:00"), "alarm-raised", "CN-513");
                }
            }
        }
    }
    rows.sort();
    rows
}

fn lines(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.is_empty()).map(|line| line.split_whitespace().collect())
}

fn row_of(event: &Value) -> String {
    let word = |key: &str| event[key].as_str().unwrap_or("-").to_owned();
    ["at", "event", "authority", "return", "relevant_month", "code"].map(word).join(" ")
}

fn rows_of(document: &Value) -> Vec<String> {
    document["events"].as_array().unwrap().iter().map(row_of).collect()
}

/// A command whose every place to write is an empty folder below `dir`.
fn confined(dir: &Path) -> Command {
    let places = ["tmp", "home", "cwd"].map(|name| dir.join(name));
    places.iter().for_each(|place| fs::create_dir_all(place).unwrap());
    let mut command = command();
    command.env_remove("HBCOURIER_CONFIG").env("TMPDIR", &places[0]).env("HOME", &places[1]).current_dir(&places[2]);
    // Were it to reach the simulated service, its state would be there.
    command.env("HBCOURIER__SERVICE__STATE", dir.join("cwd/state"));
    command
}

/// Every path below the folder, with length and time.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let facts = fs::symlink_metadata(&path).unwrap();
        if facts.is_dir() {
            found.extend(tree(&path));
        }
        // The store is asked for the timetables in force, which makes SQLite keep an index beside it for as long.
        let is_of_reading = path.ends_with("state") || path.to_string_lossy().ends_with("-shm");
        if is_of_reading || path.to_string_lossy().ends_with("-wal") {
            continue;
        }
        found.insert(path, (facts.len(), facts.modified().unwrap()));
    }
    found
}

#[test]
fn a_year_with_an_outage_a_key_that_expires_and_changing_clocks_is_the_table_made_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let mut simulate = confined(dir.path());
    simulate.args(["timetable", "simulate", "--year", "2020-21", "--json"]);
    simulate.args(FIVE.iter().flat_map(|number| ["--authority", number]));
    simulate.args(["--outage", "2020-06-15..2020-06-29", "--key-expires", "2021-02-05"]);
    let document: Value = serde_json::from_slice(&succeeded(simulate.output().unwrap())).unwrap();

    let mut rows = rows_of(&document);
    let instants: Vec<jiff::Timestamp> =
        rows.iter().map(|row| row.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(instants.is_sorted(), "in the order in which it happens");
    rows.sort();
    let by_hand = by_hand();
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|row| !those.contains(row)).cloned().collect::<Vec<_>>()
    };
    assert_eq!((only(&rows, &by_hand), only(&by_hand, &rows)), (vec![], vec![]), "only simulated, only by hand");
    assert_eq!(rows, by_hand, "each once");

    assert_eq!((&document["from"], &document["until"]), (&"2020-03-15".into(), &"2021-03-31".into()));
    assert_eq!(document["warnings"], serde_json::json!([]));
    let events = document["events"].as_array().unwrap();
    assert!(events.iter().all(|event| event.as_object().unwrap().len() == 7), "every key is always there");
    assert!(events.iter().all(|event| event["says"].as_str().unwrap().ends_with('.')), "each is a sentence");
    let places = tree(dir.path()).into_keys().collect::<Vec<_>>();
    assert_eq!(places, ["cwd", "home", "tmp"].map(|name| dir.path().join(name)), "nothing is left anywhere");
}

#[test]
fn a_configurations_hours_and_returns_count_and_its_installation_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let council = dir.path().join("council");
    let mut init = confined(dir.path());
    init.env_remove("HBCOURIER__SERVICE__STATE").arg("init").arg(&council).args(["--authority", "12302"]);
    succeeded(init.output().unwrap());
    let config = council.join("hbcourier.toml");
    let mut settings: toml::Table = fs::read_to_string(&config).unwrap().parse().unwrap();
    let returns = settings["authority"].as_array_mut().unwrap()[0].as_table_mut().unwrap()["return"].as_array_mut();
    let returns = returns.unwrap();
    returns.retain(|one| one["kind"].as_str() == Some("shbe"));
    set(returns[0].as_table_mut().unwrap(), &["window"], "10:15-11:00");
    set(returns[0].as_table_mut().unwrap(), &["settle"], "1m");
    fs::write(&config, settings.to_string()).unwrap();
    let before = tree(&council);

    let mut simulate = confined(dir.path());
    simulate.env_remove("HBCOURIER__SERVICE__STATE").arg("--config").arg(&config);
    simulate.args([
        "timetable",
        "simulate",
        "--authority",
        "12302",
        "--authority",
        "20101",
        "--year",
        "2020-21",
        "--json",
    ]);
    let document: Value = serde_json::from_slice(&succeeded(simulate.output().unwrap())).unwrap();
    let rows = rows_of(&document);
    for row in [
        "2020-04-08T09:01:00+01:00 sealed 12302 shbe 2020-04 -",
        "2020-04-14T10:15:00+01:00 sent 12302 shbe 2020-04 -",
        "2020-04-08T09:00:10+01:00 sealed 20101 shbe 2020-04 -",
        "2020-04-14T08:00:00+01:00 sent 20101 shbe 2020-04 -",
        "2020-04-14T08:00:00+01:00 sent 20101 hbms-mi 2020-04 -",
    ] {
        assert!(rows.contains(&row.to_owned()), "{row}");
    }
    assert!(!rows.iter().any(|row| row.contains("12302 hbms-mi")), "it has no such return");
    assert_eq!(tree(&council), before);
    assert_eq!(tree(&dir.path().join("tmp")).len() + tree(&dir.path().join("home")).len(), 0);
}

#[derive(Parser)]
struct Asked {
    #[command(flatten)]
    args: SimulateArgs,
}

/// What `timetable simulate` prints for one authority, asked so.
fn ask(line: &str) -> String {
    let words = "simulate --authority 12302 --year 2020-21".split(' ').chain(line.split_whitespace());
    let mut out = Vec::new();
    simulate(&Asked::try_parse_from(words).unwrap().args, &in_force(), &[], &mut Output::to(&mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

fn count(rows: &[String], event: &str) -> usize {
    rows.iter().filter(|row| row.split(' ').nth(1) == Some(event)).count()
}

#[test]
fn without_files_every_month_is_missed_and_said_three_times() {
    let document: Value = serde_json::from_str(&ask("--files never --json")).unwrap();
    let rows = rows_of(&document);
    assert_eq!((count(&rows, "missed"), count(&rows, "file-put"), count(&rows, "sent")), (24, 0, 0));
    assert_eq!(count(&rows, "alarm-raised"), 24 * 3, "due today, hours over, missed");
    assert!(rows.contains(&"2020-10-27T00:00:00+00:00 missed 12302 shbe 2020-11 -".to_owned()));
}

#[test]
fn an_extract_that_comes_after_its_transfer_date_is_held_and_people_read_which_months_are_missing() {
    let text = ask("--files after-extraction:8");
    // Due on Tuesday 14 April, left on Wednesday 15 April.
    let left = text.lines().find(|line| line.contains("file-put") && line.contains("shbe")).unwrap();
    assert!(left.trim_start().starts_with("2020-04-15 09:00  12302"), "{left}");
    let held = text.lines().find(|line| line.contains("return-held")).unwrap();
    assert!(held.contains("2020-05") && held.contains("CN-411"), "{held}");
    assert!(text.contains("hbms-mi of LA 12302: 12 of 12 sent.\n"), "{text}");
    assert!(text.contains("shbe of LA 12302: 0 of 12 sent; not sent: 2020-04 (missed), 2020-05 (missed)"), "{text}");
    assert!(!text.contains("scheduled"), "{text}");
}

#[test]
fn outages_that_meet_are_one_and_those_outside_the_year_are_noted() {
    let outages = "--outage 2020-05-04..2020-05-08 --outage 2020-05-06..2020-05-10 --outage 2020-05-10..2020-05-11";
    let outside = "--outage 2020-03-01..2020-03-20 --outage 2019-01-01..2019-02-01 --key-expires 2021-06-01";
    let document: Value = serde_json::from_str(&ask(&format!("--files never --json {outages} {outside}"))).unwrap();
    let rows = rows_of(&document);
    let service: Vec<_> = rows.iter().filter(|row| row.contains("service-")).map(String::as_str).collect();
    assert_eq!(
        service,
        [
            "2020-03-20T00:00:00+00:00 service-started - - - -",
            "2020-05-04T00:00:00+01:00 service-stopped - - - -",
            "2020-05-11T00:00:00+01:00 service-started - - - -",
        ]
    );
    let warnings: Vec<_> = document["warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(
        warnings,
        [
            "The outage 2019-01-01..2019-02-01 is not wholly within what is simulated, 2020-03-15 to 2021-03-31.",
            "The outage 2020-03-01..2020-03-20 is not wholly within what is simulated, 2020-03-15 to 2021-03-31.",
            "The certificate expires on 2021-06-01, after what is simulated, 2020-03-15 to 2021-03-31.",
        ]
    );
}

#[test]
fn what_is_asked_wrongly_is_said_with_a_next_step_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let many = |option: &str, values: Vec<String>| {
        values.into_iter().map(|value| format!(" {option} {value}")).collect::<String>()
    };
    let all = in_force();
    let numbers = all.iter().next().unwrap().authorities().take(33).map(|one| one.number.to_string()).collect();
    let outages = (1..14).map(|day| format!("2020-05-{day:02}..2020-05-{:02}", day + 1)).collect();
    for (asked, says, next) in [
        ("--authority 16014 --year 2020-21".to_owned(), "LA number 16014 is in no timetable", "timetable list`"),
        ("--authority 12302 --year 2021-22".to_owned(), "there is no timetable for 2021-22", "`[[timetable]]`"),
        ("--year 2020-21".to_owned(), "--authority <NUMBER>", "--help"),
        (
            "--authority 12302 --year 2020-21 --outage 2020-11-03..2020-10-20".to_owned(),
            "cannot be back on 2020-10-20 from an outage that begins on 2020-11-03",
            "name the earlier day first",
        ),
        ("--authority 12302 --year 2020-21 --outage tomorrow".to_owned(), "`tomorrow` is not an outage", "write"),
        ("--authority 12302 --year 2020-21 --files late".to_owned(), "`late` does not tell", "write ready, never"),
        (
            "--authority 12302 --year 2020-21 --key-expires 2020-03-15".to_owned(),
            "expires on 2020-03-15 is of no use",
            "Next: Name a day within it",
        ),
        (format!("--year 2020-21{}", many("--authority", numbers)), "at most 32 authorities, and 33", "Next: "),
        (
            format!("--authority 12302 --year 2020-21{}", many("--outage", outages)),
            "at most 12 outages, and 13",
            "Next: ",
        ),
    ] {
        let output = confined(dir.path()).args(["timetable", "simulate"]).args(asked.split(' ')).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{asked}: {error}");
        assert!(error.contains(says) && error.contains(next), "{asked}: {error}");
        assert!(output.stdout.is_empty(), "{asked}");
    }
    assert_eq!(tree(dir.path()).len(), 3, "only the three folders");
}
