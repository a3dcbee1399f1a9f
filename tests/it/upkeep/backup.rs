//! What a backup holds, what is not restored, and what is left to a person.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::council::{Council, command, files_below, set, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::workbook::{row, with_rows};

fn delivered_one() -> (Council, Partner) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    council.drops("LAID_1.xml.pgp", &dwp.seals(b"<LAID/>", "LAID_1.xml", &SealOptions::default()));
    succeeded(council.runs(&["run", "--once"]));
    (council, dwp)
}

fn workbook() -> Vec<u8> {
    with_rows(&row(1, &["Case", "Outcome"]))
}

fn says(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn backup(council: &Council, name: &str) -> PathBuf {
    let file = council.dir.path().join(name);
    succeeded(council.runs(&["backup", text(&file)]));
    file
}

/// Moves the council to another, empty state directory.
fn moves_to(council: &mut Council, name: &str) {
    council.state = council.dir.path().join(name);
    let state = text(&council.state).to_owned();
    council.changes_settings(|settings| set(settings, &["service", "state"], state));
}

#[test]
fn it_is_the_owners_alone_is_recorded_and_overwrites_nothing() {
    let (council, _) = delivered_one();
    let file = backup(&council, "backup.zip");
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
    assert_eq!(council.events("backed-up"), 1);
    let again = council.runs(&["backup", text(&file)]);
    assert!(
        again.status.code() == Some(3) && says(&again).contains("a file of that name is there"),
        "{}",
        says(&again)
    );
    let beside: Vec<_> = fs::read_dir(council.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().starts_with(".backup")), "{beside:?}");
}

#[test]
fn restored_it_has_everything_and_goes_on() {
    let (mut council, dwp) = delivered_one();
    let keys: Vec<Vec<u8>> =
        files_below(&council.state.join("keys")).iter().map(|path| fs::read(path).unwrap()).collect();
    let originals = files_below(&council.state.join("archive")).len();
    let file = backup(&council, "backup.zip");
    moves_to(&mut council, "elsewhere");
    let restored = council.json(&["restore", text(&file)]);
    assert_eq!((restored["looked_up"].as_u64(), restored["known"].is_null()), (Some(0), true));
    let again: Vec<Vec<u8>> =
        files_below(&council.state.join("keys")).iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(again.len(), keys.len());
    assert!(keys.iter().all(|key| again.contains(key)));
    assert_eq!((originals, files_below(&council.state.join("archive")).len()), (1, 1));
    let configuration = PathBuf::from(restored["configuration"].as_str().unwrap());
    assert!(configuration.join("hbcourier.toml").exists());
    for path in files_below(&council.state).into_iter().filter(|path| !path.ends_with("lock")) {
        assert_eq!(path.metadata().unwrap().mode() & 0o077, 0, "{}", path.display());
    }
    // The same file once more is known, another one is delivered.
    council.drops("LAID_1.xml.pgp", &dwp.seals(b"<LAID/>", "LAID_1.xml", &SealOptions::default()));
    council.drops("LAID_2.xml.pgp", &dwp.seals(b"<LAID>2</LAID>", "LAID_2.xml", &SealOptions::default()));
    assert_eq!(council.runs(&["run", "--once"]).status.code(), Some(1));
    assert_eq!((council.delivered().len(), council.codes()), (2, vec!["CN-114"]));
    council.ledger();
}

#[test]
fn what_is_not_whole_or_not_that_ledger_or_not_empty_is_refused() {
    let (mut council, _) = delivered_one();
    let kept = council.dir.path().join("kept");
    fs::create_dir(&kept).unwrap();
    let file = backup(&council, "backup.zip");
    let occupied = council.runs(&["restore", text(&file)]);
    assert!(occupied.status.code() == Some(3) && says(&occupied).contains("is not empty"), "{}", says(&occupied));
    moves_to(&mut council, "elsewhere");
    let bytes = fs::read(&file).unwrap();
    // One bit of the store, and the end cut off.
    let store = bytes.windows(16).position(|window| window == b"SQLite format 3\0").unwrap();
    let mut altered = bytes.clone();
    altered[store + 5000] ^= 1;
    let other = "The backup is not as it was made: a file in it is damaged";
    let no_archive = "The backup is not as it was made: invalid Zip archive";
    for (name, bytes, words) in [
        ("altered", &altered[..], other),
        ("cut", &bytes[..bytes.len() - 100], no_archive),
        ("no backup", b"PK", no_archive),
    ] {
        let into = council.dir.path().join(name);
        let damaged = council.dir.path().join(format!("{name}.zip"));
        fs::write(&damaged, bytes).unwrap();
        let refused = council.runs(&["restore", text(&damaged), "--into", text(&into)]);
        assert_eq!(refused.status.code(), Some(1), "{name}: {}", says(&refused));
        assert!(says(&refused).contains(words), "{name}: {}", says(&refused));
        assert!(!into.join("store.sqlite").exists(), "{name}");
    }
    // A checkpoint of another ledger by the same key does not fit: its signature is good, its root another.
    let (other, _) = delivered_one();
    let strange = other.json(&["audit", "checkpoint"])["note"].as_str().unwrap().to_owned();
    fs::write(kept.join("strange.txt"), strange).unwrap();
    let restored = council.json(&["restore", text(&file), "--anchors", text(&kept)]);
    assert!(restored["problems"][0].as_str().unwrap().contains("is not believed"), "{restored}");
}

#[test]
fn killed_at_each_step_no_service_starts_on_a_half() {
    let (council, _) = delivered_one();
    let file = backup(&council, "backup.zip");
    for step in ["restore.extracted", "restore.recorded", "restore.placed"] {
        let into = council.dir.path().join(step);
        let restore = |failpoint: Option<&str>| {
            let mut restore = command();
            restore.arg("--config").arg(&council.config).arg("restore").arg(&file).arg("--into").arg(&into);
            if let Some(step) = failpoint {
                restore.env("FAILPOINTS", format!("{step}=return(kill)"));
            }
            restore.output().unwrap()
        };
        assert!(restore(Some(step)).status.signal().is_some(), "{step}");
        assert!(!into.join("store.sqlite").exists(), "{step}");
        let again = restore(None);
        assert!(again.status.code() == Some(3) && says(&again).contains("was interrupted"), "{step}: {}", says(&again));
        fs::remove_dir_all(&into).unwrap();
        assert!(restore(None).status.success(), "{step}");
        assert!(into.join("store.sqlite").exists() && !into.join(".restoring").exists(), "{step}");
    }
}

/// A return waits to be sent when the backup is made, is sent, and taken by the transport; then the state is lost.
#[test]
fn a_return_that_was_sent_after_the_backup_is_not_sent_again() {
    let mut council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    let today = council.falls_due_today();
    let day = today.to_string();
    let away = council.dir.path().join("away");
    fs::rename(&council.outgoing, &away).unwrap();
    fs::write(council.returns.join("hbms-mi/MI.xlsx"), workbook()).unwrap();
    let stage = |council: &Council| {
        let listed = council.json(&["returns", "list"]);
        let rows = listed["returns"].as_array().unwrap().clone();
        let found = rows.into_iter().find(|row| row["return"] == "hbms-mi" && row["transfer_on"] == day.as_str());
        let row = found.unwrap_or_default();
        (row["stage"].clone(), format!("hbms-mi/12302/{}", row["relevant_month"].as_str().unwrap_or_default()))
    };
    council.start();
    council.until("it waits to be sent", |council| stage(council).0 == "deferred");
    let file = backup(&council, "backup.zip");
    fs::rename(&away, &council.outgoing).unwrap();
    council.until("it is sent", |council| stage(council).0 == "sent");
    let key = stage(&council).1;
    council.kill();
    assert_eq!(files_below(&council.outgoing).len(), 1);
    files_below(&council.outgoing).iter().for_each(|path| fs::remove_file(path).unwrap());
    moves_to(&mut council, "elsewhere");
    let restored = council.json(&["restore", text(&file)]);
    assert_eq!(restored["uncertain"], serde_json::json!([key]));
    council.start();
    council.until("the service has looked", |council| council.is_alarmed(&key, "CN-515"));
    council.stops_well();
    assert_eq!((stage(&council).0, files_below(&council.outgoing).len()), (Value::from("uncertain"), 0));
    succeeded(council.runs(&["returns", "confirm", &key, "--reason", "DWP has it"]));
    council.ledger();
}

/// Not by the command: a copy of the whole state directory, put back as it was.
#[test]
fn a_state_that_was_put_back_by_hand_is_known_as_older_by_what_left() {
    let (mut council, dwp) = delivered_one();
    let kept = council.dir.path().join("kept");
    fs::create_dir(&kept).unwrap();
    council.changes_settings(|settings| {
        let recipient = toml::Table::from_iter([
            ("name".to_owned(), "internal-audit".into()),
            ("folder".to_owned(), text(&kept).into()),
        ]);
        set(settings, &["audit", "recipient"], toml::Value::Array(vec![recipient.into()]));
    });
    succeeded(council.runs(&["run", "--once"]));
    let file = backup(&council, "backup.zip");
    let copy = council.dir.path().join("copy");
    let copied = std::process::Command::new("cp").args(["-a", text(&council.state), text(&copy)]).status().unwrap();
    assert!(copied.success());
    council.drops("LAID_2.xml.pgp", &dwp.seals(b"<LAID>2</LAID>", "LAID_2.xml", &SealOptions::default()));
    succeeded(council.runs(&["run", "--once"]));
    let later = council.json(&["audit", "checkpoint"])["size"].as_u64().unwrap();
    moves_to(&mut council, "copy");
    let refused = council.runs(&["run", "--once"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        says(&refused).contains(&format!("a checkpoint over {later} entries left to internal-audit")),
        "{}",
        says(&refused)
    );
    // Restored, the gap is on record, and the service starts.
    moves_to(&mut council, "elsewhere");
    assert_eq!(council.json(&["restore", text(&file)])["known"], later);
    succeeded(council.runs(&["run", "--once"]));
    assert_eq!(council.events("restored"), 1);
}

#[test]
fn a_doctor_gives_one_verdict() {
    let (council, _) = delivered_one();
    let verdict = council.json(&["doctor"]);
    assert_eq!((verdict["ok"].as_bool(), verdict["audit"]["ok"].as_bool()), (Some(true), Some(true)), "{verdict}");
    fs::remove_dir_all(council.backoffice.join("laid")).unwrap();
    let unwell = council.runs(&["doctor"]);
    let printed = String::from_utf8_lossy(&unwell.stdout).into_owned();
    assert!(unwell.status.code() == Some(1) && printed.starts_with("Something does not work: 1"), "{printed}");
}
