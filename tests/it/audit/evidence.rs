//! Proofs and evidence: they show one thing and nothing of any other, and say nothing that is not proven.

use std::io::{Cursor, Read, Write};

use hbcourier::audit::evidence::{open, pack};
use hbcourier::audit::proof::{Proof, Wanted, prove};
use hbcourier::audit::{AuditFault, Stored, Topic};
use hbcourier::domain::Digest;
use hbcourier::domain::checkpoint::SignedCheckpoint;
use hbcourier::domain::merkle::leaf;
use hbcourier::store::{SqliteQueries, SqliteStore};
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::ledger::{Exported, Key};

struct Ledger {
    exported: Exported,
    store: SqliteQueries,
    tree: Vec<Digest>,
    note: SignedCheckpoint,
}

impl Ledger {
    fn new() -> Ledger {
        let exported = Exported::new();
        let store = SqliteStore::read_only(&exported.dir.path().join("state")).unwrap();
        let tree = exported.lines.iter().map(|line| leaf(line)).collect();
        let note = exported.key.vkey().verify(&exported.own[9].1).unwrap();
        Ledger { exported, store, tree, note }
    }

    fn proves(&self, topic: &Topic, with_context: bool) -> Result<Proof, AuditFault> {
        let entries = Stored::now(&self.store).unwrap();
        let wanted = Wanted { topic, with_context };
        let made = prove(wanted, &entries, self.tree.as_slice(), &self.exported.key.vkey(), &self.note)?;
        assert!(!made.later, "the last checkpoint covers everything");
        Ok(made.proof)
    }

    /// The transfer that entry `seq` is about.
    fn transfer(&self, seq: usize) -> Topic {
        let entry: Value = serde_json::from_slice(&self.exported.lines[seq]).unwrap();
        entry["transfer"].as_str().unwrap().parse().unwrap()
    }
}

#[test]
fn a_proof_of_a_transfer_holds_its_entries_and_no_others() {
    let ledger = Ledger::new();
    let vkey = ledger.exported.key.vkey();
    let proof = ledger.proves(&ledger.transfer(8), false).unwrap();
    let seqs: Vec<u64> = proof.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [8, 9, 10, 11]);
    assert!(proof.context.is_empty());
    let checked = proof.check(&vkey);
    assert!(checked.ok && checked.size == Some(500) && checked.root == Some(ledger.note.checkpoint().root));
    assert_eq!(Proof::from_json(&proof.to_json().unwrap()), Ok(proof.clone()));
    let of_return = ledger.proves(&"shbe/12302/2020-03".parse().unwrap(), false).unwrap();
    assert_eq!(of_return.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [19]);
    assert!(of_return.check(&vkey).ok);
    for seq in [0, 1, 255, 256, 499] {
        assert!(ledger.proves(&Topic::Entry(seq), false).unwrap().check(&vkey).ok, "entry {seq}");
    }
    for nothing in [Topic::Entry(500), "shbe/12302/1999-01".parse().unwrap()] {
        assert!(matches!(ledger.proves(&nothing, false), Err(AuditFault::Nothing(_))));
    }
}

#[test]
fn what_the_checkpoint_does_not_cover_is_left_out_and_told() {
    let ledger = Ledger::new();
    let vkey = ledger.exported.key.vkey();
    // The transfer of entries 99 to 102, by the checkpoint of 100 entries.
    let topic = ledger.transfer(99);
    let note = vkey.verify(&ledger.exported.own[1].1).unwrap();
    let entries = Stored::now(&ledger.store).unwrap();
    let wanted = Wanted { topic: &topic, with_context: false };
    let made = prove(wanted, &entries, &ledger.tree[..100], &vkey, &note).unwrap();
    assert!(made.later && made.proof.check(&vkey).ok);
    assert_eq!(made.proof.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [99]);
}

/// Inclusion cannot show that nothing was taken out, so neither a proof nor evidence claims it.
#[test]
fn a_shortened_proof_does_not_say_that_it_is_all() {
    let ledger = Ledger::new();
    let vkey = ledger.exported.key.vkey();
    let topic = ledger.transfer(8);
    let mut proof = ledger.proves(&topic, true).unwrap();
    let mut says = Vec::new();
    while !proof.entries.is_empty() {
        let archive = pack(&proof, &ledger.note, "hbcourier 0.1.0").unwrap();
        let (checked, found) = (proof.check(&vkey), open(&archive).unwrap().check(&vkey));
        assert!(checked.ok && found.ok && checked.says == found.says, "{} {}", checked.says, found.says);
        let page = String::from_utf8(member(&archive, "summary.txt")).unwrap();
        assert!(page.contains("others about it, this does not show") && !page.contains("Everything that"), "{page}");
        says.push(checked.says);
        proof.entries.pop();
    }
    let rest = "in the ledger of 500 entries that hbcourier/12302 has signed. Whether there are others about it, this does not show.";
    assert_eq!(says[0], format!("These 4 entries about {topic} are {rest}"));
    assert_eq!(says[3], format!("This one entry about {topic} is {rest}"));
    let one = ledger.proves(&Topic::Entry(8), false).unwrap().check(&vkey);
    assert_eq!(one.says, "Entry 8 is in the ledger of 500 entries that hbcourier/12302 has signed.");
}

#[test]
fn whatever_is_altered_in_a_proof_it_proves_no_more() {
    let ledger = Ledger::new();
    let vkey = ledger.exported.key.vkey();
    let proof = ledger.proves(&ledger.transfer(8), true).unwrap();
    assert!(proof.check(&vkey).ok && proof.context.len() == 1);
    let refused = |what: &str, alter: &dyn Fn(&mut Proof)| {
        let mut altered = proof.clone();
        alter(&mut altered);
        let checked = altered.check(&vkey);
        assert!(!checked.ok, "{what}: {}", checked.says);
        checked
    };
    let letters = proof.entries[2].line.len();
    for letter in 0..letters {
        refused("a letter of a line", &|proof| {
            let mut line = proof.entries[2].line.clone().into_bytes();
            line[letter] ^= 1;
            proof.entries[2].line = String::from_utf8_lossy(&line).into_owned();
        });
    }
    for step in 0..proof.entries[1].proof.len() {
        refused("a hash", &|proof| proof.entries[1].proof[step] = Digest::of(b"other"));
        refused("a hash that is missing", &|proof| {
            proof.entries[1].proof.remove(step);
        });
    }
    let moved = refused("a number", &|proof| proof.entries[3].seq += 1);
    assert_eq!(moved.first_bad, Some(12));
    refused("an entry twice", &|proof| proof.entries.push(proof.entries[3].clone()));
    refused("another checkpoint", &|proof| proof.checkpoint = ledger.exported.own[8].1.clone());
    refused("another key", &|proof| proof.vkey = Key::new(8).vkey().to_string());
    refused("another topic", &|proof| proof.about = ledger.transfer(15).to_string());
    // Good entries, but about something else: nothing is shown under a wrong name.
    let other = ledger.proves(&ledger.transfer(15), false).unwrap();
    let smuggled = refused("another's entry", &|proof| proof.entries.extend(other.entries.clone()));
    assert!(smuggled.says.contains("about something else"), "{}", smuggled.says);
    refused("another's entry as context", &|proof| proof.context.extend(other.entries.clone()));
    let by_other = proof.check(&Key::new(8).vkey());
    assert!(!by_other.ok && by_other.says.contains("not believed"), "{}", by_other.says);
}

#[test]
fn evidence_tells_what_came_who_decided_and_what_was_in_force() {
    let ledger = Ledger::new();
    let proof = ledger.proves(&ledger.transfer(8), true).unwrap();
    let archive = pack(&proof, &ledger.note, "hbcourier 0.1.0").unwrap();
    let found = open(&archive).unwrap().check(&ledger.exported.key.vkey());
    assert!(found.ok, "{}", found.says);
    let facts: Value = serde_json::from_slice(&member(&archive, "evidence.json")).unwrap();
    assert_eq!((&facts["received"]["source"], &facts["received"]["bytes"]), (&"drop-12302".into(), &4001.into()));
    assert_eq!((&facts["parts"][0]["to"], &facts["outcome"]["event"]), (&"benefits".into(), &"staged".into()));
    let person = &facts["people"][0];
    assert_eq!((&person["event"], &person["account"]), (&"retry-ordered".into(), &"officer-1".into()));
    assert_eq!((&facts["in_force"][0]["seq"], &facts["in_force"][0]["version"]), (&7.into(), &"0.1.0".into()));
    assert_eq!(facts["ledger"]["size"], 500);
    let page = String::from_utf8(member(&archive, "summary.txt")).unwrap();
    assert!(page.contains("By a person: retry-ordered, by account officer-1 (1001)"), "{page}");
    assert!(page.contains("held") && page.contains("CN-105") && page.contains("LA 12302"), "{page}");
    // The name of the file is in the store, and nowhere in here.
    for name in ["summary.txt", "evidence.json", "proof.json", "checkpoint.txt", "vkey"] {
        let text = String::from_utf8(member(&archive, name)).unwrap();
        assert!(!text.contains("laid-1.pdf") && !text.contains("/backoffice"), "{name}: {text}");
    }
    assert_eq!(archive, pack(&proof, &ledger.note, "hbcourier 0.1.0").unwrap(), "the same each time");
}

#[test]
fn evidence_of_a_return_tells_what_was_owed_and_that_it_was_not_sent() {
    let ledger = Ledger::new();
    let proof = ledger.proves(&"shbe/12302/2020-03".parse().unwrap(), true).unwrap();
    let archive = pack(&proof, &ledger.note, "hbcourier 0.1.0").unwrap();
    let facts: Value = serde_json::from_slice(&member(&archive, "evidence.json")).unwrap();
    assert_eq!((&facts["authority"], &facts["returned"]["transfer_on"]), (&"12302".into(), &"2020-04-14".into()));
    assert_eq!((&facts["returned"]["sent_at"], &facts["returned"]["in_time"]), (&Value::Null, &Value::Null));
    assert!(String::from_utf8(member(&archive, "summary.txt")).unwrap().contains("Owed to DWP on 2020-04-14."));
}

/// Nothing can be put into it that does not follow from what is proven.
#[test]
fn whatever_is_altered_in_evidence_is_refused() {
    let ledger = Ledger::new();
    let vkey = ledger.exported.key.vkey();
    let proof = ledger.proves(&ledger.transfer(8), true).unwrap();
    let archive = pack(&proof, &ledger.note, "hbcourier 0.1.0").unwrap();
    let refused = |what: &str, altered: Vec<u8>| match open(&altered) {
        Err(_) => {}
        Ok(found) => {
            let checked = found.check(&vkey);
            assert!(!checked.ok, "{what}: {}", checked.says);
        }
    };
    for (name, from, to) in [
        ("summary.txt", "CN-105", "CN-106"),
        ("summary.txt", "officer-1", "officer-2"),
        ("evidence.json", "drop-12302", "drop-12303"),
        ("evidence.json", "hbcourier 0.1.0", "hbcourier 0.1.0\\nReceived by nobody"),
        ("proof.json", "retry-ordered", "held"),
        ("checkpoint.txt", "500", "501"),
    ] {
        let altered = altered(&archive, |member, content| {
            let text = String::from_utf8(content).unwrap();
            assert!(member != name || text.contains(from), "{name} has no {from}");
            if member == name { text.replace(from, to).into_bytes() } else { text.into_bytes() }
        });
        refused(name, altered);
    }
    let both = altered(&archive, |member, content| match member {
        "summary.txt" | "evidence.json" => String::from_utf8(content).unwrap().replace("4001", "4002").into_bytes(),
        _ => content,
    });
    refused("facts and page alike", both);
    let mut more = ZipWriter::new_append(Cursor::new(archive.clone())).unwrap();
    more.start_file("letter.txt", SimpleFileOptions::default()).unwrap();
    more.write_all(b"Dear Sir").unwrap();
    refused("a further file", more.finish().unwrap().into_inner());
    refused("no archive", b"PK".to_vec());
}

/// Whatever program opens the archive shows the same, and nothing that was not checked.
#[test]
fn evidence_that_is_packed_otherwise_is_refused() {
    let ledger = Ledger::new();
    let vkey = ledger.exported.key.vkey();
    let proof = ledger.proves(&ledger.transfer(8), true).unwrap();
    let archive = pack(&proof, &ledger.note, "hbcourier 0.1.0").unwrap();
    let refused = |what: &str, altered: &[u8], why: &str| {
        let says = open(altered).map(|found| found.check(&vkey));
        let says = says.map_or_else(|says| says, |checked| format!("{} {}", checked.ok, checked.says));
        assert!(!says.starts_with("true") && says.contains(why), "{what}: {says}");
    };
    let same = altered(&archive, |_, content| content);
    assert!(open(&same).unwrap().check(&vkey).ok, "packed again without an alteration");
    // Of one length, so that the twin can be given the other's name afterwards.
    let mut twice = ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["SUMMARY.TXT", "summary.txt", "evidence.json", "proof.json", "checkpoint.txt", "vkey"] {
        twice.start_file(name, SimpleFileOptions::default()).unwrap();
        let content = if name == "SUMMARY.TXT" { b"Nothing was held.".to_vec() } else { member(&archive, name) };
        twice.write_all(&content).unwrap();
    }
    let mut twice = twice.finish().unwrap().into_inner();
    for at in 0..twice.len() - 11 {
        if twice[at..].starts_with(b"SUMMARY.TXT") {
            twice[at..at + 11].copy_from_slice(b"summary.txt");
        }
    }
    refused("a summary twice", &twice, "twice");
    let mut without = ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["summary.txt", "evidence.json", "proof.json", "checkpoint.txt"] {
        without.start_file(name, SimpleFileOptions::default()).unwrap();
        without.write_all(&member(&archive, name)).unwrap();
    }
    refused("no key", &without.finish().unwrap().into_inner(), "it has no vkey");
    let other = format!("{}\n", Key::new(8).vkey()).into_bytes();
    let other = altered(&archive, |name, content| if name == "vkey" { other.clone() } else { content });
    refused("another key", &other, "the key in the archive is not yours");
    refused("bytes behind it", &[&archive[..], b"Dear Sir"].concat(), "");
    refused("bytes before it", &[b"PK", &archive[..]].concat(), "");
    let mut noted = ZipWriter::new_append(Cursor::new(archive.clone())).unwrap();
    noted.set_comment("Dear Sir").unwrap();
    refused("a comment", &noted.finish().unwrap().into_inner(), "besides");
}

fn member(archive: &[u8], name: &str) -> Vec<u8> {
    let mut zip = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut content = Vec::new();
    zip.by_name(name).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// The archive with its members as this makes them.
fn altered(archive: &[u8], alter: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["summary.txt", "evidence.json", "proof.json", "checkpoint.txt", "vkey"] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&alter(name, member(archive, name))).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
