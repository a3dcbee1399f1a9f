//! What comes back about returns that left by mail: matched to them, and taken for what it proves.

use std::fs;
use std::path::Path;

use hbcourier::cli::demo::samples;
use hbcourier::domain::{Answer, SubmissionKey};
use hbcourier::store::Queries;

use crate::support::council::{Council, drop_into, set, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::smtp::{Certificates, FaultServer, Postfix, postfix_table};

/// A council that reads the mails that lie in `new`, and whose returns leave by that server to this address.
fn council(dwp: &mut Partner, new: &Path, mut smtp: toml::Table, to: &str) -> Council {
    let council = Council::new(dwp);
    smtp.insert("journal".into(), "journal@dwp.example".into());
    council.changes_drop_folders(|folder| {
        folder.insert("carries".into(), "mail".into());
        folder.insert("path".into(), new.to_string_lossy().into_owned().into());
    });
    council.changes_settings(|settings| {
        set(settings, &["service", "sweep_every"], "500ms");
        let courier = settings["courier"][0].as_table_mut().unwrap();
        courier.remove("folder");
        courier.insert("smtp".into(), smtp.into());
        let partner = settings["partner"][0].as_table_mut().unwrap();
        partner.insert("addresses".into(), vec![to].into());
    });
    council
}

/// Today's extract, put where it is picked up.
fn leaves_an_extract(council: &Council) {
    let today = council.falls_due_today();
    fs::write(council.returns.join("shbe/extract.txt"), samples::shbe_extract(today)).unwrap();
}

fn row(council: &Council) -> serde_json::Value {
    let returns = council.json(&["returns", "list"]);
    let rows = returns["returns"].as_array().unwrap();
    rows.iter().find(|row| row["return"] == "shbe" && row["stage"] != "scheduled").cloned().unwrap_or_default()
}

fn answers(council: &Council, key: &SubmissionKey) -> Vec<Answer> {
    let mut answers: Vec<_> =
        council.store().unwrap().answers(key).unwrap().into_iter().map(|answered| answered.answer).collect();
    answers.sort_unstable();
    answers
}

fn sent_key(council: &Council) -> SubmissionKey {
    let entries = council.ledger();
    let sending = entries.iter().find(|entry| entry["event"] == "sending").unwrap();
    sending["return"].as_str().unwrap().parse().unwrap()
}

/// By Postfix: the journal's copy arrives, and a report that the partner's address does not exist.
#[test]
fn what_comes_back_from_a_real_server_is_matched_and_a_bounce_is_told() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(postfix.maildir().join(folder)).unwrap();
    }
    postfix.owns_maildir();
    let keys = tempfile::tempdir().unwrap();
    let smtp = postfix_table(&certificates, keys.path(), postfix.port, "returns@council.example");
    let mut council = council(&mut dwp, &postfix.maildir().join("new"), smtp, "hbms@gone.example");
    leaves_an_extract(&council);
    council.start();
    council.until("the bounce is weighed", |council| row(council)["stage"] == "failed" && council.all_rest(2));
    let key = sent_key(&council);
    assert_eq!(answers(&council, &key), [Answer::Copy, Answer::Failed]);
    assert!(council.codes().is_empty(), "nothing is held: {:?}", council.codes());
    assert_eq!((council.events("sent"), council.events("send-failed"), council.events("answered")), (1, 1, 2));
    assert!(council.is_alarmed(&format!("return-shbe-12302-{}", key.month), "CN-514"), "{:?}", council.attention());
    assert!(council.delivered().is_empty() && council.dropped().is_empty());
    council.stops_well();

    let shown = council.json(&["transfers", "show", &key.to_string()]);
    let bounce = shown["answers"].as_array().unwrap().iter().find(|one| one["tells"] == "failed").unwrap();
    assert_eq!(bounce["status"], "5.1.1");
    let why = council.json(&["transfers", "why", bounce["transfer"].as_str().unwrap()]);
    assert!(why["says"].as_str().unwrap().contains(&key.to_string()), "{why}");
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}

/// A server that had the whole message and never answered.
fn uncertain(dwp: &mut Partner, new: &Path) -> (Council, SubmissionKey, Vec<u8>) {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let mut smtp = toml::Table::new();
    for (key, value) in [
        ("host", "localhost"),
        ("tls", "starttls"),
        ("ca_file", &certificates.file("ca.pem").to_string_lossy()),
        ("from", "returns@council.example"),
    ] {
        smtp.insert(key.into(), value.into());
    }
    smtp.insert("port".into(), i64::from(server.port).into());
    let mut council = council(dwp, new, smtp, "gone@dwp.example");
    leaves_an_extract(&council);
    council.start();
    council.until("no answer came", |council| row(council)["stage"] == "uncertain");
    let (key, sent) = (sent_key(&council), server.taken().remove(0));
    (council, key, sent)
}

fn message_id(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail);
    text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap().trim().to_owned()
}

#[test]
fn the_copy_in_the_journal_proves_that_it_was_sent_and_a_forged_one_nothing() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let new = tempfile::tempdir().unwrap();
    let (mut council, key, sent) = uncertain(&mut dwp, new.path());
    // Our Message-ID on something else; a reply that brings a file; a reply to nothing of ours; a report that brings a file.
    let other = dwp.seals(&crate::inbound::laid_xml(1), "LAID.xml", &SealOptions::armoured());
    let named = |field: &str| format!("{field}: {}\nSubject: x\nMIME-Version: 1.0\n\n", message_id(&sent)).into_bytes();
    drop_into(new.path(), "1.mail", &[named("Message-ID"), other.clone()].concat());
    council.until("it is dealt with as any mail", |council| council.all_rest(1));
    assert_eq!(council.delivered_digests(), [hbcourier::domain::Digest::of(&crate::inbound::laid_xml(1))]);
    let second = dwp.seals(&crate::inbound::laid_xml(2), "LAID.xml", &SealOptions::armoured());
    drop_into(new.path(), "2.mail", &[named("In-Reply-To"), second].concat());
    council.until("the file is delivered", |council| council.all_rest(2));
    assert_eq!(council.delivered().len(), 2);
    drop_into(new.path(), "3.mail", b"In-Reply-To: <somebody@else.example>\nSubject: x\n\nThank you.\n");
    council.until("it is held", |council| council.all_rest(3) && council.codes() == ["CN-131"]);
    let third = dwp.seals(&crate::inbound::laid_xml(3), "LAID.xml", &SealOptions::armoured());
    let id = message_id(&sent);
    let report = format!(
        "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary=b1\n\n--b1\nContent-Type: \
         message/delivery-status\n\nOriginal-Envelope-Id: {}\n\nAction: delivered\nStatus: 2.0.0\n\n--b1\n\
         Content-Disposition: attachment; filename=LAID.xml.asc\n\n{}--b1--\n",
        id.trim_matches(['<', '>']),
        String::from_utf8(third).unwrap()
    );
    drop_into(new.path(), "5.mail", report.as_bytes());
    council.until("what comes with a report is not put away", |council| {
        council.all_rest(4) && council.codes() == ["CN-131", "CN-134"]
    });
    assert_eq!((answers(&council, &key), council.events("answered")), (vec![], 0));
    assert_eq!(row(&council)["stage"], "uncertain");

    drop_into(new.path(), "4.mail", &sent);
    council.until("it is known to be sent", |council| row(council)["stage"] == "sent" && council.all_rest(5));
    assert_eq!(answers(&council, &key), [Answer::Copy]);
    assert_eq!((council.events("sending"), council.events("sent-recovered")), (1, 1));
    council.stops_well();
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}

#[test]
fn a_reply_is_held_for_a_person_to_read() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let new = tempfile::tempdir().unwrap();
    let (mut council, key, sent) = uncertain(&mut dwp, new.path());
    let reply = format!("In-Reply-To: {}\nSubject: Re: SHBE\n\nNothing has come, please resend.\n", message_id(&sent));
    drop_into(new.path(), "1.mail", reply.as_bytes());
    council.until("it is held", |council| council.all_rest(1) && council.codes() == ["CN-145"]);
    assert_eq!((answers(&council, &key), row(&council)["stage"].as_str()), (vec![Answer::Reply], Some("uncertain")));
    let held = council.held().into_iter().find(|held| held["code"] == "CN-145").unwrap();
    assert!(held["says"].as_str().unwrap().contains(&key.to_string()), "{held}");
    // Looked at again it is the same reply, once.
    let id = held["id"].as_str().unwrap().to_owned();
    succeeded(council.runs(&["held", "retry", &id, "--reason", "to see it again"]));
    council.until("it is held again", |council| council.events("answered") == 2);
    assert_eq!(answers(&council, &key), [Answer::Reply]);
    council.stops_well();
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}

/// Whatever moment the service is killed at, the copy is matched once and decides.
#[test]
#[cfg(feature = "failpoints")]
fn a_copy_is_matched_once_through_crashes() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let new = tempfile::tempdir().unwrap();
    let (mut council, key, sent) = uncertain(&mut dwp, new.path());
    council.stops_well();
    drop_into(new.path(), "1.mail", &sent);
    for step in ["collect.recorded", "outcome.decided", "outcome.recorded", "close.archived"] {
        council.start_with(&[("FAILPOINTS", &format!("{step}=return(kill)"))]);
        council.ends();
    }
    council.start();
    council.until("it is known to be sent", |council| row(council)["stage"] == "sent" && council.all_rest(1));
    assert_eq!(answers(&council, &key), [Answer::Copy]);
    assert_eq!((council.events("answered"), council.events("closed"), council.events("sent-recovered")), (1, 1, 1));
    council.stops_well();
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}
