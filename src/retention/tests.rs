//! What is due when and by which rule, over a real store and spool: all of it is erased, and nothing else.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::keeps::Keeps;
use super::{ERASED_MAX, Looked, Retention, next_look, outlook};
use crate::config::Settings;
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Entry, Event, Facts};
use crate::domain::{Actor, Keep, ReturnOrder, Stage, Standing};
use crate::effects::clock::Clock;
use crate::effects::spool::Spool;
use crate::store::samples::*;
use crate::store::{Change, Keeping, Queries, Recorder, Settled, SqliteStore, StateChange, verify};

const DAY: Duration = Duration::from_secs(86_400);
const SHBE: &str = "shbe/12302/2020-04";

struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn since_boot(&self) -> Duration {
        Duration::ZERO
    }
}

struct World {
    state: tempfile::TempDir,
    store: SqliteStore,
    clock: Arc<Hands>,
    retention: Retention,
}

impl World {
    /// Everything is kept a hundred days, what was rejected ten; it is the day on which everything arrives.
    fn new() -> World {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("hbcourier.toml");
        fs::write(&file, include_str!("../../config/hbcourier.minimal.toml")).unwrap();
        let mut settings: Settings = crate::config::load_with_env(&file, []).unwrap();
        let keep = &mut settings.service.retention;
        (keep.keep_original, keep.keep_names, keep.keep_sealed) = (days(100), days(100), days(100));
        keep.keep_rejected = days(10);
        let store = SqliteStore::open(state.path()).unwrap();
        let clock = Arc::new(Hands(Mutex::new(at(0))));
        let retention = Retention {
            recorder: Arc::new(store.recorder()),
            queries: Arc::new(store.queries()),
            spool: Arc::new(Spool::open(state.path()).unwrap()),
            clock: clock.clone(),
            settings,
            erased_max: ERASED_MAX,
        };
        World { state, store, clock, retention }
    }

    fn record(&self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            self.store.recorder().record(change).unwrap();
        }
    }

    fn archived(&self, n: u32) -> PathBuf {
        self.state.path().join(format!("archive/{}.pgp", id(n)))
    }

    fn spooled(&self, n: u32) -> PathBuf {
        self.state.path().join(format!("spool/raw/drop-12302.{}", id(n)))
    }

    /// The n-th transfer, delivered under a sender's names, closed, its original archived.
    fn closes(&self, n: u32) {
        self.record([
            collect(n),
            staged_by_sender(n, 0, n + 1000),
            move_to(n, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
            move_to(n, 2, Event::Closed, Standing::Closed { at: at(9) }),
        ]);
        fs::write(self.archived(n), "sealed").unwrap();
    }

    /// The n-th transfer, rejected, its original where it was collected.
    fn rejects(&self, n: u32) {
        self.record([collect(n), held(n, 0), rejected(n, 1)]);
        fs::write(self.spooled(n), "sealed").unwrap();
    }

    fn sealed(&self) -> PathBuf {
        self.state.path().join(format!("sealed/{}.pgp", sealed().sealed))
    }

    /// A return that was sent.
    fn sends(&self) {
        let sending = Stage::Sending { at: at(6), attempt: 1, boot: "boot".into(), place: None };
        self.record([
            owe(SHBE),
            return_to(SHBE, 0, Event::Sealed, Stage::Sealed, Some(sealed())),
            return_to(SHBE, 1, Event::Sending, sending, None),
            return_to(SHBE, 2, Event::Sent, Stage::Sent { at: at(9), reply: "250".into() }, None),
        ]);
        fs::write(self.sealed(), "sealed").unwrap();
    }

    fn after(&self, days: u32) {
        *self.clock.0.lock().unwrap() = at(10) + DAY * days;
    }

    fn looks(&self) -> Looked {
        self.retention.look().unwrap()
    }

    fn is_sound(&self) -> bool {
        verify(&self.store.queries()).unwrap().ok
    }

    /// The rules that entries of this event name.
    fn rules(&self, event: Event) -> Vec<String> {
        let lines = self.store.queries().ledger(0, 100_000).unwrap();
        let entries = lines.iter().map(|(_, line)| serde_json::from_slice::<Entry>(line).unwrap());
        entries.filter(|entry| entry.event == event).filter_map(|entry| entry.facts.rule).collect()
    }
}

fn days(days: u32) -> Keep {
    Keep::For(DAY * days)
}

fn erased(originals: usize, names: usize) -> Looked {
    Looked { originals, names, ..Looked::default() }
}

#[test]
fn a_restored_state_erases_nothing_until_somebody_has_compared_it() {
    let world = World::new();
    world.closes(1);
    let about = "The state is a backup".to_owned();
    let alarm = |event, notice| Change {
        at: at(9),
        actor: Actor::Service,
        event,
        facts: Facts { about: Some(about.clone()), ..Facts::default() },
        names: Vec::new(),
        state: StateChange::Alarm { about: about.clone(), notice },
    };
    world.record([alarm(Event::AlarmRaised, Some(AlarmReason::Restored.notice(&about)))]);
    world.after(101);
    assert_eq!(world.looks(), Looked::default());
    assert!(world.archived(1).exists(), "it may have been put on hold after the backup");
    world.record([alarm(Event::AlarmCleared, None)]);
    assert_eq!(world.looks().originals, 1);
    assert!(!world.archived(1).exists() && world.is_sound());
}

#[test]
fn each_is_erased_when_its_time_has_come_and_not_before() {
    let world = World::new();
    world.closes(1);
    world.rejects(2);
    world.sends();
    world.record([collect(3), collect(4), held(4, 0)]);
    fs::write(world.spooled(3), "sealed").unwrap();
    fs::write(world.spooled(4), "sealed").unwrap();
    world.after(9);
    assert_eq!(world.looks(), erased(0, 0));
    world.after(10);
    assert_eq!(world.looks(), erased(1, 0), "what was rejected");
    assert!(!world.spooled(2).exists() && world.archived(1).exists() && world.sealed().exists());
    world.after(99);
    assert_eq!(world.looks(), erased(0, 0));
    world.after(100);
    assert_eq!(world.looks(), erased(2, 2));
    assert!(!world.archived(1).exists() && !world.sealed().exists());
    assert_eq!(world.looks(), erased(0, 0), "once");
    world.after(10_000);
    assert_eq!(world.looks(), erased(0, 0), "what is under way, or waits for a person, stays");
    assert!(world.spooled(3).exists() && world.spooled(4).exists());
    assert_eq!(world.rules(Event::OriginalErased), ["keep_rejected 10d", "keep_original 100d", "keep_sealed 100d"]);
    assert_eq!(world.rules(Event::NamesErased), ["keep_names 100d", "keep_names 100d"]);
    assert!(world.is_sound());
}

#[test]
fn a_legal_hold_keeps_everything_until_it_is_lifted() {
    let world = World::new();
    world.closes(1);
    world.closes(2);
    world.sends();
    world.record([place_hold(&id(1).to_string()), place_hold(SHBE)]);
    world.after(1000);
    assert_eq!(world.looks(), erased(1, 1));
    assert!(world.archived(1).exists() && world.sealed().exists() && !world.archived(2).exists());
    world.record([lift_hold(&id(1).to_string()), lift_hold(SHBE), place_hold("12302")]);
    assert_eq!(world.looks(), erased(0, 0));
    world.record([lift_hold("12302")]);
    assert_eq!(world.looks(), erased(2, 1));
    assert!(!world.archived(1).exists() && !world.sealed().exists());
    assert!(world.is_sound());
}

/// What an entry says is erased and still lies there, as after a crash, is removed at the next look.
#[test]
fn what_was_recorded_and_not_removed_is_removed() {
    let world = World::new();
    world.closes(1);
    world.rejects(2);
    world.sends();
    world.after(100);
    assert_eq!(world.looks(), erased(3, 2));
    let again = [world.archived(1), world.spooled(2), world.sealed()];
    again.iter().for_each(|path| fs::write(path, "sealed").unwrap());
    assert_eq!(world.looks(), erased(0, 0));
    assert!(again.iter().all(|path| !path.exists()));
}

#[test]
fn a_look_ends_at_its_limit_and_the_next_goes_on() {
    let mut world = World::new();
    (1..=3).for_each(|n| world.closes(n));
    world.retention.erased_max = 4;
    world.after(100);
    let first = world.looks();
    assert!(first.more && first.originals + first.names == 4, "{first:?}");
    assert_eq!(world.looks(), erased(1, 1));
    assert!(world.is_sound());
}

#[test]
fn what_cannot_be_removed_is_told_and_tried_again() {
    let world = World::new();
    world.closes(1);
    world.after(100);
    fs::remove_file(world.archived(1)).unwrap();
    fs::create_dir(world.archived(1)).unwrap();
    assert!(world.looks().trouble);
    let alarms = world.store.queries().alarms().unwrap();
    assert_eq!((alarms[0].about.as_str(), alarms[0].code.as_str()), ("retention", "CN-555"));
    fs::remove_dir(world.archived(1)).unwrap();
    fs::write(world.archived(1), "sealed").unwrap();
    assert!(!world.looks().trouble && !world.archived(1).exists());
    assert!(world.store.queries().alarms().unwrap().is_empty() && world.is_sound());
}

#[test]
fn the_name_of_an_open_workbook_stays() {
    let world = World::new();
    world.closes(1);
    world.record([open_workbook(1, 0, "2020-04")]);
    world.after(100);
    assert_eq!(world.looks(), erased(1, 0));
    assert_eq!(outlook(&world.store.queries(), &world.retention.settings, at(20)).unwrap().open_workbooks, 1);
    world.record([close_workbook("2020-04")]);
    assert_eq!(world.looks(), erased(0, 1));
}

/// A return that a late report says did not arrive is somebody's to decide about, and what was sealed is what is sent again.
#[test]
fn a_return_that_is_not_over_keeps_what_was_sealed() {
    let world = World::new();
    world.sends();
    world.record([return_to(SHBE, 3, Event::SendFailed, Stage::Failed { at: at(9), reply: "report".into() }, None)]);
    world.after(1000);
    assert_eq!(world.looks(), erased(0, 0));
    let mut waived = return_to(SHBE, 4, Event::ReturnOrdered, Stage::Waived { at: at(9) }, None);
    waived.facts.order = Some(ReturnOrder::Waive);
    world.record([waived]);
    assert_eq!(world.looks(), erased(1, 0));
}

#[test]
fn the_longest_rule_of_its_routes_decides() {
    let mut world = World::new();
    world.closes(1);
    let routes = &mut world.retention.settings.authorities[0].routes;
    (routes[0].keep_original, routes[0].keep_names) = (Some(days(1)), Some(Keep::Forever));
    let (first, second) = (routes[0].destination.clone(), routes[1].destination.clone());
    let settled = world.store.queries().settled(None, 1).unwrap().remove(0);
    let by = |destinations: Vec<_>| Settled { destinations, ..settled.clone() };
    let keeps = Keeps::of(&world.retention.settings);
    let original = |destinations| keeps.original(&by(destinations)).text();
    assert_eq!(original(vec![first.clone()]), format!("keep_original 1d, route {first}"));
    assert_eq!(original(vec![second.clone()]), "keep_original 100d");
    assert_eq!(original(vec![first.clone(), second.clone()]), "keep_original 100d", "the longest");
    assert_eq!(original(Vec::new()), "keep_original 100d", "nothing was delivered");
    assert_eq!(original(vec!["elsewhere".parse().unwrap()]), "keep_original 100d", "a route that is gone");
    let names = |destinations| keeps.names(&by(destinations)).text();
    assert_eq!(names(vec![first.clone(), second.clone()]), format!("keep_names forever, route {first}"));
    assert_eq!(names(vec![second]), "keep_names 100d");
}

#[test]
fn the_outlook_is_what_happens() {
    let world = World::new();
    world.closes(1);
    world.closes(2);
    world.rejects(3);
    world.sends();
    world.record([place_hold(&id(2).to_string())]);
    let told = outlook(&world.store.queries(), &world.retention.settings, at(20)).unwrap();
    let due: Vec<_> = told.due.iter().map(|due| (due.on.unwrap().to_string(), due.rule, due.count)).collect();
    let (may, august) = ("2020-05-07".to_owned(), "2020-08-05".to_owned());
    assert_eq!(
        due,
        [
            (may, "keep_rejected", 1),
            (august.clone(), "keep_original", 1),
            (august.clone(), "keep_names", 2),
            (august, "keep_sealed", 1),
        ]
    );
    assert_eq!((told.under_hold, told.legal_holds.len()), (1, 1));
    assert_eq!(told.next_look, next_look(at(20)));
    world.after(100);
    let told = outlook(&world.store.queries(), &world.retention.settings, world.clock.now()).unwrap();
    let now: u64 = told.due.iter().map(|due| due.count).sum();
    let Looked { originals, names, .. } = world.looks();
    assert_eq!(now, (originals + names) as u64);
    assert!(outlook(&world.store.queries(), &world.retention.settings, at(20)).unwrap().due.is_empty());
}

#[test]
fn the_next_look_is_at_four_in_london_whatever_the_clocks_do() {
    let next = |text: &str| next_look(text.parse().unwrap()).to_string();
    assert_eq!(next("2020-01-10T03:59:59Z"), "2020-01-10T04:00:00Z");
    assert_eq!(next("2020-01-10T04:00:00Z"), "2020-01-11T04:00:00Z");
    assert_eq!(next("2020-03-29T00:30:00Z"), "2020-03-29T03:00:00Z", "summer time began at one");
    assert_eq!(next("2020-10-25T00:30:00Z"), "2020-10-25T04:00:00Z", "it ended at two");
}
