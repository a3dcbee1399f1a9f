//! Killed at a named step, and again at a named step while recovering.

use super::samples::Sealed;
use super::scene::{Scene, kill};
use super::{length, steps};
use crate::support::council::LA;

fn killed_twice(scene: &mut Scene, files: &[Sealed], takes: bool, first: &str, second: &str) -> bool {
    scene.sets_back();
    files.iter().for_each(|sealed| scene.drops(sealed));
    scene.hands_in_returns(LA);
    let what = format!("killed at {first}, then at {second}");
    let watch = scene.watched(takes);
    assert!(scene.dies_at(&kill(first)), "{first} is not passed");
    // What lies behind the first step is not passed again.
    let again = scene.dies_at(&kill(second));
    if again {
        scene.completes();
    }
    println!("{what}: {}", scene.zeros(watch, 1 + usize::from(again), &what));
    again
}

/// In an ordinary run every step with itself and with the next; in a long one all of `HBCOURIER_CRASH_PAIRS` that
/// follow. The campaign fails if recovery passed none of them.
#[test]
fn at_every_step_and_while_recovering() {
    let mut scene = Scene::new();
    let files = scene.one_of_each();
    let span = length("HBCOURIER_CRASH_PAIRS", 2).min(steps().len());
    let steps = steps();
    let (mut runs, mut twice) = (0, 0);
    for (at, first) in steps.iter().enumerate() {
        for offset in 0..span {
            let second = steps[(at + offset) % steps.len()];
            twice += usize::from(killed_twice(&mut scene, &files, (at + offset) % 2 == 1, first, second));
            runs += 1;
        }
    }
    println!("{runs} pairs of steps, in {twice} of them killed twice");
    assert!(twice * 2 > runs, "recovery passes most steps again");
}
