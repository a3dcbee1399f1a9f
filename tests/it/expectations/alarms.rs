//! Alarms before deadlines, raised and cleared as the days pass.

use std::time::Duration;

use super::council::{BLACKPOOL, Council, pack};

const PACK: &str = "expected-hbms-pack-12302-2020-04";
const RISK: &str = "expected-caseload-risk-12302-2020-04";
const SHBE: &str = "due-shbe-12302-2020-04";
const MI: &str = "due-hbms-mi-12302-2020-04";

#[test]
fn a_return_is_told_of_two_working_days_ahead_until_it_is_there() {
    // Due on Tuesday 14 April; Good Friday and Easter Monday are no working days, so two before it is Wednesday.
    let council = Council::new(&[(BLACKPOOL, "")], "2020-04-07 23:59");
    assert_eq!(council.alarms(), [].into());
    council.at("2020-04-08 00:00");
    assert!(council.is_told(SHBE, "CN-541") && council.is_told(MI, "CN-541"), "{:?}", council.alarms());
    assert!(council.says(SHBE).ends_with("It is due on Tuesday 14 April 2020."), "{}", council.says(SHBE));
    council.leaves_shbe(BLACKPOOL, "2020-04-08");
    assert!(!council.alarms().contains_key(SHBE), "it is picked up");
    assert!(council.is_told(MI, "CN-541"), "the other is not");
    council.at("2020-04-14 08:00");
    assert!(!council.alarms().contains_key(MI), "from here on it is due today");
    assert!(council.is_told("return-hbms-mi-12302-2020-04", "CN-512"));
    assert_eq!((council.told(SHBE), council.told(MI)), ((1, 1), (1, 1)), "each once");
}

#[test]
fn how_far_ahead_and_whether_at_all_is_configured() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-13 12:00");
    assert_eq!(council.alarms(), [].into());
    // In Scotland Easter Monday is a working day, so that one working day before the 14th is the 13th.
    let expect = "return_lead_days = 1\ncalendar = \"scotland\"";
    let council = Council::new(&[(BLACKPOOL, expect)], "2020-04-12 23:59");
    assert_eq!(council.alarms(), [].into());
    assert!(council.at("2020-04-13 00:00").is_told(SHBE, "CN-541"));
    // Before the earliest extraction date nothing can be there.
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 10")], "2020-04-06 12:00");
    assert!(!council.alarms().contains_key(SHBE) && council.is_told(MI, "CN-541"));
    assert!(council.at("2020-04-07 00:00").is_told(SHBE, "CN-541"));
}

#[test]
fn what_was_put_there_and_is_held_is_no_return_yet() {
    let council = Council::new(&[(BLACKPOOL, "")], "2020-04-08 09:00");
    council.leaves_shbe(BLACKPOOL, "2020-04-01");
    assert!(council.says(SHBE).contains("What was put there is held."), "{}", council.says(SHBE));
    assert_eq!(council.told(SHBE), (2, 1), "said anew, with why");
}

#[test]
fn a_pack_that_has_not_come_by_its_friday_is_an_alarm_until_it_comes() {
    let mut council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-01 09:00");
    for day in ["2020-04-20 09:00", "2020-04-24 23:59"] {
        assert!(!council.at(day).alarms().contains_key(PACK), "{day}");
    }
    assert!(council.at("2020-04-25 00:00").is_told(PACK, "CN-543"));
    assert!(council.says(PACK).contains("by Friday 24 April 2020"), "{}", council.says(PACK));
    assert!(!council.alarms().contains_key(RISK), "the pack's absence says it");
    council.restart();
    council.look();
    assert_eq!(council.told(PACK), (1, 0), "once, also over a restart");
    council.at("2020-04-27 10:00").pack_comes(BLACKPOOL, "late");
    assert!(!council.alarms().contains_key(PACK));
    assert_eq!(council.told(PACK), (1, 1));
    assert_eq!(council.state("hbms-pack", "2020-04", "2020-04-27"), "late");
}

#[test]
fn one_that_never_comes_is_told_until_the_next_ones_week() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0\npack_red_days = 3")], "2020-04-01 09:00");
    assert!(!council.at("2020-04-27 23:00").alarms().contains_key(PACK), "three days of grace");
    assert!(council.at("2020-04-28 00:00").is_told(PACK, "CN-543"));
    assert!(council.at("2020-05-17 23:00").is_told(PACK, "CN-543"));
    assert!(!council.at("2020-05-18 00:00").alarms().contains_key(PACK));
    assert_eq!(council.state("hbms-pack", "2020-04", "2020-05-18"), "red", "the page keeps it");
}

#[test]
fn a_clock_that_is_set_is_followed_and_alarms_are_those_of_its_day() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-01 09:00");
    assert!(council.at("2020-04-26 09:00").is_told(PACK, "CN-543"));
    council.clock_is_set("2020-04-22 09:00");
    assert!(!council.alarms().contains_key(PACK));
    council.clock_is_set("2020-04-26 09:00");
    assert!(council.is_told(PACK, "CN-543"));
}

#[test]
fn a_pack_without_a_risk_file_is_told_the_day_after() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-21 09:00");
    // In service since that day, so April's week had begun; what comes counts all the same.
    council.comes(BLACKPOOL, "HBMS_pack.zip", &pack("april", false));
    assert_eq!(council.alarms(), [].into());
    assert!(council.at("2020-04-28 00:00").is_told(RISK, "CN-544"));
    let absent = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-21 09:00");
    assert_eq!(absent.at("2020-04-28 00:00").alarms(), [].into(), "it may have come before the service was there");
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2020-04-01 09:00");
    council.at("2020-04-21 09:00").comes(BLACKPOOL, "HBMS_pack.zip", &pack("april", false));
    assert!(!council.alarms().contains_key(RISK), "the day may still bring it");
    assert!(council.at("2020-04-22 00:00").is_told(RISK, "CN-544"));
    let risk = hbcourier::cli::demo::samples::caseload_risk(30);
    council.at("2020-04-23 09:00").comes(BLACKPOOL, "AOBWR627_LAID_RISK.csv", &risk);
    assert!(!council.alarms().contains_key(RISK));
    assert_eq!(council.state("caseload-risk", "2020-04", "2020-04-23"), "met");
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0\nrisk = \"nowhere\"")], "2020-04-01 09:00");
    council.at("2020-04-21 09:00").comes(BLACKPOOL, "HBMS_pack.zip", &pack("april", false));
    assert_eq!(council.at("2020-04-30 09:00").alarms(), [].into(), "none is expected");
}

#[test]
fn a_key_that_ends_before_a_transfer_is_told_of_by_that_transfer() {
    // DWP's ends on 25 September 2020, Blackpool's SHBE for October goes on 28 September.
    let lasts = Duration::from_secs(268 * 86_400);
    let council =
        Council::with_keys(&[(BLACKPOOL, "return_lead_days = 0\nrisk = \"nowhere\"")], "2020-07-26 12:00", lasts);
    const ABOUT: &str = "expires-partner-dwp";
    assert!(!council.alarms().contains_key(ABOUT), "sixty days ahead, and not before");
    assert!(council.at("2020-07-27 00:00").is_told(ABOUT, "CN-542"));
    let says = council.says(ABOUT);
    assert!(says.contains("It expires 3 days before the SHBE for 2020-10 (due 2020-09-28)."), "{says}");
    assert!(!council.alarms().contains_key("expires-own"), "ours lasts");
    council.dwp_renews();
    council.at("2020-07-28 00:00");
    assert_eq!(council.told(ABOUT), (1, 1), "renewed in time");
}

#[test]
fn timetables_that_end_are_told_of_eight_weeks_ahead_and_stay_told() {
    let council = Council::new(&[(BLACKPOOL, "return_lead_days = 0")], "2021-01-04 09:00");
    const ABOUT: &str = "timetable-12302";
    assert!(!council.alarms().contains_key(ABOUT), "the last date is 1 March 2021, eight weeks on");
    assert!(council.at("2021-01-05 00:00").is_told(ABOUT, "CN-546"));
    assert!(council.at("2021-06-01 00:00").is_told(ABOUT, "CN-546"));
    assert_eq!(council.told(ABOUT), (1, 0));
    let late = Council::new(&[(BLACKPOOL, "")], "2021-06-01 09:00");
    assert_eq!(late.alarms(), [].into(), "`status` and `check` say it: no date was ever this service's to mind");
}
