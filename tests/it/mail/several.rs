//! One mailbox that serves two LA numbers, at a real Dovecot: each mail goes to the authority that its files name.

use super::mailbox::{SELDOM, council, mail};
use crate::inbound::laid_xml;
use crate::inbound::several::{OTHER, contents_of, laid_of, listed};
use crate::support::council::LA;
use crate::support::imap::Dovecot;
use crate::support::partner::{Algorithm, Partner};
use crate::support::smtp::Certificates;

#[test]
fn one_mailbox_serves_two_numbers() {
    let certificates = Certificates::new();
    let dovecot = Dovecot::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    let (_, other) = council.adds_authority(OTHER, "Glasgow City");
    council.changes_settings(|settings| {
        let mailbox = settings["authority"][0]["mailbox"][0].as_table_mut().unwrap();
        mailbox.insert("also_for".into(), toml::Value::Array(vec![OTHER.into()]));
    });
    let contents = [
        laid_of(&[LA], 1),
        laid_of(&[OTHER], 2),
        laid_of(&[OTHER], 3),
        laid_of(&[LA, OTHER], 4),
        laid_of(&["71405"], 5),
        laid_xml(6),
    ];
    for (number, content) in contents.iter().enumerate() {
        dovecot.delivers(&mail(&dwp, number, content));
    }
    council.start();
    council.until("all rest and were moved", |council| council.all_rest(6) && dovecot.in_inbox() == 0);
    assert_eq!(council.codes(), ["CN-119", "CN-143", "CN-144"], "{:#?}", council.held());
    assert_eq!(contents_of(&council.backoffice, LA), contents[..1]);
    assert_eq!(contents_of(&other, OTHER), contents[1..3]);
    assert_eq!((listed(&council, LA).len(), listed(&council, OTHER).len()), (4, 2), "what is held is the owner's");
    council.stops_well();
    assert_eq!(council.events("collected"), 6, "and the ledger is sound");
}
