//! Packs that come early, late, twice, held, or for somebody else, through the real way in.

use super::council::{BLACKPOOL, Council, pack};

fn irregular(council: &Council, on: &str) -> Vec<(String, String, String)> {
    let told = council.json(&["expectations", "--authority", BLACKPOOL, "--on", on]);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = told["authorities"][0]["irregular"].as_array().unwrap().iter();
    all.map(|one| (text(&one["what"]), text(&one["kind"]), text(&one["relevant_month"]))).collect()
}

fn told(what: &str, kind: &str, month: &str) -> (String, String, String) {
    (what.to_owned(), kind.to_owned(), month.to_owned())
}

fn council() -> Council {
    Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-01 09:00")
}

#[test]
fn in_its_week_with_its_risk_file() {
    let council = council();
    council.at("2020-04-21 09:00").pack_comes(BLACKPOOL, "april");
    for (on, state) in
        [("2020-04-19", "awaited"), ("2020-04-20", "amber"), ("2020-04-21", "met"), ("2020-06-01", "met")]
    {
        for kind in ["hbms-pack", "caseload-risk"] {
            assert_eq!(council.state(kind, "2020-04", on), state, "{kind} {on}");
        }
    }
    assert_eq!(irregular(&council, "2020-04-30"), []);
    assert_eq!(council.at("2020-04-30 09:00").alarms(), [].into());
}

#[test]
fn early_twice_and_late() {
    let council = council();
    council.at("2020-04-17 22:00").pack_comes(BLACKPOOL, "early");
    council.at("2020-04-22 09:00").pack_comes(BLACKPOOL, "further");
    council.at("2020-05-25 09:00").pack_comes(BLACKPOOL, "late");
    assert_eq!(council.state("hbms-pack", "2020-04", "2020-05-31"), "early");
    assert_eq!(council.state("hbms-pack", "2020-05", "2020-05-31"), "late");
    let expected = [("early", "2020-04"), ("duplicate", "2020-04"), ("late", "2020-05")];
    let both = |(what, month): (&str, &str)| [told(what, "hbms-pack", month), told(what, "caseload-risk", month)];
    // The risk file of the further pack has the content of the first one's: it is another file all the same.
    assert_eq!(irregular(&council, "2020-05-31"), expected.map(both).concat());
    assert_eq!(irregular(&council, "2020-04-17").len(), 2, "what came later was not known then");
}

#[test]
fn the_same_pack_again_is_held_as_a_repeat_and_told_as_a_duplicate() {
    let council = council();
    council.at("2020-04-21 09:00").pack_comes(BLACKPOOL, "april");
    council.at("2020-04-22 09:00").comes_as(BLACKPOOL, "again.pgp", "HBMS_pack.zip", &pack("april", true));
    assert_eq!(council.held(), ["CN-114"]);
    let both = ["hbms-pack", "caseload-risk"].map(|kind| told("duplicate", kind, "2020-04"));
    assert_eq!(irregular(&council, "2020-04-30"), both);
    assert_eq!(council.state("hbms-pack", "2020-04", "2020-04-30"), "met");
}

#[test]
fn a_held_pack_has_arrived_and_is_told_apart_from_one_that_has_not() {
    let council = council();
    // Nobody signed it, so its content is never looked at; its name says what it is.
    council.at("2020-04-21 09:00").lies_there(BLACKPOOL, "HBMS_pack.zip.pgp", b"this is no OpenPGP");
    assert_eq!(council.state("hbms-pack", "2020-04", "2020-04-30"), "held");
    assert_eq!(council.at("2020-04-30 09:00").alarms(), [].into(), "what is held is said where it is held");
    let nothing_says = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-01 09:00");
    nothing_says.at("2020-04-21 09:00").lies_there(BLACKPOOL, "4711.pgp", b"this is no OpenPGP either");
    assert_eq!(nothing_says.state("hbms-pack", "2020-04", "2020-04-30"), "red");
    assert_eq!(irregular(&nothing_says, "2020-04-30"), [told("untold", "", "2020-04")]);
    assert!(nothing_says.at("2020-04-30 09:00").is_told("expected-hbms-pack-12302-2020-04", "CN-543"));
}

#[test]
fn another_authoritys_pack_meets_nothing() {
    let council = council();
    let risk = hbcourier::cli::demo::samples::caseload_risk(20);
    council.at("2020-04-21 09:00").comes(BLACKPOOL, "AOBWR627_101809_RISK.csv", &risk);
    assert_eq!(council.state("caseload-risk", "2020-04", "2020-04-22"), "amber");
    assert_eq!(irregular(&council, "2020-04-22"), [told("foreign", "caseload-risk", "")]);
}

#[test]
fn a_retry_that_is_delivered_counts_from_its_arrival() {
    let council = council();
    council.at("2020-04-17 09:00").pack_comes(BLACKPOOL, "early");
    let told = council.json(&["expectations", "--month", "2020-04", "--on", "2020-05-01"]);
    let first = &told["authorities"][0]["expectations"][0];
    assert_eq!(
        (&first["arrived"], &first["from"], &first["due_by"]),
        (&"2020-04-17".into(), &"2020-04-20".into(), &"2020-04-24".into())
    );
    let transfer = first["transfer"].as_str().unwrap();
    assert!(council.runs(&["transfers", "show", transfer]).status.success(), "{transfer} leads somewhere");
}

#[test]
fn what_is_overdue_now_is_the_same_by_the_last_months_alone() {
    use hbcourier::foresight::{outlook_lately, outlook_of, overdue};
    let council = council();
    council.at("2020-04-21 09:00").pack_comes(BLACKPOOL, "april");
    council.at("2020-07-14 09:00").pack_comes(BLACKPOOL, "july");
    let (settings, queries) = (council.settings(), council.queries());
    let timetables = hbcourier::config::timetable::bundled().unwrap();
    let authority = &settings.authorities[0];
    let mut overdue_days = 0;
    let mut day: jiff::civil::Date = "2020-04-01".parse().unwrap();
    while day < "2021-04-01".parse().unwrap() {
        let whole = outlook_of(&queries, &timetables, authority, day).unwrap();
        let lately = outlook_lately(&queries, &timetables, authority, day).unwrap();
        assert_eq!(overdue(&whole, day), overdue(&lately, day), "{day}");
        overdue_days += overdue(&whole, day).len();
        let began = |outlook: &hbcourier::domain::expectation::Outlook| outlook.expectations[0].from;
        assert!(day < began(&whole) || day.since(began(&lately)).unwrap().get_days() < 20 * 7, "{day}: bounded");
        day = day.tomorrow().unwrap();
    }
    assert!(overdue_days > 100, "{overdue_days}");
}
