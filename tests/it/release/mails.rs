//! Mails that are released: all that is sealed in one is of one kind, or it is held anew.

use hbcourier::domain::Digest;

use super::people::{Staff, approves};
use super::the_held_one;
use crate::inbound::laid_xml;
use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A mail with these as attachments.
fn mail(attachments: &[Vec<u8>]) -> Vec<u8> {
    let mut mail = String::from(
        "From: transfers@partner.test\r\nTo: hbms@council.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"edge\"\r\n\r\n",
    );
    for (number, sealed) in attachments.iter().enumerate() {
        let armour = String::from_utf8(sealed.clone()).unwrap().replace('\n', "\r\n");
        mail.push_str(&format!(
            "--edge\r\nContent-Type: application/octet-stream\r\n\
             Content-Disposition: attachment; filename=\"LAID_{number}.xml.asc\"\r\n\r\n{armour}\r\n"
        ));
    }
    mail.push_str("--edge--\r\n");
    mail.into_bytes()
}

#[test]
fn two_unsigned_files_are_delivered_and_one_beside_a_signed_one_is_not() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let staff = Staff::of(&council);
    council.changes_drop_folders(|folder| drop(folder.insert("carries".into(), "mail".into())));
    let sealed = |number: usize, sign: bool| {
        let options = SealOptions { sign, ..SealOptions::armoured() };
        dwp.seals(&laid_xml(number), &format!("LAID_{number}.xml"), &options)
    };
    council.start();
    council.drops("1.eml", &mail(&[sealed(1, false), sealed(2, false)]));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    let one = the_held_one(&council);
    approves(&council, staff.anna, &one).unwrap();
    approves(&council, staff.bela, &one).unwrap();
    council.until("both are delivered", |council| council.all_rest(1) && council.delivered().len() == 2);
    let mut sent = [1, 2].map(|number| Digest::of(&laid_xml(number)));
    sent.sort_unstable();
    assert_eq!(council.delivered_digests(), sent);

    council.drops("2.eml", &mail(&[sealed(3, false), sealed(4, true)]));
    council.until("it is held", |council| council.codes() == ["CN-105"]);
    let mixed = the_held_one(&council);
    approves(&council, staff.anna, &mixed).unwrap();
    approves(&council, staff.bela, &mixed).unwrap();
    council.until("it is held anew", |council| council.codes() == ["CN-137"]);
    assert_eq!(council.delivered().len(), 2);
    council.ledger();
    council.stops_well();
}
