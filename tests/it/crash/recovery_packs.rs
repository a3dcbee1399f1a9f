//! Packs of three, interrupted between their parts: each part once, and none lost by a second crash.

use std::fs;
use std::path::PathBuf;

use super::samples::Sample;
use super::scene::{Scene, kill};

struct Pack {
    scene: Scene,
    /// Where each part is delivered.
    paths: Vec<PathBuf>,
}

impl Pack {
    fn new() -> Pack {
        let scene = Scene::with_senders_names();
        let sample = Sample::pack(1);
        let folders = ["hbms", "hbms", "risk"].map(|folder| scene.council.backoffice.join(folder));
        let paths = folders.iter().zip(sample.part_names()).map(|(folder, name)| folder.join(name)).collect();
        scene.drops(&sample.sealed_by(&scene.dwp));
        Pack { scene, paths }
    }

    fn dies_at(&mut self, failpoints: &str) {
        assert!(self.scene.dies_at(failpoints), "{failpoints} is not passed");
    }

    /// A person orders that what is held be tried again.
    fn retried(&self) {
        let held = self.scene.council.json(&["held", "list"]);
        let id = held["held"][0]["id"].as_str().unwrap().to_owned();
        let ordered = self.scene.council.runs(&["held", "retry", &id, "--reason", "mended"]);
        assert!(ordered.status.success(), "{ordered:?}");
    }

    fn events(&self, event: &str) -> usize {
        self.scene.council.entries().iter().filter(|entry| entry["event"] == event).count()
    }
}

#[test]
fn a_part_that_was_taken_is_not_published_again() {
    let mut pack = Pack::new();
    pack.dies_at(&kill("publish.renamed"));
    let published: Vec<_> = pack.paths.iter().filter(|path| path.exists()).cloned().collect();
    assert_eq!(published.len(), 1, "killed after the first of three");
    fs::remove_file(&published[0]).unwrap();
    pack.scene.completes();
    let there: Vec<_> = pack.paths.iter().filter(|path| path.exists()).collect();
    assert_eq!(there.len(), 2);
    assert!(!published[0].exists());
    assert_eq!(pack.events("delivered-taken"), 1);
    assert!(pack.scene.council.hidden_parts().is_empty());
    pack.scene.council.ledger();
}

/// The staged parts may not go before Held is recorded: without them a restart takes the pack for published and taken.
#[test]
fn held_for_a_name_and_killed_before_it_is_recorded() {
    let mut pack = Pack::new();
    pack.dies_at(&kill("stage.recorded"));
    fs::write(&pack.paths[0], b"theirs").unwrap();
    pack.dies_at(&kill("outcome.decided"));
    // While the service is down, a person moves the file away.
    fs::remove_file(&pack.paths[0]).unwrap();
    let watch = pack.scene.watched(false);
    pack.scene.completes();
    pack.scene.zeros(watch, 2, "the other file is gone");
}

#[test]
fn held_for_a_name_and_killed_after_it_is_recorded() {
    let mut pack = Pack::new();
    pack.dies_at(&kill("stage.recorded"));
    fs::write(&pack.paths[0], b"theirs").unwrap();
    pack.dies_at(&kill("outcome.recorded"));
    pack.scene.completes();
    assert_eq!(pack.scene.council.codes(), ["CN-120"]);
    assert!(pack.scene.council.hidden_parts().is_empty(), "no plaintext is left of what is held");
    assert_eq!(fs::read(&pack.paths[0]).unwrap(), b"theirs");
    pack.scene.council.ledger();
}

/// One part taken, another damaged: opened again, the pack is staged again but for what was taken.
#[test]
fn taken_and_damaged_at_once_only_the_rest_is_delivered() {
    let mut pack = Pack::new();
    pack.dies_at(&kill("publish.renamed"));
    let published = pack.paths.iter().find(|path| path.exists()).cloned().unwrap();
    fs::remove_file(&published).unwrap();
    fs::write(&pack.scene.council.hidden_parts()[0], b"damaged").unwrap();
    pack.scene.completes();
    assert!(pack.scene.council.codes().is_empty());
    assert!(!published.exists(), "what was taken is not published again");
    assert_eq!(pack.paths.iter().filter(|path| path.exists()).count(), 2);
    assert!(pack.scene.council.hidden_parts().is_empty());
    pack.scene.council.ledger();
}

/// The folder that the pack was staged in was moved away, and an empty one made at its path: nobody took anything.
#[test]
fn an_empty_folder_is_no_proof_that_anything_was_taken() {
    let mut pack = Pack::new();
    pack.dies_at(&kill("stage.recorded"));
    let (there, away) = (pack.scene.council.backoffice.join("risk"), pack.scene.root().join("away"));
    fs::rename(&there, &away).unwrap();
    fs::create_dir(&there).unwrap();
    pack.scene.completes();
    assert_eq!(pack.scene.council.codes(), ["CN-125"]);
    assert_eq!(pack.events("delivered-taken"), 0);
    // The old folder comes back, and a person has it tried again.
    fs::remove_dir(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    pack.retried();
    let watch = pack.scene.watched(false);
    pack.scene.completes();
    pack.scene.zeros(watch, 1, "the folder is back");
}

/// Held for a name after one part was published and taken: the retry delivers the others, and that one never again.
#[test]
fn a_retry_does_not_deliver_what_was_taken_before_it_was_held() {
    let mut pack = Pack::new();
    pack.dies_at(&kill("publish.renamed"));
    let published = pack.paths.iter().find(|path| path.exists()).cloned().unwrap();
    fs::remove_file(&published).unwrap();
    let others: Vec<PathBuf> = pack.paths.iter().filter(|path| **path != published).cloned().collect();
    fs::write(&others[0], b"theirs").unwrap();
    pack.scene.completes();
    assert_eq!(pack.scene.council.codes(), ["CN-120"]);
    fs::remove_file(&others[0]).unwrap();
    pack.retried();
    pack.scene.completes();
    assert!(pack.scene.council.codes().is_empty());
    assert!(!published.exists(), "the part that was taken came a second time");
    assert!(others.iter().all(|path| path.exists()));
    pack.scene.council.ledger();
}
