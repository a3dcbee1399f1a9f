//! Disks of every small size, and with too few inodes, below the state directory and at the destination: nothing is lost,
//! and once there is room everything completes.

use std::fs;
use std::path::{Path, PathBuf};

use super::calls::carrying::{completes, once};
use super::length;
use super::samples::{Sample, Sealed};
use super::scene::{Scene, copy_tree};
use crate::support::council::set;
use crate::support::mount::Mount;

/// Far more than anything here takes.
const ROOM: &str = "size=64m,nr_inodes=10000";

/// One service on one such disk. Whether it was hindered.
fn hindered(scene: &mut Scene, at: &Path, options: &str, sealed: &Sealed) -> bool {
    scene.sets_back();
    let before = scene.root().with_extension("before");
    copy_tree(at, &before);
    let disk = Mount::with(at, options);
    let is_full = fs::read_dir(&before).unwrap().any(|entry| !try_copy(&entry.unwrap().path(), at));
    fs::remove_dir_all(&before).unwrap();
    if is_full {
        return false;
    }
    scene.drops(sealed);
    let watch = scene.watched(false);
    let ran = once(scene).output().unwrap();
    let says = String::from_utf8_lossy(&[&ran.stdout[..], &ran.stderr].concat()).into_owned();
    let what = format!("{options} at {}", at.file_name().unwrap().display());
    assert!(ran.status.code().is_some() && !says.contains("panicked"), "{what}: {}: {says}", ran.status);
    let hindered = !scene.rests();
    let told = ["Deferred: ", "Alarm ", "hbcourier ended: ", "hbcourier did not start: "];
    assert!(!hindered || told.iter().any(|word| says.contains(word)), "{what}: it is not said: {says}");
    disk.becomes(ROOM);
    completes(scene, || scene.rests());
    println!("{what}, hindered {hindered}: {}", scene.zeros(watch, 0, &what));
    hindered
}

/// In a long run (`HBCOURIER_CRASH_DISKS=1`) each size, else every other.
fn step() -> usize {
    length("HBCOURIER_CRASH_DISKS", 2)
}

fn try_copy(from: &Path, to: &Path) -> bool {
    std::process::Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap().status.success()
}

fn scene() -> (Scene, Sealed, [PathBuf; 2]) {
    let mut scene = Scene::new();
    // Into the wall, not to the mark before it.
    scene.council.changes_settings(|settings| set(settings, &["service", "limits", "free_bytes_min"], "0 MiB"));
    scene.begins_here();
    let sealed = Sample::xml(1, 200_000).sealed_by(&scene.dwp);
    let at = [scene.council.state.clone(), scene.council.backoffice.join("laid")];
    (scene, sealed, at)
}

#[test]
fn of_every_size() {
    let (mut scene, sealed, places) = scene();
    for at in &places {
        let sizes = (0..=7).step_by(step()).map(|power| 64 << power);
        let hindered: Vec<u64> =
            sizes.filter(|kib| hindered(&mut scene, at, &format!("size={kib}k"), &sealed)).collect();
        println!("{}: hindered at {hindered:?} KiB", at.display());
        assert!(!hindered.is_empty());
    }
}

#[test]
fn with_too_few_inodes() {
    let (mut scene, sealed, places) = scene();
    for at in &places {
        scene.sets_back();
        let there = 1 + inodes_below(at);
        let more = (0..8).step_by(2 * step());
        let options = more.map(|more| format!("nr_inodes={}", there + more));
        let hindered = options.filter(|options| hindered(&mut scene, at, options, &sealed)).count();
        println!("{}: hindered {hindered} times", at.display());
        assert!(hindered > 0);
    }
}

/// How many files and folders are below this one.
fn inodes_below(at: &Path) -> usize {
    let paths = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| 1 + if path.is_dir() { inodes_below(&path) } else { 0 }).sum()
}
