//! Ledgers for these tests: one recorded by the real store, many made up; and a key that signs checkpoints of them.

use std::fs;
use std::path::Path;

use hbcourier::audit::export::{Contents, Summary, export};
use hbcourier::audit::line::{LINE_BYTES_MAX, Lines};
use hbcourier::audit::verdict::Circumstances;
use hbcourier::audit::{FoundNote, Notes, Verdict, Walk, leaf_list};
use hbcourier::domain::checkpoint::{Checkpoint, Vkey};
use hbcourier::domain::ledger::{Commitment, Event, Facts, PartFacts};
use hbcourier::domain::merkle::{Frontier, leaf};
use hbcourier::domain::{
    Actor, Consignment, ConsignmentId, Delivery, DeliveryId, Digest, FileKind, HoldReason, Naming, Revision, Standing,
};
use hbcourier::store::{Auditable, Change, Named, NewConsignment, Queries, Recorder, SqliteStore, StateChange};
use jiff::Timestamp;
use jiff::civil::date;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;

pub const ORIGIN: &str = "hbcourier/12302";

/// Lines of a ledger, without their ends.
pub type Lines500 = Vec<Vec<u8>>;

/// The ledger's key.
pub struct Key(PKey<Private>);

impl Key {
    pub fn new(seed: u8) -> Key {
        Key(PKey::private_key_from_raw_bytes(&[seed; 32], Id::ED25519).unwrap())
    }

    pub fn vkey(&self) -> Vkey {
        Vkey::new(ORIGIN, self.0.raw_public_key().unwrap().try_into().unwrap()).unwrap()
    }

    /// A note of a tree of this size and root.
    pub fn signs(&self, size: u64, root: Digest) -> String {
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root };
        let mut signer = Signer::new_without_digest(&self.0).unwrap();
        let signature = signer.sign_oneshot_to_vec(checkpoint.to_string().as_bytes()).unwrap();
        checkpoint.note(&self.vkey(), &signature.try_into().unwrap())
    }

    /// Notes of the first so many of these lines.
    pub fn signs_all(&self, lines: &[Vec<u8>], sizes: &[usize]) -> Vec<(usize, String)> {
        let mut tree = Frontier::default();
        let mut notes = Vec::new();
        for size in 0..=lines.len() {
            if sizes.contains(&size) {
                notes.push((size, self.signs(size as u64, tree.root())));
            }
            if let Some(line) = lines.get(size) {
                tree.push(leaf(line));
            }
        }
        notes
    }
}

/// Notes as they are found in an export, and kept elsewhere.
pub fn found(own: &[(usize, String)], anchors: &[(usize, String)]) -> Vec<FoundNote> {
    let note = |(size, text): &(usize, String), called: &str, anchor| FoundNote {
        from: format!("{called}/{size}.txt"),
        text: text.clone().into_bytes(),
        anchor,
    };
    let own = own.iter().map(|one| note(one, "checkpoints", false));
    own.chain(anchors.iter().map(|one| note(one, "anchors", true))).collect()
}

/// What the first verifier says of these files' content.
pub fn verdict(entries: &[u8], leaves: &[u8], notes: &Notes) -> Verdict {
    let (leaves, rolled) = leaf_list(leaves, notes.marks());
    let mut walk = Walk::new(&leaves, &rolled, notes);
    let mut lines = Lines::new(entries, LINE_BYTES_MAX);
    while let Some(piece) = lines.next_line().unwrap() {
        if walk.is_settled() {
            walk.pass();
        } else {
            walk.line(piece).unwrap();
        }
    }
    Verdict::of(&walk.end().unwrap(), notes, Circumstances::default())
}

/// The content of `entries.jsonl`.
pub fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}

/// The content of `leaves.txt`.
pub fn leaves_of(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| format!("{}\n", leaf(line)).into_bytes()).collect()
}

/// An export of 500 entries of many kinds, as the real store recorded them, with a checkpoint at every fiftieth.
pub struct Exported {
    pub dir: tempfile::TempDir,
    pub key: Key,
    pub lines: Lines500,
    pub own: Vec<(usize, String)>,
}

impl Exported {
    pub fn new() -> Exported {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        fs::create_dir(&state).unwrap();
        let store = SqliteStore::open(&state).unwrap();
        record(&store.recorder(), 500);
        let queries = store.queries();
        let lines: Lines500 = queries.ledger(0, 500).unwrap().into_iter().map(|(_, line)| line).collect();
        assert_eq!((lines.len(), queries.head().unwrap().entries), (500, 500));
        let key = Key::new(7);
        let sizes: Vec<usize> = (1..=10).map(|nth| nth * 50).collect();
        let own = key.signs_all(&lines, &sizes);
        let vkey = key.vkey();
        let view = queries.snapshot().unwrap();
        let notes = own.iter().map(|(_, note)| vkey.verify(note).unwrap()).collect();
        let contents = Contents { view: &*view, notes, vkey: Some(&vkey), until: None };
        let Summary { entries, uncovered, ok, .. } =
            export(&dir.path().join("export"), &contents, &mut |_| {}).unwrap();
        assert!(ok && entries == 500 && uncovered == 0);
        drop(view);
        fs::write(dir.path().join("ledger.vkey"), format!("{vkey}\n")).unwrap();
        Exported { dir, key, lines, own }
    }

    pub fn folder(&self) -> std::path::PathBuf {
        self.dir.path().join("export")
    }

    pub fn vkey_file(&self) -> std::path::PathBuf {
        self.dir.path().join("ledger.vkey")
    }

    pub fn notes(&self) -> Notes {
        Notes::judge(&self.key.vkey(), found(&self.own, &[]))
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder().join(name)).unwrap()
    }
}

/// Copies an export's files, one level deep.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_588_000_000 + second).unwrap()
}

/// Records exactly so many entries: transfers that are held, tried again and staged, returns, alarms, starts, refusals.
pub fn record(recorder: &dyn Recorder, entries: usize) {
    let mut changes = Vec::new();
    let mut nth = 0;
    while changes.len() < entries {
        changes.extend(changes_about(nth));
        nth += 1;
    }
    for change in changes.into_iter().take(entries) {
        recorder.record(change).unwrap();
    }
}

fn changes_about(nth: u32) -> Vec<Change> {
    let person = Actor::Account { uid: 1000 + nth % 3, name: format!("officer-{}", nth % 3) };
    let change = |event, facts, state| Change {
        at: at(i64::from(nth)),
        actor: Actor::Service,
        event,
        facts,
        names: Vec::new(),
        state,
    };
    let source = "drop-12302".parse().unwrap();
    let sealed = Digest::of(&nth.to_be_bytes());
    let id = ConsignmentId::derive(&source, &nth.to_string(), &sealed);
    let named = Named::new(format!("laid-{nth}.pdf.pgp"));
    let consignment = Consignment {
        id,
        source: source.clone(),
        authority: "12302".parse().unwrap(),
        received_at: at(i64::from(nth)),
        sealed_digest: sealed,
        sealed_bytes: 4000 + u64::from(nth),
        revision: Revision(0),
        standing: Standing::Collected { at: at(i64::from(nth)) },
        signer: None,
    };
    let new = NewConsignment {
        consignment,
        native: Digest::of(format!("native {nth}").as_bytes()),
        name: named.commitment(),
    };
    let facts = Facts {
        source: Some(source),
        name: Some(named.commitment()),
        sealed: Some(sealed),
        bytes: Some(4000 + u64::from(nth)),
        ..Facts::default()
    };
    let collect = Change { names: vec![named], ..change(Event::Collected, facts, StateChange::Collect(Box::new(new))) };
    let moves = |expect, standing, deliveries, accepts: Vec<Digest>| StateChange::Consignment {
        id,
        expect: Revision(expect),
        standing,
        deliveries,
        authority: None,
        accepts,
        signer: None,
    };
    let hold = Standing::Held { since: at(1), reason: HoldReason::Unsigned, restored: false };
    let code = Facts { code: Some("CN-105".to_owned()), ..Facts::default() };
    let held = change(Event::Held, code, moves(0, hold, None, Vec::new()));
    let why = Facts { why: Some("asked DWP, who confirmed it".to_owned()), ..Facts::default() };
    let again = moves(1, Standing::Collected { at: at(2) }, None, Vec::new());
    let retried = Change { actor: person, ..change(Event::RetryOrdered, why, again) };
    let destination: hbcourier::domain::DestinationName = "benefits".parse().unwrap();
    let kind = FileKind::ALL[nth as usize % FileKind::ALL.len()];
    let content = Digest::of(format!("content {nth}").as_bytes());
    let delivery = Delivery {
        naming: Naming::Senders,
        id: DeliveryId::derive(&id, 0, &destination),
        consignment: id,
        part: 0,
        kind,
        digest: content,
        bytes: 10,
        destination: destination.clone(),
        path: format!("/backoffice/{nth}").into(),
        place: None,
        published: false,
    };
    let part = PartFacts {
        naming: Some(Naming::Senders),
        delivery: delivery.id,
        kind,
        content,
        bytes: 10,
        to: destination,
        name: Commitment::to(&[7; 16], "made up"),
        derived: false,
    };
    let staged = moves(2, Standing::Staged { at: at(2), boot: "boot".into() }, Some(vec![delivery]), vec![content]);
    let staged = change(Event::Staged, Facts { parts: vec![part], ..Facts::default() }, staged);
    let month = format!("shbe/12302/{}-{:02}", 2020 + nth / 12, nth % 12 + 1);
    let owe = StateChange::Owe {
        key: month.parse().unwrap(),
        extract_from: Some(date(2020, 4, 7)),
        transfer_on: date(2020, 4, 14),
    };
    let remark = Facts { about: Some(format!("a remark with signs, \"{nth}\" and £")), ..Facts::default() };
    vec![
        change(Event::ServiceStarted, Facts { version: Some("0.1.0".into()), ..Facts::default() }, StateChange::None),
        collect,
        held,
        retried,
        staged,
        change(Event::Scheduled, Facts::default(), owe),
        change(Event::OrderRefused, remark, StateChange::None),
    ]
}
