//! The commands as an auditor gives them, without any configuration, beside the second verifier.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::ledger::{Exported, Key, copy};
use super::second;

fn audit(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbcourier"));
    // Nothing of the machine's own.
    command.env_clear().arg("--config").arg("/nonexistent/hbcourier.toml").arg("audit").args(arguments);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn verify(export: &Path, vkey: &Path, more: &[&str]) -> (i32, Value) {
    let (export, vkey) = (export.to_str().unwrap(), vkey.to_str().unwrap());
    let (status, said) = audit(&[&["verify", "--json", "--export", export, "--vkey", vkey], more].concat());
    (status, serde_json::from_str(&said).unwrap_or(Value::Null))
}

/// Both verifiers say this.
fn both(export: &Path, vkey: &Path, more: &[&str], status: i32, kind: Option<&str>, first_bad: Option<u64>) -> Value {
    let (first, said) = verify(export, vkey, more);
    let (second, too) = second::run(export, vkey, more);
    for (found, verdict) in [(first, &said), (second, &too)] {
        let told = (found, verdict["kind"].as_str(), verdict["first_bad"].as_u64());
        assert_eq!(told, (status, kind, first_bad), "{said} {too}");
    }
    for key in ["ok", "entries", "root"] {
        assert_eq!(said[key], too[key], "{key}");
    }
    said
}

#[test]
fn an_honest_export_is_believed_by_both() {
    let exported = Exported::new();
    let said = both(&exported.folder(), &exported.vkey_file(), &[], 0, None, None);
    assert_eq!((&said["ok"], &said["entries"]), (&Value::Bool(true), &500.into()));
    assert_eq!(said["checkpoints"].as_array().unwrap().len(), 10);
    let (status, text) = audit(&[
        "verify",
        "--export",
        exported.folder().to_str().unwrap(),
        "--vkey",
        exported.vkey_file().to_str().unwrap(),
    ]);
    assert!(status == 0 && text.starts_with("Yes. All 500 entries are as they were signed."), "{text}");
}

/// Random bits of any line, through both programs as they are run.
#[test]
fn a_random_bit_is_found_at_its_entry_by_both_commands() {
    let exported = Exported::new();
    let (folder, mut random) = (exported.folder(), StdRng::seed_from_u64(3));
    let entries = exported.read("entries.jsonl");
    for _ in 0..200 {
        let at = random.random_range(0..entries.len());
        let mut altered = entries.clone();
        altered[at] ^= 1 << random.random_range(0..8);
        fs::write(folder.join("entries.jsonl"), &altered).unwrap();
        let line = entries[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        let ((first, said), (second, too)) =
            (verify(&folder, &exported.vkey_file(), &[]), second::run(&folder, &exported.vkey_file(), &[]));
        assert_eq!((first, second), (1, 1), "{said} {too}");
        assert_eq!((&said["first_bad"], &too["first_bad"]), (&line.into(), &line.into()), "byte {at}: {said} {too}");
        assert_eq!((&said["kind"], &said["root"]), (&too["kind"], &too["root"]), "byte {at}");
    }
}

#[test]
fn the_auditors_key_counts_and_never_the_one_inside() {
    let exported = Exported::new();
    let (folder, other) = (exported.folder(), exported.dir.path().join("other.vkey"));
    fs::write(&other, Key::new(8).vkey().to_string()).unwrap();
    let said = both(&folder, &other, &[], 1, Some("note"), None);
    assert!(said["says"].as_str().unwrap().contains("checkpoints/50.txt is not believed"), "{said}");
    // Everything by another key, its own inside.
    let forged = exported.dir.path().join("forged");
    copy(&folder, &forged);
    let sizes: Vec<usize> = (1..=10).map(|nth| nth * 50).collect();
    for (size, note) in Key::new(8).signs_all(&exported.lines, &sizes) {
        fs::write(forged.join(format!("checkpoints/{size}.txt")), note).unwrap();
    }
    fs::copy(&other, forged.join("vkey")).unwrap();
    both(&forged, &exported.vkey_file(), &[], 1, Some("note"), None);
    // Only the key inside is another one.
    fs::copy(&other, folder.join("vkey")).unwrap();
    let said = both(&folder, &exported.vkey_file(), &[], 1, Some("vkey"), None);
    assert!(said["says"].as_str().unwrap().contains("another key than yours"), "{said}");
    fs::write(&other, "no key").unwrap();
    assert_eq!(verify(&folder, &other, &[]).0, 3);
    assert_eq!(second::run(&folder, &other, &[]).0, 3);
}

#[test]
fn what_no_checkpoint_covers_is_told_and_can_be_allowed() {
    let exported = Exported::new();
    let (folder, vkey) = (exported.folder(), exported.vkey_file());
    fs::remove_file(folder.join("checkpoints/500.txt")).unwrap();
    let said = both(&folder, &vkey, &[], 1, Some("uncovered"), Some(450));
    assert!(said["says"].as_str().unwrap().contains("The other 50, from entry 450 on, are covered by no checkpoint"));
    both(&folder, &vkey, &["--allow-uncovered"], 0, None, None);
    fs::remove_dir_all(folder.join("checkpoints")).unwrap();
    fs::create_dir(folder.join("checkpoints")).unwrap();
    both(&folder, &vkey, &[], 1, Some("unproven"), None);
}

#[test]
fn checkpoints_that_were_kept_bound_a_fork_and_tell_an_export_that_is_cut() {
    let exported = Exported::new();
    let (folder, vkey, anchors) = (exported.folder(), exported.vkey_file(), exported.dir.path().join("kept"));
    fs::create_dir(&anchors).unwrap();
    fs::write(anchors.join("a note about them.md"), "not a checkpoint").unwrap();
    for (size, note) in exported.key.signs_all(&exported.lines, &[120, 340]) {
        fs::write(anchors.join(format!("{size}-aabbccdd.txt")), note).unwrap();
    }
    let kept = ["--anchors", anchors.to_str().unwrap()];
    both(&folder, &vkey, &kept, 0, None, None);
    // Another history from entry 200 on, signed by the real key.
    let mut other = exported.lines.clone();
    for line in &mut other[200..] {
        *line = String::from_utf8(line.clone()).unwrap().replacen("\"boot\":\"", "\"boot\":\"x", 1).into_bytes();
    }
    fs::write(folder.join("entries.jsonl"), super::ledger::joined(&other)).unwrap();
    fs::write(folder.join("leaves.txt"), super::ledger::leaves_of(&other)).unwrap();
    let sizes: Vec<usize> = (1..=10).map(|nth| nth * 50).collect();
    for (size, note) in exported.key.signs_all(&other, &sizes) {
        fs::write(folder.join(format!("checkpoints/{size}.txt")), note).unwrap();
    }
    both(&folder, &vkey, &[], 0, None, None);
    let said = both(&folder, &vkey, &kept, 1, Some("fork"), Some(120));
    assert!(said["says"].as_str().unwrap().contains("between entry 120 and entry 340"), "{said}");
    // Two checkpoints of one size, both signed.
    let (_, twin) = exported.key.signs_all(&exported.lines, &[500]).remove(0);
    fs::write(folder.join("checkpoints/500-twin.txt"), twin).unwrap();
    both(&folder, &vkey, &[], 1, Some("rewritten"), Some(450));
    // Older than a checkpoint that was kept.
    let cut = exported.lines[..300].to_vec();
    let (_, last) = exported.key.signs_all(&cut, &[300]).remove(0);
    fs::remove_dir_all(folder.join("checkpoints")).unwrap();
    fs::create_dir(folder.join("checkpoints")).unwrap();
    fs::write(folder.join("checkpoints/300.txt"), last).unwrap();
    fs::write(folder.join("entries.jsonl"), super::ledger::joined(&cut)).unwrap();
    fs::write(folder.join("leaves.txt"), super::ledger::leaves_of(&cut)).unwrap();
    let said = both(&folder, &vkey, &kept, 1, Some("cut"), Some(300));
    assert!(said["says"].as_str().unwrap().contains("ask for a newer export"), "{said}");
}

#[test]
fn a_file_that_is_missing_or_endless_is_no_verdict_or_a_bad_one() {
    let exported = Exported::new();
    let (folder, vkey) = (exported.folder(), exported.vkey_file());
    let leaves = exported.read("leaves.txt");
    fs::write(folder.join("leaves.txt"), vec![b'a'; 1 << 20]).unwrap();
    both(&folder, &vkey, &[], 1, Some("leaves"), Some(0));
    fs::write(folder.join("leaves.txt"), &leaves).unwrap();
    // A line beyond every limit in the place of entry 3.
    let long = [exported.lines[..3].to_vec(), vec![vec![b'x'; 9 << 20]], exported.lines[4..].to_vec()].concat();
    fs::write(folder.join("entries.jsonl"), super::ledger::joined(&long)).unwrap();
    both(&folder, &vkey, &[], 1, Some("altered"), Some(3));
    fs::write(folder.join("entries.jsonl"), b"").unwrap();
    both(&folder, &vkey, &[], 1, Some("cut"), Some(0));
    fs::remove_file(folder.join("entries.jsonl")).unwrap();
    assert_eq!(verify(&folder, &vkey, &[]).0, 3);
    assert_eq!(second::run(&folder, &vkey, &[]).0, 3);
}

#[test]
fn a_note_whose_name_is_not_text_is_read_by_both() {
    let exported = Exported::new();
    let (folder, vkey) = (exported.folder(), exported.vkey_file());
    let odd = folder.join("checkpoints").join(OsStr::from_bytes(b"5\xff0.txt"));
    fs::rename(folder.join("checkpoints/500.txt"), &odd).unwrap();
    both(&folder, &vkey, &[], 0, None, None);
    fs::write(&odd, "nothing signed\n").unwrap();
    // Beside it, one of the name that it is told by.
    fs::write(folder.join("checkpoints/5\u{fffd}0.txt"), &exported.own[9].1).unwrap();
    both(&folder, &vkey, &[], 1, Some("note"), None);
    let (_, too) = second::run(&folder, &vkey, &[]);
    assert!(too["says"].as_str().unwrap().contains("checkpoints/5\u{fffd}0.txt is not believed"), "{too}");
}

#[test]
fn the_same_white_space_around_a_key_is_left_out_by_both() {
    let exported = Exported::new();
    let (folder, given) = (exported.folder(), exported.dir.path().join("given.vkey"));
    let key = exported.key.vkey();
    for blank in [" ", "\t", "\r\n", "\n\n"] {
        fs::write(&given, format!("{blank}{key}{blank}")).unwrap();
        both(&folder, &given, &[], 0, None, None);
    }
    for other in ["\u{b}", "\u{c}", "\u{1c}", "\u{85}", "\u{a0}", "\u{2003}", "\u{feff}"] {
        for text in [format!("{other}{key}"), format!("{key}{other}")] {
            fs::write(&given, text).unwrap();
            let both = (verify(&folder, &given, &[]).0, second::run(&folder, &given, &[]).0);
            assert_eq!(both, (3, 3), "{other:?}");
        }
    }
}

/// Without the machine: what came, who released it, a table of it.
#[test]
fn an_auditor_asks_the_export_without_the_machine() {
    let exported = Exported::new();
    let export = exported.folder();
    let log = |more: &[&str]| audit(&[&["log", "--export", export.to_str().unwrap()], more].concat());
    let (status, packs) = log(&["--json", "--kind", "hbms-pack", "--authority", "12302"]);
    let packs: Vec<Value> = packs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(status == 0 && packs.len() > 20);
    let collected = packs.iter().find(|entry| entry["event"] == "collected").unwrap();
    let (_, about) = log(&["--json", "--transfer", collected["transfer"].as_str().unwrap()]);
    let events: Vec<Value> = about.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words: Vec<&str> = events.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(words, ["collected", "held", "retry-ordered", "staged"]);
    let who = &events[2]["actor"]["account"]["name"];
    let (_, theirs) = log(&["--csv", "--actor", who.as_str().unwrap(), "--event", "retry-ordered"]);
    assert!(theirs.starts_with("seq,at,event,actor") && theirs.lines().count() > 10, "{theirs}");
}
