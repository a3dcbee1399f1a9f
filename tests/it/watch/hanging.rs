//! A share that hangs: what is for it waits, the others' files flow, nobody calls the service stuck, and when it answers again
//! everything is there once.
//!
//! The share is a real file system whose server is stopped, so its operations do not return.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hbcourier::cli::demo::samples;
use rustix::process::{Pid, Signal, kill_process};

use super::progress::Systemd;
use super::{get, says, watched};
use crate::support::council::{Council, drop_into, files_below, is_hidden, set};
use crate::support::partner::{Partner, SealOptions};
use crate::support::share::Share;

const NEIGHBOUR: &str = "20101";

/// Two carriers, who are stuck after far less than a folder takes to be known to hang.
fn two_authorities() -> (Partner, Council, PathBuf, PathBuf) {
    let (dwp, council) = watched();
    let (drop, backoffice) = council.adds_authority(NEIGHBOUR, "Neighbour");
    council.changes_settings(|settings| {
        set(settings, &["watch", "stuck_after"], "5s");
        set(settings, &["service", "in_flight_max"], 2);
    });
    (dwp, council, drop, backoffice)
}

fn seal(dwp: &Partner, n: usize) -> Vec<u8> {
    dwp.seals(format!("<?xml version=\"1.0\"?><LAID n=\"{n}\"/>").as_bytes(), "LAID.xml", &SealOptions::default())
}

/// Which of the numbered LAIDs lie visibly in this folder, sorted, doubles included.
fn numbers(folder: &Path) -> Vec<usize> {
    let visible = files_below(folder).into_iter().filter(|path| !is_hidden(path));
    let number = |text: String| text.split('"').nth(3).and_then(|number| number.parse().ok());
    let mut numbers: Vec<usize> = visible.filter_map(|path| number(fs::read_to_string(path).unwrap())).collect();
    numbers.sort_unstable();
    numbers
}

fn is_told(council: &Council, folder: &Path) -> bool {
    council.is_alarmed(&folder.display().to_string(), "CN-574")
}

fn is_well(council: &Council) -> bool {
    says(council, "/readyz", 200)
        && council.attention().iter().all(|(_, code)| !["CN-565", "CN-574"].contains(&code.as_str()))
}

/// Nobody is taken for stuck, and systemd hears that the service works.
fn works(council: &Council, systemd: &Systemd) {
    systemd.forgets();
    (0..3).for_each(|_| drop(systemd.waits_for("WATCHDOG=1")));
    assert!(says(council, "/healthz", 200), "{:?}", get(council, "/healthz"));
    assert!(council.attention().iter().all(|(_, code)| code != "CN-565"), "{:?}", council.attention());
    assert!(!council.log().contains("no sign of life"), "{}", council.log());
}

#[test]
fn a_destination_that_hangs_keeps_its_own_files_waiting_and_nobody_elses() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&backoffice);
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[]);
    council.until("it is ready", is_well);
    share.hangs();
    (0..6).for_each(|n| drop_into(&drop, &format!("{n}.pgp"), &seal(&dwp, n)));
    (6..9).for_each(|n| council.drops(&format!("{n}.pgp"), &seal(&dwp, n)));
    let office = council.backoffice.clone();
    council.until("the other authority's are delivered", |_| numbers(&office) == [6, 7, 8]);
    council.until("it is an alarm", |council| is_told(council, &backoffice));
    // Each carrier that is held has one that stands in for it, and these take nothing more there.
    council.until("the rest waits", |council| council.deferred() == ["CN-316"; 4]);
    let (status, not_ready) = get(&council, "/readyz").unwrap();
    assert_eq!(status, 503);
    assert!(not_ready.contains(&format!("{} has not answered for", backoffice.display())), "{not_ready}");
    (9..12).for_each(|n| council.drops(&format!("{n}.pgp"), &seal(&dwp, n)));
    council.until("and so are later ones", |_| numbers(&office) == [6, 7, 8, 9, 10, 11]);
    works(&council, &systemd);
    assert_eq!(council.events("deferred"), 4, "a wait is recorded once");
    assert!(numbers(&share.behind).is_empty());

    share.answers();
    council.until("all are delivered", |council| council.all_rest(12));
    council.until("the alarm is over", is_well);
    assert_eq!(numbers(&share.behind), [0, 1, 2, 3, 4, 5], "each once");
    assert!(files_below(&share.behind).iter().all(|path| !is_hidden(path)));
    // One that was staged when the folder was found to hang goes on from there.
    assert_eq!(council.events("delivered") + council.events("delivered-recovered"), 12);
    council.stops_well();
}

#[test]
fn a_drop_folder_that_hangs_keeps_only_its_own_files_waiting() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&drop);
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[]);
    council.until("it is ready", is_well);
    drop_into(&share.behind, "0.pgp", &seal(&dwp, 0));
    council.until("it works as any folder", |_| numbers(&backoffice) == [0]);
    share.hangs();
    (1..4).for_each(|n| drop_into(&share.behind, &format!("{n}.pgp"), &seal(&dwp, n)));
    (4..7).for_each(|n| council.drops(&format!("{n}.pgp"), &seal(&dwp, n)));
    let office = council.backoffice.clone();
    council.until("the other authority's are delivered", |_| numbers(&office) == [4, 5, 6]);
    council.until("it is an alarm", |council| is_told(council, &drop));
    council.until("the source is named", |council| council.is_alarmed(&format!("drop-{NEIGHBOUR}"), "CN-574"));
    (7..9).for_each(|n| council.drops(&format!("{n}.pgp"), &seal(&dwp, n)));
    council.until("and so are later ones", |_| numbers(&office) == [4, 5, 6, 7, 8]);
    works(&council, &systemd);

    share.answers();
    council.until("all are delivered", |council| council.all_rest(9));
    council.until("the alarms are over", is_well);
    assert_eq!(numbers(&backoffice), [0, 1, 2, 3], "each once");
    assert!(files_below(&share.behind).is_empty());
    // The lookout that was held has ended, and who stands in for it is the only one.
    works(&council, &systemd);
    council.stops_well();
    assert_eq!(council.events("delivered"), 9);
}

#[test]
fn while_one_hangs_a_reload_waits_and_a_stop_and_a_start_do_not() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&backoffice);
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[]);
    council.until("it is ready", is_well);
    share.hangs();
    drop_into(&drop, "0.pgp", &seal(&dwp, 0));
    council.until("it is an alarm", |council| is_told(council, &backoffice));
    kill_process(Pid::from_raw(council.pid().cast_signed()).unwrap(), Signal::HUP).unwrap();
    systemd.waits_for("a reload, put off while a folder does not answer");
    council.drops("1.pgp", &seal(&dwp, 1));
    let office = council.backoffice.clone();
    council.until("it works meanwhile", |_| numbers(&office) == [1]);

    let ended = council.stop();
    assert_eq!(ended.code(), Some(3), "{}", council.log());
    assert!(council.log().contains(&format!("({} does not answer)", backoffice.display())), "{}", council.log());
    systemd.starts(&mut council, &[]);
    drop_into(&drop, "2.pgp", &seal(&dwp, 2));
    council.drops("3.pgp", &seal(&dwp, 3));
    council.until("it works again", |_| numbers(&office) == [1, 3]);
    council.until("it is told again", |council| is_told(council, &backoffice));
    council.until("what is for it waits", |council| council.deferred() == ["CN-316"; 2]);
    works(&council, &systemd);

    share.answers();
    council.until("all are delivered", |council| council.all_rest(4));
    council.until("the alarm is over", is_well);
    assert_eq!(numbers(&share.behind), [0, 2], "each once");
    council.stops_well();
    assert_eq!(council.events("delivered") + council.events("delivered-recovered"), 4);
}

#[test]
fn a_single_run_says_what_it_left_and_ends() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&backoffice);
    drop_into(&drop, "0.pgp", &seal(&dwp, 0));
    council.drops("1.pgp", &seal(&dwp, 1));
    share.hangs();
    let run = council.runs(&["run", "--once"]);
    let told = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(3), "{told}{}", String::from_utf8_lossy(&run.stderr));
    assert!(told.contains(&format!("Not finished: {} has not answered for", backoffice.display())), "{told}");
    assert_eq!(numbers(&council.backoffice), [1]);
    share.answers();
    council.until("what was left is due", |council| {
        council.runs(&["run", "--once"]).status.success() && council.all_rest(2)
    });
    assert_eq!(numbers(&share.behind), [0]);
}

#[test]
fn a_returns_folder_that_hangs_keeps_no_other_return_waiting() {
    let (_dwp, mut council) = watched();
    council.changes_settings(|settings| set(settings, &["watch", "stuck_after"], "5s"));
    let today = council.falls_due_today();
    let folder = council.returns.join("shbe");
    let share = Share::over(&folder);
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[]);
    council.until("it looks", |council| says(council, "/readyz", 200));
    share.hangs();
    council.until("it is an alarm", |council| is_told(council, &folder));
    fs::write(council.returns.join("hbms-mi/workbook.xlsx"), samples::mi_workbook("HBMS MI").unwrap()).unwrap();
    council.until("the other return is sent", |council| council.events("sent") == 1);
    works(&council, &systemd);

    fs::write(share.behind.join("extract.txt"), samples::shbe_extract(today)).unwrap();
    share.answers();
    council.until("it is sent too", |council| council.events("sent") == 2);
    council.until("the alarm is over", |council| !is_told(council, &folder));
    let codes: BTreeSet<_> = council.attention().into_iter().map(|(_, code)| code).collect();
    assert!(!codes.contains("CN-510"), "{codes:?}");
    council.stops_well();
}
