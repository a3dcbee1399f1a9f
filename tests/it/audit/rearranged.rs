//! Lines removed, doubled, put elsewhere, added, cut off; also by somebody who makes the hashes fit again, and by
//! somebody who has the key.

use std::collections::BTreeSet;

use hbcourier::audit::{Kind, Notes};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use serde_json::{Value, json};

use super::ledger::{Exported, Key, found, joined, leaves_of, verdict};
use super::second::{as_told, asked};

/// One rearranged ledger.
#[derive(Clone, Serialize)]
struct Case {
    /// Numbers stand for lines of the export, texts for themselves.
    lines: Vec<Value>,
    /// So many bytes are missing at the end.
    cut: usize,
    leaves: Leaves,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Leaves {
    /// The export's own.
    Kept,
    /// Made for these lines.
    Made,
}

/// A ledger, and what must be found: with the hashes that were exported, and with hashes that were made to fit.
struct Expected {
    case: Case,
    kept: (Kind, u64),
    made: (Kind, u64),
}

fn lines(order: impl IntoIterator<Item = usize>) -> Vec<Value> {
    order.into_iter().map(Value::from).collect()
}

fn case(lines: Vec<Value>, kept: (Kind, u64), made: (Kind, u64)) -> Expected {
    Expected { case: Case { lines, cut: 0, leaves: Leaves::Kept }, kept, made }
}

/// Every one of the 500 in each way.
fn every_way() -> Vec<Expected> {
    let mut all = Vec::new();
    for at in 0..500_usize {
        let place = at as u64;
        let others = (0..500).filter(|line| *line != at);
        let is_last = at == 499;
        // Removed: whoever renumbers nothing is found at the place, whatever the hashes.
        let (kept, made) = if is_last { (Kind::Cut, Kind::Cut) } else { (Kind::Missing, Kind::Misnumbered) };
        all.push(case(lines(others), (kept, place), (made, place)));
        // Doubled: the copy stands at the next place.
        let doubled = (0..=at).chain(at..500);
        all.push(case(lines(doubled), (Kind::Doubled, place + 1), (Kind::Misnumbered, place + 1)));
        // Swapped with the next.
        if !is_last {
            let swapped = (0..at).chain([at + 1, at]).chain(at + 2..500);
            all.push(case(lines(swapped), (Kind::Moved, place), (Kind::Misnumbered, place)));
        }
        // Cut off before it.
        if at > 0 {
            all.push(case(lines(0..at), (Kind::Cut, place), (Kind::Cut, place)));
        }
    }
    all
}

/// A line that was never recorded, put in at every place, under the number of that place or another.
fn insertions(exported: &Exported) -> Vec<Expected> {
    let mut all = Vec::new();
    for at in 0..=500_usize {
        let place = at as u64;
        let model = String::from_utf8(exported.lines[at.min(499)].clone()).unwrap();
        let forged = model.replace("12302", "12303").replace("0.1.0", "0.1.1").replace("remark", "Remark");
        let forged = forged.replacen(&format!("{{\"seq\":{},", at.min(499)), &format!("{{\"seq\":{at},"), 1);
        let forged = forged.replace("CN-105", "CN-104").replace("benefits", "benefitz").replace("asked", "Asked");
        let (head, tail) = (lines(0..at), lines(at..500));
        let with = |line: &str| [head.clone(), vec![Value::from(line)], tail.clone()].concat();
        assert!(!exported.lines.contains(&forged.clone().into_bytes()));
        // With the place's own number it is the next line that bears a wrong one; the last place has no next.
        let made = if at == 500 { (Kind::Uncovered, 500) } else { (Kind::Misnumbered, place + 1) };
        all.push(case(with(&forged), (Kind::Inserted, place), made));
        all.push(case(with("{}"), (Kind::Inserted, place), (Kind::Misnumbered, place)));
    }
    all
}

/// A few hundred pairs of lines that change places, near and far.
fn far_swaps() -> Vec<Expected> {
    let mut random = StdRng::seed_from_u64(5);
    let mut all = Vec::new();
    while all.len() < 300 {
        let (one, other) = (random.random_range(0..500), random.random_range(0..500));
        let (low, high) = (one.min(other), one.max(other));
        if low < high {
            let mut order: Vec<usize> = (0..500).collect();
            order.swap(low, high);
            all.push(case(lines(order), (Kind::Moved, low as u64), (Kind::Misnumbered, low as u64)));
        }
    }
    all
}

/// Both verifiers, with both kinds of hashes.
fn hold(exported: &Exported, all: Vec<Expected>) {
    let notes = exported.notes();
    let original = exported.read("leaves.txt");
    let (mut cases, mut found_first) = (Vec::new(), Vec::new());
    for Expected { case, kept, made } in all {
        let own: Vec<Vec<u8>> = case
            .lines
            .iter()
            .map(|line| match line.as_u64() {
                Some(line) => exported.lines[line as usize].clone(),
                None => line.as_str().unwrap().as_bytes().to_vec(),
            })
            .collect();
        let mut entries = joined(&own);
        entries.truncate(entries.len() - case.cut);
        for (leaves, expected) in [(Leaves::Kept, kept), (Leaves::Made, made)] {
            let made_to_fit = || {
                let mut own = own.clone();
                if case.cut > 1 {
                    let last = own.last_mut().unwrap();
                    last.truncate(last.len() + 1 - case.cut);
                }
                leaves_of(&own)
            };
            let text = if leaves == Leaves::Kept { original.clone() } else { made_to_fit() };
            let said = verdict(&entries, &text, &notes);
            let short: Vec<_> = case.lines.iter().skip(expected.1.saturating_sub(1) as usize).take(3).collect();
            assert_eq!((said.kind.unwrap(), said.first_bad.unwrap()), expected, "{} {short:?}", said.says);
            assert!(!said.ok);
            found_first.push(as_told(&said));
            cases.push(Case { leaves, ..case.clone() });
        }
    }
    let notes: Vec<Value> =
        exported.own.iter().map(|(size, text)| json!([format!("checkpoints/{size}.txt"), text, false])).collect();
    let told = asked(exported, "cases", Some(&json!({ "notes": notes, "cases": cases })));
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), found_first.len());
    for (nth, (second, first)) in told.iter().zip(&found_first).enumerate() {
        assert_eq!(second, first, "case {nth}");
    }
}

#[test]
fn every_removal_doubling_swap_and_cut_is_found_at_its_place_by_both() {
    let exported = Exported::new();
    hold(&exported, every_way());
}

#[test]
fn every_insertion_and_far_swap_is_found_at_its_place_by_both() {
    let exported = Exported::new();
    let all = insertions(&exported).into_iter().chain(far_swaps()).collect();
    hold(&exported, all);
}

#[test]
fn a_cut_within_a_line_is_found_at_that_line_by_both() {
    let exported = Exported::new();
    let mut all = Vec::new();
    for at in (1..=500).step_by(7) {
        let last = exported.lines[at - 1].len() + 1;
        // Only its end is missing; a few bytes; all but one.
        for cut in [1, 5, last - 1] {
            let case = Case { lines: lines(0..at), cut, leaves: Leaves::Kept };
            let cut = (Kind::Cut, at as u64 - 1);
            all.push(Expected { case, kept: cut, made: cut });
        }
    }
    hold(&exported, all);
}

/// Who alters entries, numbers the rest anew and makes all hashes fit is bounded by the checkpoints.
#[test]
fn what_is_rewritten_with_its_hashes_is_bounded_by_checkpoints_for_both() {
    let exported = Exported::new();
    let mut all = Vec::new();
    for at in (0..500_usize).step_by(3) {
        let altered = String::from_utf8(exported.lines[at].clone()).unwrap().replacen("\"boot\":\"", "\"boot\":\"x", 1);
        let mut rewritten = lines(0..500);
        rewritten[at] = altered.into();
        let agreed = (at / 50 * 50) as u64;
        all.push(case(rewritten, (Kind::Altered, at as u64), (Kind::Rewritten, agreed)));
        // Removed, and all behind it numbered anew.
        let renumbered = |line: usize| {
            let text = String::from_utf8(exported.lines[line].clone()).unwrap();
            Value::from(text.replacen(&format!("{{\"seq\":{line},"), &format!("{{\"seq\":{},", line - 1), 1))
        };
        let removed = lines(0..at).into_iter().chain((at + 1..500).map(renumbered)).collect();
        // The last checkpoint is of one entry more than there are now.
        let made = if at >= 450 { (Kind::Cut, 499) } else { (Kind::Rewritten, agreed) };
        let kept = if at == 499 { (Kind::Cut, 499) } else { (Kind::Altered, at as u64) };
        all.push(case(removed, kept, made));
    }
    hold(&exported, all);
}

/// Who has the key and signs another history is found out by checkpoints that were kept, between the right two.
#[test]
fn a_fork_with_the_real_key_is_found_by_checkpoints_kept_elsewhere() {
    let exported = Exported::new();
    let mut random = StdRng::seed_from_u64(6);
    let (mut cases, mut firsts) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let forked = random.random_range(0..500_usize);
        let mut other = exported.lines.clone();
        for line in &mut other[forked..] {
            *line = String::from_utf8(line.clone()).unwrap().replacen("\"boot\":\"", "\"boot\":\"x", 1).into_bytes();
        }
        let mut sizes: Vec<usize> = (0..random.random_range(1..6)).map(|_| random.random_range(1..=500)).collect();
        let anchors = exported.key.signs_all(&exported.lines, &sizes);
        sizes.sort_unstable();
        let own_sizes: Vec<usize> = (1..=10).map(|nth| nth * 50).collect();
        let own = exported.key.signs_all(&other, &own_sizes);
        let found = found(&own, &anchors);
        let said_notes: Vec<Value> = found
            .iter()
            .map(|note| json!([note.from, String::from_utf8(note.text.clone()).unwrap(), note.anchor]))
            .collect();
        let said = verdict(&joined(&other), &leaves_of(&other), &Notes::judge(&exported.key.vkey(), found));
        let agreed = sizes.iter().copied().filter(|size| *size <= forked).max().unwrap_or(0) as u64;
        if sizes.iter().all(|size| *size <= forked) {
            assert!(said.ok, "no checkpoint was kept from behind {forked}: {sizes:?}, {}", said.says);
        } else {
            assert_eq!(
                (said.kind, said.first_bad),
                (Some(Kind::Fork), Some(agreed)),
                "{forked} {sizes:?} {}",
                said.says
            );
        }
        firsts.push(as_told(&said));
        let lines: Vec<String> = other.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        cases.push(json!({ "lines": lines, "notes": said_notes }));
    }
    assert_eq!(asked(&exported, "ledgers", Some(&cases)), Value::Array(firsts));
}

/// Several alterations at once, of lines, hashes and checkpoints: whatever is found, both find it.
#[test]
fn whatever_is_altered_at_once_both_say_the_same() {
    let exported = Exported::new();
    let mut random = StdRng::seed_from_u64(9);
    let lines = &exported.lines[..40];
    let all: Vec<usize> = (0..=40).collect();
    let signed = exported.key.signs_all(lines, &all);
    let of_others = Key::new(8).signs_all(lines, &all);
    let elsewhere = exported.key.signs_all(&exported.lines[100..140], &all);
    let (mut cases, mut firsts, mut kinds) = (Vec::new(), Vec::new(), BTreeSet::new());
    for _ in 0..5000 {
        let mut mine: Vec<Vec<u8>> = lines[..random.random_range(0..=40)].to_vec();
        let mut some = |from: &[(usize, String)], one_in: u32, most: usize| -> Vec<(usize, String)> {
            let wanted = random.random_ratio(1, one_in);
            (0..most).filter(|_| wanted).map(|_| from[random.random_range(0..=mine.len())].clone()).collect()
        };
        let (mut own, mut anchors) = (some(&signed, 1, 3), some(&signed, 2, 2));
        own.extend(some(&elsewhere, 12, 1));
        own.extend(some(&of_others, 20, 1));
        anchors.extend(some(&elsewhere, 6, 1));
        let original = leaves_of(&mine);
        for _ in 0..random.random_range(0..3) {
            let Some(last) = mine.len().checked_sub(1) else { break };
            let (one, other) = (random.random_range(0..=last), random.random_range(0..=last));
            match random.random_range(0..5) {
                0 => drop(mine.remove(one)),
                1 => mine.insert(one, mine[other].clone()),
                2 => mine.swap(one, other),
                3 => mine.insert(one, format!("{{\"seq\":{},\"x\":1}}", random.random_range(0..50)).into_bytes()),
                _ => mine.truncate(one),
            }
        }
        let mut entries = joined(&mine);
        let cut = if random.random_ratio(1, 8) { random.random_range(0..9).min(entries.len()) } else { 0 };
        entries.truncate(entries.len() - cut);
        let mut leaves = if random.random_bool(0.5) { original } else { leaves_of(&mine) };
        if random.random_ratio(1, 6) && !leaves.is_empty() {
            let at = random.random_range(0..leaves.len());
            leaves[at] = [b'a', b'\n', b'x'][random.random_range(0..3)];
        }
        let found = found(&own, &anchors);
        let notes: Vec<Value> = found
            .iter()
            .map(|note| json!([note.from, String::from_utf8(note.text.clone()).unwrap(), note.anchor]))
            .collect();
        let said = verdict(&entries, &leaves, &Notes::judge(&exported.key.vkey(), found));
        kinds.insert(said.kind.map(|kind| kind.to_string()));
        firsts.push(as_told(&said));
        let lines: Vec<String> = mine.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        let leaves = String::from_utf8(leaves).unwrap();
        cases.push(json!({ "lines": lines, "cut": cut, "leaves": leaves, "notes": notes }));
    }
    assert!(kinds.len() >= 13, "nearly every kind of fault comes up, and none: {kinds:?}");
    let told = asked(&exported, "ledgers", Some(&cases));
    for (nth, (second, first)) in told.as_array().unwrap().iter().zip(&firsts).enumerate() {
        assert_eq!(second, first, "{}", cases[nth]);
    }
    assert_eq!(told.as_array().unwrap().len(), firsts.len());
}
