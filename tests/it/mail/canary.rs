//! Made-up personal data in mails, followed through everything the service writes and shows.
//!
//! A mail is kept as it came, so what stands in its header, or in clear in it, is in the archive and the spool; what was
//! sealed in it is at its destination, and nowhere else.

use super::mailbox::{SELDOM, council};
use crate::support::imap::Dovecot;
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::smtp::Certificates;
use crate::trouble::canary::{shown, state_files_with};

/// In what is sealed.
const SEALED: &str = "QQ765432C";
/// In subjects, addresses, names of attachments, and texts in clear.
const IN_CLEAR: [&str; 4] = ["QQ234567A", "Larkthistle", "QQ345678B", "QQ456789D"];

fn mail(parts: &str) -> Vec<u8> {
    let [subject, name, ..] = IN_CLEAR;
    format!(
        "From: {name} <{name}@partner.example>\nTo: hbms@council.example\nSubject: about {subject}\n\
         Message-ID: <{subject}@partner.example>\nMIME-Version: 1.0\n{parts}"
    )
    .into_bytes()
}

fn attached(content: &str) -> String {
    let name = IN_CLEAR[2];
    format!(
        "Content-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: text/plain\n\nAbout {}.\n--b1\n\
         Content-Type: application/octet-stream; name=\"{name}.xml.asc\"\nContent-Disposition: attachment; \
         filename=\"{name}.xml.asc\"\n\n{content}\n--b1--\n",
        IN_CLEAR[3]
    )
}

#[test]
fn nothing_of_a_mail_is_told_and_what_was_sealed_is_only_at_its_destination() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    let content = format!("<?xml version=\"1.0\"?>\n<LAID><Claim nino=\"{SEALED}\"/></LAID>\n").into_bytes();
    let broken = format!("<LAID><{SEALED}></LAID>").into_bytes();
    let seals = |content: &[u8]| {
        let sealed = dwp.seals(content, &format!("{}.xml", IN_CLEAR[2]), &SealOptions::armoured());
        String::from_utf8(sealed).unwrap()
    };
    let good = attached(&seals(&content));
    for mail in [
        mail(&good),
        mail(&attached(&seals(&broken))),
        // Held as they are: in clear, partly in clear, read differently, sent once more.
        mail(&format!("\nAbout {}.\n", IN_CLEAR[3])),
        mail(&attached(&format!("<LAID>{}</LAID>", IN_CLEAR[3]))),
        mail(&format!("\nAbout {}.\n{}", IN_CLEAR[3], seals(&content))),
        mail(&good.replace("boundary=b1", &format!("boundary=\"{}\"", IN_CLEAR[0]))),
        mail(&format!("X-Again: yes\n{good}")),
    ] {
        dovecot.delivers(&mail);
    }
    council.start_in(&[("HBCOURIER_LOG", "trace")]);
    council.until("all rest", |council| council.all_rest(7));
    council.until("all are moved", |_| dovecot.in_inbox() == 0);
    assert_eq!(council.delivered_digests(), vec![hbcourier::domain::Digest::of(&content)]);
    assert_eq!(council.codes().len(), 6, "{:?}", council.held());
    for (what, text) in shown(&council) {
        for canary in [&IN_CLEAR[..], &[SEALED, "correct horse"]].concat() {
            let line = text.lines().find(|line| line.contains(canary));
            assert!(line.is_none(), "{what} tells {canary}: {}", line.unwrap());
        }
    }
    council.stops_well();
    let sealed = state_files_with(&council, &[SEALED]);
    assert!(sealed.is_empty(), "plaintext below the state directory: {sealed:?}");
    // The store may know what an attachment was called, until retention erases it.
    let told = state_files_with(&council, &[IN_CLEAR[0], IN_CLEAR[1], IN_CLEAR[3]]);
    let kept = |path: &std::path::PathBuf| {
        ["archive", "spool", "quarantine", "held"].iter().any(|folder| path.starts_with(folder))
    };
    assert!(!told.is_empty() && told.iter().all(kept), "beside the mails themselves: {told:?}");
}
