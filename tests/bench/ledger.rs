//! What the measurement of a very long ledger needs besides the program: the ledger.
//!
//! In:  `fill STATE ENTRIES`: transfers from collected to closed, recorded by the store's own writer, many at a time as in a
//! burst. `tests/bench/run --only ledger` calls it.
//! Out: a line of JSON: milliseconds for each thousand entries in its order, every commit on the disk.
//! `append STATE ENTRIES`: the same of entries that move nothing, so that the ledger is measured without the tables beside it.
//! `hold STATE`: what every start does with the ledger, and proofs, the slowest of many, in milliseconds.

// As in the tests: the world around the product fails loudly.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use hbcourier::domain::checkpoint::Vkey;
use hbcourier::domain::ledger::{Event, Facts, PartFacts};
use hbcourier::domain::merkle::proof::{consistency, inclusion};
use hbcourier::domain::{
    Actor, Consignment, ConsignmentId, Delivery, DeliveryId, Digest, FileKind, Naming, Revision, Standing,
};
use hbcourier::store::{Change, Named, NewConsignment, Queries, Recorder, SqliteStore, StateChange, holds};
use jiff::Timestamp;

/// Callers at once: the writer commits whatever waits.
const CALLERS: u32 = 128;
/// Entries of one transfer: collected, staged, delivered, closed.
const EACH: u32 = 4;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["fill", state, entries] => fill(Path::new(state), entries.parse().unwrap(), transfer),
        ["append", state, entries] => fill(Path::new(state), entries.parse().unwrap(), alone),
        ["hold", state] => hold(Path::new(state)),
        _ => {
            eprintln!("fill STATE ENTRIES, append STATE ENTRIES, or hold STATE");
            std::process::exit(2);
        }
    }
}

fn fill(state: &Path, entries: u32, changes: fn(Timestamp, u32) -> [Change; EACH as usize]) {
    let store = SqliteStore::open(state).unwrap();
    // The last of them came just now, and the first is not so old that anything of it would be erased.
    let first = Timestamp::now() - Duration::from_secs(u64::from(entries / EACH));
    let (next, (told, times)) = (AtomicU32::new(0), channel());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            let (recorder, told, next) = (store.recorder(), told.clone(), &next);
            scope.spawn(move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= entries / EACH {
                        break;
                    }
                    for change in changes(first, n) {
                        let seq = recorder.record(change).unwrap().seq;
                        told.send((seq, begun.elapsed())).unwrap();
                    }
                }
            });
        }
        drop(told);
    });
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_unstable();
    let ends: Vec<f64> = times
        .chunks(1000)
        .map(|chunk| chunk.iter().map(|(_, at)| at.as_secs_f64() * 1000.0).fold(0.0, f64::max))
        .collect();
    let spent: Vec<f64> = ends.iter().scan(0.0, |before, end| Some(end - std::mem::replace(before, *end))).collect();
    println!("{}", serde_json::to_string(&spent).unwrap());
}

fn hold(state: &Path) {
    let queries = SqliteStore::read_only(state).unwrap();
    let vkey = Vkey::new("hbcourier/12302", [0; 32]).unwrap();
    let begun = Instant::now();
    let head = holds(&queries, &vkey, None).unwrap().unwrap();
    let held = begun.elapsed();
    let tree: &dyn Queries = &queries;
    let mut slowest = Duration::ZERO;
    for n in 1..=1000 {
        let at = head.entries * n / 1001;
        let begun = Instant::now();
        inclusion(tree, at, head.entries).unwrap();
        consistency(tree, at, head.entries).unwrap();
        slowest = slowest.max(begun.elapsed());
    }
    let milliseconds = |spent: Duration| spent.as_secs_f64() * 1000.0;
    println!(r#"{{"entries":{},"hold":{},"proof":{}}}"#, head.entries, milliseconds(held), milliseconds(slowest));
}

/// As many entries as a transfer has, of its first one's length.
fn alone(first: Timestamp, n: u32) -> [Change; EACH as usize] {
    let [Change { at, actor, facts, .. }, ..] = transfer(first, n);
    let entry = || Change {
        at,
        actor: actor.clone(),
        event: Event::ServiceStarted,
        facts: Facts { content: facts.name.map(|name| name.0), name: None, ..facts.clone() },
        names: Vec::new(),
        state: StateChange::None,
    };
    std::array::from_fn(|_| entry())
}

/// One transfer's way from collected to closed.
fn transfer(first: Timestamp, n: u32) -> [Change; EACH as usize] {
    let at = first + Duration::from_secs(u64::from(n));
    let sealed = Digest::of(format!("sealed {n}").as_bytes());
    let content = Digest::of(format!("content {n}").as_bytes());
    let id = ConsignmentId::derive(&"drop-12302".parse().unwrap(), &n.to_string(), &sealed);
    let named = Named::new(format!("laid-{n}.pdf.pgp"));
    let consignment = Consignment {
        id,
        source: "drop-12302".parse().unwrap(),
        authority: "12302".parse().unwrap(),
        received_at: at,
        sealed_digest: sealed,
        sealed_bytes: 100_000,
        revision: Revision(0),
        standing: Standing::Collected { at },
        signer: None,
    };
    let facts = Facts {
        source: Some(consignment.source.clone()),
        name: Some(named.commitment()),
        sealed: Some(sealed),
        bytes: Some(100_000),
        ..Facts::default()
    };
    let new = NewConsignment { consignment, native: Digest::of(&n.to_be_bytes()), name: named.commitment() };
    let change = |event, facts, names, state| Change { at, actor: Actor::Service, event, facts, names, state };
    let collected = change(Event::Collected, facts, vec![named], StateChange::Collect(Box::new(new)));

    let final_name = Named::new(format!("laid-{n}.pdf"));
    let destination = "benefits".parse().unwrap();
    let delivery = Delivery {
        naming: Naming::Senders,
        id: DeliveryId::derive(&id, 0, &destination),
        consignment: id,
        part: 0,
        kind: FileKind::LaidPdf,
        digest: content,
        bytes: 99_000,
        destination: destination.clone(),
        path: format!("/srv/backoffice/12302/laid/laid-{n}.pdf").into(),
        place: None,
        published: false,
    };
    let part = PartFacts {
        naming: Some(Naming::Senders),
        delivery: delivery.id,
        kind: delivery.kind,
        content,
        bytes: delivery.bytes,
        to: destination,
        name: final_name.commitment(),
        derived: false,
    };
    let moved = |expect, standing, deliveries, accepts: Vec<Digest>, signer| StateChange::Consignment {
        id,
        expect: Revision(expect),
        standing,
        deliveries,
        authority: None,
        accepts,
        signer,
    };
    let staged = moved(
        0,
        Standing::Staged { at, boot: "boot".into() },
        Some(vec![delivery]),
        vec![content],
        Some("0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap()),
    );
    let facts = Facts { parts: vec![part], ..Facts::default() };
    let rest = |expect, standing| moved(expect, standing, None, Vec::new(), None);
    [
        collected,
        change(Event::Staged, facts, vec![final_name], staged),
        change(Event::Delivered, Facts::default(), Vec::new(), rest(1, Standing::Delivered { at })),
        change(Event::Closed, Facts::default(), Vec::new(), rest(2, Standing::Closed { at })),
    ]
}
