//! What a backup holds, what is not restored, and what is left to a person.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use hbcourier::domain::Digest;
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

/// The digest of the list of files in a backup.
fn manifest_of(file: &Path) -> String {
    let mut archive = zip::ZipArchive::new(fs::File::open(file).unwrap()).unwrap();
    let mut list = Vec::new();
    archive.by_name("manifest.json").unwrap().read_to_end(&mut list).unwrap();
    Digest::of(&list).to_string()
}

/// As a person restores it who has seen to the old service and wrote the digest down.
fn restore<'a>(file: &'a Path, manifest: &'a str) -> Vec<&'a str> {
    vec!["restore", text(file), "--old-service-is-off", "--manifest", manifest]
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
    let restored = council.json(&restore(&file, &manifest_of(&file)));
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
    let occupied = council.runs(&restore(&file, &manifest_of(&file)));
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
        let refused = council.runs(&["restore", text(&damaged), "--old-service-is-off", "--into", text(&into)]);
        assert_eq!(refused.status.code(), Some(1), "{name}: {}", says(&refused));
        assert!(says(&refused).contains(words), "{name}: {}", says(&refused));
        assert!(!into.join("store.sqlite").exists(), "{name}");
    }
    // A checkpoint of another ledger by the same key does not fit: its signature is good, its root another.
    let (other, _) = delivered_one();
    let strange = other.json(&["audit", "checkpoint"])["note"].as_str().unwrap().to_owned();
    fs::write(kept.join("strange.txt"), strange).unwrap();
    let restored = council.json(&[&restore(&file, &manifest_of(&file))[..], &["--anchors", text(&kept)]].concat());
    assert!(restored["problems"][0].as_str().unwrap().contains("is not believed"), "{restored}");
}

/// The backup, altered by `alter` and with its list of files made anew.
fn forged(file: &Path, as_name: &str, alter: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> PathBuf {
    let mut archive = zip::ZipArchive::new(fs::File::open(file).unwrap()).unwrap();
    let mut members = Vec::new();
    for n in 0..archive.len() {
        let mut member = archive.by_index(n).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        members.push((member.name().unwrap().into_owned(), bytes));
    }
    let (_, list) = members.pop().unwrap();
    alter(&mut members);
    let mut manifest: Value = serde_json::from_slice(&list).unwrap();
    let file_of = |(path, bytes): &(String, Vec<u8>)| serde_json::json!({ "path": path, "bytes": bytes.len(), "sha256": Digest::of(bytes).to_string() });
    manifest["files"] = members.iter().map(file_of).collect();
    members.push(("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap()));
    let forged = file.with_file_name(as_name);
    let mut zip = zip::ZipWriter::new(fs::File::create(&forged).unwrap());
    for (path, bytes) in members {
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(path, stored).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
    forged
}

#[test]
fn what_somebody_put_into_a_backup_is_not_believed() {
    let (council, _) = delivered_one();
    let file = council.dir.path().join("backup.zip");
    let said = String::from_utf8(succeeded(council.runs(&["backup", text(&file)]))).unwrap();
    let manifest = manifest_of(&file);
    assert!(said.contains(&manifest), "people are told it too: {said}");
    let into = |name: &str| council.dir.path().join(name);
    // A stranger's certificate, as if DWP's.
    let stranger = Partner::new(Algorithm::Curve25519);
    let place = format!("keys/partner/dwp/{}.asc", stranger.fingerprint());
    let with_key = forged(&file, "with-key.zip", |members| members.push((place.clone(), stranger.certificate())));
    let refused = council.runs(&["restore", text(&with_key), "--old-service-is-off", "--into", text(&into("a"))]);
    assert_eq!(refused.status.code(), Some(1), "{}", says(&refused));
    assert!(says(&refused).contains(&format!("{} of the partner dwp", stranger.fingerprint())), "{}", says(&refused));
    let refused = council.runs(&[&restore(&with_key, &manifest)[..], &["--into", text(&into("b"))]].concat());
    assert!(refused.status.code() == Some(1) && says(&refused).contains("has the digest"), "{}", says(&refused));
    // Files that no state has.
    for (n, strange) in ["lock/x", "store.sqlite-wal", "keys/partner/dwp/x/y.asc"].into_iter().enumerate() {
        let forged = forged(&file, "strange.zip", |members| members.push((strange.to_owned(), b"x".to_vec())));
        let into = into(&format!("strange-{n}"));
        let refused = council.runs(&["restore", text(&forged), "--old-service-is-off", "--into", text(&into)]);
        assert_eq!(refused.status.code(), Some(1), "{strange}: {}", says(&refused));
        assert!(!into.join("store.sqlite").exists(), "{strange}");
    }
    // Without the digest: what the ledger tells of is believed, and what a person says they know.
    let plain = into("plain");
    succeeded(council.runs(&["restore", text(&file), "--old-service-is-off", "--into", text(&plain)]));
    let (known, fingerprint) = (into("known"), stranger.fingerprint().to_string());
    let by_people = ["restore", text(&with_key), "--old-service-is-off", "--key", &fingerprint, "--into", text(&known)];
    succeeded(council.runs(&by_people));
    let still = council.runs(&["restore", text(&file), "--into", text(&into("d"))]);
    assert!(still.status.code() == Some(2) && says(&still).contains("--old-service-is-off"), "{}", says(&still));
}

#[test]
fn a_backup_without_its_originals_is_told_of_and_leaves_no_copy_in_clear() {
    let (council, _) = delivered_one();
    let lost = files_below(&council.state.join("archive")).remove(0);
    fs::remove_file(&lost).unwrap();
    // A backup that was ended half-way left its copy and its part.
    let scratch = council.state.join(".backup");
    fs::DirBuilder::new().create(&scratch).unwrap();
    fs::set_permissions(&scratch, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let file = council.dir.path().join("backup.zip");
    let refused = council.runs(&["backup", text(&file)]);
    assert!(refused.status.code() == Some(3) && !file.exists(), "a folder open to others: {}", says(&refused));
    fs::set_permissions(&scratch, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::write(scratch.join("store.sqlite"), b"names in clear").unwrap();
    let part = council.dir.path().join(".hbcourier-20260101T000000Z.zip.part");
    fs::write(&part, b"keys in clear").unwrap();
    let made = council.runs(&["backup", text(&file)]);
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    let name = format!("archive/{}", lost.file_name().unwrap().to_string_lossy());
    assert!(made.status.code() == Some(1) && said.contains(&name), "it says which: {said}");
    assert!(!scratch.join("store.sqlite").exists() && !part.exists() && file.exists());
    fs::write(scratch.join("store.sqlite"), b"names in clear").unwrap();
    succeeded(council.runs(&["run", "--once"]));
    assert!(!scratch.join("store.sqlite").exists(), "the service removes it too");
}

#[test]
fn killed_at_each_step_no_service_starts_on_a_half() {
    let (council, _) = delivered_one();
    let file = backup(&council, "backup.zip");
    let manifest = manifest_of(&file);
    for step in ["restore.extracted", "restore.recorded", "restore.placed"] {
        let into = council.dir.path().join(step);
        let arguments = restore(&file, &manifest);
        let restore = |failpoint: Option<&str>| {
            let mut restore = command();
            restore.arg("--config").arg(&council.config).args(&arguments).arg("--into").arg(&into);
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
    let restored = council.json(&restore(&file, &manifest_of(&file)));
    let shbe = key.replace("hbms-mi", "shbe");
    assert_eq!(restored["uncertain"], serde_json::json!([key, shbe]), "also the one that nothing was picked up for");
    council.start();
    council.until("the service has looked", |council| council.is_alarmed(&key, "CN-515"));
    council.stops_well();
    assert_eq!((stage(&council).0, files_below(&council.outgoing).len()), (Value::from("uncertain"), 0));
    succeeded(council.runs(&["returns", "confirm", &key, "--reason", "DWP has it"]));
    council.ledger();
}

/// Nothing is picked up when the backup is made; then it is picked up and sent, and the state is lost. A file in the folder
/// afterwards is the same one, put there as the words about a missing return ask for.
#[test]
fn a_return_that_was_picked_up_and_sent_after_the_backup_waits_for_a_person() {
    let mut council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    let day = council.falls_due_today().to_string();
    let row = |council: &Council| {
        let rows = council.json(&["returns", "list"])["returns"].as_array().unwrap().clone();
        rows.into_iter()
            .find(|row| row["return"] == "hbms-mi" && row["transfer_on"] == day.as_str())
            .unwrap_or_default()
    };
    let stage = |council: &Council| row(council)["stage"].clone();
    council.start();
    council.until("it is owed", |council| stage(council) == "scheduled");
    let key = format!("hbms-mi/12302/{}", row(&council)["relevant_month"].as_str().unwrap());
    let file = backup(&council, "backup.zip");
    let put = |council: &Council| fs::write(council.returns.join("hbms-mi/MI.xlsx"), workbook()).unwrap();
    put(&council);
    council.until("it is sent", |council| stage(council) == "sent");
    council.kill();
    let sent = files_below(&council.outgoing).len();
    assert_eq!(sent, 1);
    moves_to(&mut council, "elsewhere");
    let restored = council.json(&restore(&file, &manifest_of(&file)));
    assert!(restored["uncertain"].as_array().unwrap().contains(&Value::from(key.clone())), "{restored}");
    put(&council);
    council.start();
    council.until("a person is told", |council| council.is_alarmed(&key, "CN-515"));
    assert!(row(&council)["says"].as_str().unwrap().contains("restored from a backup"), "{}", row(&council));
    council.stops_well();
    assert_eq!((stage(&council), files_below(&council.outgoing).len()), (Value::from("uncertain"), sent));
    // A person who knows that it did not arrive has it picked up and sent; what lay there the transport has taken.
    files_below(&council.outgoing).iter().for_each(|path| fs::remove_file(path).unwrap());
    council.start();
    succeeded(council.runs(&["returns", "resend", &key, "--reason", "DWP does not have it"]));
    council.until("it is sent", |council| stage(council) == "sent");
    council.stops_well();
    council.ledger();
}

/// Held at the backup, tried again and delivered since, and taken by the back office; then the state is lost.
#[test]
fn what_was_held_and_let_go_after_the_backup_is_not_delivered_twice_by_itself() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let routes = fs::read(&council.config).unwrap();
    council.changes_routes(|route| {
        if route["kinds"].as_array().unwrap().iter().any(|kind| kind.as_str() == Some("laid-xml")) {
            route.insert("xml_roots".into(), toml::Value::Array(vec!["Other".into()]));
        }
    });
    council.drops("LAID_1.xml.pgp", &dwp.seals(b"<LAID/>", "LAID_1.xml", &SealOptions::default()));
    assert_eq!(council.runs(&["run", "--once"]).status.code(), Some(1));
    let (id, code) = (council.consignments()[0].id.to_string(), council.codes());
    let file = backup(&council, "backup.zip");
    fs::write(&council.config, routes).unwrap();
    let retry = ["held", "retry", &id, "--reason", "there is a route now"];
    succeeded(council.runs(&retry));
    succeeded(council.runs(&["run", "--once"]));
    let delivered = council.delivered();
    assert_eq!(delivered.len(), 1);
    delivered.keys().for_each(|path| fs::remove_file(path).unwrap());
    moves_to(&mut council, "elsewhere");
    assert_eq!(council.json(&restore(&file, &manifest_of(&file)))["held"], 1);
    assert_eq!(council.codes(), code, "it is held for what it was");
    let said = String::from_utf8(succeeded(council.runs(&retry))).unwrap();
    assert!(said.contains("looked up at its destination first"), "{said}");
    assert_eq!(council.runs(&["run", "--once"]).status.code(), Some(1));
    assert_eq!((council.delivered().len(), council.codes()), (0, vec!["CN-569"]));
    // The back office does not have it: now a person says so, and it is delivered.
    succeeded(council.runs(&["held", "retry", &id, "--reason", "the back office does not have it"]));
    succeeded(council.runs(&["run", "--once"]));
    assert_eq!(council.delivered().len(), 1);
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
    assert_eq!(council.json(&restore(&file, &manifest_of(&file)))["known"], later);
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
