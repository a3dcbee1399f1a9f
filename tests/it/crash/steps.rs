//! Killed at every named step, once; then everything completes.

use super::scene::{Scene, kill};
use super::steps;
use crate::support::council::LA;

/// `takes`: a back office and a transport take what appears at once.
fn every_step(takes: bool) {
    let mut scene = Scene::new();
    let files = scene.one_of_each();
    for step in steps() {
        scene.sets_back();
        files.iter().for_each(|sealed| scene.drops(sealed));
        scene.hands_in_returns(LA);
        let watch = scene.watched(takes);
        assert!(scene.dies_at(&kill(step)), "{step} is not passed");
        scene.completes();
        println!("killed at {step}: {}", scene.zeros(watch, 1, step));
    }
}

#[test]
fn at_every_step_what_is_delivered_stays() {
    every_step(false);
}

#[test]
fn at_every_step_what_is_delivered_is_taken() {
    every_step(true);
}
