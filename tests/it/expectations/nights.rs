//! LAIDs by night, and their silence.

use super::council::{BLACKPOOL, Council, GLASGOW};
use hbcourier::cli::demo::samples;

const LA_12302: &str = "expected-laid-12302";
const LA_101809: &str = "expected-laid-101809";

fn xml(salt: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?><LAID><Claim reference=\"{salt}\"/></LAID>").into_bytes()
}

/// One silent night of a working day is an alarm; over Easter, Scotland's comes a day before England's.
#[test]
fn silence_over_easter_is_counted_by_each_ones_calendar() {
    let numbers = [
        (BLACKPOOL, "return_lead_days = 0\nlaid_silence_days = 1"),
        (GLASGOW, "return_lead_days = 0\nlaid_silence_days = 1\ncalendar = \"scotland\""),
    ];
    let council = Council::new(&numbers, "2020-04-09 09:00");
    for number in [BLACKPOOL, GLASGOW] {
        // Thursday night, before and after midnight.
        council.at("2020-04-09 22:00").comes(number, "LAID_0001.xml", &xml(number));
        council.at("2020-04-10 02:00").comes(number, "LAID_0002.xml", &xml(&format!("{number} too")));
    }
    let silent = |civil: &str| {
        let alarms = council.at(civil).alarms();
        (alarms.contains_key(LA_12302), alarms.contains_key(LA_101809))
    };
    // Good Friday is a bank holiday of both; Easter Monday of England and Wales alone.
    assert_eq!(silent("2020-04-13 23:00"), (false, false));
    assert_eq!(silent("2020-04-14 11:59"), (false, false), "Monday's night is not over");
    assert_eq!(silent("2020-04-14 12:00"), (false, true));
    assert_eq!(silent("2020-04-15 11:59"), (false, true));
    assert_eq!(silent("2020-04-15 12:00"), (true, true));
    assert!(council.says(LA_101809).contains("Monday 13 April 2020"), "{}", council.says(LA_101809));
    assert!(council.says(LA_12302).contains("Tuesday 14 April 2020"), "{}", council.says(LA_12302));
    council.comes(GLASGOW, "LAID_0003.pdf", &samples::laid_pdf());
    assert_eq!(silent("2020-04-15 13:00"), (true, false));
    assert_eq!((council.told(LA_12302), council.told(LA_101809)), ((1, 0), (1, 1)));
}

#[test]
fn a_long_silence_is_told_once_from_its_first_night() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0\nlaid_silence_days = 1")], "2020-06-01 09:00");
    council.at("2020-06-01 22:00").comes(BLACKPOOL, "LAID_0001.xml", &xml("monday"));
    let mut day: jiff::civil::Date = "2020-06-03".parse().unwrap();
    while day < "2020-08-20".parse().unwrap() {
        council.at(&format!("{day} 12:00"));
        assert_eq!(council.told(LA_12302), (1, 0), "{day}");
        day = day.tomorrow().unwrap();
    }
    assert!(council.says(LA_12302).contains("Tuesday 2 June 2020"), "{}", council.says(LA_12302));
    council.comes(BLACKPOOL, "LAID_0002.xml", &xml("august"));
    assert_eq!(council.told(LA_12302), (1, 1));
}

#[test]
fn unless_it_is_asked_for_silence_is_no_alarm_and_a_held_one_is_no_silence() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-06-01 09:00");
    assert!(!council.at("2020-06-12 13:00").alarms().contains_key(LA_12302));
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0\nlaid_silence_days = 2")], "2020-06-01 09:00");
    council.at("2020-06-01 23:00").lies_there(BLACKPOOL, "LAID_0001.pdf.pgp", b"nothing that opens");
    assert!(!council.at("2020-06-03 13:00").alarms().contains_key(LA_12302));
    assert!(council.at("2020-06-04 12:00").is_told(LA_12302, "CN-545"));
}

#[test]
fn files_are_counted_by_night_from_noon_to_noon() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0\nlaid_silence_days = 1")], "2020-06-05 09:00");
    council.at("2020-06-05 11:00").comes(BLACKPOOL, "LAID_0001.xml", &xml("thursday"));
    council.at("2020-06-05 21:00").comes(BLACKPOOL, "LAID_0002.xml", &xml("friday"));
    council.at("2020-06-06 03:00").comes(BLACKPOOL, "LAID_0003.pdf", &samples::laid_pdf());
    council.at("2020-06-08 13:00").lies_there(BLACKPOOL, "LAID_0004.pdf.pgp", b"nothing that opens");
    let told = council.json(&["expectations", "--on", "2020-06-08", "--nights", "5"]);
    let nights = told["authorities"][0]["nights"].as_array().unwrap();
    let night = |night: &serde_json::Value| {
        let count = |what: &str| night[what].as_u64().unwrap();
        (
            night["night"].as_str().unwrap().to_owned(),
            night["working"].as_bool().unwrap(),
            [count("pdf"), count("xml"), count("held")],
        )
    };
    let expected = [
        ("2020-06-04", true, [0, 1, 0]),
        ("2020-06-05", true, [1, 1, 0]),
        ("2020-06-06", false, [0, 0, 0]),
        ("2020-06-07", false, [0, 0, 0]),
        ("2020-06-08", true, [0, 0, 1]),
    ];
    let expected = expected.map(|(night, working, counts)| (night.to_owned(), working, counts));
    assert_eq!(nights.iter().map(night).collect::<Vec<_>>(), expected);
    assert_eq!(told["authorities"][0]["laid_silence"], serde_json::Value::Null);
    let text =
        String::from_utf8(council.runs(&["expectations", "--on", "2020-06-08", "--nights", "5"]).stdout).unwrap();
    assert!(
        text.contains("Fri 2020-06-05  1    1    0     met") && text.contains("Sat 2020-06-06  0    0    0     free"),
        "{text}"
    );
}
