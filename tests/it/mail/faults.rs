//! Mails in a mailbox whose server misbehaves: each that can be had is delivered, each once, and nothing that the
//! server says of a mail is repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::mailbox::{MAILBOX, SELDOM, council, digests, mail};
use crate::inbound::laid_xml;
use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner};
use crate::support::smtp::Certificates;

/// What the server says of a mail: it could be the mail's own words. See `tests/peers/imap_faults.py`.
const CANARY: &str = "AB123456C";

/// An IMAP server with faults; see `tests/peers/imap_faults.py`.
struct Server {
    child: Child,
    certificates: PathBuf,
    mails: TempDir,
    port: u16,
}

impl Server {
    fn start(certificates: &Certificates, arguments: &[&str]) -> Server {
        let (certificates, mails) = (certificates.file(""), tempfile::tempdir().unwrap());
        let (child, port) = runs(&certificates, mails.path(), 0, arguments);
        Server { child, certificates, mails, port }
    }

    /// Starts it anew at the same port over the same mails. Every conversation breaks.
    fn restart(&mut self, arguments: &[&str]) {
        self.ends();
        self.child = runs(&self.certificates, self.mails.path(), self.port, arguments).0;
    }

    fn ends(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Puts a mail into the folder under that number.
    fn delivers(&self, uid: usize, mail: &[u8]) {
        let part = self.mails.path().join("part");
        fs::write(&part, mail).unwrap();
        fs::rename(part, self.mails.path().join(format!("{uid}.eml"))).unwrap();
    }

    /// The numbers of the mails in the folder.
    fn waiting(&self) -> BTreeSet<usize> {
        let names = fs::read_dir(self.mails.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| name.to_str()?.strip_suffix(".eml")?.parse().ok()).collect()
    }

    /// The mails that lie in the other folder, each once.
    fn moved(&self) -> BTreeSet<Vec<u8>> {
        let moved = fs::read_dir(self.mails.path().join("moved")).unwrap();
        moved.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends();
    }
}

fn runs(certificates: &Path, mails: &Path, port: u16, arguments: &[&str]) -> (Child, u16) {
    let mut server = Command::new("/usr/bin/python3");
    server.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/imap_faults.py"));
    server.arg(certificates.join("localhost.pem")).arg(certificates.join("localhost.key")).arg(mails);
    server.args(["--port", &port.to_string()]).args(arguments);
    let mut child = server.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().parse().unwrap())
}

/// Nothing that the server said of a mail is in what the service tells.
fn repeats_nothing(council: &Council) {
    let ledger: String = council.entries().iter().map(ToString::to_string).collect();
    let status = council.json(&["status"]).to_string();
    for (told, what) in [(council.log(), "log"), (status, "status"), (ledger, "ledger")] {
        assert!(!told.contains(CANARY), "the {what}: {told}");
    }
}

/// How often it was said of each transfer that its mail is moved away later.
fn cleared_again(council: &Council) -> BTreeMap<String, usize> {
    let mut often = BTreeMap::new();
    for entry in council.entries().iter().filter(|entry| entry["event"] == "source-cleared-again") {
        *often.entry(entry["transfer"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    often
}

#[test]
fn one_mail_that_cannot_be_had_keeps_no_other_waiting() {
    let certificates = Certificates::new();
    for (fault, code) in [
        ("no-fetch:2", "CN-520"),
        ("close-fetch:2", "CN-519"),
        ("garbage-fetch:2", "CN-519"),
        ("whole-fetch:2", "CN-519"),
        ("empty-fetch:2", "CN-519"),
    ] {
        let mut server = Server::start(&certificates, &["--fault", fault]);
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let mut council = council(&mut dwp, &certificates, server.port, "implicit", SELDOM);
        for number in 1..=3 {
            server.delivers(number, &mail(&dwp, number, &laid_xml(number)));
        }
        council.start();
        council.until("the others are delivered", |council| council.all_rest(2));
        council.until("they are moved", |_| server.waiting() == BTreeSet::from([2]));
        council.until("the alarm", |council| council.is_alarmed(MAILBOX, code));
        assert_eq!(council.delivered_digests(), digests([1, 3]), "{fault}");
        server.delivers(4, &mail(&dwp, 4, &laid_xml(4)));
        council.until("one that comes later is delivered", |council| council.all_rest(3));
        council.until("the alarm stands", |council| council.is_alarmed(MAILBOX, code));
        assert!(server.waiting().contains(&2), "{fault}");
        repeats_nothing(&council);

        server.restart(&[]);
        council.until("it is delivered", |council| council.all_rest(4));
        council.until("it is moved", |_| server.waiting().is_empty());
        council.until("the alarm is over", |council| council.attention().iter().all(|(about, _)| about != MAILBOX));
        council.stops_well();
        assert_eq!(council.delivered_digests(), digests(1..=4), "{fault}");
        assert_eq!((council.events("collected"), council.codes(), server.moved().len()), (4, vec![], 4), "{fault}");
        repeats_nothing(&council);
    }
}

/// Not there at one look may be another client's doing; listed again and again it is the server's.
#[test]
fn a_mail_that_is_listed_and_never_given_is_said() {
    let certificates = Certificates::new();
    let mut server = Server::start(&certificates, &["--fault", "hidden-fetch:1"]);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, server.port, "implicit", SELDOM);
    server.delivers(1, &mail(&dwp, 1, &laid_xml(1)));
    council.start();
    for number in 2..=4 {
        server.delivers(number, &mail(&dwp, number, &laid_xml(number)));
        council.until("the other is delivered", |council| council.all_rest(number - 1));
    }
    council.until("the alarm", |council| council.is_alarmed(MAILBOX, "CN-520"));
    server.restart(&[]);
    council.until("it is delivered", |council| council.all_rest(4));
    council.until("the alarm is over", |council| council.attention().iter().all(|(about, _)| about != MAILBOX));
    council.stops_well();
    assert_eq!((council.delivered_digests(), council.events("collected")), (digests(1..=4), 4));
}

/// A refusal is not taken for success, and is not said again and again.
#[test]
fn what_the_server_refuses_to_move_is_ours_once_and_moved_when_it_may_be() {
    let certificates = Certificates::new();
    for (capability, fault) in [("IMAP4rev1 IDLE MOVE", "no-move"), ("IMAP4rev1 IDLE UIDPLUS", "no-expunge")] {
        let mut server = Server::start(&certificates, &["--capability", capability, "--fault", fault]);
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let mut council = council(&mut dwp, &certificates, server.port, "implicit", SELDOM);
        council.start();
        // Each is a reason to look at those before it.
        for number in 1..=3 {
            server.delivers(number, &mail(&dwp, number, &laid_xml(number)));
            council.until("it is delivered", |council| council.all_rest(number));
        }
        council.until("the alarm", |council| council.is_alarmed(MAILBOX, "CN-520"));
        council.stops_well();
        assert_eq!(server.waiting(), BTreeSet::from([1, 2, 3]), "{fault}");
        let once = cleared_again(&council);
        assert!(once.values().all(|often| *often == 1), "{fault}: {once:?}");

        council.start();
        let noted: usize = once.values().sum();
        council.until("all are looked at again", |council| cleared_again(council).values().sum::<usize>() == noted + 3);
        server.delivers(4, &mail(&dwp, 4, &laid_xml(4)));
        council.until("it is delivered", |council| council.all_rest(4));
        assert!(council.is_alarmed(MAILBOX, "CN-520"), "{fault}");
        assert_eq!(server.waiting(), BTreeSet::from([1, 2, 3, 4]), "{fault}");

        server.restart(&["--capability", capability]);
        council.until("all are moved", |_| server.waiting().is_empty());
        council.until("the alarm is over", |council| council.attention().iter().all(|(about, _)| about != MAILBOX));
        council.stops_well();
        assert_eq!(council.delivered_digests(), digests(1..=4), "{fault}");
        assert_eq!((council.events("collected"), council.codes(), server.moved().len()), (4, vec![], 4), "{fault}");
        let often = cleared_again(&council);
        assert!(often.values().all(|often| *often <= 2), "once for each mail and process; {fault}: {often:?}");
    }
}

/// Larger than what is asked for at once, and as hard to compress as what is sealed already.
fn large(seed: usize) -> Vec<u8> {
    let mut content = format!("%PDF-1.4\n%{seed}\n").into_bytes();
    let mut state = 1u32;
    while content.len() < 300 << 10 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        content.extend_from_slice(&state.to_be_bytes());
    }
    content.extend_from_slice(b"\nstartxref\n9\n%%EOF\n");
    content
}

#[test]
fn pieces_that_are_too_short_and_lengths_that_are_wrong_cost_no_byte() {
    const FAULTS: [&[&str]; 5] = [
        &["--fault", "short-pieces"],
        &["--fault", "small-size"],
        &["--fault", "large-size"],
        &["--fault", "short-pieces", "--fault", "large-size"],
        &["--fault", "short-pieces", "--fault", "small-size"],
    ];
    let certificates = Certificates::new();
    let mut server = Server::start(&certificates, &[]);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, server.port, "implicit", SELDOM);
    council.start();
    let mut contents = Vec::new();
    for faults in FAULTS {
        server.restart(faults);
        for content in [large(contents.len()), laid_xml(contents.len())] {
            let number = contents.len() + 1;
            server.delivers(number, &mail(&dwp, number, &content));
            contents.push(content);
        }
        council.until("both are delivered", |council| council.all_rest(contents.len()));
        council.until("both are moved", |_| server.waiting().is_empty());
        assert_eq!(council.codes(), Vec::<&str>::new(), "{faults:?}");
    }
    council.stops_well();
    let delivered: BTreeSet<Vec<u8>> = council.delivered().into_values().collect();
    assert!(delivered == contents.iter().cloned().collect::<BTreeSet<_>>());
    assert_eq!((council.delivered().len(), council.events("collected")), (contents.len(), contents.len()));
}

/// A server that counts from one again whenever the folder is empty, and does not say so.
#[test]
fn another_mail_under_a_number_that_was_used_before_is_delivered_too() {
    let certificates = Certificates::new();
    let server = Server::start(&certificates, &[]);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, server.port, "implicit", SELDOM);
    council.start();
    for number in 1..=3 {
        server.delivers(1, &mail(&dwp, number, &laid_xml(number)));
        council.until("it is delivered", |council| council.all_rest(number));
        council.until("it is moved", |_| server.waiting().is_empty());
    }
    council.stops_well();
    assert_eq!(council.delivered_digests(), digests(1..=3));
    assert_eq!((council.events("collected"), council.codes(), server.moved().len()), (3, vec![], 3));
}

/// A server may offer to tell news and refuse it, with words or without: then looking has to do, and is no alarm.
#[test]
fn where_waiting_for_news_is_refused_mails_are_found_by_looking() {
    let certificates = Certificates::new();
    for fault in ["bad-idle", "no-idle"] {
        let server = Server::start(&certificates, &["--fault", fault]);
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let mut council = council(&mut dwp, &certificates, server.port, "implicit", "10s");
        council.start();
        for number in 1..=2 {
            server.delivers(number, &mail(&dwp, number, &laid_xml(number)));
            council.until("it is delivered", |council| council.all_rest(number));
        }
        assert_eq!((council.events("alarm-raised"), server.waiting().len()), (0, 0), "{fault}: {}", council.log());
        council.stops_well();
        assert_eq!((council.delivered_digests(), council.events("collected")), (digests(1..=2), 2), "{fault}");
    }
}
