//! Shares that go away under the running service, and come back: unmounted lazily or by force, or without their server.
//!
//! Holds: nothing is lost, nothing comes twice, nothing half-written is seen in the share; nothing at all is put into the
//! bare folder that is left.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::samples::{Sample, Sealed};
use super::scene::Scene;
use super::watch::Watch;
use crate::support::council::{Council, LA, drop_into, files_below};
use crate::support::partner::SealOptions;
use crate::support::share::Share;

const ALARM: &str = "CN-507";
/// About the folder of documents.
const ABOUT: &str = "laid-12302";

#[derive(Clone, Copy, Debug)]
enum Way {
    Lazily,
    /// While its server does not answer.
    ByForce,
    /// It stays mounted, and every operation fails (ENOTCONN).
    ServerGone,
}

const WAYS: [Way; 3] = [Way::Lazily, Way::ByForce, Way::ServerGone];

impl Way {
    fn takes_away(self, share: &mut Share) {
        match self {
            Way::Lazily => share.is_unmounted(),
            Way::ByForce => {
                share.hangs();
                share.is_unmounted_by_force();
            }
            Way::ServerGone => share.dies(),
        }
    }

    fn brings_back(self, share: &mut Share) {
        if matches!(self, Way::ServerGone) {
            share.is_unmounted();
        }
        share.is_mounted_again();
    }
}

/// A scene with a share over the folder of documents, or with that folder in the share.
struct OnShare {
    scene: Scene,
    at: PathBuf,
    share: Share,
    watch: Watch,
}

impl OnShare {
    fn of(at: impl Fn(&Council) -> PathBuf, options: &'static [&'static str]) -> OnShare {
        let scene = Scene::quick(&[LA]);
        let (at, behind) = (at(&scene.council), scene.root().join("share"));
        super::scene::copy_tree(&at, &behind);
        let share = Share::of(&behind, &at, options);
        let watch = scene.watched(false);
        OnShare { scene, at, share, watch }
    }

    /// Nothing lies in the bare folder. Not to be asked for while a share is mounted.
    fn is_bare(&self, what: &str) {
        assert_eq!(files_below(&self.at), Vec::<PathBuf>::new(), "{what}: something lies in the bare folder");
    }

    /// Reckons when all has come to rest, and looks beneath the share.
    fn ends_well(self, what: &str) -> Scene {
        let OnShare { mut scene, at, share, watch } = self;
        scene.comes_to_rest(what);
        scene.council.until("the alarm is over", |council| council.attention().iter().all(|one| one.1 != ALARM));
        scene.council.stops_well();
        println!("{what}: {}", scene.zeros(watch, 0, what));
        drop(share);
        assert_eq!(files_below(&at), Vec::<PathBuf>::new(), "{what}: something lay beneath the share");
        scene
    }
}

fn laid(council: &Council) -> PathBuf {
    council.backoffice.join("laid")
}

fn large(scene: &Scene, number: u32) -> Sealed {
    let uncompressed = SealOptions::with(&["--compress-algo", "none"]);
    Sample::xml(number, 1_500_000).sealed_with(&scene.dwp, &uncompressed)
}

/// Whether a file of this folder is there in part.
fn is_begun(folder: &Path) -> bool {
    let bytes = |path: PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    files_below(folder).into_iter().map(bytes).any(|bytes| (1..1_000_000).contains(&bytes))
}

/// A large file is being written when the destination goes away, and waits until it is back.
fn goes_in_mid_write(on: &mut OnShare, way: Way, number: u32) {
    let sealed = large(&on.scene, number);
    on.scene.drops(&sealed);
    let behind = on.share.behind.clone();
    on.scene.council.until("it is being written", |_| is_begun(&behind));
    way.takes_away(&mut on.share);
    on.scene
        .council
        .until("it is told", |council| council.is_alarmed(ABOUT, ALARM) && council.deferred() == ["CN-303"]);
    if !matches!(way, Way::ServerGone) {
        on.is_bare("it waits");
    }
    way.brings_back(&mut on.share);
    on.scene.comes_to_rest(&format!("{way:?}"));
}

#[test]
fn a_destination_goes_in_mid_write() {
    let mut on = OnShare::of(laid, &["--write-rate=1500k"]);
    on.scene.council.start();
    for (way, number) in WAYS.into_iter().zip(1..) {
        goes_in_mid_write(&mut on, way, number);
    }
    on.ends_well("large files, each way");
}

#[test]
fn a_destination_in_a_share_is_unmounted_in_mid_write() {
    let mut on = OnShare::of(|council| council.backoffice.clone(), &["--write-rate=1500k"]);
    on.scene.council.start();
    goes_in_mid_write(&mut on, Way::Lazily, 1);
    on.ends_well("a large file");
}

#[test]
fn a_destination_goes_and_comes_while_many_files_arrive() {
    let mut on = OnShare::of(laid, &[]);
    on.scene.council.start();
    let mut numbers = 0..;
    let mut drops = |scene: &Scene, count: usize| {
        for number in numbers.by_ref().take(count) {
            scene.drops(&Sample::xml(number, 2_000).sealed_by(&scene.dwp));
        }
    };
    for (round, way) in WAYS.into_iter().cycle().take(6).enumerate() {
        let before = files_below(&on.share.behind).len();
        drops(&on.scene, 5);
        let behind = on.share.behind.clone();
        on.scene.council.until("some have come", |_| files_below(&behind).len() > before);
        way.takes_away(&mut on.share);
        drops(&on.scene, 2);
        on.scene.council.until("some wait", |council| council.deferred().contains(&"CN-303"));
        if !matches!(way, Way::ServerGone) {
            on.is_bare(&format!("round {round}"));
        }
        way.brings_back(&mut on.share);
    }
    on.ends_well("many files");
}

#[test]
fn a_drop_folder_goes_while_it_is_read() {
    let mut on = OnShare::of(|council| council.drop.clone(), &["--read-rate=1500k"]);
    on.scene.council.start();
    let spool = on.scene.council.state.join("spool/tmp");
    for (way, number) in WAYS.into_iter().zip(1..) {
        let sealed = large(&on.scene, number);
        on.scene.expected.file(&sealed);
        drop_into(&on.share.behind, &sealed.name, &sealed.bytes);
        on.scene.council.until("it is being read", |_| is_begun(&spool));
        way.takes_away(&mut on.share);
        on.scene.council.until("it is told", |council| council.is_alarmed("drop-12302", "CN-501"));
        way.brings_back(&mut on.share);
        on.scene.council.until("that is over", |council| !council.is_alarmed("drop-12302", "CN-501"));
        on.scene.comes_to_rest(&format!("{way:?}"));
    }
    on.ends_well("a drop folder, each way");
}

/// What was never used is known all the same, also by the settings of a reload.
#[test]
fn shares_that_go_before_anything_came_are_told_and_nothing_is_put_beneath() {
    let mut on = OnShare::of(|council| council.backoffice.clone(), &[]);
    let outgoing = on.scene.council.outgoing.clone();
    let behind = on.scene.root().join("courier");
    fs::create_dir(&behind).unwrap();
    let mut courier = Share::of(&behind, &outgoing, &[]);
    on.scene.council.start();
    on.share.is_unmounted();
    courier.is_unmounted();
    let folder = laid(&on.scene.council).display().to_string();
    on.scene.council.until("it is told", |council| council.is_alarmed(&folder, ALARM));
    let pid = Pid::from_raw(on.scene.council.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    on.scene.council.until("it is reloaded", |council| council.events("configuration-reloaded") == 1);
    on.scene.drops(&Sample::xml(1, 500).sealed_by(&on.scene.dwp));
    on.scene.returns().hands_in_shbe(LA);
    on.scene.council.until("they wait", |council| {
        council.deferred() == ["CN-303"] && council.attention().iter().any(|one| one.1 == "CN-516")
    });
    on.is_bare("it waits");
    assert_eq!(files_below(&outgoing), Vec::<PathBuf>::new(), "nothing lies in the bare folder");
    assert_eq!(on.scene.council.events("sent"), 0);
    on.share.is_mounted_again();
    courier.is_mounted_again();
    let _scene = on.ends_well("never used before");
    assert_eq!(files_below(&behind).len(), 1, "the return left, once");
    drop(courier);
    assert_eq!(files_below(&outgoing), Vec::<PathBuf>::new(), "nothing lay beneath");
}
