//! Checkpoints of a real store on a clock that the tests set: when they are made, what leaves, what is never signed.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::SecretString;

use super::*;
use crate::domain::checkpoint::{Checkpoint, Continuation};
use crate::domain::ledger::Entry;
use crate::effects::clock::VirtualClock;
use crate::effects::ledger_key::{HEAD_FILE, KEY_FILE};
use crate::store::samples::remark;
use crate::store::{SqliteStore, verify};

/// A ledger, its key, and somebody with a folder who keeps its checkpoints.
struct House {
    dir: tempfile::TempDir,
    clock: Arc<VirtualClock>,
    store: SqliteStore,
    checkpoints: Checkpoints,
    watch: Watch,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn opened(dir: &Path, clock: Arc<VirtualClock>) -> (SqliteStore, Checkpoints) {
    let state = dir.join("state");
    let store = SqliteStore::open(&state).unwrap();
    LedgerKey::make(&state, "hbcourier/12302").unwrap();
    let secret = SecretString::from(fs::read_to_string(state.join(KEY_FILE)).unwrap());
    let folder = Way::Folder(AuditFolder::new(dir.join("audit")));
    let checkpoints = Checkpoints {
        recorder: Arc::new(store.recorder()),
        queries: Arc::new(store.queries()),
        key: LedgerKey::open(&state, "hbcourier/12302", &secret).unwrap(),
        clock,
        recipients: vec![Recipient { name: "internal-audit".parse().unwrap(), way: folder }],
        making: Mutex::default(),
    };
    (store, checkpoints)
}

impl House {
    fn new() -> House {
        let dir = tempfile::tempdir().unwrap();
        ["state", "audit"].iter().for_each(|part| fs::create_dir(dir.path().join(part)).unwrap());
        let clock = Arc::new(VirtualClock::showing(at("2020-07-01T09:00:00Z")));
        let (store, checkpoints) = opened(dir.path(), clock.clone());
        let house = House { dir, clock, store, checkpoints, watch: Watch::default() };
        house.records(3);
        house
    }

    fn records(&self, entries: u32) {
        for _ in 0..entries {
            self.store.recorder().record(remark()).unwrap();
        }
    }

    fn happens(&self, event: Event) {
        let change = Change { event, ..remark() };
        self.store.recorder().record(change).unwrap();
    }

    fn is_due(&mut self) -> bool {
        self.checkpoints.is_due(&mut self.watch).unwrap()
    }

    fn makes(&self) -> KeptCheckpoint {
        self.checkpoints.make(&Ordered::BY_ITSELF).unwrap()
    }

    fn audit(&self) -> PathBuf {
        self.dir.path().join("audit")
    }

    /// What lies in the auditor's folder with this ending, sorted.
    fn lies_there(&self, ending: &str) -> Vec<String> {
        let files = fs::read_dir(self.audit()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = files.filter(|name| name.ends_with(ending)).collect();
        names.sort();
        names
    }

    fn alarms(&self) -> Vec<String> {
        self.store.queries().alarms().unwrap().into_iter().map(|alarm| alarm.code).collect()
    }

    fn events(&self) -> Vec<Event> {
        let lines = self.store.queries().ledger(0, 1000).unwrap();
        lines.iter().map(|(_, line)| serde_json::from_slice::<Entry>(line).unwrap().event).collect()
    }

    /// Ends, and starts again with what is on disk.
    fn restarts(self) -> House {
        let House { dir, clock, store, checkpoints, .. } = self;
        drop((store, checkpoints));
        let (store, checkpoints) = opened(dir.path(), clock.clone());
        House { dir, clock, store, checkpoints, watch: Watch::default() }
    }

    /// The database is exchanged behind the service's back, and the service starts.
    fn restarts_with(self, exchange: impl FnOnce(&Path)) -> House {
        let House { dir, clock, store, checkpoints, .. } = self;
        drop((store, checkpoints));
        exchange(&dir.path().join("state/store.sqlite"));
        let (store, checkpoints) = opened(dir.path(), clock.clone());
        House { dir, clock, store, checkpoints, watch: Watch::default() }
    }

    fn holds(&self) -> Result<(), String> {
        self.checkpoints.hold(&self.store.queries()).unwrap()
    }
}

#[test]
fn one_is_due_at_first_and_with_each_day_of_london() {
    let mut house = House::new();
    assert!(house.is_due(), "there is none yet");
    house.makes();
    assert!(!house.is_due());
    for (before, after) in
        [("2020-07-01T22:59:59Z", "2020-07-01T23:00:00Z"), ("2020-07-02T22:59:59Z", "2020-07-05T12:00:00Z")]
    {
        house.clock.advance_to(at(before));
        assert!(!house.is_due(), "{before}");
        house.clock.advance_to(at(after));
        assert!(house.is_due(), "{after}");
        house.makes();
        assert!(!house.is_due(), "once a day: {after}");
        house = house.restarts();
        assert!(!house.is_due(), "also over a restart: {after}");
    }
    let made = house.events().iter().filter(|event| **event == Event::CheckpointMade).count();
    assert_eq!(made, 3);
}

#[test]
fn one_is_due_at_once_after_what_matters_and_not_after_anything_else() {
    let mut house = House::new();
    house.makes();
    for event in [Event::KeyTrusted, Event::KeyGenerated] {
        house.records(5);
        assert!(!house.is_due());
        house.happens(event);
        assert!(house.is_due(), "{event}");
        assert!(house.is_due(), "until one is made");
        house.records(1);
        let made = house.makes();
        house.checkpoints.leave_to_all().unwrap();
        assert!(!house.is_due(), "nor after its own entries");
        assert_eq!(house.store.queries().latest_checkpoint().unwrap(), Some(made));
    }
    house.happens(Event::KeyTrusted);
    house = house.restarts();
    assert!(house.is_due(), "a restart loses none");
}

#[test]
fn each_is_signed_kept_told_and_leaves_with_its_proof() {
    let house = House::new();
    let vkey = house.checkpoints.key.vkey().clone();
    let mut earlier: Option<Checkpoint> = None;
    for n in 0..5 {
        let made = house.makes();
        assert!(house.checkpoints.leave_to_all().unwrap());
        assert_eq!(house.lies_there(".txt").len(), n + 1);
        let note = fs::read_to_string(house.audit().join(format!("{}.txt", made.stem()))).unwrap();
        let signed = vkey.verify(&note).unwrap();
        assert_eq!((signed.checkpoint().size, signed.checkpoint().root), (made.size, made.root));
        let proof = fs::read_to_string(house.audit().join(format!("{}.proof", made.stem()))).unwrap();
        assert!(proof.starts_with("# Keep "), "{proof}");
        let proof: Continuation = proof.parse().unwrap();
        match &earlier {
            None => assert_eq!((proof.from, proof.hashes.len()), (0, 0)),
            Some(earlier) => assert!(proof.shows(earlier, signed.checkpoint()), "{proof}"),
        }
        earlier = Some(signed.checkpoint().clone());
        house.records(7);
        assert!(house.checkpoints.leave_to_all().unwrap(), "nothing new to take away");
    }
    let verdict = verify(&house.store.queries()).unwrap();
    assert!(verdict.ok && verdict.checkpoints.len() == 5, "{verdict:?}");
    assert_eq!(house.events().iter().filter(|event| **event == Event::CheckpointLeft).count(), 5);
}

#[test]
fn only_the_latest_leaves_and_its_proof_continues_the_last_that_left() {
    let house = House::new();
    house.checkpoints.leave_to_all().unwrap();
    let first = house.makes();
    house.checkpoints.leave_to_all().unwrap();
    fs::rename(house.audit(), house.dir.path().join("away")).unwrap();
    for _ in 0..3 {
        house.records(2);
        house.makes();
        assert!(!house.checkpoints.leave_to_all().unwrap());
    }
    fs::rename(house.dir.path().join("away"), house.audit()).unwrap();
    assert!(house.checkpoints.leave_to_all().unwrap());
    let latest = house.store.queries().latest_checkpoint().unwrap().unwrap();
    assert_eq!(house.lies_there(".txt").len(), 2);
    let proof: Continuation =
        fs::read_to_string(house.audit().join(format!("{}.proof", latest.stem()))).unwrap().parse().unwrap();
    assert_eq!((proof.from, proof.size), (first.size, latest.size));
}

#[test]
fn a_recipient_that_misses_one_for_a_day_is_an_alarm_until_it_leaves() {
    let house = House::new();
    fs::rename(house.audit(), house.dir.path().join("away")).unwrap();
    house.makes();
    assert!(!house.checkpoints.leave_to_all().unwrap());
    assert!(house.alarms().is_empty(), "not at once");
    // A later one does not put it off.
    house.clock.advance_to(at("2020-07-02T08:59:59Z"));
    house.makes();
    assert!(!house.checkpoints.leave_to_all().unwrap());
    assert!(house.alarms().is_empty());
    house.clock.advance_to(at("2020-07-02T09:00:00Z"));
    for _ in 0..2 {
        assert!(!house.checkpoints.leave_to_all().unwrap());
        assert_eq!(house.alarms(), ["CN-547"]);
    }
    let house = house.restarts();
    assert_eq!(house.alarms(), ["CN-547"]);
    fs::rename(house.dir.path().join("away"), house.audit()).unwrap();
    assert!(house.checkpoints.leave_to_all().unwrap());
    assert!(house.alarms().is_empty());
    let told = |event| house.events().iter().filter(|one| **one == event).count();
    assert_eq!((told(Event::AlarmRaised), told(Event::AlarmCleared)), (1, 1));
    assert!(verify(&house.store.queries()).unwrap().ok);
}

#[test]
fn another_file_of_that_name_is_left_alone_and_told() {
    let house = House::new();
    let made = house.makes();
    let taken = house.audit().join(format!("{}.txt", made.stem()));
    fs::write(&taken, "theirs").unwrap();
    assert!(!house.checkpoints.leave_to_all().unwrap());
    assert_eq!(fs::read_to_string(&taken).unwrap(), "theirs");
    house.clock.advance_to(at("2020-07-02T09:00:00Z"));
    assert!(!house.checkpoints.leave_to_all().unwrap());
    assert_eq!(house.alarms(), ["CN-547"]);
}

#[test]
fn an_older_copy_of_the_store_neither_holds_nor_is_signed() {
    let house = House::new();
    house.makes();
    let house = house.restarts();
    let copy = house.dir.path().join("copy");
    let house = house.restarts_with(|store| assert!(fs::copy(store, &copy).is_ok()));
    house.records(4);
    let last = house.makes();
    let house = house.restarts_with(|store| assert!(fs::copy(&copy, store).is_ok()));
    let says = house.holds().unwrap_err();
    assert!(says.contains(&format!("a checkpoint over {} was signed", last.size)), "{says}");
    let unmade = house.checkpoints.make(&Ordered::BY_ITSELF).unwrap_err();
    assert!(unmade.is_critical(), "{unmade}");
    // Grown beyond the size that was signed it is another ledger all the same.
    house.records(20);
    assert!(house.holds().unwrap_err().contains("was rewritten"));
    let unmade = house.checkpoints.make(&Ordered::BY_ITSELF).unwrap_err();
    assert!(unmade.is_critical(), "{unmade}");
    assert_eq!(house.checkpoints.key.last().unwrap().size, last.size, "nothing was signed");
}

#[test]
fn what_was_signed_last_is_taken_from_the_store_where_its_note_was_lost() {
    let house = House::new();
    let made = house.makes();
    fs::remove_file(house.dir.path().join("state").join(HEAD_FILE)).unwrap();
    let house = house.restarts();
    assert!(house.checkpoints.key.last().is_none());
    house.holds().unwrap();
    assert_eq!(house.checkpoints.key.last().unwrap().size, made.size);
    house.records(1);
    house.makes();
    assert!(verify(&house.store.queries()).unwrap().ok);
}

#[test]
fn what_was_signed_and_not_recorded_before_a_crash_is_recorded_then() {
    let house = House::new();
    house.makes();
    let house = house.restarts();
    let copy = house.dir.path().join("copy");
    let house = house.restarts_with(|store| assert!(fs::copy(store, &copy).is_ok()));
    // Signed over what the copy has, too; then the record of it is lost.
    let signed = house.makes();
    let house = house.restarts_with(|store| assert!(fs::copy(&copy, store).is_ok()));
    house.holds().unwrap();
    let made = house.makes();
    let kept = house.store.queries().checkpoints(0, 10).unwrap();
    assert_eq!(kept.len(), 3);
    assert_eq!((kept[1].size, &kept[1].note), (signed.size, &signed.note));
    assert!(made.size > signed.size && verify(&house.store.queries()).unwrap().ok);
}

#[test]
fn an_empty_ledger_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("state")).unwrap();
    let clock = Arc::new(VirtualClock::showing(at("2020-07-01T09:00:00Z")));
    let (_store, checkpoints) = opened(dir.path(), clock);
    assert!(matches!(checkpoints.make(&Ordered::BY_ITSELF), Err(Unmade::Empty)));
    assert!(checkpoints.leave_to_all().unwrap(), "there is none to take");
}

#[test]
fn a_key_that_cannot_note_down_what_it_signs_signs_nothing() {
    let house = House::new();
    house.makes();
    house.records(2);
    // The name of the note on its way is taken by a folder that is not empty.
    let way = house.dir.path().join("state/keys/.ledger.head.part");
    fs::create_dir(&way).unwrap();
    let unmade = house.checkpoints.make(&Ordered::BY_ITSELF).unwrap_err();
    assert!(matches!(unmade, Unmade::Unsigned(Unsigned::Head(_))) && !unmade.is_critical(), "{unmade}");
    house.checkpoints.can_be_made(false).unwrap();
    assert_eq!(house.alarms(), ["CN-548"]);
    fs::remove_dir(&way).unwrap();
    house.makes();
    house.checkpoints.can_be_made(true).unwrap();
    assert!(house.alarms().is_empty());
}

/// A made-up second key, so that notes by it are no good here.
#[test]
fn a_note_by_another_key_in_the_store_does_not_hold() {
    let (house, other) = (House::new(), House::new());
    house.makes();
    let forged = other.makes();
    let note = forged.note.replace('\'', "''");
    let house = house.restarts_with(|store| {
        let raw = rusqlite::Connection::open(store).unwrap();
        raw.execute(&format!("UPDATE checkpoint SET note = '{note}'"), []).unwrap();
    });
    assert!(house.holds().is_err());
    assert!(house.checkpoints.key.vkey().verify(&forged.note).is_err());
}
