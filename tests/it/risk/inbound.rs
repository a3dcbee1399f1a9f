//! Risk data on their way in.

use hbcourier::domain::{Digest, VolumeOf};
use hbcourier::store::Queries;

use crate::support::council::{Council, LA};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::risk::{RiskFile, Written, workbook};
use crate::support::workbook::damaged;

#[test]
fn tables_in_any_encoding_and_workbooks_are_delivered_and_the_rest_is_held() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.start();
    let text = RiskFile::of(200, 20).text();
    let delivered = [
        ("AOBWR627_12302_RISK_A.csv", Written::Utf16LeMarked.bytes(&text)),
        ("aobwr627_laid_risk_b.csv", Written::Windows1252.bytes(&text)),
        ("AOBWR627_12302_RISK_C.xlsx", workbook("risk.xlsx")),
    ];
    let held = [
        ("AOBWR627_12302_RISK.xlsm", workbook("risk-macros.xlsm"), "CN-151"),
        ("AOBWR627_LAID_RISK.xls", workbook("risk-macros.xls"), "CN-151"),
        ("AOBWR627_12302_RISK_D.csv", format!("{text}one,more\r\n").into_bytes(), "CN-117"),
        ("AOBWR627_20101_RISK.csv", text.into_bytes(), "CN-119"),
    ];
    let drop = |name: &str, content: &[u8]| {
        let sealed = dwp.seals(content, name, &SealOptions::default());
        council.drops(&format!("{name}.pgp"), &sealed);
    };
    delivered.iter().for_each(|(name, content)| drop(name, content));
    held.iter().for_each(|(name, content, _)| drop(name, content));
    council.until("all rest", |council| council.all_rest(delivered.len() + held.len()));
    let mut codes = council.codes();
    codes.sort_unstable();
    assert_eq!(codes, ["CN-117", "CN-119", "CN-151", "CN-151"]);
    let mut expected: Vec<Digest> = delivered.iter().map(|(_, content)| Digest::of(content)).collect();
    let mut found = council.delivered_digests();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    let endings: Vec<String> =
        council.delivered().into_keys().map(|path| path.extension().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(endings.iter().filter(|ending| *ending == "xlsx").count(), 1, "{endings:?}");
    council.stops_well();
}

#[test]
fn the_rows_of_a_workbook_that_is_not_read_to_its_end_are_not_countable() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.start();
    let files = [damaged("1"), workbook("risk-ragged.xlsx"), workbook("risk-two-sheets.xlsx")];
    for (at, content) in files.iter().enumerate() {
        let name = format!("AOBWR627_12302_RISK_{at}.xlsx");
        council.drops(&format!("{name}.pgp"), &dwp.seals(content, &name, &SealOptions::default()));
    }
    council.until("all rest", |council| council.all_rest(files.len()));
    let delivered = council.delivered_digests();
    assert!(files.iter().all(|content| delivered.contains(&Digest::of(content))), "each as it came");
    let volumes = council.store().unwrap().volumes(&LA.parse().unwrap()).unwrap();
    assert!(volumes.iter().all(|volume| volume.of == VolumeOf::RiskClaims), "{volumes:?}");
    let mut counts: Vec<Option<u64>> = volumes.iter().map(|volume| volume.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [None, None, Some(20)]);
    council.stops_well();
}
