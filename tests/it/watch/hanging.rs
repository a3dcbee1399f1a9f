//! A share that hangs: what is for it waits, the others' files flow, nobody calls the service stuck, and when it answers again
//! everything is there once.
//!
//! The share is a real file system whose server is stopped, so its operations do not return.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hbcourier::cli::demo::samples;
use rustix::process::{Pid, Signal, kill_process};

use super::progress::Systemd;
use super::{get, says, watched};
use crate::mail::mailbox::mail;
use crate::support::council::{Council, drop_into, files_below, is_hidden, set};
use crate::support::partner::{Partner, SealOptions};
use crate::support::share::Share;

const NEIGHBOUR: &str = "20101";
const MAILDIR: &str = "maildir-12302";

/// Whose parts are stuck after far less than a folder takes to be known to hang.
fn one_authority() -> (Partner, Council) {
    let (dwp, council) = watched();
    council.changes_settings(|settings| set(settings, &["watch", "stuck_after"], "5s"));
    (dwp, council)
}

/// And two carriers.
fn two_authorities() -> (Partner, Council, PathBuf, PathBuf) {
    let (dwp, council) = one_authority();
    let (drop, backoffice) = council.adds_authority(NEIGHBOUR, "Neighbour");
    council.changes_settings(|settings| set(settings, &["service", "in_flight_max"], 2));
    (dwp, council, drop, backoffice)
}

fn seal(dwp: &Partner, n: usize) -> Vec<u8> {
    dwp.seals(format!("<?xml version=\"1.0\"?><LAID n=\"{n}\"/>").as_bytes(), "LAID.xml", &SealOptions::default())
}

/// Puts these numbered LAIDs into this folder.
fn drops(dwp: &Partner, folder: &Path, numbers: Range<usize>) {
    numbers.for_each(|n| drop_into(folder, &format!("{n}.pgp"), &seal(dwp, n)));
}

fn leaves_workbook(council: &Council) {
    fs::write(council.returns.join("hbms-mi/workbook.xlsx"), samples::mi_workbook("HBMS MI").unwrap()).unwrap();
}

/// Which of the numbered LAIDs lie visibly in this folder, sorted, doubles included.
fn numbers(folder: &Path) -> Vec<usize> {
    let visible = files_below(folder).into_iter().filter(|path| !is_hidden(path));
    let number = |text: String| text.split('"').nth(3).and_then(|number| number.parse().ok());
    let mut numbers: Vec<usize> = visible.filter_map(|path| number(fs::read_to_string(path).unwrap())).collect();
    numbers.sort_unstable();
    numbers
}

/// A Maildir on a share, beside the drop folder.
fn with_maildir(council: &Council) -> (PathBuf, Share) {
    let path = council.dir.path().join("mails");
    fs::create_dir(&path).unwrap();
    council.changes_settings(|settings| {
        let mut maildir = toml::Table::new();
        for (key, value) in [("name", MAILDIR), ("path", path.to_str().unwrap())] {
            maildir.insert(key.into(), value.into());
        }
        maildir.insert("partners".into(), toml::Value::Array(vec!["dwp".into()]));
        let authority = settings["authority"][0].as_table_mut().unwrap();
        authority.insert("maildir".into(), toml::Value::Array(vec![maildir.into()]));
    });
    let share = Share::over(&path);
    ["tmp", "new", "cur"].iter().for_each(|part| fs::create_dir(share.behind.join(part)).unwrap());
    (path, share)
}

/// Puts a numbered LAID there by mail, as a mail system does.
fn mails(share: &Share, dwp: &Partner, n: usize) {
    let content = format!("<?xml version=\"1.0\"?><LAID n=\"{n}\"/>");
    let part = share.behind.join("tmp").join(n.to_string());
    fs::write(&part, mail(dwp, n, content.as_bytes())).unwrap();
    fs::rename(part, share.behind.join("new").join(format!("{n}.made-up"))).unwrap();
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

/// Starts the service under the eyes of systemd, and waits until all is well.
fn begins(council: &mut Council) -> Systemd {
    let systemd = Systemd::of(council);
    systemd.starts(council, &[]);
    council.until("it is ready", is_well);
    systemd
}

/// The share answers again: so many transfers come to rest, all is well, and these lie in this folder, each once.
fn goes_on(council: &mut Council, share: &Share, transfers: usize, folder: &Path, lie: &[usize]) {
    share.answers();
    council.until("all are delivered", |council| council.all_rest(transfers));
    council.until("the alarms are over", is_well);
    assert_eq!(numbers(folder), lie, "each once");
}

/// A single run, which does all but what is for this folder, and says so.
fn runs_once_without(council: &Council, folder: &Path) {
    let run = council.runs(&["run", "--once"]);
    let (told, log) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
    assert_eq!(run.status.code(), Some(3), "{told}{log}");
    assert!(told.contains(&format!("Not finished: {} has not answered for", folder.display())), "{told}{log}");
}

#[test]
fn a_destination_that_hangs_keeps_its_own_files_waiting_and_nobody_elses() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&backoffice);
    let systemd = begins(&mut council);
    share.hangs();
    drops(&dwp, &drop, 0..6);
    drops(&dwp, &council.drop, 6..9);
    let office = council.backoffice.clone();
    council.until("the other authority's are delivered", |_| numbers(&office) == [6, 7, 8]);
    council.until("it is an alarm", |council| is_told(council, &backoffice));
    // Each carrier that is held has one that stands in for it, and these take nothing more there.
    council.until("the rest waits", |council| council.deferred() == ["CN-316"; 4]);
    let (status, not_ready) = get(&council, "/readyz").unwrap();
    assert_eq!(status, 503);
    assert!(not_ready.contains(&format!("{} has not answered for", backoffice.display())), "{not_ready}");
    drops(&dwp, &council.drop, 9..12);
    council.until("and so are later ones", |_| numbers(&office) == [6, 7, 8, 9, 10, 11]);
    works(&council, &systemd);
    assert_eq!(council.events("deferred"), 4, "a wait is recorded once");
    assert!(numbers(&share.behind).is_empty());

    goes_on(&mut council, &share, 12, &share.behind, &[0, 1, 2, 3, 4, 5]);
    assert!(files_below(&share.behind).iter().all(|path| !is_hidden(path)));
    // One that was staged when the folder was found to hang goes on from there.
    assert_eq!(council.events("delivered") + council.events("delivered-recovered"), 12);
    council.stops_well();
}

#[test]
fn a_drop_folder_that_hangs_keeps_only_its_own_files_waiting() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&drop);
    let systemd = begins(&mut council);
    drops(&dwp, &share.behind, 0..1);
    council.until("it works as any folder", |_| numbers(&backoffice) == [0]);
    share.hangs();
    drops(&dwp, &share.behind, 1..4);
    drops(&dwp, &council.drop, 4..7);
    let office = council.backoffice.clone();
    council.until("the other authority's are delivered", |_| numbers(&office) == [4, 5, 6]);
    council.until("it is an alarm", |council| is_told(council, &drop));
    council.until("the source is named", |council| council.is_alarmed(&format!("drop-{NEIGHBOUR}"), "CN-574"));
    drops(&dwp, &council.drop, 7..9);
    council.until("and so are later ones", |_| numbers(&office) == [4, 5, 6, 7, 8]);
    works(&council, &systemd);

    goes_on(&mut council, &share, 9, &backoffice, &[0, 1, 2, 3]);
    assert!(files_below(&share.behind).is_empty());
    // The lookout that was held has ended, and who stands in for it is the only one.
    works(&council, &systemd);
    council.stops_well();
    assert_eq!(council.events("delivered"), 9);
}

#[test]
fn a_maildir_that_hangs_keeps_only_its_own_mails_waiting() {
    let (dwp, mut council) = one_authority();
    let (path, share) = with_maildir(&council);
    let systemd = begins(&mut council);
    mails(&share, &dwp, 0);
    let office = council.backoffice.clone();
    council.until("it works as any Maildir", |_| numbers(&office) == [0]);
    share.hangs();
    mails(&share, &dwp, 1);
    drops(&dwp, &council.drop, 2..3);
    council.until("what was dropped is delivered", |_| numbers(&office) == [0, 2]);
    council.until("it is an alarm", |council| is_told(council, &path));
    council.until("of its source too", |council| council.is_alarmed(MAILDIR, "CN-574"));
    works(&council, &systemd);

    goes_on(&mut council, &share, 3, &office, &[0, 1, 2]);
    council.stops_well();
}

#[test]
fn while_one_hangs_a_reload_waits_and_a_stop_and_a_start_do_not() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&backoffice);
    let systemd = begins(&mut council);
    share.hangs();
    drops(&dwp, &drop, 0..1);
    council.until("it is an alarm", |council| is_told(council, &backoffice));
    kill_process(Pid::from_raw(council.pid().cast_signed()).unwrap(), Signal::HUP).unwrap();
    systemd.waits_for("a reload, put off while a folder does not answer");
    drops(&dwp, &council.drop, 1..2);
    let office = council.backoffice.clone();
    council.until("it works meanwhile", |_| numbers(&office) == [1]);

    let ended = council.stop();
    assert_eq!(ended.code(), Some(3), "{}", council.log());
    assert!(council.log().contains(&format!("({} does not answer)", backoffice.display())), "{}", council.log());
    systemd.starts(&mut council, &[]);
    drops(&dwp, &drop, 2..3);
    drops(&dwp, &council.drop, 3..4);
    council.until("it works again", |_| numbers(&office) == [1, 3]);
    council.until("it is told again", |council| is_told(council, &backoffice));
    council.until("what is for it waits", |council| council.deferred() == ["CN-316"; 2]);
    works(&council, &systemd);

    goes_on(&mut council, &share, 4, &share.behind, &[0, 2]);
    council.stops_well();
    assert_eq!(council.events("delivered") + council.events("delivered-recovered"), 4);
}

/// The hidden files in this folder.
fn hidden(folder: &Path) -> Vec<PathBuf> {
    files_below(folder).into_iter().filter(|path| is_hidden(path)).collect()
}

#[test]
fn what_a_crash_left_hidden_goes_when_its_folder_first_answers() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&backoffice);
    council.start_in(&[("FAILPOINTS", "stage.written=pause")]);
    drops(&dwp, &drop, 0..1);
    council.until("it is being staged", |_| !hidden(&share.behind).is_empty());
    council.kill();
    // One more of this installation, of which nobody knows any more.
    let part = hidden(&share.behind).remove(0);
    let name = part.file_name().unwrap().to_str().unwrap();
    let (begins, id) = name.split_at(".hbcourier-".len());
    let other = if id.starts_with('0') { "1" } else { "0" };
    fs::copy(&part, part.with_file_name(format!("{begins}{other}{}", &id[1..]))).unwrap();
    share.hangs();
    council.start();
    council.until("it is an alarm", |council| is_told(council, &backoffice));
    assert_eq!(hidden(&share.behind).len(), 2);

    share.answers();
    council.until("nothing hidden is left", |council| hidden(&share.behind).is_empty() && council.all_rest(1));
    assert_eq!(numbers(&share.behind), [0], "each once");
    council.stops_well();
}

#[test]
fn a_spooled_file_whose_drop_folder_hangs_at_the_start_keeps_its_name() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&drop);
    drop_into(&share.behind, "named.pgp", &seal(&dwp, 0));
    council.start_with(&[("FAILPOINTS", "collect.directory-synced=return(kill)")]);
    assert!(!council.ends().success());
    share.hangs();
    council.start();
    council.until("it is an alarm", |council| is_told(council, &drop));
    assert!(council.consignments().is_empty(), "it waits");
    share.answers();
    council.until("it is delivered", |council| council.all_rest(1));
    assert_eq!((council.events("collected"), council.events("collected-recovered")), (1, 0));
    assert_eq!(numbers(&backoffice), [0]);
    council.stops_well();
}

#[test]
fn a_courier_that_hangs_costs_no_attempt_and_is_tried_as_soon_as_it_answers() {
    let (_dwp, mut council) = one_authority();
    council.falls_due_today();
    let folder = council.outgoing.clone();
    let share = Share::over(&folder);
    let systemd = begins(&mut council);
    share.hangs();
    council.until("it is an alarm", |council| is_told(council, &folder));
    leaves_workbook(&council);
    council.until("it is sealed", |council| council.events("sealed") == 1);
    works(&council, &systemd);
    assert_eq!(council.events("sending") + council.events("send-deferred"), 0);
    share.answers();
    council.until("it is sent", |council| council.events("sent") == 1);
    assert_eq!((council.events("sending"), files_below(&share.behind).len()), (1, 1));
    council.until("the alarm is over", |council| !is_told(council, &folder));
    council.stops_well();
}

#[test]
fn a_single_run_says_what_it_left_and_ends() {
    let (dwp, mut council, drop, backoffice) = two_authorities();
    let share = Share::over(&backoffice);
    drops(&dwp, &drop, 0..1);
    drops(&dwp, &council.drop, 1..2);
    share.hangs();
    runs_once_without(&council, &backoffice);
    assert_eq!(numbers(&council.backoffice), [1]);
    share.answers();
    council.until("what was left is due", |council| {
        council.runs(&["run", "--once"]).status.success() && council.all_rest(2)
    });
    assert_eq!(numbers(&share.behind), [0]);
}

#[test]
fn a_single_run_leaves_a_maildir_that_hangs_and_does_all_else() {
    let (dwp, mut council) = watched();
    council.falls_due_today();
    let (path, share) = with_maildir(&council);
    mails(&share, &dwp, 0);
    drops(&dwp, &council.drop, 1..2);
    leaves_workbook(&council);
    share.hangs();
    runs_once_without(&council, &path);
    assert_eq!((numbers(&council.backoffice), council.events("sent")), (vec![1], 1));
    share.answers();
    council.until("what was left is delivered", |council| {
        council.runs(&["run", "--once"]);
        council.all_rest(2)
    });
    assert_eq!(numbers(&council.backoffice), [0, 1]);
}

#[test]
fn a_returns_folder_that_hangs_keeps_no_other_return_waiting() {
    let (_dwp, mut council) = one_authority();
    let today = council.falls_due_today();
    let folder = council.returns.join("shbe");
    let share = Share::over(&folder);
    let systemd = begins(&mut council);
    share.hangs();
    council.until("it is an alarm", |council| is_told(council, &folder));
    leaves_workbook(&council);
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
