//! What GnuPG seals arrives at the back office, byte for byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hbcourier::cli::demo::samples;
use hbcourier::domain::{Digest, TimetableYear};

use crate::support::council::{Council, LA, files_below};
use crate::support::partner::{Algorithm, Partner, SealOptions};

#[test]
fn everything_from_rsa_keys_in_binary() {
    everything_arrives(Algorithm::Rsa3072, &SealOptions::default());
}

#[test]
fn everything_from_rsa_keys_in_armour() {
    everything_arrives(Algorithm::Rsa3072, &SealOptions::armoured());
}

#[test]
fn everything_from_curve25519_keys_in_binary() {
    everything_arrives(Algorithm::Curve25519, &SealOptions::default());
}

#[test]
fn everything_from_curve25519_keys_in_armour() {
    everything_arrives(Algorithm::Curve25519, &SealOptions::armoured());
}

fn everything_arrives(algorithm: Algorithm, options: &SealOptions) {
    let mut dwp = Partner::new(algorithm);
    let mut council = Council::new(&mut dwp);
    council.start();
    let (referrals, workbook) = (b"REFERRAL,RULE\r\n1,HBSA001\r\n".to_vec(), samples::mi_workbook("HBMS MI").unwrap());
    let (in_pack, alone) = (samples::caseload_risk(40), samples::caseload_risk(41));
    let pack = samples::archive(&[
        ("HBSA001_referrals.csv", &referrals),
        ("HBMS_MI_workbook.xlsx", &workbook),
        ("AOBWR627_LAID_RISK.csv", &in_pack),
    ]);
    let sent = [
        ("LAID_0001.pdf", samples::laid_pdf()),
        ("LAID_0001.xml", samples::laid_xml()),
        ("HBMS_pack.zip", pack.unwrap()),
        ("AOBWR627_LAID_RISK.csv", alone.clone()),
    ];
    let ending = if options.armour { "asc" } else { "pgp" };
    for (name, content) in &sent {
        council.drops(&format!("{name}.{ending}"), &dwp.seals(content, name, options));
    }
    council.until("all four rest", |council| council.all_rest(4));

    assert_eq!(council.codes(), [""; 0], "nothing is held");
    let mut expected = [
        ("laid", "pdf", samples::laid_pdf()),
        ("laid", "xml", samples::laid_xml()),
        ("hbms", "csv", referrals),
        ("hbms", "xlsx", workbook),
        ("risk", "csv", in_pack),
        ("risk", "csv", alone),
    ]
    .map(|(folder, ending, content)| (folder.to_owned(), ending.to_owned(), Digest::of(&content)));
    let mut delivered = council.delivered().into_iter().map(|(path, content)| {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{path:?}");
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        (folder, path.extension().unwrap().to_str().unwrap().to_owned(), Digest::of(&content))
    });
    let mut delivered: Vec<_> = delivered.by_ref().collect();
    expected.sort();
    delivered.sort();
    assert_eq!(delivered, expected, "each byte for byte in its folder");

    assert!(council.dropped().is_empty() && council.hidden_parts().is_empty());
    assert!(files_below(&council.state.join("spool")).is_empty(), "all sealed originals are archived");
    assert_eq!(files_below(&council.state.join("archive")).len(), 4);
    let signer = dwp.fingerprint().to_string();
    assert!(council.consignments().iter().all(|one| one.signer.as_ref().is_some_and(|by| by.to_string() == signer)));
    for event in ["collected", "staged", "delivered", "closed"] {
        assert_eq!(council.events(event), 4, "{event}");
    }
    let transfers = council.json(&["transfers", "list", "--authority", LA]);
    assert_eq!(transfers["transfers"].as_array().unwrap().len(), 4);
    the_pack_is_counted_and_its_workbook_open(&mut council);
    council.stops_well();
}

fn the_pack_is_counted_and_its_workbook_open(council: &mut Council) {
    let volumes = council.json(&["packs", "volumes"]);
    let counted = volumes["volumes"].as_array().unwrap().iter();
    let counted: Vec<_> = counted.filter(|row| row["of"] == "HBSA001").collect();
    assert_eq!((counted.len(), &counted[0]["count"], &counted[0]["known"]), (1, &1.into(), &false.into()));
    let claims: Vec<_> =
        volumes["volumes"].as_array().unwrap().iter().filter(|row| row["of"] == "risk-claims").collect();
    assert_eq!((claims.len(), &claims[0]["transfers"]), (1, &2.into()));
    assert!([40, 41].contains(&claims[0]["count"].as_u64().unwrap()), "the last file replaces the one before");
    council.until("the workbook is open", |council| council.events("workbook-opened") == 1);
    let month = counted[0]["relevant_month"].as_str().unwrap();
    let list = council.json(&["returns", "list"]);
    let workbook = &list["workbooks"][0];
    assert_eq!(workbook["workbook"], format!("{LA}/{month}"));
    assert!(workbook["closed_at"].is_null(), "{workbook}");
    let page = council.json(&["returns", "compliance", "--year", &year_of(month)]);
    let row = page["months"].as_array().unwrap().iter().find(|row| row["relevant_month"] == month).unwrap();
    assert_eq!((&row["referrals"], &row["mi_late"]), (&1.into(), &0.into()), "{row}");
    assert!(row["pack_received"].is_string(), "{row}");
}

/// The timetable's year that has this month.
fn year_of(month: &str) -> String {
    TimetableYear::of(month.parse().unwrap()).to_string()
}
