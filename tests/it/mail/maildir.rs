//! Mails in a Maildir: each is delivered once and then lies in the processed folder, whatever others do meanwhile.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hbcourier::cli::demo::samples;
use hbcourier::domain::Digest;

use super::mailbox::{digests, mail};
use super::sender::submit;
use crate::inbound::laid_xml;
use crate::support::council::{Council, set};
use crate::support::maildir::{Maildir, processed};
use crate::support::mount::Mount;
use crate::support::partner::{Algorithm, Partner};
use crate::support::smtp::{Certificates, Postfix};
use crate::trouble::canary::{shown, state_files_with};

const MAILDIR: &str = "maildir-12302";

/// A council whose one source is this Maildir.
fn council(dwp: &mut Partner, path: &Path) -> Council {
    let council = Council::new(dwp);
    council.changes_settings(|settings| {
        set(settings, &["service", "attempts_max"], 2);
        let mut maildir = toml::Table::new();
        for (key, value) in [("name", MAILDIR), ("path", &path.to_string_lossy())] {
            maildir.insert(key.into(), value.into());
        }
        maildir.insert("partners".into(), toml::Value::Array(vec!["dwp".into()]));
        let authority = settings["authority"][0].as_table_mut().unwrap();
        authority.remove("drop_folder");
        authority.insert("maildir".into(), toml::Value::Array(vec![maildir.into()]));
    });
    council
}

fn with_maildir() -> (Partner, Maildir, Council) {
    let (mut dwp, maildir) = (Partner::new(Algorithm::Curve25519), Maildir::new());
    let council = council(&mut dwp, maildir.path());
    (dwp, maildir, council)
}

fn last_look(council: &Council) -> Option<String> {
    let status = council.json(&["status"]);
    let sources = status["service"]["sources"].as_array()?.clone();
    let ours = sources.into_iter().find(|source| source["name"] == MAILDIR)?;
    ours["last_look"].as_str().map(str::to_owned)
}

/// Waits until it was looked into so often from now on.
fn looks(council: &mut Council, count: usize) {
    for _ in 0..count {
        let before = last_look(council);
        council.until("the next look", |council| last_look(council) != before);
    }
}

fn is_quiet(council: &Council) -> bool {
    council.attention().iter().all(|(about, _)| about != MAILDIR)
}

#[test]
fn what_mutt_seals_and_postfix_delivers_is_delivered_and_moved_to_the_processed_folder() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &postfix.maildir());
    let files = tempfile::tempdir().unwrap();
    let (path, content) = (files.path().join("LAID_0001.pdf"), samples::laid_pdf());
    fs::write(&path, &content).unwrap();
    let sent = dwp.mails("hbms@dwp.example", &[path]);

    council.start();
    council.until("it is said that no Maildir is there", |council| council.is_alarmed(MAILDIR, "CN-501"));
    // Postfix makes it for its first mail.
    submit(&postfix, &certificates, &sent);
    council.until("it is delivered", |council| council.all_rest(1));
    assert_eq!((council.codes(), council.deferred()), (vec![], vec![]), "{}", council.log());
    assert_eq!(council.delivered_digests(), [Digest::of(&content)]);
    council.until("it is moved", |_| processed(&postfix.maildir()).len() == 1);
    council.until("the alarm is over", is_quiet);

    // Refused ones go there too: a mail in clear, and one that came before in another mail.
    submit(&postfix, &certificates, b"Subject: hello\r\n\r\nIs anybody there?\r\n");
    submit(&postfix, &certificates, &sent);
    council.until("all three rest", |council| council.all_rest(3) && council.codes() == ["CN-114", "CN-131"]);
    council.until("all are moved", |_| processed(&postfix.maildir()).len() == 3);
    for part in ["new", "cur"] {
        assert_eq!(fs::read_dir(postfix.maildir().join(part)).unwrap().count(), 0, "{part}");
    }
    council.stops_well();
    let archived = fs::read_dir(council.state.join("archive")).unwrap().map(|entry| fs::read(entry.unwrap().path()));
    let archived = archived.map(Result::unwrap).next().unwrap();
    assert!(processed(&postfix.maildir()).values().any(|mail| *mail == archived), "byte for byte what was collected");
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}

#[test]
fn mails_in_new_and_cur_are_delivered_and_keep_their_flags() {
    let (dwp, maildir, mut council) = with_maildir();
    let mails: Vec<_> = (1..=4).map(|number| mail(&dwp, number, &laid_xml(number))).collect();
    maildir.delivers("new/1.made-up", &mails[0]);
    maildir.delivers("cur/2.made-up:2,FS", &mails[1]);
    maildir.delivers("cur/3.made-up", &mails[2]);
    maildir.delivers("tmp/4.made-up", &mails[3]);
    let check = council.runs(&["check"]);
    let says = String::from_utf8(check.stdout).unwrap();
    for part in ["new", "cur"] {
        assert!(says.contains(&*maildir.at(part).to_string_lossy()), "{says}");
    }
    council.start();
    council.until("three are delivered", |council| council.all_rest(3));
    council.until("and moved", |_| maildir.waiting().is_empty());
    assert_eq!((council.delivered_digests(), council.codes()), (digests(1..=3), vec![]));
    let names: Vec<String> = maildir.processed().into_keys().collect();
    assert_eq!(names, ["1.made-up:2,", "2.made-up:2,FS", "3.made-up:2,"]);
    assert!(maildir.at(".Processed/maildirfolder").exists() && maildir.at(".Processed/tmp").is_dir());
    assert!(maildir.at("tmp/4.made-up").exists(), "nobody has finished it");

    // Somebody puts one back, and somebody else delivers the same bytes once more.
    fs::rename(maildir.at(".Processed/cur/1.made-up:2,"), maildir.at("cur/1.made-up:2,R")).unwrap();
    maildir.delivers("new/5.made-up", &mails[1]);
    council.until("both are moved", |_| maildir.waiting().is_empty() && maildir.processed().len() == 4);
    council.stops_well();
    assert_eq!((council.consignments().len(), council.delivered().len()), (3, 3), "the same bytes are one transfer");
    assert_eq!((council.events("collected"), council.events("source-cleared-again")), (3, 2));
}

#[test]
fn a_mail_is_delivered_within_seconds_of_its_arrival() {
    let (dwp, maildir, mut council) = with_maildir();
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "1h"));
    council.start();
    council.until("it was looked into", |council| last_look(council).is_some());
    for number in 1..=3 {
        let place = format!("{}/{number}.made-up", if number == 2 { "cur" } else { "new" });
        maildir.delivers(&place, &mail(&dwp, number, &laid_xml(number)));
        let arrived = Instant::now();
        council.until("it is delivered", |council| council.delivered().len() == number);
        assert!(arrived.elapsed() < Duration::from_secs(10), "{:?}", arrived.elapsed());
    }
    council.until("all are moved", |_| maildir.processed().len() == 3);
    council.stops_well();
}

/// A mail program moves mails to `cur`, and marks and unmarks them, as fast as it can.
#[test]
fn moves_and_flags_of_another_program_lose_and_double_nothing() {
    const MAILS: usize = 30;
    let (dwp, maildir, mut council) = with_maildir();
    let mails: Vec<_> = (0..MAILS).map(|number| mail(&dwp, number, &laid_xml(number))).collect();
    council.start();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut renamed = 0;
            while !is_over.load(Ordering::SeqCst) {
                for place in maildir.waiting() {
                    let name = place.split_once('/').unwrap().1;
                    let unique = name.split(':').next().unwrap();
                    let flags = if place.ends_with('S') { "F" } else { "S" };
                    let marked = fs::rename(maildir.at(&place), maildir.at(&format!("cur/{unique}:2,{flags}")));
                    renamed += usize::from(marked.is_ok());
                }
                std::thread::yield_now();
            }
            renamed
        });
        for (number, mail) in mails.iter().enumerate() {
            maildir.delivers(&format!("new/{number}.made-up"), mail);
        }
        council.until("all are delivered", |council| council.all_rest(MAILS));
        council.until("all are moved", |_| maildir.processed().len() == MAILS);
        is_over.store(true, Ordering::SeqCst);
        assert!(other.join().unwrap() > 0, "it came to nothing");
    });
    council.stops_well();
    assert_eq!((council.delivered_digests(), council.codes()), (digests(0..MAILS), vec![]));
    let mut moved: Vec<_> = maildir.processed().into_values().collect();
    let mut all = mails;
    moved.sort();
    all.sort();
    assert!(moved == all, "each is there once, as it came");
    assert_eq!((council.events("collected"), council.events("alarm-raised")), (MAILS, 0));
}

#[cfg(feature = "failpoints")]
#[test]
fn killed_between_the_record_and_the_move_it_is_delivered_once_and_moved_after_the_restart() {
    let (dwp, maildir, mut council) = with_maildir();
    // After each of these steps: whether it is recorded, and whether it is moved.
    let steps = [
        ("collect.copied", false, false),
        ("collect.named", false, false),
        ("collect.recorded", true, false),
        ("collect.withdrawn", true, true),
        ("collect.cleared", true, true),
    ];
    let dies = |council: &mut Council, step: &str| {
        council.start_with(&[("FAILPOINTS", &format!("{step}=return(kill)"))]);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&council.ends()), Some(9), "{step}");
    };
    for (number, (step, is_recorded, is_moved)) in steps.into_iter().enumerate() {
        maildir.delivers(&format!("new/{number}.made-up"), &mail(&dwp, number, &laid_xml(number)));
        dies(&mut council, step);
        assert_eq!(council.consignments().len(), number + usize::from(is_recorded), "{step}");
        assert_eq!(maildir.waiting().is_empty(), is_moved, "{step}: not before it is recorded");
        if step == "collect.recorded" {
            // Meanwhile somebody reads it; and the service dies once more, having said what it is about to do.
            let read = maildir.at(&format!("cur/{number}.made-up:2,S"));
            fs::rename(maildir.at(&format!("new/{number}.made-up")), read).unwrap();
            let said = council.events("source-cleared-again");
            dies(&mut council, "collect.withdrawn");
            assert_eq!(council.events("source-cleared-again"), said + 1);
        }
        council.start();
        council.until("it is delivered", |council| council.all_rest(number + 1));
        council.until("it is moved", |_| maildir.waiting().is_empty());
        council.stops_well();
    }
    assert_eq!((council.delivered_digests(), council.codes()), (digests(0..steps.len()), vec![]));
    assert_eq!(maildir.processed().len(), steps.len());
    // One was in the spool and not recorded; one was recorded and not moved.
    assert_eq!((council.events("collected-recovered"), council.events("source-cleared-again")), (1, 2));
}

#[cfg(feature = "failpoints")]
#[test]
fn whatever_step_fails_once_the_mail_is_delivered_once_and_moved() {
    let (dwp, maildir, mut council) = with_maildir();
    let steps = ["copied", "synced", "named", "directory-synced", "recorded", "withdrawn", "cleared"];
    for (number, step) in steps.into_iter().enumerate() {
        maildir.delivers(&format!("new/{number}.made-up"), &mail(&dwp, number, &laid_xml(number)));
        council.start_in(&[("FAILPOINTS", &format!("collect.{step}=1*return(28)"))]);
        council.until("it is delivered", |council| council.all_rest(number + 1));
        council.until("it is moved", |_| maildir.waiting().is_empty());
        council.until("the alarms are over", |council| {
            is_quiet(council) && council.attention().iter().all(|(about, _)| about != "state")
        });
        council.stops_well();
        let said = council.log().lines().filter(|line| line.contains("Left a file in")).count();
        assert_eq!(said, number + 1, "{step} fails, and that is said\n{}", council.log());
    }
    assert_eq!((council.delivered_digests(), council.codes()), (digests(0..steps.len()), vec![]));
    assert_eq!((maildir.processed().len(), council.events("collected")), (steps.len(), steps.len()));
}

#[test]
fn a_name_that_is_taken_in_the_processed_folder_is_not_overwritten() {
    let (dwp, maildir, mut council) = with_maildir();
    fs::create_dir_all(maildir.at(".Processed/cur")).unwrap();
    fs::write(maildir.at(".Processed/cur/1.made-up:2,"), "theirs").unwrap();
    let mail = mail(&dwp, 1, &laid_xml(1));
    maildir.delivers("new/1.made-up", &mail);
    council.start();
    council.until("it is moved", |_| maildir.processed().len() == 2);
    council.until("it is delivered", |council| council.all_rest(1));
    let processed = maildir.processed();
    assert_eq!(processed["1.made-up:2,"], b"theirs");
    assert!(processed["1.made-up.1:2,"] == mail);
    council.stops_well();
}

#[test]
fn what_cannot_be_collected_is_left_with_an_alarm_and_others_are_delivered() {
    type Fault = (&'static str, &'static str, fn(&Maildir));
    let faults: [Fault; 4] = [
        ("CN-503", "new/huge", |maildir| maildir.delivers("new/huge", &vec![b'x'; 2 << 20])),
        ("CN-502", "cur/link", |maildir| symlink(maildir.at("tmp"), maildir.at("cur/link")).unwrap()),
        ("CN-502", "new/pipe", |maildir| {
            let made = std::process::Command::new("mkfifo").arg(maildir.at("new/pipe")).status();
            assert!(made.unwrap().success());
        }),
        ("CN-504", "new/closed", |maildir| {
            fs::write(maildir.at("tmp/closed"), "a mail").unwrap();
            fs::set_permissions(maildir.at("tmp/closed"), fs::Permissions::from_mode(0o000)).unwrap();
            fs::rename(maildir.at("tmp/closed"), maildir.at("new/closed")).unwrap();
        }),
    ];
    let (dwp, maildir, mut council) = with_maildir();
    council.changes_settings(|settings| set(settings, &["service", "limits", "ciphertext_bytes_max"], "1 MiB"));
    council.start_bound_by_modes();
    for (number, (code, place, puts)) in faults.into_iter().enumerate() {
        puts(&maildir);
        council.until("it is said", |council| council.is_alarmed(MAILDIR, code));
        maildir.delivers(&format!("new/{number}.made-up"), &mail(&dwp, number, &laid_xml(number)));
        council.until("another is delivered", |council| council.all_rest(number + 1));
        council.until("and moved", |_| maildir.waiting() == [place]);
        looks(&mut council, 2);
        assert!(council.is_alarmed(MAILDIR, code) && maildir.at(place).symlink_metadata().is_ok(), "{place}");
        fs::remove_file(maildir.at(place)).unwrap();
        council.until("the alarm is over", is_quiet);
    }
    let said = council.log().lines().filter(|line| line.contains("Left a file in")).count();
    assert_eq!(said, 2, "what is too large and what is closed, once each\n{}", council.log());
    council.stops_well();
    assert_eq!((council.delivered_digests(), council.codes()), (digests(0..4), vec![]));
}

/// Mail systems give one file to several recipients, or leave a copy in another folder, by a second name.
#[test]
fn one_with_a_second_name_elsewhere_is_delivered_and_moved() {
    let (dwp, maildir, mut council) = with_maildir();
    maildir.delivers("new/1.made-up", &mail(&dwp, 1, &laid_xml(1)));
    let elsewhere = maildir.at("tmp/elsewhere");
    fs::hard_link(maildir.at("new/1.made-up"), &elsewhere).unwrap();
    council.start();
    council.until("it is delivered", |council| council.all_rest(1));
    council.until("and moved", |_| maildir.waiting().is_empty());
    assert!(elsewhere.exists() && maildir.processed().contains_key("1.made-up:2,"));
    council.stops_well();
    assert_eq!((council.delivered_digests(), council.codes()), (digests([1]), vec![]));
}

#[test]
fn one_without_cur_is_an_alarm_and_found_again() {
    let (dwp, maildir, mut council) = with_maildir();
    let (drop, backoffice) = council.adds_authority("20101", "Neighbour");
    council.start();
    council.until("it was looked into", |council| last_look(council).is_some());
    for (number, lost) in [(1, "cur"), (2, "new")] {
        fs::remove_dir(maildir.at(lost)).unwrap();
        council.until("the alarm", |council| council.is_alarmed(MAILDIR, "CN-501"));
        let sealed = dwp.seals(&laid_xml(100 + number), "x.xml", &Default::default());
        crate::support::council::drop_into(&drop, &format!("{number}.pgp"), &sealed);
        council.until("the neighbour's is delivered", |_| {
            crate::support::council::files_below(&backoffice).len() == number
        });
        fs::create_dir(maildir.at(lost)).unwrap();
        maildir.delivers(&format!("{lost}/{number}.made-up"), &mail(&dwp, number, &laid_xml(number)));
        council.until("it is delivered", |council| council.delivered().len() == number);
        council.until("the alarm is over", is_quiet);
    }
    council.stops_well();
    assert_eq!(council.delivered_digests(), digests(1..=2));
}

#[test]
fn one_that_the_service_may_not_change_is_said_once() {
    let (dwp, maildir, mut council) = with_maildir();
    let disk = Mount::over(maildir.path(), 1024);
    maildir.lay_out();
    maildir.delivers("new/1.made-up", &mail(&dwp, 1, &laid_xml(1)));
    disk.is_read_only(true);
    council.start();
    council.until("it is delivered all the same", |council| council.all_rest(1) && council.delivered().len() == 1);
    council.until("the alarm", |council| council.is_alarmed(MAILDIR, "CN-504"));
    looks(&mut council, 4);
    let said = council.log().lines().filter(|line| line.contains("Left a file in")).count();
    assert_eq!((said, council.events("source-cleared-again")), (1, 1), "{}", council.log());
    assert_eq!((council.consignments().len(), maildir.waiting().len()), (1, 1));
    disk.is_read_only(false);
    council.until("it is moved", |_| maildir.waiting().is_empty() && maildir.processed().len() == 1);
    council.until("the alarm is over", is_quiet);
    assert_eq!(council.events("source-cleared-again"), 1);
    council.stops_well();
    drop(council);
}

#[test]
fn one_pass_empties_it_unless_space_is_low() {
    let (dwp, maildir, council) = with_maildir();
    for number in 1..=3 {
        maildir.delivers(&format!("new/{number}.made-up"), &mail(&dwp, number, &laid_xml(number)));
    }
    council.changes_settings(|settings| set(settings, &["service", "limits", "free_bytes_min"], "1 TiB"));
    let says = String::from_utf8(council.runs(&["run", "--once"]).stdout).unwrap();
    assert!(says.contains("Alarm CN-505 about state"), "{says}");
    assert_eq!((council.consignments().len(), maildir.waiting().len()), (0, 3));
    council.changes_settings(|settings| set(settings, &["service", "limits", "free_bytes_min"], "1 MiB"));
    let once = council.runs(&["run", "--once"]);
    assert_eq!(once.status.code(), Some(0), "{once:?}");
    assert_eq!((council.delivered_digests(), maildir.waiting().len()), (digests(1..=3), 0));
}

#[test]
fn the_names_of_mails_are_told_nowhere() {
    const CANARY: &str = "QQ234567A";
    let (dwp, maildir, mut council) = with_maildir();
    council.changes_settings(|settings| set(settings, &["service", "limits", "ciphertext_bytes_max"], "1 MiB"));
    maildir.delivers(&format!("new/1.{CANARY}"), &mail(&dwp, 1, &laid_xml(1)));
    maildir.delivers(&format!("cur/2.{CANARY}:2,S"), b"Subject: hello\n\nIs anybody there?\n");
    maildir.delivers(&format!("new/3.{CANARY}"), &vec![b'x'; 2 << 20]);
    symlink("nowhere", maildir.at(&format!("cur/4.{CANARY}"))).unwrap();
    council.start_in(&[("HBCOURIER_LOG", "trace")]);
    council.until("two are ours", |council| council.all_rest(2) && maildir.waiting().len() == 2);
    council.until("the alarm", |council| council.is_alarmed(MAILDIR, "CN-503"));
    for (what, text) in shown(&council) {
        let line = text.lines().find(|line| line.contains(CANARY));
        assert!(line.is_none(), "{what} tells a name: {}", line.unwrap());
    }
    council.stops_well();
    let told = state_files_with(&council, &[CANARY]);
    assert!(told.is_empty(), "below the state directory: {told:?}");
}
