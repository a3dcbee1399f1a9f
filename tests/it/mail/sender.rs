//! Mail by a real sender: mutt and GnuPG seal it, Postfix delivers it into a Maildir, and the service takes it from there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use hbcourier::cli::demo::samples;

use crate::support::council::{Council, drop_into, set, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::smtp::{Certificates, Postfix};

/// A council one of whose drop folders is this Maildir's `new`.
fn council(dwp: &mut Partner, new: &Path) -> Council {
    let council = Council::new(dwp);
    council.changes_drop_folders(|folder| {
        folder.insert("carries".into(), "mail".into());
        folder.insert("path".into(), new.to_string_lossy().into_owned().into());
    });
    council.changes_settings(|settings| set(settings, &["service", "attempts_max"], 2));
    council
}

pub(super) fn submit(postfix: &Postfix, certificates: &Certificates, mail: &[u8]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/submit.py");
    let mut submit = Command::new("/usr/bin/python3");
    submit.arg(script).arg(postfix.port.to_string()).arg(certificates.file("ca.pem"));
    submit.args(["transfers@partner.test", "hbms@dwp.example"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = submit.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), mail).unwrap();
    succeeded(child.wait_with_output().unwrap());
}

#[test]
fn what_mutt_seals_and_postfix_delivers_is_delivered_byte_for_byte() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    fs::create_dir_all(postfix.maildir().join("new")).unwrap();
    for folder in ["cur", "tmp"] {
        fs::create_dir_all(postfix.maildir().join(folder)).unwrap();
    }
    postfix.owns_maildir();
    let mut council = council(&mut dwp, &postfix.maildir().join("new"));
    let files = tempfile::tempdir().unwrap();
    let pack = samples::archive(&[("HBSA001.csv", &b"REFERRAL,RULE\r\n1,HBSA001\r\n"[..])]).unwrap();
    let risk = samples::caseload_risk(40);
    let contents =
        [("LAID_0001.pdf", samples::laid_pdf()), ("HBMS_pack.zip", pack), ("AOBWR627_LAID_RISK.csv", risk.clone())];
    for (name, content) in &contents {
        fs::write(files.path().join(name), content).unwrap();
    }
    let paths: Vec<_> = contents.iter().map(|(name, _)| files.path().join(name)).collect();
    let mail = dwp.mails("hbms@dwp.example", &paths);
    let text = String::from_utf8_lossy(&mail);
    assert!(text.contains("multipart/encrypted") && !text.contains("HBSA001"), "{text}");

    council.start();
    submit(&postfix, &certificates, &mail);
    council.until("it is delivered", |council| council.all_rest(1));
    assert_eq!((council.codes(), council.deferred()), (vec![], vec![]), "{}", council.log());
    let member = b"REFERRAL,RULE\r\n1,HBSA001\r\n".to_vec();
    let mut expected: Vec<_> =
        [&contents[0].1, &member, &risk].iter().map(|content| hbcourier::domain::Digest::of(content)).collect();
    expected.sort_unstable();
    assert_eq!(council.delivered_digests(), expected);
    assert_eq!(fs::read_dir(postfix.maildir().join("new")).unwrap().count(), 0, "it was taken from the Maildir");

    // The same once more is a repeat; a mail in clear is held under its own code.
    submit(&postfix, &certificates, &mail);
    submit(&postfix, &certificates, b"Subject: hello\r\n\r\nIs anybody there?\r\n");
    council.until("all three rest", |council| council.all_rest(3) && council.codes() == ["CN-114", "CN-131"]);
    assert_eq!(council.delivered().len(), 3);
    council.stops_well();
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}

#[test]
fn several_sealed_attachments_are_one_transfer_delivered_all_or_none() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let new = tempfile::tempdir().unwrap();
    let mut council = council(&mut dwp, new.path());
    let sealed = |number: usize| dwp.seals(&crate::inbound::laid_xml(number), "LAID.xml", &SealOptions::armoured());
    let mail = |parts: &[Vec<u8>]| {
        let mut mail = b"Subject: files\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n".to_vec();
        for part in parts {
            mail.extend(b"--b1\nContent-Disposition: attachment; filename=LAID.xml.asc\n\n");
            mail.extend(part);
        }
        mail.extend(b"--b1--\n");
        mail
    };
    let mut tampered = sealed(3);
    let at = tampered.len() - 200;
    tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
    council.start();
    drop_into(new.path(), "1.mail", &mail(&[sealed(1), sealed(2), sealed(1)]));
    council.until("both files are delivered", |council| council.all_rest(1));
    assert_eq!((council.codes(), council.delivered().len()), (vec![], 2), "one that comes twice is one");
    drop_into(new.path(), "2.mail", &mail(&[sealed(4), tampered]));
    council.until("nothing of it is delivered", |council| council.all_rest(2) && council.codes() == ["CN-102"]);
    drop_into(new.path(), "3.mail", &mail(&[sealed(5), sealed(2)]));
    council.until("one of them came before", |council| council.codes() == ["CN-102", "CN-114"]);
    assert_eq!((council.delivered().len(), council.hidden_parts().len()), (2, 0));
    council.stops_well();
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}
