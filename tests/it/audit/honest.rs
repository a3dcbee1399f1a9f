//! Honest ledgers: the roots are everybody's, and nothing is found.

use hbcourier::audit::Notes;
use hbcourier::domain::ledger::{Entry, Event, Facts};
use hbcourier::domain::merkle::{Frontier, leaf};
use hbcourier::domain::{Actor, Digest};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::ledger::{Exported, Key, found, joined, leaves_of, verdict};
use super::second::{as_told, asked};

/// A made-up ledger of so many entries.
fn ledger(random: &mut StdRng, entries: usize) -> Vec<Vec<u8>> {
    let events =
        [Event::ServiceStarted, Event::AlarmRaised, Event::AlarmCleared, Event::OrderRefused, Event::KeyTrusted];
    let entry = |seq| {
        let actor = match random.random_range(0..3) {
            0 => Actor::Account { uid: random.random_range(0..2000), name: "officer".to_owned() },
            _ => Actor::Service,
        };
        let facts = Facts {
            about: random.random_bool(0.5).then(|| "x".repeat(random.random_range(0..300))),
            content: random.random_bool(0.5).then(|| Digest::from_bytes(random.random())),
            ..Facts::default()
        };
        let at = Timestamp::from_second(random.random_range(1_500_000_000..1_700_000_000)).unwrap();
        let event = events[random.random_range(0..events.len())];
        serde_json::to_vec(&Entry { seq, at, boot: "boot".to_owned(), actor, event, facts }).unwrap()
    };
    (0..entries as u64).map(entry).collect()
}

#[test]
fn a_thousand_trees_have_the_roots_of_an_independent_implementation() {
    let exported = Exported::new();
    let mut random = StdRng::seed_from_u64(1);
    let (mut trees, mut roots) = (Vec::new(), Vec::new());
    for nth in 0..1000_usize {
        // The small ones all, and larger ones at random.
        let leaves = if nth < 130 { nth } else { random.random_range(0..600) };
        let lines: Vec<String> = (0..leaves).map(|_| format!("{:x}", random.random::<u128>())).collect();
        let mut tree = Frontier::default();
        lines.iter().for_each(|line| tree.push(leaf(line.as_bytes())));
        let root = tree.root().to_string();
        roots.push(json!([root, root]));
        trees.push(lines);
    }
    assert_eq!(asked(&exported, "roots", Some(&trees)), Value::Array(roots));
}

#[test]
fn a_thousand_honest_ledgers_raise_no_alarm_with_either_verifier() {
    let exported = Exported::new();
    let (key, mut random) = (Key::new(7), StdRng::seed_from_u64(2));
    let (mut cases, mut firsts) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        let entries = random.random_range(0..120);
        let lines = ledger(&mut random, entries);
        let mut some = |most: usize| -> Vec<usize> {
            (0..random.random_range(0..most)).map(|_| random.random_range(0..=entries)).collect()
        };
        let (mut own, anchors) = (some(4), some(3));
        own.push(entries);
        let found = found(&key.signs_all(&lines, &own), &key.signs_all(&lines, &anchors));
        let notes: Vec<Value> = found
            .iter()
            .map(|note| json!([note.from, String::from_utf8(note.text.clone()).unwrap(), note.anchor]))
            .collect();
        let said = verdict(&joined(&lines), &leaves_of(&lines), &Notes::judge(&key.vkey(), found));
        assert!(
            said.ok && said.first_bad.is_none() && said.uncovered == 0,
            "{entries} {own:?} {anchors:?}: {}",
            said.says
        );
        firsts.push(as_told(&said));
        let lines: Vec<String> = lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        cases.push(json!({ "lines": lines, "notes": notes }));
    }
    assert_eq!(asked(&exported, "ledgers", Some(&cases)), Value::Array(firsts));
}
