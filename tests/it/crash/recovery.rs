//! The recovery table, row by row: the state is made by killing the service there, and by what others do meanwhile.

use std::fs;
use std::path::PathBuf;

use hbcourier::store::Queries;

use super::calls::carrying::once;
use super::samples::{Sample, Sealed};
use super::scene::{Scene, kill};
use crate::support::council::is_hidden;

/// One LAID on its way, and the path it is delivered to.
struct Row {
    scene: Scene,
    sealed: Sealed,
    content: Vec<u8>,
    path: PathBuf,
}

impl Row {
    fn new() -> Row {
        let scene = Scene::with_senders_names();
        let sample = Sample::pdf(1);
        let sealed = sample.sealed_by(&scene.dwp);
        let path = scene.council.backoffice.join("laid").join(&sample.part_names()[0]);
        Row { scene, sealed, content: sample.parts()[0].clone(), path }
    }

    /// The service took the file and was killed at this step.
    fn killed_at(step: &str) -> Row {
        let mut row = Row::new();
        row.scene.drops(&row.sealed);
        assert!(row.scene.dies_at(&kill(step)), "{step} is not passed");
        row
    }

    /// The file under its hidden name.
    fn part(&self) -> PathBuf {
        let parts = self.scene.council.hidden_parts();
        assert_eq!(parts.len(), 1, "{parts:?}");
        parts[0].clone()
    }

    fn dropped(&self) -> PathBuf {
        self.scene.council.drop.join(&self.sealed.name)
    }

    /// Goes on to the end; delivered once, byte for byte, and nothing is left anywhere.
    fn completes(&mut self) {
        let watch = self.scene.watched(false);
        self.scene.completes();
        self.scene.zeros(watch, 1, "after the row");
    }

    fn events(&self, event: &str) -> usize {
        self.scene.council.entries().iter().filter(|entry| entry["event"] == event).count()
    }

    fn told_of(&self, event: &str, code: &str) -> bool {
        self.scene.council.entries().iter().any(|entry| entry["event"] == event && entry["code"] == code)
    }

    fn is_raised(&self, code: &str) -> bool {
        self.scene.council.store().unwrap().alarms().unwrap().iter().any(|alarm| alarm.code == code)
    }

    /// The name at the source, as the store knows it.
    fn name_of(&self, index: usize) -> Option<String> {
        let id = self.scene.council.consignments()[index].id;
        self.scene.council.store().unwrap().consignment(&id).unwrap().unwrap().1
    }
}

#[test]
fn none_recorded_and_the_source_still_there() {
    let mut row = Row::killed_at("collect.directory-synced");
    assert_eq!(fs::read_dir(row.scene.council.state.join("spool/raw")).unwrap().count(), 1);
    row.completes();
    assert_eq!((row.events("collected"), row.events("collected-recovered")), (1, 0));
    assert_eq!(row.name_of(0).as_deref(), Some(row.sealed.name.as_str()), "under its own name");
}

#[test]
fn none_recorded_and_the_source_gone() {
    let mut row = Row::killed_at("collect.directory-synced");
    fs::remove_file(row.dropped()).unwrap();
    row.completes();
    assert_eq!((row.events("collected"), row.events("collected-recovered")), (0, 1));
    assert_eq!(row.name_of(0).as_deref(), Some(""), "nobody knows its name any more");
}

#[test]
fn none_recorded_and_the_source_out_of_sight_at_the_start() {
    let mut row = Row::killed_at("collect.directory-synced");
    let drop = row.scene.council.drop.clone();
    let away = drop.with_file_name("away");
    fs::rename(&drop, &away).unwrap();
    let ran = once(&row.scene).output().unwrap();
    assert_eq!(row.events("closed"), 1, "{}", String::from_utf8_lossy(&ran.stderr));
    fs::rename(&away, &drop).unwrap();
    row.completes();
    assert_eq!((row.events("collected-recovered"), row.events("closed")), (1, 1));
}

#[test]
fn none_recorded_and_another_file_of_that_name() {
    let mut row = Row::killed_at("collect.directory-synced");
    let other = Sealed { name: row.sealed.name.clone(), ..Sample::xml(2, 100).sealed_by(&row.scene.dwp) };
    row.scene.drops(&other);
    row.completes();
    assert_eq!((row.events("collected"), row.events("collected-recovered")), (1, 1));
}

#[test]
fn collected_and_another_file_of_that_name_at_the_source() {
    let mut row = Row::killed_at("collect.recorded");
    assert!(row.dropped().exists(), "recorded before it is cleared");
    let other = Sealed { name: row.sealed.name.clone(), ..Sample::xml(2, 100).sealed_by(&row.scene.dwp) };
    row.scene.drops(&other);
    row.completes();
    assert_eq!(row.events("collected"), 2);
}

/// What lies hidden in the drop folder.
fn hidden(row: &Row) -> PathBuf {
    let dropped = row.scene.dropped();
    let hidden: Vec<&PathBuf> = dropped.iter().filter(|path| is_hidden(path)).collect();
    assert_eq!(hidden.len(), 1, "{dropped:?}");
    hidden[0].clone()
}

#[test]
fn collected_and_on_its_way_out_of_the_drop_folder() {
    let mut row = Row::killed_at("collect.withdrawn");
    assert_eq!((fs::read(hidden(&row)).unwrap(), row.dropped().exists()), (row.sealed.bytes.clone(), false));
    row.completes();
    assert_eq!((row.events("collected"), row.events("source-cleared-again")), (1, 1));
}

/// A writer had renamed it over the collected one; another has taken its name meanwhile.
#[test]
fn collected_and_another_file_on_its_way_out_of_the_drop_folder() {
    for name_is_taken in [false, true] {
        let mut row = Row::killed_at("collect.withdrawn");
        let named = |sample: Sample| Sealed { name: row.sealed.name.clone(), ..sample.sealed_by(&row.scene.dwp) };
        let (second, third) = (named(Sample::xml(2, 100)), named(Sample::xml(3, 100)));
        row.scene.expected.file(&second);
        fs::write(hidden(&row), &second.bytes).unwrap();
        if name_is_taken {
            row.scene.drops(&third);
        }
        row.completes();
        assert_eq!(row.events("collected"), 2 + usize::from(name_is_taken));
        assert_eq!(row.events("source-cleared-again"), 0);
        assert_eq!(row.scene.council.log().contains("`.given-back-`"), name_is_taken, "it is said");
    }
}

#[test]
fn collected_and_our_part_half_written() {
    let mut row = Row::killed_at("stage.directory-synced");
    let half = &row.content[..row.content.len() / 2];
    fs::write(row.part(), half).unwrap();
    row.completes();
    assert_eq!(row.events("delivered"), 1);
}

/// Somebody else's file, even one with the very content: nothing of ours is published before Staged.
#[test]
fn collected_and_the_final_name_taken() {
    let mut row = Row::killed_at("open.opened");
    for theirs in [b"theirs".to_vec(), row.content.clone()] {
        fs::write(&row.path, &theirs).unwrap();
        row.scene.completes();
        assert_eq!(row.scene.council.codes(), ["CN-120"]);
        assert_eq!(fs::read(&row.path).unwrap(), theirs, "never overwritten");
        assert!(row.scene.council.hidden_parts().is_empty());
        row.scene.sets_back();
        row.scene.drops(&row.sealed);
        assert!(row.scene.dies_at(&kill("open.opened")));
    }
}

#[test]
fn staged_with_a_good_part() {
    let mut row = Row::killed_at("stage.recorded");
    assert_eq!(fs::read(row.part()).unwrap(), row.content);
    row.completes();
    assert_eq!((row.events("delivered-recovered"), row.events("possible-republish")), (1, 0));
}

#[test]
fn staged_with_a_bad_part() {
    let mut row = Row::killed_at("stage.recorded");
    fs::write(row.part(), b"damaged").unwrap();
    row.completes();
    assert!(row.told_of("alarm-raised", "CN-508") && row.told_of("deferred", "CN-312"));
    assert!(!row.is_raised("CN-508"), "well again");
}

/// The damaged part must not be gone before it is recorded that the file is opened again.
#[test]
fn staged_with_a_bad_part_and_killed_again() {
    let mut row = Row::killed_at("stage.recorded");
    fs::write(row.part(), b"damaged").unwrap();
    for step in ["outcome.decided", "outcome.recorded"] {
        assert!(row.scene.dies_at(&kill(step)), "{step} is not passed");
    }
    row.completes();
}

#[test]
fn staged_and_published() {
    let mut row = Row::killed_at("publish.renamed");
    assert_eq!(fs::read(&row.path).unwrap(), row.content);
    row.completes();
    assert_eq!(row.events("delivered-recovered"), 1);
}

#[test]
fn staged_published_and_taken() {
    let mut row = Row::killed_at("publish.renamed");
    fs::remove_file(&row.path).unwrap();
    row.scene.completes();
    assert_eq!(row.events("delivered-taken"), 1);
    assert!(row.scene.council.delivered().is_empty(), "not published again");
    row.scene.council.ledger();
}

/// As a file system without a journal may have it: the part's name is there again, and not what it held.
#[test]
fn staged_published_and_taken_and_after_a_power_cut_the_part_is_there_without_its_content() {
    let mut row = Row::killed_at("publish.renamed");
    let store = row.scene.council.store().unwrap();
    let delivery = store.deliveries(&row.scene.council.consignments()[0].id).unwrap().remove(0);
    fs::remove_file(&row.path).unwrap();
    fs::write(row.path.with_file_name(format!(".hbcourier-{}.part", delivery.id)), b"").unwrap();
    row.scene.council.start_rebooted(&[]);
    row.scene.council.until("it is delivered again", |council| council.all_rest(1));
    row.scene.council.stops_well();
    assert_eq!(row.events("possible-republish"), 1, "nobody can tell, and that is said");
    assert_eq!(fs::read(&row.path).unwrap(), row.content);
    assert!(row.scene.council.hidden_parts().is_empty());
    row.scene.council.ledger();
}

#[test]
fn staged_published_and_replaced() {
    let mut row = Row::killed_at("publish.renamed");
    fs::write(&row.path, b"theirs").unwrap();
    row.scene.completes();
    assert_eq!(row.scene.council.codes(), ["CN-121"]);
    assert!(row.is_raised("CN-509"));
    assert_eq!(fs::read(&row.path).unwrap(), b"theirs");
    row.scene.council.ledger();
}

/// Held, with nothing left of ours; delivered once a person has moved the other file away and says so.
#[test]
fn staged_and_another_file_under_the_final_name() {
    let mut row = Row::killed_at("stage.recorded");
    fs::write(&row.path, b"theirs").unwrap();
    row.scene.completes();
    assert_eq!(row.scene.council.codes(), ["CN-120"]);
    assert_eq!(fs::read(&row.path).unwrap(), b"theirs");
    assert!(row.scene.council.hidden_parts().is_empty());
    fs::remove_file(&row.path).unwrap();
    let id = row.scene.council.consignments()[0].id.to_string();
    let watch = row.scene.watched(false);
    row.scene.council.start();
    let retried = row.scene.council.runs(&["held", "retry", &id, "--by", "Officer", "--reason", "moved it away"]);
    assert!(retried.status.success(), "{retried:?}");
    assert!(!row.scene.is_killed("retried"));
    row.scene.zeros(watch, 1, "retried");
}

#[test]
fn staged_and_the_same_file_under_the_final_name() {
    let mut row = Row::killed_at("stage.recorded");
    fs::write(&row.path, &row.content).unwrap();
    row.completes();
    assert_eq!(row.events("delivered-recovered"), 1);
}

#[test]
fn delivered_with_a_part_left() {
    let mut row = Row::killed_at("publish.recorded");
    let store = row.scene.council.store().unwrap();
    let delivery = &store.deliveries(&row.scene.council.consignments()[0].id).unwrap()[0];
    fs::write(row.path.with_file_name(format!(".hbcourier-{}.part", delivery.id)), &row.content).unwrap();
    row.completes();
}
