//! The auditor's path, on a real installation: an export while the service runs, verified, asked, proven.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::second;
use crate::support::council::{Council, command, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A command that knows nothing of the installation.
fn elsewhere(arguments: &[&str]) -> (i32, Vec<u8>) {
    let output = command().arg("--config").arg("/nonexistent/hbcourier.toml").args(arguments).output().unwrap();
    (output.status.code().unwrap(), output.stdout)
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn from_the_export_to_who_decided_about_a_held_file() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&council.own_certificate);
    council.start();
    let xml = br#"<?xml version="1.0"?><LAID/>"#;
    council.drops("LAID_1.xml.pgp", &dwp.seals(xml, "LAID_1.xml", &SealOptions::default()));
    council.drops("SMITH_AB123456C.pgp", &stranger.seals(xml, "LAID_2.xml", &SealOptions::default()));
    council.until("one is delivered and one held", |council| council.all_rest(2));
    let held = council.held()[0]["id"].as_str().unwrap().to_owned();
    succeeded(council.runs(&["held", "retry", &held, "--by", "officer", "--reason", "asked DWP"]));
    council.until("it is held again", |council| council.events("held") == 2);

    // On the machine, while the service runs.
    let (taken, kept) = (council.dir.path().join("taken"), council.dir.path().join("kept"));
    let export = taken.to_str().unwrap();
    let told = lines(&succeeded(council.runs(&["audit", "export", export, "--json"])));
    let whole = told.last().unwrap();
    assert!(whole["ok"] == true && whole["uncovered"] == 0 && whole["remarks"] == Value::Array(vec![]), "{whole}");
    let vkey = council.dir.path().join("ledger.vkey");
    fs::write(&vkey, succeeded(council.runs(&["audit", "vkey"]))).unwrap();
    let key = vkey.to_str().unwrap();
    fs::create_dir(&kept).unwrap();
    for file in fs::read_dir(taken.join("checkpoints")).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, kept.join(path.file_name().unwrap())).unwrap();
    }
    let anchors = kept.to_str().unwrap();

    // Elsewhere.
    let verify = ["audit", "verify", "--json", "--export", export, "--vkey", key, "--anchors", anchors];
    let (status, verdict) = elsewhere(&verify);
    let verdict: Value = serde_json::from_slice(&verdict).unwrap();
    assert!(status == 0 && verdict["entries"] == whole["entries"], "{verdict}");
    let (status, too) = second::run(&taken, Path::new(key), &["--anchors", anchors]);
    assert!(status == 0 && too["root"] == verdict["root"], "{too}");
    let (_, ours) = elsewhere(&["audit", "log", "--json", "--export", export, "--authority", "12302"]);
    let events: Vec<String> = lines(&ours).iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect();
    for event in ["collected", "delivered", "held"] {
        assert!(events.iter().any(|known| known == event), "{event}: {events:?}");
    }
    let (_, about) = elsewhere(&["audit", "log", "--json", "--export", export, "--transfer", &held]);
    let ordered = lines(&about).into_iter().find(|entry| entry["event"] == "retry-ordered").unwrap();
    assert!(ordered["actor"]["account"]["uid"].is_u64() && ordered["why"] == "asked DWP", "{ordered}");

    // For one file of somebody's.
    let (proof, zip) = (council.dir.path().join("proof.json"), council.dir.path().join("evidence.zip"));
    succeeded(council.runs(&["audit", "prove", &held, "--out", proof.to_str().unwrap()]));
    succeeded(council.runs(&["audit", "evidence", &held, "--out", zip.to_str().unwrap()]));
    for file in [&proof, &zip] {
        let (status, checked) = elsewhere(&["audit", "check-proof", file.to_str().unwrap(), "--vkey", key, "--json"]);
        assert_eq!(status, 0, "{}", String::from_utf8_lossy(&checked));
    }
    // The name that a sender chose is nowhere in what is given away.
    for file in fs::read_dir(&taken).unwrap().map(|file| file.unwrap().path()).chain([proof, zip]) {
        if file.is_file() {
            let bytes = fs::read(&file).unwrap();
            assert!(!bytes.windows(5).any(|window| window == b"SMITH"), "{}", file.display());
        }
    }

    // And the live ledger against what was kept.
    assert_eq!(council.json(&["audit", "verify", "--anchors", anchors])["ok"], true);
    council.stops_well();
    assert_eq!(council.json(&["audit", "verify", "--anchors", anchors])["ok"], true);
    // Without a running service the command makes the checkpoint itself.
    let later = council.dir.path().join("later");
    let told = lines(&succeeded(council.runs(&["audit", "export", later.to_str().unwrap(), "--json"])));
    assert_eq!((&told.last().unwrap()["uncovered"], &told.last().unwrap()["ok"]), (&0.into(), &true.into()));
}
