//! A pack of which the back office gets a derived copy too, killed at every step it passes: original and copy come once,
//! whole, together.

use hbcourier::domain::Digest;
use hbcourier::durable::step::STEPS;

use super::samples::{Sample, Sealed};
use super::scene::{Scene, kill};
use crate::support::council::{LA, set};

/// Reference and score, for a back office that wants semicolons.
const LAYOUT: &str = "delimiter = \"semicolon\"\n\
    [[column]]\nfrom = \"CLAIM_REF\"\nto = \"Ref\"\n[[column]]\nfrom = \"2\"\nto = \"Score\"\n";

fn with_copies() -> Scene {
    Scene::of(&[LA], |settings| {
        let routes = settings["authority"].as_array_mut().unwrap()[0]["route"].as_array_mut().unwrap();
        let takes = |route: &toml::Value| route["kinds"].as_array().unwrap().contains(&"caseload-risk".into());
        let route = routes.iter_mut().find(|route| takes(route)).unwrap().as_table_mut().unwrap();
        let mut derived: toml::Table = LAYOUT.parse().unwrap();
        set(&mut derived, &["destination"], "risk-copy-12302");
        derived.insert("folder".to_owned(), route["folder"].clone());
        route.insert("derived".to_owned(), derived.into());
    })
}

/// The pack, and of the risk data in it the copy that the layout describes.
fn pack_with_copy(scene: &Scene, number: u32) -> Sealed {
    let sample = Sample::pack(number);
    let risk = String::from_utf8(sample.parts()[2].clone()).unwrap();
    let copied: String = risk
        .lines()
        .enumerate()
        .map(|(at, line)| match (at, line.split(',').collect::<Vec<_>>().as_slice()) {
            (0, _) => "Ref;Score\r\n".to_owned(),
            (_, [reference, score, ..]) => format!("{reference};{score}\r\n"),
            (_, short) => panic!("{short:?}"),
        })
        .collect();
    let mut sealed = sample.sealed_by(&scene.dwp);
    sealed.parts.push(Digest::of(copied.as_bytes()));
    sealed
}

fn every_step(takes: bool) {
    let mut scene = with_copies();
    let packs = [pack_with_copy(&scene, 1), pack_with_copy(&scene, 2)];
    let passed = ["collect.", "open.", "stage.", "publish.", "close."];
    for step in STEPS.into_iter().filter(|step| passed.iter().any(|part| step.starts_with(part))) {
        scene.sets_back();
        packs.iter().for_each(|sealed| scene.drops(sealed));
        let watch = scene.watched(takes);
        assert!(scene.dies_at(&kill(step)), "{step} is not passed");
        scene.completes();
        println!("killed at {step}: {}", scene.zeros(watch, 1, step));
        let staged: Vec<_> = scene.council.entries().into_iter().filter(|entry| entry["event"] == "staged").collect();
        for entry in &staged {
            let parts = entry["parts"].as_array().unwrap();
            let derived: Vec<bool> = parts.iter().map(|part| part["derived"] == true).collect();
            assert_eq!(derived, [false, false, false, true], "{step}: {entry}");
        }
        assert!(staged.len() >= 2, "{step}: {staged:?}");
    }
}

#[test]
fn a_copy_comes_once_beside_its_original_at_every_step() {
    every_step(false);
}

#[test]
fn a_copy_comes_once_beside_its_original_at_every_step_also_if_taken() {
    every_step(true);
}

/// Each step of the delivery fails once, of the disk and for want of space in turn; it is tried again and made again.
#[test]
fn a_copy_comes_once_beside_its_original_whatever_step_fails() {
    let mut scene = with_copies();
    let packs = [pack_with_copy(&scene, 1), pack_with_copy(&scene, 2)];
    let passed = |step: &&str| ["open.", "stage.", "publish."].iter().any(|part| step.starts_with(part));
    for (step, errno) in STEPS.into_iter().filter(passed).zip([5, 28].into_iter().cycle()) {
        scene.sets_back();
        packs.iter().for_each(|sealed| scene.drops(sealed));
        let what = format!("{step} failed with errno {errno}");
        let watch = scene.watched(false);
        assert!(!scene.dies_at(&format!("{step}=1*return({errno})")), "{what}");
        println!("{what}: {}", scene.zeros(watch, 0, &what));
    }
}
