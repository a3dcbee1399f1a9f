//! Workflows that begin and end in folders: a file or a pack that comes in, a return that is left for a transport.

use std::process::Command;
use std::time::{Duration, Instant};

use super::super::samples::{Sample, Sealed};
use super::super::scene::Scene;
use super::super::watch::Watch;
use super::super::zeros::Outcome;
use super::campaign::Workflow;
use crate::release::crashes::released;
use crate::release::people::Staff;
use crate::support::council::{LA, command, files_below};
use crate::support::partner::SealOptions;

/// Far beyond what is needed, for slow machines.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Words of what is carried.
pub const IN_XML: &str = "Claim reference=";
pub const IN_PACK: &str = "REFERRAL,RULE";
pub const IN_RETURN: &str = "DEMO-0001";

/// What is put where the service finds it, and expected.
type Puts = Box<dyn Fn(&Scene)>;

/// A scene in which a workflow goes on, and what is delivered there is watched.
pub struct Watched {
    pub scene: Scene,
    /// What is in the content, and must nowhere lie in clear below the state directory.
    canary: &'static str,
    watch: Option<Watch>,
    turn: usize,
}

impl Watched {
    pub fn over(scene: Scene, canary: &'static str) -> Watched {
        Watched { scene, canary, watch: None, turn: 0 }
    }

    /// Back to the beginning, where this is put. Every other time a back office takes what it sees.
    pub fn sets_back(&mut self, puts: impl FnOnce(&Scene)) {
        drop(self.watch.take().map(Watch::ends));
        self.scene.sets_back();
        puts(&self.scene);
        self.turn += 1;
        self.watch = Some(self.scene.watched(self.turn.is_multiple_of(2)));
    }

    pub fn rests(&self) -> bool {
        self.scene.rests_or_is_uncertain() && self.scene.council.codes().is_empty()
    }

    pub fn reckons(&mut self, what: &str) -> Outcome {
        let outcome = self.scene.reckons(self.watch.take().unwrap().ends(), 1);
        if outcome.uncertain > 0 {
            // Its hidden part may lie there.
            tells_that_it_is_uncertain(&self.scene, what);
        } else if outcome.is_well() {
            self.scene.is_tidy(what);
            self.scene.is_told_once(what);
        }
        holds_nothing_in_clear(&self.scene, self.canary);
        outcome
    }
}

pub fn tells_that_it_is_uncertain(scene: &Scene, what: &str) {
    let told = scene.council.attention();
    assert!(told.iter().any(|(_, code)| code == "CN-515"), "{what}: a person is to find out: {told:?}");
}

pub struct Carrying {
    name: &'static str,
    watched: Watched,
    puts: Puts,
}

impl Carrying {
    pub fn file() -> Carrying {
        let scene = Scene::new();
        let sealed = Sample::xml(1, 40_000).sealed_by(&scene.dwp);
        Carrying::of("folder to folder", scene, IN_XML, Box::new(move |scene| scene.drops(&sealed)))
    }

    pub fn pack() -> Carrying {
        let scene = Scene::new();
        let sealed = Sample::pack(1).sealed_by(&scene.dwp);
        Carrying::of("ZIP pack of three", scene, IN_PACK, Box::new(move |scene| scene.drops(&sealed)))
    }

    pub fn left_return() -> Carrying {
        Carrying::of("return by folder", Scene::new(), IN_RETURN, Box::new(|scene| scene.returns().hands_in_shbe(LA)))
    }

    /// Two people have approved what was held; the service comes to it.
    pub fn release() -> (Carrying, Staff) {
        let (mut scene, staff, released_file) = held();
        released(&scene.council, &staff, &scene.council.consignments()[0]);
        scene.begins_here();
        let puts: Puts = Box::new(move |scene| scene.expected.file(&released_file));
        (Carrying::of("release by two people", scene, IN_XML, puts), staff)
    }

    fn of(name: &'static str, scene: Scene, canary: &'static str, puts: Puts) -> Carrying {
        Carrying { name, watched: Watched::over(scene, canary), puts }
    }
}

/// A scene with a file that is held because nobody signed it, two people who may release it, and what it is once they have.
pub fn held() -> (Scene, Staff, Sealed) {
    let scene = Scene::new();
    let staff = Staff::of(&scene.council);
    let options = SealOptions { sign: false, ..SealOptions::default() };
    let released = Sample::xml(1, 500).sealed_with(&scene.dwp, &options);
    scene.drops(&Sealed { held_as: Some("CN-105"), ..released.clone() });
    while !scene.rests() {
        assert!(once(&scene).output().unwrap().status.code().is_some_and(|code| code < 2));
    }
    (scene, staff, released)
}

impl Workflow for Carrying {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sets_back(&mut self) {
        self.watched.sets_back(&self.puts);
    }

    fn command(&self) -> Command {
        once(&self.watched.scene)
    }

    fn rests(&self) -> bool {
        self.watched.rests()
    }

    fn completes(&mut self) {
        completes(&self.watched.scene, || self.rests());
    }

    fn reckons(&mut self, what: &str) -> Outcome {
        self.watched.reckons(what)
    }
}

/// Everything that can be done now.
pub fn once(scene: &Scene) -> Command {
    let mut once = command();
    once.arg("--config").arg(&scene.council.config).args(["run", "--once"]);
    once
}

/// Again and again, until nothing is left to do.
pub fn completes(scene: &Scene, rests: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ran = once(scene).output().unwrap();
        let says = || String::from_utf8_lossy(&[&ran.stdout[..], &ran.stderr].concat()).into_owned();
        assert!(ran.status.success(), "{}: {}", ran.status, says());
        if rests() {
            return;
        }
        assert!(Instant::now() < deadline, "nothing comes to rest: {}", says());
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub fn holds_nothing_in_clear(scene: &Scene, canary: &str) {
    for path in files_below(&scene.council.state) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        assert!(memchr::memmem::find(&bytes, canary.as_bytes()).is_none(), "{} holds content", path.display());
    }
}
