//! Single bits: every one of the entries, of the hashes, of the notes and of the key.

use hbcourier::audit::{Kind, Notes, Walk, leaf_list};
use hbcourier::domain::checkpoint::Vkey;
use serde_json::Value;

use super::ledger::{Exported, found, verdict};
use super::second::{as_told, asked};

/// Every bit of `entries.jsonl`, by the first verifier: from the walk as it is before each line, clone by clone.
#[test]
fn every_bit_of_the_entries_counts_at_its_entry() {
    let exported = Exported::new();
    let notes = exported.notes();
    let (leaves, rolled) = leaf_list(&exported.read("leaves.txt"), notes.marks());
    let mut before = Walk::new(&leaves, &rolled, &notes);
    let mut count = 0;
    for (index, line) in exported.lines.iter().enumerate() {
        let mut raw = [line.as_slice(), b"\n"].concat();
        let following = exported.lines.get(index + 1);
        for at in 0..raw.len() {
            for bit in 0..8 {
                raw[at] ^= 1 << bit;
                let first = first_bad(before.clone(), &raw, at == line.len(), following.map(Vec::as_slice));
                assert_eq!(first, Some(index as u64), "line {index}, byte {at}, bit {bit}");
                count += 1;
                raw[at] ^= 1 << bit;
            }
        }
        before.text(line).unwrap();
    }
    assert_eq!(count, exported.read("entries.jsonl").len() * 8);
    assert_eq!(before.end().unwrap().bad, None);
}

/// What is wrong first, if the line is read as these bytes. It has lost its end if `endless`.
fn first_bad(mut walk: Walk<'_>, raw: &[u8], endless: bool, following: Option<&[u8]>) -> Option<u64> {
    use hbcourier::audit::line::Lines;
    let mut text = raw.to_vec();
    if let Some(following) = following {
        text.extend_from_slice(following);
        text.push(b'\n');
    }
    assert!(endless != raw.ends_with(b"\n"));
    let mut lines = Lines::new(text.as_slice(), usize::MAX);
    while let Some(piece) = lines.next_line().unwrap() {
        walk.line(piece).unwrap();
    }
    walk.end().unwrap().bad.map(|bad| bad.at)
}

/// The same bits by the second verifier.
#[test]
fn every_bit_of_the_entries_counts_for_the_second_verifier_too() {
    let exported = Exported::new();
    let told = asked(&exported, "flips", None::<&()>);
    assert_eq!(told["wrong"], Value::Array(Vec::new()));
    assert_eq!(told["flips"], exported.read("entries.jsonl").len() * 8);
}

/// Every bit of some lines of `leaves.txt`, and one of every other.
#[test]
fn a_bit_of_the_hashes_is_told_from_one_of_the_entries() {
    let exported = Exported::new();
    let (entries, leaves, notes) = (exported.read("entries.jsonl"), exported.read("leaves.txt"), exported.notes());
    let (mut cases, mut expected) = (Vec::new(), Vec::new());
    for bit in 0..leaves.len() * 8 {
        let line = bit / 8 / 65;
        let whole = [0, 49, 50, 498, 499].contains(&line);
        if !whole && bit % (65 * 8) != line % (65 * 8) {
            continue;
        }
        let mut altered = leaves.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let said = verdict(&entries, &altered, &notes);
        assert_eq!((said.kind, said.first_bad), (Some(Kind::Leaves), Some(line as u64)), "bit {bit}: {}", said.says);
        expected.push(as_told(&said));
        let hex: String = altered.iter().map(|byte| format!("{byte:02x}")).collect();
        cases.push(("leaves.txt".to_owned(), hex));
    }
    assert!(cases.len() > 3000);
    // A hundred of them by the second verifier.
    let step = cases.len() / 100;
    let (cases, expected): (Vec<_>, Vec<_>) = cases.into_iter().zip(expected).step_by(step).unzip();
    assert_eq!(asked(&exported, "files", Some(&cases)), Value::Array(expected));
}

#[test]
fn a_bit_of_a_checkpoint_makes_it_disbelieved_by_both() {
    let exported = Exported::new();
    let (entries, leaves) = (exported.read("entries.jsonl"), exported.read("leaves.txt"));
    let (_, note) = &exported.own[3];
    let mut cases = Vec::new();
    for bit in 0..note.len() * 8 {
        let mut altered = note.clone().into_bytes();
        altered[bit / 8] ^= 1 << (bit % 8);
        let mut notes = found(&exported.own, &[]);
        notes[3].text.clone_from(&altered);
        let notes = Notes::judge(&exported.key.vkey(), notes);
        let said = verdict(&entries, &leaves, &notes);
        assert!(!said.ok && said.kind == Some(Kind::Note) && said.first_bad.is_none(), "bit {bit}: {}", said.says);
        assert!(said.says.contains("checkpoints/200.txt"), "{}", said.says);
        let hex: String = altered.iter().map(|byte| format!("{byte:02x}")).collect();
        cases.push(("checkpoints/200.txt", hex));
    }
    let told = asked(&exported, "files", Some(&cases));
    assert_eq!(told, Value::Array(vec![serde_json::json!([1, 0]); cases.len()]));
}

#[test]
fn a_bit_of_the_trusted_key_is_no_key_or_believes_nothing() {
    let exported = Exported::new();
    let text = exported.key.vkey().to_string();
    for bit in 0..text.len() * 8 {
        let mut altered = text.clone().into_bytes();
        altered[bit / 8] ^= 1 << (bit % 8);
        let Some(other) = String::from_utf8(altered).ok().and_then(|text| text.parse::<Vkey>().ok()) else { continue };
        let notes = Notes::judge(&other, found(&exported.own, &[]));
        assert!(notes.marks().is_empty(), "bit {bit}");
    }
}
