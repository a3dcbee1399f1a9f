//! One drop folder that serves two LA numbers: what comes goes by the routes of the one that it names, or nowhere.

use std::fs;
use std::path::{Path, PathBuf};

use hbcourier::cli::demo::samples;
use serde_json::Value;

use super::laid_xml;
use crate::support::council::{Council, LA, drop_into, files_below, is_hidden, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

pub const OTHER: &str = "101809";

/// A council whose drop folder serves a second number too; where the files of that one go.
fn council(dwp: &mut Partner) -> (Council, PathBuf) {
    let council = Council::new(dwp);
    let (_, other) = council.adds_authority(OTHER, "Glasgow City");
    council.changes_drop_folders(|folder| {
        folder.insert("also_for".into(), toml::Value::Array(vec![OTHER.into()]));
        folder.insert("settle".into(), "200ms".into());
    });
    (council, other)
}

/// A LAID as XML that names these LA numbers.
pub fn laid_of(numbers: &[&str], reference: usize) -> Vec<u8> {
    let named: String = numbers.iter().map(|number| format!("<LANumber>{number}</LANumber>")).collect();
    format!("<?xml version=\"1.0\"?>\n<LAID>{named}<Claim reference=\"MADE-UP-{reference:06}\"/></LAID>\n").into()
}

/// The contents of the visible files there, each with its number in its name.
pub fn contents_of(folder: &Path, number: &str) -> Vec<Vec<u8>> {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for path in files_below(folder).into_iter().filter(|path| !is_hidden(path)) {
        assert!(path.file_name().unwrap().to_str().unwrap().contains(number), "{path:?}");
        contents.push(fs::read(path).unwrap());
    }
    contents.sort_unstable();
    contents
}

/// The ids of the transfers that are listed under this number, sorted.
pub fn listed(council: &Council, number: &str) -> Vec<String> {
    let list = council.json(&["transfers", "list", "--authority", number]);
    let ids = list["transfers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    ids
}

/// Of every ledger entry of this event: whose it says the transfer is.
fn told(ledger: &[Value], event: &str) -> Vec<String> {
    let of_event = ledger.iter().filter(|entry| entry["event"] == event);
    let mut told: Vec<_> = of_event.map(|entry| entry["authority"].as_str().unwrap_or_default().to_owned()).collect();
    told.sort_unstable();
    told
}

#[test]
fn each_goes_to_the_authority_that_it_names() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let (mut council, other) = council(&mut dwp);
    let seals = |content: &[u8], name: &str| dwp.seals(content, name, &SealOptions::default());
    let (ours, theirs, risk) = (laid_of(&[LA], 1), laid_of(&[OTHER], 2), samples::caseload_risk(20));
    council.drops("1.pgp", &seals(&ours, "LAID.xml"));
    council.drops("2.pgp", &seals(&theirs, "LAID.xml"));
    council.drops("3.pgp", &seals(&risk, &format!("AOBWR627_{OTHER}_RISK.csv")));
    council.start();
    council.until("all three rest", |council| council.all_rest(3));
    assert_eq!((council.codes(), council.hidden_parts()), (vec![], vec![]));
    assert_eq!(contents_of(&council.backoffice, LA), [ours]);
    let mut expected = [theirs.clone(), risk];
    expected.sort_unstable();
    assert_eq!(contents_of(&other, OTHER), expected);
    assert_eq!((listed(&council, LA).len(), listed(&council, OTHER).len()), (1, 2));
    let ledger = council.ledger();
    assert_eq!(told(&ledger, "collected"), [LA, LA, LA], "by the source");
    assert_eq!(told(&ledger, "staged"), [OTHER, OTHER, LA], "by what it names");

    let why = council.json(&["transfers", "why", &listed(&council, OTHER)[0]]).to_string();
    assert!(why.contains(&format!("`all-{OTHER}`")) && !why.contains(&format!("`laid-{LA}`")), "{why}");

    // Accepted for the other one, by whichever of its doors.
    drop_into(&council.dir.path().join(OTHER).join("drop"), "4.pgp", &seals(&theirs, "LAID.xml"));
    council.drops("5.pgp", &seals(&theirs, "LAID.xml"));
    council.until("both are repeats", |council| council.all_rest(5) && council.codes() == ["CN-114", "CN-114"]);
    assert_eq!(contents_of(&other, OTHER).len(), 2);
    council.stops_well();
}

#[test]
fn what_names_two_or_none_or_one_that_is_not_served_goes_nowhere() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let (mut council, other) = council(&mut dwp);
    let members =
        [(format!("AOBWR501_{LA}_HBSA002.csv"), "A,B\r\n"), (format!("AOBWR501_{OTHER}_HBSA001.csv"), "C\r\n")];
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, rows)| (name.as_str(), rows.as_bytes())).collect();
    for (name, content) in [
        ("HBMS_pack.zip", samples::archive(&members).unwrap()),
        ("both.xml", laid_of(&[LA, OTHER], 1)),
        ("foreign.xml", laid_of(&[OTHER, "71405"], 2)),
        ("none.xml", laid_xml(3)),
    ] {
        council.drops(&format!("{name}.pgp"), &dwp.seals(&content, name, &SealOptions::default()));
    }
    council.start();
    council.until("all four are held", |council| council.all_rest(4));
    assert_eq!(council.codes(), ["CN-119", "CN-143", "CN-143", "CN-144"], "{:#?}", council.held());
    let nothing = |council: &Council| council.delivered().is_empty() && council.hidden_parts().is_empty();
    assert!(nothing(&council) && files_below(&other).is_empty(), "to neither, not even hidden");
    let held = council.held();
    assert!(held.iter().all(|item| item["authority"] == LA), "with the source's own authority");
    let of = |code: &str| held.iter().find(|item| item["code"] == code).unwrap();
    let says = of("CN-143")["says"].as_str().unwrap();
    assert!(says.contains(LA) && says.contains(OTHER), "{says}");
    let id = of("CN-144")["id"].as_str().unwrap().to_owned();
    let why = council.json(&["transfers", "why", &id]).to_string();
    assert!(why.contains(&format!("serves {LA} and {OTHER}")), "{why}");
    council.stops_well();

    // The way out that is told: the source serves its own authority only.
    council.changes_drop_folders(|folder| drop(folder.remove("also_for")));
    council.start();
    succeeded(council.runs(&["held", "retry", &id, "--reason", "the only number there now"]));
    council.until("it is the owner's", |council| council.all_rest(4) && council.codes().len() == 3);
    assert_eq!((council.delivered_digests(), files_below(&other).len()), (vec![digest(&laid_xml(3))], 0));
    council.stops_well();
    assert_eq!(listed(&council, LA).len(), 4);
    council.ledger();
}

#[test]
fn a_destination_of_the_other_that_is_away_is_waited_for() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let (mut council, other) = council(&mut dwp);
    let away = other.with_file_name("away");
    fs::rename(&other, &away).unwrap();
    council.drops("1.pgp", &dwp.seals(&laid_of(&[OTHER], 1), "LAID.xml", &SealOptions::default()));
    council.start();
    council.until("it waits", |council| council.deferred() == ["CN-303"]);
    fs::rename(&away, &other).unwrap();
    council.until("it is delivered", |council| council.all_rest(1));
    assert_eq!((contents_of(&other, OTHER), council.delivered().len()), (vec![laid_of(&[OTHER], 1)], 0));
    council.stops_well();
    assert_eq!(listed(&council, OTHER).len(), 1);
    council.ledger();
}

/// Killed once Staged is recorded, and the source serves only its owner when the service is started again. Once the
/// part is whole, once it is damaged, so that all is opened and decided anew.
#[cfg(feature = "failpoints")]
#[test]
fn killed_between_staged_and_published_it_is_delivered_to_the_right_one_once() {
    use std::os::unix::process::ExitStatusExt;
    for damaged in [false, true] {
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let (mut council, other) = council(&mut dwp);
        council.drops("1.pgp", &dwp.seals(&laid_of(&[OTHER], 1), "LAID.xml", &SealOptions::default()));
        council.start_with(&[("FAILPOINTS", "stage.recorded=return(kill)")]);
        assert_eq!(council.ends().signal(), Some(9));
        assert_eq!(listed(&council, OTHER).len(), 1, "in the same transaction");
        council.ledger();
        let parts = files_below(&other);
        assert!(parts.len() == 1 && is_hidden(&parts[0]), "{parts:?}");
        if damaged {
            fs::write(&parts[0], b"<LAID>").unwrap();
        }
        council.changes_drop_folders(|folder| drop(folder.remove("also_for")));
        council.start();
        council.until("it is delivered", |council| council.all_rest(1));
        assert_eq!((contents_of(&other, OTHER), council.delivered().len()), (vec![laid_of(&[OTHER], 1)], 0));
        assert!(files_below(&other).iter().all(|path| !is_hidden(path)) && council.codes().is_empty());
        council.stops_well();
        let ledger = council.ledger();
        let count = |event: &str| ledger.iter().filter(|entry| entry["event"] == event).count();
        assert_eq!(count("staged"), 1 + usize::from(damaged));
        assert_eq!(count("delivered") + count("delivered-recovered"), 1);
        assert!(told(&ledger, "staged").iter().all(|number| number == OTHER));
        assert_eq!(listed(&council, OTHER).len(), 1);
    }
}

fn digest(content: &[u8]) -> hbcourier::domain::Digest {
    hbcourier::domain::Digest::of(content)
}

/// A name in a mail, and what lies beside a file in it, nobody has signed.
#[test]
fn of_a_mail_each_file_must_name_it_within_its_seal() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let (mut council, other) = council(&mut dwp);
    council.changes_drop_folders(|folder| drop(folder.insert("carries".into(), "mail".into())));
    let attached = |content: &[u8], inner: &str, outer: &str| {
        let head = format!("--b1\nContent-Disposition: attachment; filename={outer}\n\n").into_bytes();
        [head, dwp.seals(content, inner, &SealOptions::armoured())].concat()
    };
    let drops = |name: &str, parts: &[Vec<u8>]| {
        let head = b"Subject: files\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n".to_vec();
        drop_into(&council.drop, name, &[head, parts.concat(), b"--b1--\n".to_vec()].concat());
    };
    let (named, nil) = (format!("AOBWR627_{OTHER}_RISK.csv"), samples::caseload_risk(20));
    let own = format!("AOBWR627_{LA}_RISK.csv");
    drops("1.mail", &[attached(&nil, &named, "1.asc"), attached(&nil, &own, "2.asc")]);
    drops("2.mail", &[attached(&samples::caseload_risk(21), "", &format!("{named}.asc"))]);
    drops(
        "3.mail",
        &[attached(&laid_of(&[OTHER], 3), "LAID.xml", "1.asc"), attached(&laid_xml(4), "LAID.xml", "2.asc")],
    );
    drops("4.mail", &[attached(&laid_of(&[OTHER], 5), "LAID.xml", &format!("{named}.asc"))]);
    council.start();
    council.until("all rest", |council| council.all_rest(4));
    assert_eq!(council.codes(), ["CN-143", "CN-144", "CN-144"], "{:#?}", council.held());
    assert_eq!((contents_of(&other, OTHER), council.delivered().len()), (vec![laid_of(&[OTHER], 5)], 0));
    council.stops_well();
    assert_eq!(council.json(&["audit", "verify"])["ok"], true);
}
