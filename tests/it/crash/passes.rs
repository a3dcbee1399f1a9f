//! Killed at a later pass of a step, with many packs in flight.

use super::samples::{Sample, Sealed};
use super::scene::Scene;
use super::{length, steps};

const PACKS: u32 = 20;

/// Twenty packs of three, eight in flight; each step is killed at another pass. `HBCOURIER_CRASH_PASSES`: at how many
/// different ones.
#[test]
fn at_a_later_pass_with_packs_in_flight() {
    let mut scene = Scene::new();
    let packs: Vec<Sealed> = (0..PACKS).map(|number| Sample::pack(number).sealed_by(&scene.dwp)).collect();
    let steps = steps();
    let inbound = steps.iter().filter(|step| !["seal.", "send.", "outcome."].iter().any(|no| step.starts_with(no)));
    let passes = length("HBCOURIER_CRASH_PASSES", 1);
    for (at, step) in inbound.enumerate() {
        for which in 0..passes {
            // Spread over one to the number of packs, which every step is passed at least.
            let before = (at * 7 + which * 3) % (PACKS as usize - 1) + 1;
            scene.sets_back();
            packs.iter().for_each(|sealed| scene.drops(sealed));
            let what = format!("killed at {step} after {before} passes");
            let watch = scene.watched((at + which) % 2 == 0);
            assert!(scene.dies_at(&format!("{step}={before}*off->return(kill)")), "{step} is passed too seldom");
            scene.completes();
            println!("{what}: {}", scene.zeros(watch, 1, &what));
        }
    }
}
