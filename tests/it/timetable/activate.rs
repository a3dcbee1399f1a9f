//! A new timetable, from the circular into force: by the real commands, with and without a running service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use hbcourier::domain::TimetableYear;
use hbcourier::effects::clock::london;
use jiff::civil::Date;
use jiff::{ToSpan, Zoned};
use serde_json::{Value, json};

use super::CIRCULAR;
use crate::support::council::{Council, LA, succeeded};
use crate::support::partner::{Algorithm, Partner};

fn council() -> Council {
    Council::new(&mut Partner::new(Algorithm::Curve25519))
}

/// The circular in a file of this council.
fn circular(council: &Council, text: &str) -> PathBuf {
    let path = council.dir.path().join("a5-2020.txt");
    fs::write(&path, text).unwrap();
    path
}

/// Imports it into a draft in the council's folder.
fn import(council: &Council, text: &str, more: &[&str]) -> (Output, PathBuf) {
    let (file, draft) = (circular(council, text), council.dir.path().join("draft.toml"));
    let mut line = vec!["timetable", "import", file.to_str().unwrap(), "--year", "2020-21", "--json"];
    line.extend(["--draft", draft.to_str().unwrap()]);
    line.extend(more);
    (council.runs(&line), draft)
}

fn printed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn activate(council: &Council, file: &Path) -> Output {
    activate_with(council, file, &[])
}

fn activate_with(council: &Council, file: &Path, accept: &[String]) -> Output {
    let mut order =
        vec!["timetable", "activate", file.to_str().unwrap(), "--reason", "circular A5/2020", "--by", "Benefits team"];
    order.extend(accept.iter().flat_map(|ruling| ["--accept", ruling.as_str()]));
    council.runs(&order)
}

/// The errors of a timetable file that nobody has ruled on, as rulings.
fn errors(said: &Value) -> Vec<String> {
    let findings = said["findings"].as_array().unwrap().iter().filter(|found| found["severity"] == "error");
    let mut rulings: Vec<String> = findings
        .map(|found| match (&found["code"], &found["line"]) {
            (code, Value::Null) => code.as_str().unwrap().to_owned(),
            (code, line) => format!("{}:{line}", code.as_str().unwrap()),
        })
        .collect();
    rulings.dedup();
    rulings
}

/// Activates it with a ruling on everything that stands against it.
fn activate_in_any_case(council: &Council, file: &Path) -> Output {
    let said = council.runs(&["timetable", "lint", file.to_str().unwrap(), "--json"]);
    activate_with(council, file, &errors(&printed(&said)))
}

fn verifies(council: &Council) -> bool {
    council.json(&["audit", "verify"])["ok"].as_bool().unwrap()
}

/// The circular with a transfer of week 1 Monday moved by a day in both annexes, its extraction with it.
fn moved() -> String {
    CIRCULAR
        .replace("Monday May-20 04/05/2020 11/05/2020", "Monday May-20 05/05/2020 12/05/2020")
        .replace("Week 1 Monday May-20 11/05/2020", "Week 1 Monday May-20 12/05/2020")
}

#[test]
fn a_dry_run_says_what_it_would_be_and_writes_nothing() {
    let council = council();
    let file = circular(&council, CIRCULAR);
    let before = fs::read_dir(council.dir.path()).unwrap().count();
    let line = ["timetable", "import", file.to_str().unwrap(), "--year", "2020-21", "--dry-run", "--json"];
    let output = council.runs(&line);
    assert_eq!(output.status.code(), Some(0));
    let said = printed(&output);
    assert_eq!((&said["year"], &said["groups"], &said["authorities"]), (&json!("2020-21"), &json!(16), &json!(377)));
    assert_eq!(said["draft"], Value::Null);
    let dover = said["findings"].as_array().unwrap().iter().find(|found| found["authority"] == "16104").unwrap();
    assert_eq!((&dover["code"], &dover["annex"]), (&json!("number-misprinted"), &json!("B")));
    assert!(CIRCULAR.lines().nth(dover["line"].as_u64().unwrap() as usize - 1).unwrap().ends_with("Dover 6104"));
    assert_eq!(fs::read_dir(council.dir.path()).unwrap().count(), before);
}

#[test]
fn a_draft_is_written_once_read_back_and_changes_nothing_against_the_bundled_one() {
    let council = council();
    let (output, draft) = import(&council, CIRCULAR, &[]);
    assert_eq!(output.status.code(), Some(0));
    let said = printed(&output);
    assert_eq!(said["draft"], draft.to_str().unwrap());
    let diff = &said["diff"];
    assert_eq!(diff["against"], "2020-21");
    for part in ["dates", "added", "removed", "moved", "renamed"] {
        assert_eq!(diff[part], json!([]), "{part}");
    }
    assert_eq!(hbcourier::config::timetable::load(&draft).unwrap(), super::year_2020());
    let text = fs::read_to_string(&draft).unwrap();
    for remark in ["# warning: ", "number-misprinted [16104]", "13508 was before: Forest Heath, St Edmundsbury."] {
        assert!(text.contains(remark), "{remark}\n{text}");
    }
    // The same again is no trouble; another one is not written over it.
    assert_eq!(import(&council, CIRCULAR, &[]).0.status.code(), Some(0));
    let (other, _) = import(&council, &moved(), &[]);
    assert_eq!(other.status.code(), Some(3));
    assert_eq!(fs::read_to_string(&draft).unwrap(), text);
    // Lint says of the draft what is odd, with its lines, and what the bank holidays explain is no error.
    let lint = council.runs(&["timetable", "lint", draft.to_str().unwrap(), "--json"]);
    assert_eq!(lint.status.code(), Some(0));
    let found = printed(&lint)["findings"].clone();
    let shifted: Vec<&Value> =
        found.as_array().unwrap().iter().filter(|found| found["code"] == "weekday-shifted").collect();
    assert_eq!(shifted.len(), 3);
    for found in shifted {
        let line = text.lines().nth(found["line"].as_u64().unwrap() as usize - 1).unwrap();
        assert!(["2020-04-14", "2020-05-26", "2020-09-01"].iter().any(|day| line.contains(day)), "{line}");
    }
}

#[test]
fn a_damaged_copy_gives_no_draft_unless_a_person_rules_on_the_finding() {
    let council = council();
    let damaged = CIRCULAR.replacen(
        "Monday May-20 04/05/2020 11/05/2020 Bolton",
        "Monday May-20 04/05/2020 12/05/2020 Bolton",
        1,
    );
    let (output, draft) = import(&council, &damaged, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!draft.exists());
    let said = printed(&output);
    let errors: Vec<String> = said["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| found["severity"] == "error")
        .map(|found| format!("{}:{}", found["code"].as_str().unwrap(), found["line"]))
        .collect();
    assert!(errors.iter().any(|error| error.starts_with("dates-differ:")), "{errors:?}");
    let mut ruling: Vec<&str> = errors.iter().flat_map(|error| ["--accept", error.as_str()]).collect();
    ruling.extend(["--reason", "DWP confirmed the 12th by telephone"]);
    let (output, _) = import(&council, &damaged, &ruling);
    assert_eq!(output.status.code(), Some(0));
    let text = fs::read_to_string(&draft).unwrap();
    assert!(text.contains("because DWP confirmed the 12th by telephone"));
    let bolton = &super::year_2020().authority(&"20101".parse().unwrap()).unwrap().number.clone();
    let read = hbcourier::config::timetable::load(&draft).unwrap();
    let due = |kind| read.obligations(bolton, kind)[1].transfer_on.to_string();
    use hbcourier::domain::ReturnKind::{HbmsMi, Shbe};
    assert_eq!([due(Shbe), due(HbmsMi)], ["2020-05-12", "2020-05-11"], "as each annex prints it");
}

#[test]
fn an_activated_timetable_is_in_force_and_on_record() {
    let council = council();
    let transfer_on = || {
        let shown = council.json(&["timetable", "show", "--authority", LA, "--year", "2020-21"]);
        shown["shbe"][1]["transfer_on"].as_str().unwrap().to_owned()
    };
    assert_eq!(transfer_on(), "2020-05-11");
    let (output, draft) = import(&council, &moved(), &[]);
    let said = printed(&output);
    // Both annexes print it, so it is said and taken.
    assert_eq!(output.status.code(), Some(0), "{said}");
    let changed = said["diff"]["dates"].as_array().unwrap();
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert_eq!(changed[0]["group"], "week 1 Monday");
    assert_eq!(
        (&changed[0]["before"]["transfer_on"], &changed[0]["after"]["transfer_on"]),
        (&json!("2020-05-11"), &json!("2020-05-12"))
    );
    assert_eq!(transfer_on(), "2020-05-11", "nothing uses a draft");

    // Nothing in the draft confirms the day, so the import's answer names the ruling.
    let ruling = errors(&printed(&council.runs(&["timetable", "lint", draft.to_str().unwrap(), "--json"])));
    assert_eq!(ruling.len(), 1, "{ruling:?}");
    let command = format!("{} --accept {} --reason", draft.display(), ruling[0]);
    assert!(said["next"].as_str().unwrap().contains(&command), "{said}");
    let done = activate_with(&council, &draft, &ruling);
    let says = String::from_utf8(succeeded(done)).unwrap();
    assert!(says.contains("\nThe timetable of 2020-21 is in force: 16 groups, 377 authorities."), "{says}");
    assert!(
        says.contains("week 1 Monday, shbe, 2020-05: 2020-05-12 (extraction from 2020-05-05) instead of"),
        "{says}"
    );
    assert_eq!(transfer_on(), "2020-05-12");
    assert!(verifies(&council));

    let again = activate_with(&council, &draft, &ruling);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exactly this timetable is in force for 2020-21 already"));
    let circular = circular(&council, CIRCULAR);
    assert_eq!(activate(&council, &circular).status.code(), Some(1), "a circular is no timetable file");
    let log = String::from_utf8(succeeded(council.runs(&["audit", "log", "--json"]))).unwrap();
    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| entries.iter().filter(|entry| entry["event"] == event).count();
    assert_eq!((of("timetable-activated"), of("order-refused")), (1, 2));

    // The service starts with it, too.
    let mut council = council;
    council.start();
    council.stops_well();
    assert!(verifies(&council));
    assert_eq!(council.json(&["timetable", "show", "--authority", LA])["shbe"][1]["transfer_on"], "2020-05-12");
}

#[test]
fn a_wrong_date_is_not_put_into_force_without_a_ruling() {
    let council = council();
    let (_, draft) = import(&council, CIRCULAR, &[]);
    let text = fs::read_to_string(&draft).unwrap();
    fs::write(
        &draft,
        text.replace("2020-05-11", "2020-05-13").replace("2020-05-04\", transfer", "2020-05-06\", transfer"),
    )
    .unwrap();
    let order = ["timetable", "activate", draft.to_str().unwrap(), "--reason", "new dates", "--json"];
    let output = council.runs(&order);
    assert_eq!(output.status.code(), Some(1));
    let said = printed(&output);
    assert!(said["says"].as_str().unwrap().starts_with("Not put into force."), "{said}");
    assert!(!said["diff"]["dates"].as_array().unwrap().is_empty(), "{said}");
    let rulings = errors(&said);
    assert!(rulings.iter().any(|ruling| ruling.starts_with("weekday-shifted:")), "{rulings:?}");
    let next = said["next"].as_str().unwrap();
    assert!(rulings.iter().all(|ruling| next.contains(&format!("--accept {ruling} "))), "{next}");
    let shown = || council.json(&["timetable", "show", "--authority", LA, "--year", "2020-21"])["shbe"][1].clone();
    assert_eq!(shown()["transfer_on"], "2020-05-11");
    // A ruling on some of it is not enough; one on nothing is a slip.
    assert_eq!(activate_with(&council, &draft, &rulings[1..]).status.code(), Some(1));
    let slip = activate_with(&council, &draft, &["interval:1".to_owned()]);
    assert_eq!(slip.status.code(), Some(2));
    assert_eq!(activate_with(&council, &draft, &rulings).status.code(), Some(0));
    assert_eq!(shown()["transfer_on"], "2020-05-13");
    let log = String::from_utf8(succeeded(council.runs(&["audit", "log", "--json"]))).unwrap();
    assert!(log.contains(&format!("taken as it is: {}", rulings[0])), "{log}");
}

#[test]
fn the_order_itself_is_refused_whoever_gives_it() {
    use hbcourier::operator::Order;
    let council =
        crate::outbound::council::Council::new(&[LA], "2020-04-08 10:00", crate::outbound::council::Way::Folders);
    let text = include_str!("../../../config/timetables/2020-21.toml");
    let order = |text: String, accept: &[&str]| {
        let accept = accept.iter().map(|ruling| ruling.parse().unwrap()).collect();
        council.give(&Order::ActivateTimetable { text, accept, by: None, reason: "new dates".to_owned() })
    };
    let refused = order(text.replace("2020-05-11", "2020-05-13"), &[]).unwrap_err();
    assert!(refused.contains("weekday-shifted:") && refused.contains("`hbcourier timetable lint`"), "{refused}");
    let none = order(text.to_owned(), &["interval:7"]).unwrap_err();
    assert!(none.contains("there is no finding interval:7"), "{none}");
    order(text.to_owned(), &[]).unwrap();
}

/// The circular without the last group of both annexes, week 4 Thursday.
fn without_the_last_group() -> String {
    let cuts = [("Thursday Apr-20 30/04/2020", "Annex C: HBMS rules"), ("Week 4 Thursday Apr-20", "Annex E: HB Award")];
    cuts.into_iter().fold(CIRCULAR.to_owned(), |text, (from, to)| {
        let (begin, end) = (text.find(from).unwrap(), text.rfind(to).unwrap());
        format!("{}\n{}", &text[..begin], &text[end..])
    })
}

#[test]
fn a_group_that_is_missing_from_both_annexes_is_an_error() {
    let council = council();
    let text = without_the_last_group();
    let (output, draft) = import(&council, &text, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!draft.exists());
    let rulings = errors(&printed(&output));
    assert_eq!(rulings, ["groups-fewer", "authorities-fewer"]);
    let mut accept: Vec<&str> = rulings.iter().flat_map(|ruling| ["--accept", ruling.as_str()]).collect();
    accept.extend(["--reason", "that group is no more"]);
    let (output, draft) = import(&council, &text, &accept);
    let said = printed(&output);
    assert_eq!((output.status.code(), &said["groups"]), (Some(0), &json!(15)), "{said}");
    assert!(said["next"].as_str().unwrap().contains("--accept groups-fewer --accept authorities-fewer"), "{said}");
    assert_eq!(activate(&council, &draft).status.code(), Some(1));
    assert_eq!(activate_with(&council, &draft, &rulings).status.code(), Some(0));
}

/// A timetable of the present year in which both returns for March are due on this day.
fn of_this_year(council: &Council, due: Date) -> PathBuf {
    let today = Zoned::now().with_time_zone(london()).date();
    let first = if today.month() < 4 { today.year() - 1 } else { today.year() };
    let text = format!(
        "year = \"{}\"\nsource = \"made up\"\n\n[[group]]\nweek = 1\nweekday = \"Monday\"\n\
         dates = [{{ relevant_month = \"{}-03\", extract_from = \"{due}\", transfer_on = \"{due}\" }}]\n\
         authorities = [[\"{LA}\", \"Blackpool\"]]\n",
        TimetableYear::beginning(first),
        first + 1
    );
    let file = council.dir.path().join(format!("due-{due}.toml"));
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_running_service_takes_it_up_and_what_is_recorded_keeps_its_dates() {
    let mut council = council();
    council.start();
    let returns = |council: &Council| council.json(&["returns", "list"])["returns"].as_array().unwrap().clone();
    assert!(returns(&council).is_empty());
    let today = Zoned::now().with_time_zone(london()).date();
    let (first, second) = (today.saturating_add(40.days()), today.saturating_add(41.days()));
    succeeded(activate_in_any_case(&council, &of_this_year(&council, first)));
    council.until("the service has recorded what is owed now", |council| returns(council).len() == 2);
    let says = String::from_utf8(succeeded(activate_in_any_case(&council, &of_this_year(&council, second)))).unwrap();
    for kind in ["shbe", "hbms-mi"] {
        assert!(says.contains(&format!("{kind}/{LA}/")), "{says}");
    }
    assert!(says.contains(&format!("stays due on {first} (the timetable in force has {second})")), "{says}");
    assert!(
        says.contains("No command moves a recorded date") && says.contains("`hbcourier returns waive KEY"),
        "{says}"
    );
    let next = council.json(&["timetable", "next", "--authority", LA]);
    for owed in next["obligations"].as_array().unwrap() {
        assert_eq!(owed["transfer_on"], first.to_string(), "the day on which it is sent: {next}");
        assert_eq!(owed["differs"], format!("the timetable in force has {second}"));
    }
    council.stops_well();
    assert!(returns(&council).iter().all(|owed| owed["transfer_on"] == first.to_string()));
    assert!(verifies(&council));
}

#[test]
fn an_operators_table_adds_numbers_and_tells_of_councils() {
    let council = council();
    let table = council.dir.path().join("authorities.csv");
    fs::write(
        &table,
        "number,name,council,division,from,until,previously\n12302,Blackpool,Fylde Coast Council,england-and-wales,2020-04-01,,\n",
    )
    .unwrap();
    let probe = || {
        let checked = printed(&council.runs(&["check", "--json"]));
        let probes = checked["probes"].as_array().unwrap().clone();
        probes.into_iter().find(|probe| probe["probe"] == "authority").unwrap()
    };
    assert_eq!(probe()["outcome"], "ok");
    council.changes_settings(|settings| {
        let service = settings["service"].as_table_mut().unwrap();
        service.insert("authorities".into(), table.display().to_string().into());
    });
    let listed = council.json(&["timetable", "list", "--name", "blackpool"]);
    assert_eq!(listed["timetables"][0]["authorities"][0]["council"], "Fylde Coast Council");
    fs::write(&table, "number,name,council,division,from,until,previously\n12302,Blackpool,,england-and-wales,2020-04-01,2021-03-31,\n").unwrap();
    let ended = probe();
    assert_eq!(ended["outcome"], "warning");
    assert!(ended["says"].as_str().unwrap().contains("and not on"), "{ended}");
    fs::write(&table, "number,name\n").unwrap();
    assert_eq!(council.runs(&["timetable", "list"]).status.code(), Some(78));
}
