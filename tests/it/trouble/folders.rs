//! Drop folders that go away, come back, or are replaced.

use std::fs;
use std::process::{Command, Stdio};

use super::{folder_key, quick};
use crate::inbound::laid_xml;
use crate::support::council::{Council, command, drop_into, files_below, set, succeeded};
use crate::support::partner::{Partner, SealOptions};

const NEIGHBOUR: &str = "20101";

/// Drops a file and waits until it is delivered. Its writer's close must be noticed: without it, it would rest for an
/// hour first.
fn is_noticed(dwp: &Partner, council: &mut Council, number: usize) {
    let before = council.delivered().len();
    council.drops(&format!("{number}.pgp"), &dwp.seals(&laid_xml(number), "x.xml", &SealOptions::default()));
    council.until("the new file is noticed", |council| council.delivered().len() == before + 1);
}

#[test]
fn one_that_goes_away_is_an_alarm_and_found_again_while_others_go_on() {
    let (dwp, mut council) = quick();
    let (drop, backoffice) = council.adds_authority(NEIGHBOUR, "Neighbour");
    folder_key(&council, "settle", "1h");
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "500ms"));
    council.start();
    is_noticed(&dwp, &mut council, 1);

    let away = council.drop.with_file_name("away");
    fs::rename(&council.drop, &away).unwrap();
    council.until("the alarm names it", |council| council.is_alarmed("drop-12302", "CN-501"));
    let says = council.json(&["status"])["attention"].to_string();
    assert!(says.contains("Put the folder back"), "{says}");
    assert_eq!(council.runs(&["status", "--fail-if-attention"]).status.code(), Some(1));
    drop_into(&drop, "n.pgp", &dwp.seals(&laid_xml(20), "x.xml", &SealOptions::default()));
    council.until("the neighbour's is delivered", |_| files_below(&backoffice).len() == 1);

    fs::rename(&away, &council.drop).unwrap();
    council.until("the alarm is over", |council| !council.is_alarmed("drop-12302", "CN-501"));
    is_noticed(&dwp, &mut council, 2);
    council.stops_well();
    let alarms =
        |event| council.ledger().iter().filter(|entry| entry["event"] == event && entry["code"] == "CN-501").count();
    assert_eq!((alarms("alarm-raised"), alarms("alarm-cleared")), (1, 1));
}

#[test]
fn one_that_is_replaced_between_two_looks_is_watched_again() {
    let (dwp, mut council) = quick();
    folder_key(&council, "settle", "1h");
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "500ms"));
    council.start();
    is_noticed(&dwp, &mut council, 1);
    let looked = |council: &Council| council.json(&["status"])["service"]["sources"][0]["last_look"].clone();
    for number in 2..7 {
        // Removed and made anew at once: on some file systems even under the same inode number.
        fs::remove_dir(&council.drop).unwrap();
        fs::create_dir(&council.drop).unwrap();
        let before = [looked(&council), looked(&council)];
        let mut seen = before.to_vec();
        council.until("it has been looked at twice since", |council| {
            let now = looked(council);
            if !seen.contains(&now) {
                seen.push(now);
            }
            seen.len() == before.len() + 2
        });
        is_noticed(&dwp, &mut council, number);
    }
    council.stops_well();
}

/// Whether the thread of this name sleeps.
fn sleeps(pid: u32, thread: &str) -> bool {
    // proc(5); what a thread is in is a number of asm/unistd.h.
    let asleep = format!("{} ", nix::libc::SYS_clock_nanosleep);
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten().map(|task| task.path());
    let is_so = |name: &str, begins: &str, task: &std::path::Path| {
        fs::read_to_string(task.join(name)).is_ok_and(|text| text.starts_with(begins))
    };
    tasks.into_iter().any(|task| is_so("comm", thread, &task) && is_so("syscall", &asleep, &task))
}

#[test]
fn a_single_run_ends_though_the_folder_goes_away_while_a_file_in_it_settles() {
    let (dwp, mut council) = quick();
    folder_key(&council, "settle", "2s");
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "x.xml", &SealOptions::default()));
    let once = |council: &Council| -> Command {
        let mut once = command();
        once.arg("--config").arg(&council.config).args(["run", "--once"]);
        once
    };
    let mut run = once(&council).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = run.id();
    council.until("it waits for the file", |_| sleeps(pid, "lookout"));
    let away = council.drop.with_file_name("away");
    fs::rename(&council.drop, &away).unwrap();
    council.until("it ends", |_| run.try_wait().unwrap().is_some());
    let ran = run.wait_with_output().unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success() && told.contains("CN-501"), "{} {told}", ran.status);
    fs::rename(&away, &council.drop).unwrap();
    succeeded(once(&council).output().unwrap());
    assert_eq!(council.delivered().len(), 1);
}
