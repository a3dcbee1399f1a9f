//! What `hbcourier timetable` answers, to scripts and to people.

use clap::Parser;
use hbcourier::cli::timetable::{CliFault, Question, Recorded, run, unseen};
use hbcourier::config::authorities::authorities;
use hbcourier::domain::{Revision, Stage, Submission, SubmissionKey};
use serde_json::{Value, json};

use super::{date, in_force};

#[derive(Parser)]
struct Asked {
    #[command(subcommand)]
    question: Question,
}

type Stages = Recorded;

/// The answer to `timetable LINE`, asked on this day.
fn ask(line: &str, stages: &Stages, today: &str) -> Result<String, CliFault> {
    let asked = Asked::try_parse_from(["timetable"].into_iter().chain(line.split(' '))).unwrap();
    let mut out = Vec::new();
    let nobody_looked = |number: &_, on| Ok(unseen(&in_force(), number, on));
    let authorities = authorities(None).unwrap();
    run(&asked.question, &in_force(), &authorities, stages, &nobody_looked, date(today), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn ask_json(line: &str, stages: &Stages, today: &str) -> Value {
    serde_json::from_str(&ask(&format!("{line} --json"), stages, today).unwrap()).unwrap()
}

/// These returns are recorded, with the dates of the timetable.
fn stages(recorded: &[(&str, Stage)]) -> Stages {
    recorded.iter().map(|(key, stage)| of(key, stage.clone())).collect()
}

fn of(key: &str, stage: Stage) -> (SubmissionKey, Submission) {
    let key: SubmissionKey = key.parse().unwrap();
    let usual = SubmissionKey { workbook: None, ..key.clone() };
    let owed = in_force().obligations(&key.authority, key.kind).into_iter().find(|owed| owed.key == usual).unwrap();
    let submission = Submission {
        key: key.clone(),
        extract_from: owed.extract_from,
        transfer_on: owed.transfer_on,
        revision: Revision(0),
        stage,
        ordered: None,
        resent: None,
        sent: None,
        sealed: None,
    };
    (key, submission)
}

#[test]
fn show_gives_scripts_the_promised_shape() {
    let shown = ask_json("show --authority 16104 --year 2020-21", &Stages::new(), "2020-05-01");
    assert_eq!(shown["authority"], json!({"number": "16104", "name": "Dover"}));
    assert_eq!((&shown["year"], &shown["week"], &shown["weekday"]), (&json!("2020-21"), &json!(4), &json!("Monday")));
    assert_eq!(shown["shbe"].as_array().unwrap().len(), 12);
    assert_eq!(
        shown["shbe"][0],
        json!({"relevant_month": "2020-04", "extract_from": "2020-04-27", "transfer_on": "2020-05-04"})
    );
    assert_eq!(shown["hbms_mi"][11], json!({"relevant_month": "2021-03", "transfer_on": "2021-03-22"}));
    let without_year = ask_json("show --authority 16104", &Stages::new(), "2020-05-01");
    assert_eq!(without_year, shown);
}

#[test]
fn show_gives_people_a_table_with_the_days() {
    let shown = ask("show --authority 12302", &Stages::new(), "2020-05-01").unwrap();
    let mut lines = shown.lines();
    assert_eq!(lines.next(), Some("Blackpool (12302), 2020-21: week 1 Monday"));
    assert_eq!(lines.nth(1), Some("  Month    SHBE extract from  SHBE transfer on  HBMS MI transfer on"));
    assert_eq!(lines.next(), Some("  2020-04  Tue 2020-04-07     Tue 2020-04-14    Tue 2020-04-14"));
    assert_eq!(lines.count(), 11);
}

#[test]
fn next_is_the_next_of_each_return_and_what_dwp_owes_next() {
    let next = ask_json("next --authority 12302", &Stages::new(), "2020-05-11");
    assert_eq!(
        next,
        json!({
            "obligations": [
                {"return": "shbe", "relevant_month": "2020-05", "extract_from": "2020-05-04",
                 "transfer_on": "2020-05-11", "state": "scheduled"},
                {"return": "hbms-mi", "relevant_month": "2020-05", "extract_from": null,
                 "transfer_on": "2020-05-11", "state": "scheduled"},
            ],
            "expectations": [
                {"kind": "hbms-pack", "relevant_month": "2020-05", "due_by": "2020-05-22", "state": "awaited"},
                {"kind": "caseload-risk", "relevant_month": "2020-05", "due_by": "2020-05-22", "state": "awaited"},
            ],
        })
    );
}

#[test]
fn next_chases_what_is_unsettled_and_passes_over_what_is_sent() {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let recorded = stages(&[
        ("shbe/12302/2020-04", Stage::Missed { since: at }),
        ("hbms-mi/12302/2020-04", Stage::Acknowledged { at }),
        ("shbe/12302/2020-05", Stage::Sent { at, reply: String::new() }),
        ("hbms-mi/12302/2020-05", Stage::Sealed),
        ("shbe/12302/2020-06", Stage::Waived { at }),
        ("shbe/20101/2020-04", Stage::Uncertain { since: at, restored: false }),
    ]);
    let next = ask_json("next --authority 12302", &recorded, "2020-05-11");
    let owed: Vec<_> = next["obligations"].as_array().unwrap().iter().collect();
    let said: Vec<_> = owed.iter().map(|o| [&o["return"], &o["relevant_month"], &o["state"]]).collect();
    assert_eq!(
        said,
        [
            [&json!("shbe"), &json!("2020-04"), &json!("missed")],
            [&json!("hbms-mi"), &json!("2020-05"), &json!("sealed")],
            [&json!("shbe"), &json!("2020-07"), &json!("scheduled")],
        ]
    );
}

#[test]
fn next_tells_the_recorded_dates_and_where_the_timetable_differs() {
    let mut recorded = stages(&[("shbe/12302/2020-06", Stage::Scheduled), ("hbms-mi/12302/2020-06", Stage::Scheduled)]);
    let shbe = recorded.get_mut(&"shbe/12302/2020-06".parse().unwrap()).unwrap();
    shbe.transfer_on = date("2020-06-10");
    let next = ask_json("next --authority 12302", &recorded, "2020-06-09");
    let first = &next["obligations"][0];
    assert_eq!((&first["return"], &first["transfer_on"]), (&json!("hbms-mi"), &json!("2020-06-08")), "{next}");
    assert_eq!(first.get("differs"), None);
    let moved = &next["obligations"][1];
    assert_eq!((&moved["return"], &moved["transfer_on"]), (&json!("shbe"), &json!("2020-06-10")), "{next}");
    assert_eq!(moved["differs"], "the timetable in force has 2020-06-08");
    let text = ask("next --authority 12302", &recorded, "2020-06-09").unwrap();
    assert!(
        text.contains("shbe 2020-06 keeps the dates that are recorded; the timetable in force has 2020-06-08."),
        "{text}"
    );
}

#[test]
fn next_lists_the_returns_of_earlier_workbooks() {
    let recorded = stages(&[
        ("hbms-mi/12302/2020-06", Stage::Scheduled),
        ("hbms-mi/12302/2020-06/2020-04", Stage::Scheduled),
        ("hbms-mi/12302/2020-05/2020-03", Stage::Sent { at: jiff::Timestamp::UNIX_EPOCH, reply: String::new() }),
    ]);
    let next = ask_json("next --authority 12302", &recorded, "2020-06-01");
    let mi: Vec<_> =
        next["obligations"].as_array().unwrap().iter().filter(|owed| owed["return"] == "hbms-mi").collect();
    assert_eq!(mi.len(), 2, "{next}");
    assert_eq!((&mi[1]["relevant_month"], &mi[1]["workbook"]), (&json!("2020-06"), &json!("2020-04")));
    assert_eq!(mi[1].get("differs"), None);
    let text = ask("next --authority 12302", &recorded, "2020-06-01").unwrap();
    assert!(text.contains("hbms-mi  2020-06/2020-04"), "{text}");
}

#[test]
fn a_day_that_has_passed_unrecorded_is_not_called_scheduled() {
    let next = ask_json("next --authority 16104 --on 2020-05-01", &Stages::new(), "2021-01-01");
    assert_eq!(next["obligations"][0]["transfer_on"], "2020-05-04");
    assert_eq!(next["obligations"][0]["state"], "not-recorded");
}

#[test]
fn after_the_last_timetable_next_says_where_it_ends() {
    let says = ask("next --authority 12302", &Stages::new(), "2026-01-05").unwrap();
    assert!(says.contains("No return is due"), "{says}");
    assert!(says.contains("The timetables in force end for Blackpool on Mon 2021-03-01."), "{says}");
    assert!(says.contains("with `hbcourier timetable activate`"), "{says}");
    let next = ask_json("next --authority 12302", &Stages::new(), "2026-01-05");
    assert_eq!(next, json!({"obligations": [], "expectations": []}));
}

#[test]
fn an_unknown_number_is_answered_with_similar_ones_and_a_command_that_exists() {
    for question in ["show --authority 16014", "next --authority 16014"] {
        let fault = ask(question, &Stages::new(), "2020-05-01").unwrap_err();
        assert_eq!(fault.exit_status(), 2);
        let says = fault.to_string();
        assert!(
            says.starts_with("LA number 16014 is in no timetable in force (2020-21); similar: 16104 (Dover)"),
            "{says}"
        );
        let command = says.split('`').nth(1).unwrap().strip_prefix("hbcourier timetable ").unwrap();
        assert!(ask(command, &Stages::new(), "2020-05-01").unwrap().contains("16104   Dover"), "{command}");
    }
    let nothing_like_it = ask("show --authority 999999", &Stages::new(), "2020-05-01").unwrap_err().to_string();
    assert!(!nothing_like_it.contains("similar"), "{nothing_like_it}");
}

#[test]
fn a_year_without_a_timetable_is_said_so() {
    let fault = ask("show --authority 16104 --year 2021-22", &Stages::new(), "2020-05-01").unwrap_err();
    assert!(fault.to_string().starts_with("there is no timetable for 2021-22; in force are 2020-21."), "{fault}");
}

#[test]
fn list_finds_an_authority_by_part_of_its_name() {
    let listed = ask_json("list", &Stages::new(), "2020-05-01");
    let all = &listed["timetables"][0];
    assert_eq!((&all["year"], &all["groups"]), (&json!("2020-21"), &json!(16)));
    assert_eq!(all["authorities"].as_array().unwrap().len(), 377);
    let some = ask_json("list --name MONMOUTH", &Stages::new(), "2020-05-01");
    assert_eq!(
        some["timetables"][0]["authorities"],
        json!([{"number": "71405", "name": "Monmouthshire", "week": 4, "weekday": "Monday"}])
    );
}

#[test]
fn a_number_that_cannot_be_one_is_wrong_usage() {
    let says = Asked::try_parse_from(["timetable", "show", "--authority", "6104"]).err().unwrap().to_string();
    assert!(says.contains("`6104` is not an LA number"), "{says}");
}
