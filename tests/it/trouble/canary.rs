//! Made-up personal data, followed through everything the service writes.
//!
//! What is in a file may appear at its destination and nowhere else. What a file is called may also be in the table of
//! names that retention erases, and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

use hbcourier::cli::demo::samples;

use super::{folder_key, quick};
use crate::support::council::{Council, files_below, set};
use crate::support::partner::{Partner, SealOptions};

/// In contents: shaped like a National Insurance number, and like a name.
const IN_CONTENT: [&str; 2] = ["QQ987654C", "Quillfeather"];
/// In names of files.
const IN_NAMES: [&str; 2] = ["QQ112233A", "Wrenthistle"];
/// In a file that nobody sealed. It is kept as it came, so it is below the state directory, and nowhere else.
const UNSEALED: &str = "QQ445566B";

/// A name that holds both, and something to tell it by.
fn named(what: &str) -> String {
    format!("{}_{}_{what}", IN_NAMES[0], IN_NAMES[1])
}

/// Text that holds both.
fn told() -> String {
    IN_CONTENT.join(" ")
}

/// One file for each way through: delivered, and held for a reason of the content, the name, or the sealing.
fn files(dwp: &Partner, stranger: &Partner) -> Vec<Vec<u8>> {
    let told = told();
    let seal = |content: &[u8], name: &str| dwp.seals(content, name, &SealOptions::default());
    let xml = format!("<?xml version=\"1.0\"?>\n<LAID><Claim nino=\"{told}\"/></LAID>\n");
    let pack = samples::archive(&[
        (&named("HBSA001.csv"), format!("REFERRAL,RULE\r\n{told},HBSA001\r\n").as_bytes()),
        ("AOBWR627_LAID_RISK.csv", format!("CLAIM_REF,SCORE\r\n{told},9\r\n").as_bytes()),
    ]);
    let mut tampered = seal(format!("<LAID>{told}</LAID>").as_bytes(), &named("tampered.xml"));
    let at = tampered.len() - 60;
    tampered[at] ^= 1;
    let whole = seal(format!("<LAID cut=\"{told}\"/>").as_bytes(), &named("cut.xml"));
    vec![
        seal(xml.as_bytes(), &named("laid.xml")),
        seal(&pack.unwrap(), &named("HBMS_pack.zip")),
        // Held, for reasons that tempt to quote them.
        seal(format!("<LAID><{}>{told}</LAID>", IN_CONTENT[1]).as_bytes(), &named("broken.xml")),
        seal(format!("<!DOCTYPE x [<!ENTITY y \"{told}\">]><LAID>&y;</LAID>").as_bytes(), &named("entity.xml")),
        seal(format!("%PDF-1.4 {told}").as_bytes(), &named("broken.pdf")),
        seal(format!("PK\x03\x04{told}").as_bytes(), &named("HBMS_broken.zip")),
        seal(format!("CLAIM_REF,SCORE\r\n\"{told}").as_bytes(), &format!("AOBWR627_LAID_RISK_{}.csv", named("x"))),
        seal(format!("CLAIM_REF,SCORE\r\n{told},1\r\n").as_bytes(), "AOBWR627_20101_RISK.csv"),
        seal(told.as_bytes(), &named("unknown.txt")),
        stranger.seals(told.as_bytes(), &named("strange.xml"), &SealOptions::default()),
        format!("not sealed at all: {UNSEALED}").into_bytes(),
        tampered,
        whole[..whole.len() - 20].to_vec(),
    ]
}

/// Whether a file's bytes hold this, as they are, or two bytes a letter.
fn holds(path: &Path, canary: &str) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    let wide: Vec<u8> = canary.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let found = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    found(canary.as_bytes()) || found(&wide)
}

/// Files below the state directory that hold any of these.
pub(crate) fn state_files_with(council: &Council, canaries: &[&str]) -> Vec<PathBuf> {
    let holds_any = |path: &PathBuf| canaries.iter().any(|canary| holds(path, canary));
    let below = |path: PathBuf| path.strip_prefix(&council.state).unwrap().to_owned();
    let files = files_below(&council.state).into_iter().filter(|path| path.file_name().unwrap() != "control.sock");
    files.filter(holds_any).map(below).collect()
}

/// What a person or a script can be shown, and what the machine shows of the process.
pub(crate) fn shown(council: &Council) -> Vec<(String, String)> {
    let commands: [&[&str]; 11] = [
        &["status", "--json"],
        &["status"],
        &["held", "list", "--json"],
        &["held", "list"],
        &["transfers", "list", "--json"],
        &["returns", "list", "--json"],
        &["expectations", "--nights", "3", "--json"],
        &["expectations", "--nights", "3"],
        &["audit", "log", "--json"],
        &["audit", "verify", "--json"],
        &["check"],
    ];
    let mut shown: Vec<(String, String)> = Vec::new();
    for arguments in commands {
        let output = council.runs(arguments);
        let text = [output.stdout, output.stderr].concat();
        assert!(!text.is_empty(), "{arguments:?}");
        shown.push((arguments.join(" "), String::from_utf8_lossy(&text).into_owned()));
    }
    for file in ["cmdline", "environ", "comm"] {
        let bytes = fs::read(format!("/proc/{}/{file}", council.pid())).unwrap();
        shown.push((file.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    shown.push(("the log".to_owned(), council.log()));
    shown
}

#[test]
fn no_canary_leaves_its_cage() {
    let (dwp, mut council) = quick();
    folder_key(&council, "settle", "300ms");
    folder_key(&council, "patience", "2s");
    council.falls_due_today();
    council.changes_settings(|settings| set(settings, &["service", "limits", "archive_members_max"], 100));
    let mut stranger = Partner::new(crate::support::partner::Algorithm::Curve25519);
    stranger.trusts(&council.own_certificate);
    let files = files(&dwp, &stranger);
    council.start_in(&[("HBCOURIER_LOG", "trace")]);
    for (number, sealed) in files.iter().enumerate() {
        council.drops(&named(&format!("{number}.pgp")), sealed);
    }
    std::os::unix::fs::symlink("nowhere", council.drop.join(named("link.pgp"))).unwrap();
    // A return that is held, and one that is sent.
    let workbook = council.returns.join("hbms-mi").join(named("workbook.xlsx"));
    fs::write(&workbook, told()).unwrap();
    let today = jiff::Zoned::now().with_time_zone(hbcourier::effects::clock::london()).date();
    let extract = String::from_utf8(samples::shbe_extract(today)).unwrap().replace("DEMO-0001", &told());
    assert!(extract.contains(IN_CONTENT[0]));
    fs::write(council.returns.join("shbe").join(named("extract.txt")), extract).unwrap();

    let count = files.len();
    council.until("all rest", |council| council.all_rest(count));
    council.until("one return is sent and one is held", |council| {
        let returns = council.json(&["returns", "list"]).to_string();
        returns.contains("\"sent\"") && returns.contains("CN-407")
    });
    council.until("the link is named", |council| council.is_alarmed("drop-12302", "CN-502"));
    assert_eq!(council.delivered().len(), 3, "{:?}", council.held());
    assert_eq!(council.codes().len(), count - 2);

    let every: Vec<&str> = [&IN_CONTENT[..], &IN_NAMES, &[UNSEALED]].concat();
    let running = state_files_with(&council, &IN_CONTENT);
    assert!(running.is_empty(), "plaintext below the state directory: {running:?}");
    for (what, text) in shown(&council) {
        for canary in &every {
            let line = text.lines().find(|line| line.contains(canary));
            assert!(line.is_none(), "{what} tells {canary}: {}", line.unwrap());
        }
    }
    let log = council.log();
    assert!(log.contains("CN-105") || log.contains("CN-106"), "it logged what was held: {log}");
    council.stops_well();
    let stopped = state_files_with(&council, &IN_CONTENT);
    assert!(stopped.is_empty(), "plaintext below the state directory: {stopped:?}");
    let names = state_files_with(&council, &IN_NAMES);
    let of_the_store =
        |path: &PathBuf| path.to_string_lossy().starts_with("store") || path.to_string_lossy().ends_with(".db");
    assert!(!names.is_empty() && names.iter().all(of_the_store), "names outside the store: {names:?}");
    assert!(!council.log().contains(IN_NAMES[0]));
}
