//! Mails in a mailbox that is read by IMAP, at a real Dovecot: each is delivered once, whatever happens on the way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::inbound::laid_xml;
use crate::support::council::{Council, set};
use crate::support::imap::Dovecot;
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::smtp::Certificates;

pub(super) const MAILBOX: &str = "mail-12302";
const PASSWORD: &str = "correct horse";
/// IDLE alone can tell of a mail in time.
pub(super) const SELDOM: &str = "10m";

/// A council whose one source is this mailbox.
pub(super) fn council(dwp: &mut Partner, certificates: &Certificates, port: u16, tls: &str, poll: &str) -> Council {
    let council = Council::new(dwp);
    let mailbox = mailbox_table(certificates, council.dir.path(), port, tls, poll);
    council.changes_settings(|settings| {
        set(settings, &["service", "retry_after"], "200ms");
        set(settings, &["service", "retry_after_max"], "1s");
        let authority = settings["authority"][0].as_table_mut().unwrap();
        authority.remove("drop_folder");
        authority.insert("mailbox".into(), toml::Value::Array(vec![mailbox.into()]));
    });
    council
}

/// A mailbox at that port, with its password in that folder.
pub(crate) fn mailbox_table(
    certificates: &Certificates,
    folder: &Path,
    port: u16,
    tls: &str,
    poll: &str,
) -> toml::Table {
    let password = folder.join("password");
    writes(&password, PASSWORD);
    let mut mailbox = toml::Table::new();
    for (key, value) in [
        ("name", MAILBOX),
        ("host", "localhost"),
        ("tls", tls),
        ("ca_file", &certificates.file("ca.pem").to_string_lossy()),
        ("account", "hbms@council.example"),
        ("password_file", &password.to_string_lossy()),
        ("poll", poll),
    ] {
        mailbox.insert(key.into(), value.into());
    }
    mailbox.insert("port".into(), i64::from(port).into());
    mailbox.insert("partners".into(), toml::Value::Array(vec!["dwp".into()]));
    mailbox
}

fn writes(password: &Path, text: &str) {
    fs::write(password, text).unwrap();
    fs::set_permissions(password, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A mail with one sealed attachment, whose lines end as they do on the way.
pub(crate) fn mail(dwp: &Partner, number: usize, content: &[u8]) -> Vec<u8> {
    mail_with(number, "LAID.xml.asc", dwp.seals(content, "LAID.xml", &SealOptions::armoured()))
}

/// A mail with this armoured attachment.
pub(crate) fn mail_with(number: usize, name: &str, armoured: Vec<u8>) -> Vec<u8> {
    let head = format!(
        "Message-ID: <{number}@partner.test>\nSubject: Monthly file\nMIME-Version: 1.0\n\
         Content-Type: application/octet-stream; name={name}\nContent-Disposition: attachment; \
         filename={name}\n\n"
    );
    [head.into_bytes(), armoured].concat()
}

pub(super) fn digests(numbers: impl IntoIterator<Item = usize>) -> Vec<hbcourier::domain::Digest> {
    let mut digests: Vec<_> =
        numbers.into_iter().map(|number| hbcourier::domain::Digest::of(&laid_xml(number))).collect();
    digests.sort_unstable();
    digests
}

/// Starts the service and waits until it waits for news.
fn starts(council: &mut Council) {
    council.start();
    council.until("the mailbox was looked into", |council| last_look(council).is_some());
}

fn last_look(council: &Council) -> Option<String> {
    let status = council.json(&["status"]);
    let sources = status["service"]["sources"].as_array()?.clone();
    let ours = sources.into_iter().find(|source| source["name"] == MAILBOX)?;
    ours["last_look"].as_str().map(str::to_owned)
}

#[test]
fn a_mail_is_delivered_within_seconds_of_its_arrival() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    for (offset, tls) in [(0, "starttls"), (1, "implicit")] {
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let mut council = council(&mut dwp, &certificates, dovecot.port + offset, tls, SELDOM);
        starts(&mut council);
        for number in 1..=3 {
            dovecot.delivers(&mail(&dwp, number, &laid_xml(number)));
            let arrived = Instant::now();
            council.until("it is delivered", |council| council.delivered().len() == number);
            assert!(arrived.elapsed() < Duration::from_secs(5), "{tls}: {:?}", arrived.elapsed());
        }
        council.until("all rest and were moved", |council| council.all_rest(3) && dovecot.in_inbox() == 0);
        assert_eq!(council.delivered_digests(), digests(1..=3));
        council.stops_well();
        assert_eq!((council.events("collected"), council.events("closed")), (3, 3));
        assert_eq!(council.json(&["audit", "verify"])["ok"], true);
    }
    assert_eq!(dovecot.in_processed(), 6);
}

#[test]
fn without_idle_it_is_found_by_looking_and_without_move_it_is_copied() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start_with(&certificates, Some("IMAP4rev1 UIDPLUS"));
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", "10s");
    starts(&mut council);
    dovecot.delivers(&mail(&dwp, 1, &laid_xml(1)));
    let arrived = Instant::now();
    council.until("it is delivered", |council| council.delivered().len() == 1);
    assert!(arrived.elapsed() < Duration::from_secs(15), "{:?}", arrived.elapsed());
    council.until("it was moved", |_| dovecot.in_inbox() == 0);
    assert_eq!(dovecot.in_processed(), 1);
    council.stops_well();
}

#[test]
fn where_nothing_can_be_moved_mails_stay_and_are_ours_once() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start_with(&certificates, Some("IMAP4rev1 IDLE"));
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    for number in 1..=3 {
        dovecot.delivers(&mail(&dwp, number, &laid_xml(number)));
    }
    for _ in 0..2 {
        starts(&mut council);
        council.until("all are delivered", |council| council.all_rest(3));
        council.stops_well();
    }
    assert_eq!((council.delivered().len(), council.events("collected"), dovecot.in_inbox()), (3, 3, 3));
    assert_eq!(council.events("source-cleared-again"), 0, "nothing is said of what is left");
    let check = String::from_utf8(council.runs(&["check"]).stdout).unwrap();
    assert!(check.contains("neither MOVE nor UIDPLUS"), "{check}");
}

#[test]
fn a_server_that_dies_and_numbers_anew_loses_and_doubles_nothing() {
    let certificates = Certificates::new();
    let mut dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    starts(&mut council);
    let mut count = 0;
    for round in 0..4 {
        for _ in 0..5 {
            count += 1;
            dovecot.delivers(&mail(&dwp, count, &laid_xml(count)));
        }
        dovecot.kill();
        if round == 2 {
            dovecot.bumps_uidvalidity();
        }
        dovecot.restart();
        council.until("all so far are delivered", |council| council.all_rest(count));
        council.until("and moved", |_| dovecot.in_inbox() == 0);
    }
    assert_eq!(council.delivered_digests(), digests(1..=count));
    assert!(council.codes().is_empty(), "{:?}", council.held());
    council.until("its alarm is over", |council| council.attention().iter().all(|(about, _)| about != MAILBOX));
    council.stops_well();
    assert_eq!(council.events("collected"), count);
}

/// Ours, and then the service dies before it is moved away; meanwhile the server numbers its mails anew.
#[cfg(feature = "failpoints")]
#[test]
fn what_was_recorded_and_not_moved_is_moved_at_the_next_start() {
    let certificates = Certificates::new();
    let mut dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    for (number, step) in ["collect.copied", "collect.named", "collect.recorded", "collect.recorded"].iter().enumerate()
    {
        dovecot.delivers(&mail(&dwp, number, &laid_xml(number)));
        council.start_with(&[("FAILPOINTS", &format!("{step}=return(kill)"))]);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&council.ends()), Some(9), "{step}");
        assert_eq!(dovecot.in_inbox(), 1, "{step}: not before it is recorded");
        if number == 3 {
            dovecot.kill();
            dovecot.bumps_uidvalidity();
            dovecot.restart();
        }
        starts(&mut council);
        council.until("it is delivered", |council| council.all_rest(number + 1));
        council.until("it was moved", |_| dovecot.in_inbox() == 0);
        council.stops_well();
    }
    assert_eq!(council.delivered_digests(), digests(0..4));
    assert_eq!((council.codes(), dovecot.in_processed()), (vec![], 4));
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}

struct Proxy(Child, u16);

impl Proxy {
    fn cutting_every(bytes: usize, target: u16) -> Proxy {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/drop_proxy.py");
        let mut proxy = Command::new("/usr/bin/python3");
        proxy.arg(script).args(["0", &target.to_string(), &bytes.to_string()]);
        let mut child = proxy.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        Proxy(child, line.trim().parse().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_connection_that_breaks_at_every_97th_byte_loses_and_doubles_nothing() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    let proxy = Proxy::cutting_every(97, dovecot.port + 1);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, proxy.1, "implicit", SELDOM);
    council.changes_settings(|settings| {
        set(settings, &["service", "retry_after"], "100ms");
        set(settings, &["service", "retry_after_max"], "100ms");
    });
    for number in 1..=3 {
        dovecot.delivers(&mail(&dwp, number, &laid_xml(number)));
    }
    council.start();
    council.until("all are delivered", |council| council.all_rest(3));
    council.until("all are moved", |_| dovecot.in_inbox() == 0);
    assert_eq!(council.delivered_digests(), digests(1..=3));
    council.stops_well();
    assert_eq!((council.events("collected"), council.codes()), (3, vec![]));
}

#[test]
fn a_wrong_password_and_a_wrong_certificate_are_one_alarm_each_until_they_are_mended() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port, "starttls", SELDOM);
    let password = council.dir.path().join("password");
    writes(&password, "wrong pony");
    dovecot.delivers(&mail(&dwp, 1, &laid_xml(1)));
    council.start();
    council.until("the alarm", |council| council.is_alarmed(MAILBOX, "CN-520"));
    let check = council.runs(&["check"]);
    let says = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.code() == Some(1) && says.contains("refused when the account logged in"), "{says}");
    assert!(!says.contains("wrong pony") && !council.log().contains("wrong pony"));
    assert_eq!(last_look(&council), None);
    writes(&password, PASSWORD);
    council.until("it is delivered", |council| council.all_rest(1));
    council.until("the alarm is over", |council| !council.is_alarmed(MAILBOX, "CN-520"));
    council.stops_well();
    assert_eq!(council.events("alarm-raised"), 1, "said once");

    let ca = certificates.file("other-ca.pem").to_string_lossy().into_owned();
    council.changes_settings(|settings| {
        settings["authority"][0]["mailbox"][0].as_table_mut().unwrap().insert("ca_file".into(), ca.into());
    });
    dovecot.delivers(&mail(&dwp, 2, &laid_xml(2)));
    council.start();
    council.until("the alarm", |council| council.is_alarmed(MAILBOX, "CN-520"));
    let says = String::from_utf8(council.runs(&["check"]).stdout).unwrap();
    assert!(says.contains("no encrypted connection with localhost"), "{says}");
    assert_eq!((dovecot.in_inbox(), council.delivered().len()), (1, 1), "nothing was said to a stranger");
    council.stops_well();
}

#[test]
fn one_pass_empties_it_and_a_server_that_is_away_is_said() {
    let certificates = Certificates::new();
    let mut dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    for number in 1..=20 {
        dovecot.delivers(&mail(&dwp, number, &laid_xml(number)));
    }
    dovecot.delivers(b"Subject: hello\n\nIs anybody there?\n");
    let once = council.runs(&["run", "--once"]);
    assert_eq!(once.status.code(), Some(1), "the one in clear is held anew: {once:?}");
    assert_eq!((council.delivered().len(), council.codes(), dovecot.in_inbox()), (20, vec!["CN-131"], 0));
    dovecot.kill();
    let once = council.runs(&["run", "--once"]);
    let says = String::from_utf8(once.stdout).unwrap();
    assert!(once.status.code() == Some(0) && says.contains("Alarm CN-519 about mail-12302"), "{says}");
    assert!(council.all_rest(21));
}

/// Another client reads, marks and moves mails while they are collected: what it takes away is its own, the rest is ours.
#[test]
fn another_client_takes_some_away_and_the_rest_is_delivered_once() {
    const MAILS: usize = 60;
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", "10s");
    let mails: Vec<_> = (0..MAILS).map(|number| mail(&dwp, number, &laid_xml(number))).collect();
    starts(&mut council);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/imap_client.py");
    let mut other = Command::new("/usr/bin/python3");
    other.arg(script).arg((dovecot.port + 1).to_string()).arg(certificates.file("ca.pem"));
    let mut other = other.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    for mail in &mails {
        dovecot.delivers(mail);
        std::thread::yield_now();
    }
    council.until("the inbox is empty", |_| dovecot.in_inbox() == 0);
    drop(other.stdin.take());
    assert!(other.wait_with_output().unwrap().status.success());
    council.until("all that is ours rests", |council| council.all_rest(council.consignments().len()));
    council.stops_well();

    let elsewhere = dovecot.mails_in("Elsewhere");
    let delivered = council.delivered_digests();
    let of = |mail: &Vec<u8>| elsewhere.iter().any(|other| same_but_for_line_ends(other, mail));
    for (number, mail) in mails.iter().enumerate() {
        let ours = delivered.contains(&hbcourier::domain::Digest::of(&laid_xml(number)));
        assert!(ours || of(mail), "mail {number} is lost");
    }
    let mut once = delivered.clone();
    once.dedup();
    assert_eq!(once.len(), delivered.len(), "none twice");
    assert!(council.codes().is_empty(), "{:?}", council.held());
    assert!(!delivered.is_empty() && !elsewhere.is_empty(), "each took some: {} {}", delivered.len(), elsewhere.len());
    assert_eq!(council.events("collected"), delivered.len());
}

fn same_but_for_line_ends(one: &[u8], other: &[u8]) -> bool {
    let plain = |mail: &[u8]| mail.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<_>>();
    plain(one) == plain(other)
}

/// How many mails lie there at the start; `HBCOURIER_MAILS` says how many in the long form.
#[test]
fn a_full_inbox_at_the_start_is_emptied_in_little_memory() {
    let mails: usize = std::env::var("HBCOURIER_MAILS").ok().and_then(|count| count.parse().ok()).unwrap_or(500);
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    // The last ones are sealed; the others are there to be looked at, and each is held.
    for number in 0..mails - 5 {
        dovecot.delivers(
            format!("Message-ID: <{number}@made-up.example>\nSubject: made up\n\nNumber {number}.\n").as_bytes(),
        );
    }
    for number in 0..5 {
        dovecot.delivers(&mail(&dwp, number, &laid_xml(number)));
    }
    council.start();
    council.until("all are ours", |council| council.consignments().len() == mails && dovecot.in_inbox() == 0);
    council.until("all rest", |council| council.all_rest(mails));
    assert_eq!((council.delivered_digests(), council.codes().len()), (digests(0..5), mails - 5));
    assert!(council.peak_kib() < 128 * 1024, "{} KiB", council.peak_kib());
    council.stops_well();
    assert_eq!(council.events("collected"), mails);
}

#[test]
fn forty_megabytes_need_less_than_128_of_memory() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    let mut content = b"%PDF-1.4\n".to_vec();
    let mut state = 1u32;
    while content.len() < 40 << 20 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        content.extend_from_slice(&state.to_be_bytes());
    }
    content.extend_from_slice(b"\nstartxref\n9\n%%EOF\n");
    dovecot.delivers(&mail(&dwp, 1, &content));
    council.start();
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    assert!(council.delivered().values().next().unwrap() == &content);
    assert!(council.peak_kib() < 128 * 1024, "{} KiB", council.peak_kib());
    council.stops_well();
}
