//! The timetable of returns: against DWP's circular, its rules, its files, and what the command line answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, not only the tests

mod activate;
mod annex;
mod answers;
mod circular;
mod damaged;
mod difference;
mod each_rule;
mod files;
mod ics;
mod import;
mod rules;
mod simulate;

use hbcourier::config::timetable::bundled;
use hbcourier::domain::timetable::{Timetable, Timetables};
use jiff::civil::Date;

/// HB circular A5/2020 as published, and its two annexes alone.
const CIRCULAR: &str = include_str!("../../data/timetable/circular-a5-2020.txt");
const ANNEX_B: &str = include_str!("../../data/timetable/annex-b.txt");
const ANNEX_D: &str = include_str!("../../data/timetable/annex-d.txt");

fn in_force() -> Timetables {
    bundled().expect("the bundled timetables are good")
}

fn year_2020() -> Timetable {
    in_force().year("2020-21".parse().unwrap()).expect("2020-21 is bundled").clone()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}
