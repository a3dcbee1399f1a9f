//! The clock is set by an hour, by ten years, or for summer time, between a kill and the recovery; `libfaketime` tells it.
//!
//! Holds: what was collected is judged by the time of its receipt, so that it is delivered once whatever the clock says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::calls::carrying::{completes, once};
use super::length;
use super::samples::{Sample, Sealed};
use super::scene::{Scene, kill};

use crate::support::partner::SealOptions;

const JUMPS: [&str; 4] = ["+1h", "-1h", "+10y", "-10y"];

/// Where it is killed: in an ordinary run at one step, another each time; in a long one (`HBCOURIER_CRASH_CLOCKS=3`) at each.
fn steps(at: usize) -> impl Iterator<Item = &'static str> {
    let steps = ["collect.recorded", "stage.recorded", "publish.renamed"].into_iter().cycle();
    steps.skip(at).take(length("HBCOURIER_CRASH_CLOCKS", 1))
}

/// The command, by a clock that says this: an offset, or a time in UTC after an `@`.
fn by_clock(mut command: Command, says: &str) -> Command {
    let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH);
    assert!(Path::new(&library).exists(), "the tests of clocks need: apt-get install libfaketime");
    command.env("LD_PRELOAD", library).env("FAKETIME", says).env("TZ", "UTC");
    command
}

/// The service is killed at this step, by a clock that says this.
fn dies_at(scene: &Scene, step: &str, clock: &str) {
    let mut command = by_clock(once(scene), clock);
    let ran = command.env("FAILPOINTS", kill(step)).output().unwrap();
    assert!(ran.status.code().is_none(), "{step} is not passed: {}", says(&ran));
}

fn says(ran: &Output) -> String {
    String::from_utf8_lossy(&[&ran.stdout[..], &ran.stderr].concat()).into_owned()
}

/// From this clock to that one, in the middle of the work; then by the true one, again and again.
fn jumps(scene: &mut Scene, sealed: &Sealed, step: &str, before: &str, after: &str) {
    scene.sets_back();
    scene.drops(sealed);
    let watch = scene.watched(false);
    dies_at(scene, step, before);
    let what = format!("killed at {step}, the clock set from {before} to {after}");
    let ran = by_clock(once(scene), after).output().unwrap();
    assert!(ran.status.success() && scene.rests(), "{what}: {}", says(&ran));
    for _ in 0..2 {
        completes(scene, || scene.rests());
    }
    println!("{what}: {}", scene.zeros(watch, 1, &what));
}

#[test]
fn it_jumps_between_a_kill_and_the_recovery() {
    let mut scene = Scene::new();
    let sealed = Sample::pack(1).sealed_by(&scene.dwp);
    for (at, jump) in JUMPS.into_iter().enumerate() {
        for step in steps(at) {
            jumps(&mut scene, &sealed, step, "+0", jump);
        }
    }
}

/// Both changes of the clocks of the year in which the certificates are valid.
#[test]
fn summer_time_begins_and_ends_between_a_kill_and_the_recovery() {
    let mut scene = Scene::new();
    let year = i32::from(scene.today.year()) + 1;
    for (at, month) in [3, 10].into_iter().enumerate() {
        let day = last_sunday(year, month);
        let date = format!("{year}-{month:02}-{day:02}");
        let clock = Some(format!("{year}{month:02}{day:02}T003000"));
        let sealed = Sample::pack(1).sealed_with(&scene.dwp, &SealOptions { clock, ..SealOptions::default() });
        for step in steps(at) {
            jumps(&mut scene, &sealed, step, &format!("@{date} 00:59:57"), &format!("@{date} 01:00:01"));
        }
    }
}

/// What was deferred while the clock was ten years ahead is not left for ten years.
#[test]
fn what_is_deferred_by_a_wrong_clock_is_tried_again_by_the_right_one() {
    let mut scene = Scene::new();
    let sealed = Sample::xml(1, 500).sealed_by(&scene.dwp);
    let (laid, away) = (scene.council.backoffice.join("laid"), scene.council.backoffice.join("away"));
    for jump in JUMPS.into_iter().skip(1).take(1 + length("HBCOURIER_CRASH_CLOCKS", 1)) {
        scene.sets_back();
        scene.drops(&sealed);
        let watch = scene.watched(false);
        dies_at(&scene, "collect.recorded", "+0");
        fs::rename(&laid, &away).unwrap();
        let ran = by_clock(once(&scene), jump).output().unwrap();
        assert_eq!(scene.council.deferred(), ["CN-303"], "{jump}: {}", says(&ran));
        fs::rename(&away, &laid).unwrap();
        completes(&scene, || scene.rests());
        println!("deferred by a clock set by {jump}: {}", scene.zeros(watch, 1, jump));
    }
}

fn last_sunday(year: i32, month: i8) -> i8 {
    let month = jiff::civil::date(year.try_into().unwrap(), month, 1);
    month.nth_weekday_of_month(-1, jiff::civil::Weekday::Sunday).unwrap().day()
}
