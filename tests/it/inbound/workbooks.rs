//! MI workbooks, alone and in packs: a damaged one is held either way, and what is odd in one that is delivered is logged.

use hbcourier::cli::demo::samples;
use hbcourier::domain::Digest;

use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::workbook::{damaged, row, with_macros, with_rows};

fn council(dwp: &mut Partner) -> Council {
    let council = Council::new(dwp);
    council.changes_drop_folders(|folder| {
        folder.insert("settle".into(), "200ms".into());
    });
    council
}

fn pack(workbook: &[u8], rule: &str) -> Vec<u8> {
    let referrals = format!("REFERRAL,RULE\r\n1,{rule}\r\n");
    let members = [(&*format!("{rule}_referrals.csv"), referrals.as_bytes()), ("HBMS_MI_Quillfeather.xlsx", workbook)];
    samples::archive(&members).unwrap()
}

#[test]
fn a_damaged_one_is_held_alone_and_holds_the_whole_pack_it_is_in() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp);
    council.start();
    let good = with_rows(&row(1, &["HBSA001", "1"]));
    for (name, content) in [
        ("HBMS MI.xlsx", damaged("HBSA001")),
        ("HBMS_damaged.zip", pack(&damaged("HBSA002"), "HBSA002")),
        ("HBMS_good.zip", pack(&good, "HBSA001")),
    ] {
        council.drops(&format!("{name}.pgp"), &dwp.seals(&content, name, &SealOptions::default()));
    }
    council.until("all rest", |council| council.all_rest(3));
    assert_eq!(council.codes(), ["CN-117", "CN-117"], "{:#?}", council.held());
    let delivered = council.delivered_digests();
    assert_eq!(delivered.len(), 2, "the good pack's members alone");
    assert!(delivered.contains(&Digest::of(&good)));
    council.until("the workbook is open", |council| council.events("workbook-opened") == 1);
    let list = council.json(&["returns", "list"]);
    assert_eq!(list["workbooks"].as_array().unwrap().len(), 1, "{list}");
    council.stops_well();
}

#[test]
fn macros_in_one_that_is_delivered_are_logged_without_names() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp);
    council.start();
    let [alone, in_pack] = ["HBSA001", "HBSA002"].map(|rule| with_macros(&row(1, &[rule])));
    for (name, content) in [("HBMS MI Quillfeather.xlsx", alone.clone()), ("HBMS_pack.zip", pack(&in_pack, "HBSA002"))]
    {
        council.drops(&format!("{name}.pgp"), &dwp.seals(&content, name, &SealOptions::default()));
    }
    council.until("all rest", |council| council.all_rest(2));
    assert_eq!(council.codes(), [""; 0], "{:#?}", council.held());
    let delivered = council.delivered_digests();
    assert!(delivered.contains(&Digest::of(&alone)) && delivered.contains(&Digest::of(&in_pack)));
    let ids: Vec<String> = council.consignments().iter().map(|one| one.id.to_string()).collect();
    council.stops_well();
    let log = council.log();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("workbook-macros")).collect();
    assert_eq!(warnings.len(), 2, "{log}");
    assert!(ids.iter().all(|id| warnings.iter().any(|line| line.contains(id))), "{warnings:?}");
    assert_eq!(warnings.iter().filter(|line| line.contains("Member 2 of")).count(), 1, "{warnings:?}");
    assert!(!log.contains("Quillfeather"), "{log}");
}
