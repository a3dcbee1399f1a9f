//! A commit that fails, or whose answer is lost: the service stops, and the next start knows what is on the disk.

use super::samples::{Sample, Sealed};
use super::scene::Scene;

/// Fails the nth commit of the run for every n, until a run has fewer.
fn every_commit(failpoint: &str) {
    let mut scene = Scene::new();
    let files: Vec<Sealed> = [Sample::pack(1), Sample::pdf(2)].iter().map(|one| one.sealed_by(&scene.dwp)).collect();
    for before in 0.. {
        scene.sets_back();
        files.iter().for_each(|sealed| scene.drops(sealed));
        let what = format!("{failpoint} after {before}");
        let watch = scene.watched(before % 2 == 1);
        scene.council.start_with(&[("FAILPOINTS", &format!("{failpoint}={before}*off->return"))]);
        let ended = scene.ends_early(&what);
        match &ended {
            Some(status) => {
                assert!(!status.success(), "{what}: a service that cannot write has not succeeded");
                scene.completes();
            }
            // Even if the commit of the stop is the one that fails.
            None => drop(scene.council.stop()),
        }
        println!("{what}: {}", scene.zeros(watch, 0, &what));
        if ended.is_none() {
            assert!(before > 6, "only {before} commits for two files");
            break;
        }
    }
}

#[test]
fn every_commit_fails() {
    every_commit("store.commit");
}

#[test]
fn every_commit_is_made_and_not_answered() {
    every_commit("store.committed");
}
