//! The timetable of returns: against DWP's circular, its rules, its files, and what the command line answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, not only the tests

mod annex;
mod answers;
mod circular;
mod files;
mod rules;
mod simulate;

use hbcourier::config::timetable::bundled;
use hbcourier::domain::timetable::{Timetable, Timetables};
use jiff::civil::Date;

fn in_force() -> Timetables {
    bundled().expect("the bundled timetables are good")
}

fn year_2020() -> Timetable {
    in_force().year("2020-21".parse().unwrap()).expect("2020-21 is bundled").clone()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}
