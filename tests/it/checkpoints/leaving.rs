//! How checkpoints leave: to a folder that comes back, and by mail through a real Postfix.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hbcourier::domain::checkpoint::Continuation;

use super::{Audited, council, recipient, vkey};
use crate::support::smtp::{Certificates, Postfix, postfix_table};

#[test]
fn what_could_not_leave_leaves_by_itself_once_the_folder_is_back() {
    let mut audited = Audited::new();
    let away = audited.council.dir.path().join("away");
    fs::rename(&audited.folder, &away).unwrap();
    audited.council.changes_settings(|settings| {
        crate::support::council::set(settings, &["service", "retry_after_max"], "1s");
    });
    audited.council.start();
    audited.council.until("it could not leave", |council| council.log().contains("A checkpoint could not leave"));
    assert_eq!(audited.council.events("checkpoint-left"), 0);
    assert!(!audited.council.is_alarmed("checkpoint-internal-audit", "CN-547"), "not before a day is over");
    fs::rename(&away, &audited.folder).unwrap();
    audited.council.until("it left", |council| council.events("checkpoint-left") == 1);
    audited.council.stops_well();
    assert_eq!(audited.assert_chained(), 1);
    let readable = fs::read_dir(&audited.folder).unwrap().map(|file| file.unwrap().metadata().unwrap().permissions());
    assert!(readable.into_iter().all(|mode| mode.mode() & 0o777 == 0o644), "auditors may read them");
}

#[test]
fn by_mail_note_and_proof_come_as_files_that_can_be_kept() {
    let certificates = Certificates::new();
    let mut postfix = Postfix::start(&certificates);
    let mut council = council();
    let smtp = postfix_table(&certificates, council.dir.path(), postfix.port, "hbcourier@council.example");
    council.changes_settings(|settings| {
        let courier = toml::Table::from_iter([("name".to_owned(), "mail".into()), ("smtp".to_owned(), smtp.into())]);
        settings["courier"].as_array_mut().unwrap().push(courier.into());
    });
    recipient(&council, &[("name", "internal-audit"), ("courier", "mail"), ("address", "audit@dwp.example")]);
    council.start();
    council.until("the first left", |council| council.events("checkpoint-left") == 1);
    let told = council.json(&["audit", "checkpoint"]);
    council.until("the second left", |council| council.events("checkpoint-left") == 2);
    council.stops_well();
    let vkey = vkey(&council);
    let mut checkpoints = Vec::new();
    let mut proofs = Vec::new();
    for mail in postfix.mails(2) {
        let parsed = mailparse::parse_mail(&mail).unwrap();
        let sentence = parsed.subparts[0].get_body().unwrap();
        assert!(sentence.starts_with("Keep ") && sentence.contains("`hbcourier audit verify`"), "{sentence}");
        for part in &parsed.subparts[1..] {
            let name = part.get_content_disposition().params["filename"].clone();
            let text = String::from_utf8(part.get_body_raw().unwrap()).unwrap();
            if name.ends_with(".txt") {
                checkpoints.push(vkey.verify(&text).unwrap().checkpoint().clone());
            } else {
                proofs.push(text.parse::<Continuation>().unwrap());
            }
        }
    }
    checkpoints.sort_by_key(|checkpoint| checkpoint.size);
    proofs.sort_by_key(|proof| proof.size);
    assert_eq!((checkpoints.len(), proofs.len()), (2, 2));
    assert!(proofs[1].shows(&checkpoints[0], &checkpoints[1]), "{}", proofs[1]);
    assert_eq!(told["size"], checkpoints[1].size);
}
