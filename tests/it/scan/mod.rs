//! The virus scanner: ClamAV's own clamd, by signatures of these tests. What it does not find clean is not delivered,
//! whatever clamd does.

use std::fs;
use std::os::unix::net::UnixListener;

use hbcourier::cli::demo::samples;
use hbcourier::domain::Digest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::inbound::laid_xml;
use crate::support::clamd::Antivirus;
use crate::support::council::{Council, set, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// What the signatures of these tests look for.
const ILLNESS: &[u8] = b"no part of any real program 3f9c";
const NAME: &str = "Made.Up.Illness";

/// Quick to try again, and everything passes the scanner at this socket.
fn scanned_at(antivirus: &Antivirus) -> (Partner, Council) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    council.changes_settings(|settings| {
        set(settings, &["service", "retry_after"], "200ms");
        set(settings, &["service", "retry_after_max"], "500ms");
        set(settings, &["service", "attempts_max"], 100);
        set(settings, &["scan", "clamd"], antivirus.place());
    });
    (dwp, council)
}

fn ill_xml(number: usize) -> Vec<u8> {
    let ill = format!("<Note>{}</Note></LAID>", String::from_utf8_lossy(ILLNESS));
    String::from_utf8(laid_xml(number)).unwrap().replace("</LAID>", &ill).into_bytes()
}

fn seal(dwp: &Partner, content: &[u8], name: &str) -> Vec<u8> {
    dwp.seals(content, name, &SealOptions::default())
}

fn entries<'e>(entries: &'e [Value], event: &'e str) -> impl Iterator<Item = &'e Value> {
    entries.iter().filter(move |entry| entry["event"] == event)
}

#[test]
fn what_is_clean_is_delivered_and_what_is_not_is_held_by_its_signature() {
    let antivirus = Antivirus::new();
    antivirus.learns(NAME, ILLNESS);
    let _clamd = antivirus.start();
    let (dwp, mut council) = scanned_at(&antivirus);
    // In the archive's own bytes nothing of it can be seen.
    let long = [&b"Claim,Rule\n".repeat(500)[..], ILLNESS, b",HBSA001\n"].concat();
    let ill_pack =
        samples::archive(&[("AOBWR627_LAID_RISK.csv", &samples::caseload_risk(5)), ("AOBWR999_R.csv", &long)]).unwrap();
    assert!(!ill_pack.windows(ILLNESS.len()).any(|window| window == ILLNESS));
    let pack = samples::archive(&[("AOBWR627_LAID_RISK.csv", &samples::caseload_risk(7)), ("empty.txt", b"")]).unwrap();
    council.start();
    council.drops("ill.pgp", &seal(&dwp, &ill_xml(1), "LAID_1.xml"));
    council.drops("ill-pack.pgp", &seal(&dwp, &ill_pack, "HBMS_1.zip"));
    council.drops("well.pgp", &seal(&dwp, &laid_xml(2), "LAID_2.xml"));
    council.drops("well-pack.pgp", &seal(&dwp, &pack, "HBMS_2.zip"));
    council.until("all rest", |council| council.all_rest(4));
    assert_eq!(council.codes(), ["CN-157", "CN-157"]);
    assert_eq!(council.delivered().len(), 3, "the sound one, and both files of the sound pack");
    assert!(council.delivered().values().all(|content| !content.windows(ILLNESS.len()).any(|part| part == ILLNESS)));
    assert!(council.hidden_parts().is_empty());
    let held = council.held();
    for one in &held {
        let says = one["says"].as_str().unwrap();
        assert!(says.contains("found Made.Up.Illness.UNOFFICIAL in this file"), "{one}");
    }
    let id = held[0]["id"].as_str().unwrap().to_owned();
    assert!(!council.runs(&["held", "approve", &id, "--reason", "seen"]).status.success(), "nobody may release it");
    succeeded(council.runs(&["held", "retry", &id, "--reason", "signatures corrected"]));
    let twice = |council: &Council| entries(&council.entries(), "held").count() == 3;
    council.until("it was scanned once more, and held", |council| twice(council) && council.all_rest(4));
    let ledger = council.ledger();
    for staged in entries(&ledger, "staged") {
        assert!(staged["scanned"].as_str().unwrap().starts_with("ClamAV 1."), "{staged}");
    }
    assert!(entries(&ledger, "held").all(|held| held["infection"] == "Made.Up.Illness.UNOFFICIAL"));
    assert_eq!(council.json(&["status"])["scanner"], antivirus.place());
    let probes = council.json(&["check"])["probes"].as_array().unwrap().clone();
    let probe = probes.iter().find(|probe| probe["probe"] == "scan").unwrap();
    assert!(probe["outcome"] == "ok" && probe["says"].as_str().unwrap().starts_with("ClamAV 1."), "{probe}");
    council.stops_well();
}

#[test]
fn clamd_is_asked_over_loopback_too() {
    let antivirus = Antivirus::on_loopback();
    antivirus.learns(NAME, ILLNESS);
    let (dwp, mut council) = scanned_at(&antivirus);
    council.start();
    council.drops("ill.pgp", &seal(&dwp, &ill_xml(1), "LAID_1.xml"));
    council.drops("well.pgp", &seal(&dwp, &laid_xml(2), "LAID_2.xml"));
    council.until("both wait, because nobody listens", |council| council.deferred() == ["CN-317"; 2]);
    let clamd = antivirus.start();
    council.until("both rest", |council| council.all_rest(2));
    assert_eq!((council.codes(), council.delivered_digests()), (vec!["CN-157"], vec![Digest::of(&laid_xml(2))]));
    clamd.stops();
    council.drops("well-too.pgp", &seal(&dwp, &laid_xml(3), "LAID_3.xml"));
    council.until("the next one waits", |council| council.deferred() == ["CN-317"]);
    let _clamd = antivirus.start();
    council.until("it is delivered", |council| council.all_rest(3) && council.delivered().len() == 2);
    let ledger = council.ledger();
    assert!(entries(&ledger, "staged").all(|staged| staged["scanned"].as_str().unwrap().starts_with("ClamAV 1.")));
    assert_eq!(council.json(&["status"])["scanner"], antivirus.place());
    council.stops_well();
}

#[test]
fn without_clamd_everything_waits_and_is_delivered_once_it_is_back() {
    let antivirus = Antivirus::new();
    let (dwp, mut council) = scanned_at(&antivirus);
    council.start();
    council.drops("one.pgp", &seal(&dwp, &laid_xml(1), "LAID_1.xml"));
    council.until("it waits, and that is told", |council| {
        council.deferred() == ["CN-317"] && council.is_alarmed("clamd", "CN-523")
    });
    assert!(council.delivered().is_empty() && council.hidden_parts().is_empty());
    assert_eq!(council.json(&["check"])["ok"], false);
    let clamd = antivirus.start();
    council.until("it is delivered, and the alarm is over", |council| {
        council.all_rest(1) && council.delivered().len() == 1 && !council.is_alarmed("clamd", "CN-523")
    });
    clamd.stops();
    council.drops("two.pgp", &seal(&dwp, &laid_xml(2), "LAID_2.xml"));
    council.until("the next one waits again", |council| council.deferred() == ["CN-317"]);
    council.stops_well();
    // Whoever scans no more is not told of a scanner either.
    council.changes_settings(|settings| drop(settings.remove("scan")));
    council.start();
    council.until("it goes on", |council| council.all_rest(2) && council.delivered().len() == 2);
    assert!(!council.is_alarmed("clamd", "CN-523"));
    assert_eq!(entries(&council.ledger(), "staged").filter(|staged| staged.get("scanned").is_some()).count(), 1);
    assert_eq!(council.json(&["status"])["scanner"], Value::Null);
    let page = String::from_utf8(succeeded(council.runs(&["status"]))).unwrap();
    assert!(page.contains("nothing is scanned"), "{page}");
    let checked = council.json(&["check"]).to_string();
    assert!(checked.contains("Nothing is scanned for viruses"), "{checked}");
    council.stops_well();
}

#[test]
fn a_clamd_that_hangs_is_given_up_and_nothing_is_delivered_unscanned() {
    let antivirus = Antivirus::new();
    let (dwp, mut council) = scanned_at(&antivirus);
    council.changes_settings(|settings| set(settings, &["scan", "timeout"], "1s"));
    let listener = UnixListener::bind(antivirus.socket()).unwrap();
    council.start();
    council.drops("one.pgp", &seal(&dwp, &laid_xml(1), "LAID_1.xml"));
    // It takes every connection and says nothing.
    let mut open = Vec::new();
    listener.set_nonblocking(true).unwrap();
    council.until("it waits, and that is told", |council| {
        open.extend(listener.accept().map(|(connection, _)| connection));
        council.deferred() == ["CN-317"] && council.is_alarmed("clamd", "CN-523")
    });
    assert!(!open.is_empty() && council.log().contains("no answer within 1 s"), "{}", council.log());
    assert!(council.delivered().is_empty());
    drop((listener, open));
    fs::remove_file(antivirus.socket()).unwrap();
    let _clamd = antivirus.start();
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    council.stops_well();
}

#[test]
fn what_is_larger_than_clamd_takes_waits_while_the_others_go_on() {
    let mut antivirus = Antivirus::new();
    antivirus.limits("StreamMaxLength 200K\n");
    let clamd = antivirus.start();
    let (dwp, mut council) = scanned_at(&antivirus);
    let large: Vec<u8> =
        (0..60_000_u32).flat_map(|n| format!("{n},{}\n", n.wrapping_mul(2_654_435_761)).into_bytes()).collect();
    council.start();
    council.drops("large.pgp", &seal(&dwp, &large, "AOBWR999_REPORT.csv"));
    let pack = samples::archive(&[("AOBWR627_LAID_RISK.csv", &samples::caseload_risk(5)), ("AOBWR998_R.csv", &large)]);
    council.drops("large-pack.pgp", &seal(&dwp, &pack.unwrap(), "HBMS.zip"));
    council.until("both wait", |council| council.deferred() == ["CN-318", "CN-318"]);
    assert!(council.is_alarmed("clamd-limit", "CN-524"));
    council.drops("small.pgp", &seal(&dwp, &laid_xml(1), "LAID_1.xml"));
    council.until("the small one is delivered", |council| council.delivered().len() == 1);
    assert!(!council.is_alarmed("clamd", "CN-523") && council.is_alarmed("clamd-limit", "CN-524"));
    clamd.stops();
    antivirus.limits("");
    let _clamd = antivirus.start();
    council.until("both are delivered", |council| council.all_rest(3) && council.delivered().len() == 4);
    council.until("the alarms are over", |council| {
        !council.is_alarmed("clamd", "CN-523") && !council.is_alarmed("clamd-limit", "CN-524")
    });
    council.stops_well();
}

/// A mail with these contents, each sealed and attached.
fn mail(dwp: &Partner, contents: &[Vec<u8>]) -> Vec<u8> {
    let mut mail = "Subject: files\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n".to_owned();
    for content in contents {
        let sealed = dwp.seals(content, "LAID.xml", &SealOptions::armoured());
        mail += "--b1\nContent-Type: application/octet-stream\nContent-Disposition: attachment\n\n";
        mail += &String::from_utf8(sealed).unwrap();
    }
    (mail + "--b1--\n").into_bytes()
}

#[test]
fn one_file_of_a_mail_holds_all_of_it_and_a_reload_takes_another_clamd() {
    let (first, second) = (Antivirus::new(), Antivirus::new());
    second.learns(NAME, ILLNESS);
    let _clamd = second.start();
    let (dwp, mut council) = scanned_at(&first);
    council.changes_drop_folders(|folder| drop(folder.insert("carries".into(), "mail".into())));
    council.start();
    council.drops("ill.eml", &mail(&dwp, &[laid_xml(1), ill_xml(2)]));
    council.drops("well.eml", &mail(&dwp, &[laid_xml(3), laid_xml(4)]));
    council.until("both wait", |council| council.deferred() == ["CN-317", "CN-317"]);
    council.changes_settings(|settings| {
        set(settings, &["scan", "clamd"], format!("unix:{}", second.socket().display()));
    });
    kill_process(Pid::from_raw(council.pid().cast_signed()).unwrap(), Signal::HUP).unwrap();
    council.until("both rest", |council| council.all_rest(2));
    assert_eq!(council.codes(), ["CN-157"]);
    assert_eq!(council.delivered_digests(), digests(&[laid_xml(3), laid_xml(4)]));
    council.until("it answers", |council| council.answers() && !council.is_alarmed("clamd", "CN-523"));
    council.stops_well();
}

fn digests(contents: &[Vec<u8>]) -> Vec<Digest> {
    let mut digests: Vec<Digest> = contents.iter().map(|content| Digest::of(content)).collect();
    digests.sort_unstable();
    digests
}

/// As the README has clamd configured.
#[test]
fn what_clamd_leaves_out_at_its_own_limits_is_held() {
    let mut antivirus = Antivirus::new();
    antivirus.limits("MaxFileSize 200K\nAlertExceedsMax yes\n");
    let _clamd = antivirus.start();
    let (dwp, mut council) = scanned_at(&antivirus);
    council.start();
    council.drops("large.pgp", &seal(&dwp, &b"0123456789,12345\n".repeat(30_000), "AOBWR999_REPORT.csv"));
    council.until("it is held", |council| council.all_rest(1));
    assert_eq!(council.codes(), ["CN-157"]);
    assert!(council.held()[0]["says"].as_str().unwrap().contains("Heuristics.Limits.Exceeded"), "{:?}", council.held());
    council.stops_well();
}

#[test]
fn killed_between_the_scan_and_the_staging_it_is_scanned_again() {
    let antivirus = Antivirus::new();
    let (dwp, mut council) = scanned_at(&antivirus);
    let clamd = antivirus.start();
    for (number, content) in [(1, ill_xml(1)), (2, laid_xml(2))] {
        council.drops(&format!("{number}.pgp"), &seal(&dwp, &content, &format!("LAID_{number}.xml")));
    }
    council.start_with(&[("FAILPOINTS", "scan.clean=return(kill)")]);
    assert!(!council.ends().success(), "{}", council.log());
    assert!(council.delivered().is_empty() && council.hidden_parts().is_empty());
    // By the signatures of then it was clean.
    clamd.stops();
    antivirus.learns(NAME, ILLNESS);
    let _clamd = antivirus.start();
    council.start();
    council.until("both rest", |council| council.all_rest(2));
    assert_eq!(council.codes(), ["CN-157"]);
    assert_eq!(council.delivered().into_values().collect::<Vec<_>>(), [laid_xml(2)]);
    council.ledger();
    council.stops_well();
}
