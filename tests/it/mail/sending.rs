//! Returns that leave by mail: from the real service by Postfix to where a partner reads, opens and verifies them.

use std::fs;

use hbcourier::catalogue::mail::{entity_files, sealed_items};
use hbcourier::cli::demo::samples;

use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner};
use crate::support::smtp::{Certificates, Postfix, postfix_table};

/// A council whose returns leave by this Postfix, in that form, with a copy for its journal.
fn council(dwp: &mut Partner, certificates: &Certificates, postfix: &Postfix, form: &str) -> Council {
    let council = Council::new(dwp);
    let mut smtp = postfix_table(certificates, council.dir.path(), postfix.port, "returns@council.example");
    smtp.insert("form".into(), form.into());
    smtp.insert("journal".into(), "journal@dwp.example".into());
    council.changes_settings(|settings| {
        let courier = settings["courier"][0].as_table_mut().unwrap();
        courier.remove("folder");
        courier.insert("smtp".into(), smtp.into());
        let partner = settings["partner"][0].as_table_mut().unwrap();
        partner.insert("addresses".into(), vec!["hbms@dwp.example"].into());
    });
    council
}

fn is_sent(council: &Council) -> bool {
    let returns = council.json(&["returns", "list"]);
    let rows = returns["returns"].as_array().unwrap();
    rows.iter().any(|row| row["return"] == "shbe" && row["stage"] == "sent")
}

fn header<'m>(mail: &'m str, name: &str) -> Vec<&'m str> {
    let head = mail.split("\n\n").next().unwrap();
    head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

/// In either form the recipient and the journal get the same mail, of which neither tells of the other.
#[test]
fn what_is_sent_arrives_and_gnupg_opens_and_verifies_it() {
    let certificates = Certificates::new();
    for form in ["pgp-mime", "attachment"] {
        let mut postfix = Postfix::start(&certificates);
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let mut council = council(&mut dwp, &certificates, &postfix, form);
        let today = council.falls_due_today();
        let extract = samples::shbe_extract(today);
        fs::write(council.returns.join("shbe/extract.txt"), &extract).unwrap();
        council.start();
        council.until("it is sent", is_sent);
        let mails = postfix.mails(2);
        council.stops_well();

        let mut bodies = Vec::new();
        for mail in &mails {
            let found = sealed_items(mail).unwrap();
            let [item] = found.as_slice() else { panic!("{form}: one sealed item") };
            let opened = dwp.opens(&item.sealed().unwrap());
            assert!(opened.good_signature, "{form}");
            match form {
                "attachment" => assert!(opened.content == extract, "byte for byte"),
                _ => {
                    let files = entity_files(&opened.content).unwrap();
                    assert!(files.len() == 1 && *files[0].content().unwrap() == extract, "byte for byte");
                }
            }
            let text = String::from_utf8_lossy(mail).into_owned();
            assert_eq!(header(&text, "To"), ["hbms@dwp.example"], "{form}");
            assert!(header(&text, "Bcc").is_empty() && header(&text, "Cc").is_empty(), "{form}");
            bodies.push((header(&text, "Message-ID").join(" "), text.split_once("\n\n").unwrap().1.to_owned()));
        }
        assert!(mails.len() == 2 && bodies[0] == bodies[1], "{form}: the copy is the mail");
        let to: Vec<_> =
            mails.iter().map(|mail| String::from_utf8_lossy(mail).contains("journal@dwp.example")).collect();
        assert!(to.contains(&true) && to.contains(&false), "{form}: one of them is the journal's");
        assert_eq!((council.events("sending"), council.events("sent")), (1, 1), "{form}");
    }
}
