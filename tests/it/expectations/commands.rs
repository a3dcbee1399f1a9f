//! What `expectations`, `timetable next` and `status` say of it.

use serde_json::json;

use super::council::{BLACKPOOL, Council};

fn council() -> Council {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-01 09:00");
    council.at("2020-04-21 09:00").pack_comes(BLACKPOOL, "april");
    council
}

#[test]
fn the_years_page_has_every_month_once() {
    let council = council();
    let told = council.json(&["expectations", "--year", "2020-21", "--on", "2020-06-30"]);
    let all = told["authorities"][0]["expectations"].as_array().unwrap();
    let packs: Vec<_> = all.iter().filter(|one| one["kind"] == "hbms-pack").collect();
    assert_eq!((all.len(), packs.len()), (24, 12));
    let states: Vec<_> = packs.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states[..4], ["met", "red", "red", "awaited"]);
    let text = String::from_utf8(council.runs(&["expectations", "--on", "2020-06-30"]).stdout).unwrap();
    assert!(text.starts_with("LA 12302 (12302): what DWP owes, and what came, on Tue 2020-06-30"), "{text}");
    assert!(text.contains("2020-04  Mon 2020-04-20  Fri 2020-04-24  met Tue 2020-04-21  met Tue 2020-04-21"), "{text}");
}

#[test]
fn overdue_ends_with_one_if_anything_is() {
    let council = council();
    let on = |day: &str| council.runs(&["expectations", "--overdue", "--on", day, "--json"]);
    assert_eq!(on("2020-05-22").status.code(), Some(0));
    let late = on("2020-05-23");
    assert_eq!(late.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&late.stdout).unwrap();
    assert_eq!(told["authorities"][0]["expectations"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(council.runs(&["expectations", "--on", "2020-05-23"]).status.code(), Some(0), "it was not asked for");
}

#[test]
fn what_cannot_be_answered_is_wrong_usage() {
    let council = council();
    for arguments in [["--authority", "101809"], ["--year", "2021-22"], ["--month", "2020"], ["--nights", "0"]] {
        let output = council.runs(&[&["expectations"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty());
    }
}

#[test]
fn next_tells_what_has_come_and_what_is_overdue() {
    let council = council();
    let next =
        |on: &str| council.json(&["timetable", "next", "--authority", BLACKPOOL, "--on", on])["expectations"].clone();
    let row = |kind: &str, month: &str, due_by: &str, state: &str| json!({"kind": kind, "relevant_month": month, "due_by": due_by, "state": state});
    let both = |month: &str, due_by: &str, state: &str| {
        [row("hbms-pack", month, due_by, state), row("caseload-risk", month, due_by, state)]
    };
    assert_eq!(next("2020-04-20"), json!(both("2020-04", "2020-04-24", "amber")));
    assert_eq!(next("2020-04-21"), json!(both("2020-05", "2020-05-22", "awaited")), "April's has come");
    let overdue = [both("2020-05", "2020-05-22", "red"), both("2020-06", "2020-06-19", "awaited")].concat();
    assert_eq!(next("2020-05-30"), json!(overdue));
}

#[test]
fn before_the_service_was_there_nothing_is_overdue_and_what_is_next_is_told() {
    let council = Council::new(&[(BLACKPOOL, "")], "2021-02-01 09:00");
    let next = council.json(&["timetable", "next", "--authority", BLACKPOOL, "--on", "2020-05-01"]);
    assert_eq!(next["expectations"][0]["due_by"], "2020-05-22");
    assert_eq!(
        (&next["expectations"][0]["state"], next["expectations"].as_array().unwrap().len()),
        (&json!("awaited"), 2)
    );
    assert_eq!(council.runs(&["expectations", "--overdue", "--on", "2021-01-31"]).status.code(), Some(0));
}

#[test]
fn status_names_an_overdue_pack_once() {
    let council = council();
    council.at("2020-05-23 09:00");
    // The real program's clock is years ahead: the last pack of the timetable is what it misses.
    let status = council.json(&["status"]);
    let about = |prefix: &str| {
        let all = status["attention"].as_array().unwrap().iter();
        all.filter(|one| one["about"].as_str().unwrap().starts_with(prefix)).count()
    };
    assert_eq!(about("expected-hbms-pack-12302-2020-05"), 1);
    assert_eq!(status["overdue_from_partners"][0]["relevant_month"], "2021-03");
}
