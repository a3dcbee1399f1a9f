//! The running service, with files that come, returns that are left and orders that are given while it works.
//!
//! Its threads share the work in another way each time, so that its nth call is a sample.

use std::process::Command;
use std::time::Instant;

use super::super::samples::{Sample, Sealed};
use super::super::scene::Scene;
use super::super::zeros::Outcome;
use super::campaign::Workflow;
use super::carrying::{IN_XML, PATIENCE, Watched, held};
use super::traced::{End, Fault, runs_beside};
use crate::release::crashes::released_by;
use crate::release::people::{Staff, approval, asks};
use crate::support::council::{LA, command};

/// The service.
fn service(scene: &Scene) -> Command {
    let mut service = command();
    service.arg("--config").arg(&scene.council.config).arg("run");
    service
}

/// Files and a pack come in, two returns are left for a transport.
pub struct Busy {
    watched: Watched,
    sealed: Vec<Sealed>,
}

impl Busy {
    pub fn new() -> Busy {
        let scene = Scene::new();
        let samples =
            [Sample::xml(1, 40_000), Sample::pack(2), Sample::xml(3, 500), Sample::pdf(4), Sample::xml(5, 900)];
        let sealed = samples.map(|sample| sample.sealed_by(&scene.dwp)).to_vec();
        Busy { watched: Watched::over(scene, IN_XML), sealed }
    }
}

impl Workflow for Busy {
    fn name(&self) -> &'static str {
        "running service, five files in, two returns out"
    }

    fn sets_back(&mut self) {
        self.watched.sets_back(|_| ());
    }

    fn command(&self) -> Command {
        service(&self.watched.scene)
    }

    /// Everything is put there, whether or not the service lives.
    fn runs(&self, fault: Option<Fault>) -> End {
        let scene = &self.watched.scene;
        runs_beside(&self.command(), fault, |running| {
            let (first, rest) = self.sealed.split_at(2);
            first.iter().for_each(|sealed| scene.drops(sealed));
            running.until(|| scene.council.answers());
            for (came, sealed) in rest.iter().enumerate() {
                scene.drops(sealed);
                running.until(|| scene.council.consignments().len() > came);
            }
            scene.hands_in_returns(LA);
            if running.until(|| self.rests()) {
                running.stops();
            }
        })
    }

    fn rests(&self) -> bool {
        self.watched.rests()
    }

    fn completes(&mut self) {
        self.watched.scene.completes();
    }

    fn reckons(&mut self, what: &str) -> Outcome {
        self.watched.reckons(what)
    }
}

/// One person approves what is held, at the running service; the other has before, or does afterwards.
pub struct Approving {
    name: &'static str,
    watched: Watched,
    staff: Staff,
    released: Sealed,
    /// How many approvals it has when it begins.
    before: usize,
}

impl Approving {
    pub fn first() -> Approving {
        Approving::of("release, approved by the first", 0)
    }

    pub fn second() -> Approving {
        Approving::of("release, approved by the second", 1)
    }

    fn of(name: &'static str, before: usize) -> Approving {
        let (mut scene, staff, released) = held();
        if before == 1 {
            released_by(&scene.council, &[(staff.anna, "anna")], &scene.council.consignments()[0]);
        }
        scene.begins_here();
        Approving { name, watched: Watched::over(scene, IN_XML), staff, released, before }
    }

    /// How many count; nothing once it is released.
    fn approvals(&self) -> Option<usize> {
        Some(self.watched.scene.council.held().first()?["approvals"].as_array()?.len())
    }

    /// The next of the two approves, if that is still to be done. What came of it is seen afterwards.
    fn approves(&self) {
        let council = &self.watched.scene.council;
        let (Some(given), Some(one)) = (self.approvals(), council.consignments().into_iter().next()) else { return };
        let who = if given == 0 { self.staff.anna } else { self.staff.bela };
        let _ = asks(council, who, approval(&one, "they confirmed it"));
    }
}

impl Workflow for Approving {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sets_back(&mut self) {
        let released = &self.released;
        self.watched.sets_back(|scene| scene.expected.file(released));
    }

    fn command(&self) -> Command {
        service(&self.watched.scene)
    }

    fn runs(&self, fault: Option<Fault>) -> End {
        let scene = &self.watched.scene;
        runs_beside(&self.command(), fault, |running| {
            if running.until(|| scene.council.answers()) {
                self.approves();
            }
            if running.until(|| if self.before == 0 { self.approvals() == Some(1) } else { self.rests() }) {
                running.stops();
            }
        })
    }

    fn rests(&self) -> bool {
        self.watched.rests()
    }

    fn completes(&mut self) {
        self.watched.scene.council.start();
        let deadline = Instant::now() + PATIENCE;
        while self.approvals().is_some() {
            assert!(
                Instant::now() < deadline,
                "{}: it is never released\n{}",
                self.name,
                self.watched.scene.council.log()
            );
            self.approves();
        }
        self.watched.scene.comes_to_rest(self.name);
        self.watched.scene.council.stops_well();
    }

    fn reckons(&mut self, what: &str) -> Outcome {
        let outcome = self.watched.reckons(what);
        let count = |event: &str| {
            let entries = self.watched.scene.council.entries();
            entries.iter().filter(|entry| entry["event"] == event).count()
        };
        assert_eq!((count("release-approved"), count("released")), (1, 1), "{what}: two people, once each");
        outcome
    }
}
