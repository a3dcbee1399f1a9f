//! Workflows beside carrying: a certificate is trusted, an own key is taken in, what was kept long enough is erased, a
//! checkpoint is made and leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use hbcourier::domain::Fingerprint;
use hbcourier::store::verify;
use serde_json::Value;

use super::super::samples::Sample;
use super::super::scene::Scene;
use super::super::zeros::Outcome;
use super::campaign::Workflow;
use super::carrying::{completes, once};
use crate::checkpoints::{chained, notes};
use crate::support::council::{LA, command, files_below, is_hidden, set};
use crate::support::partner::{Algorithm, Partner};

/// What is done, and what must have become of it.
pub struct Upkeep {
    name: &'static str,
    scene: Scene,
    work: Work,
}

enum Work {
    /// A further certificate of DWP's is trusted.
    Trust(PathBuf, Fingerprint),
    /// An own key that was made elsewhere is taken in.
    Import(PathBuf, Fingerprint),
    /// One original and one sealed return are due to be erased, and a name; so many files were delivered.
    Erase(usize),
    /// A return is sent, after which a checkpoint leaves for this folder.
    Checkpoint(PathBuf),
}

impl Upkeep {
    pub fn trust() -> Upkeep {
        let (scene, partner) = (Scene::new(), Partner::new(Algorithm::Curve25519));
        let file = scene.council.dir.path().join("other.asc");
        fs::write(&file, partner.certificate()).unwrap();
        Upkeep { name: "certificate trusted", scene, work: Work::Trust(file, partner.fingerprint().clone()) }
    }

    pub fn import() -> Upkeep {
        let (scene, partner) = (Scene::new(), Partner::new(Algorithm::Curve25519));
        let file = scene.council.dir.path().join("own.asc");
        fs::write(&file, partner.secret_key()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Upkeep { name: "own key taken in", scene, work: Work::Import(file, partner.fingerprint().clone()) }
    }

    pub fn erase() -> Upkeep {
        let mut scene = Scene::new();
        scene.drops(&Sample::xml(1, 500).sealed_by(&scene.dwp));
        scene.returns().hands_in_shbe(LA);
        completes(&scene, || scene.rests());
        scene.council.changes_settings(|settings| {
            for key in ["keep_original", "keep_names", "keep_rejected", "keep_sealed"] {
                set(settings, &["service", "retention", key], "0s");
            }
        });
        let delivered = scene.council.delivered().len();
        scene.begins_here();
        Upkeep { name: "retention", scene, work: Work::Erase(delivered) }
    }

    pub fn checkpoint() -> Upkeep {
        let mut folder = PathBuf::new();
        let mut scene = Scene::of(&[LA], |settings| {
            let state = PathBuf::from(settings["service"]["state"].as_str().unwrap());
            folder = state.with_file_name("auditors").join("checkpoints");
            fs::create_dir_all(&folder).unwrap();
            let table = [("name", "internal-audit"), ("folder", folder.to_str().unwrap())];
            let table: toml::Table = table.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
            set(settings, &["audit", "recipient"], vec![toml::Value::from(table)]);
        });
        completes(&scene, || true);
        scene.begins_here();
        Upkeep { name: "checkpoint", scene, work: Work::Checkpoint(folder) }
    }

    fn events(&self, event: &str) -> usize {
        self.scene.council.entries().iter().filter(|entry| entry["event"] == event).count()
    }

    fn tells_of(&self, event: &str, fingerprint: &Fingerprint) -> bool {
        let fingerprint = fingerprint.to_string();
        let of_it = |entry: &Value| entry["event"] == event && entry["fingerprint"] == fingerprint.as_str();
        self.scene.council.entries().iter().any(of_it)
    }

    fn has_own(&self, fingerprint: &Fingerprint) -> bool {
        self.scene.council.state.join(format!("keys/own/{fingerprint}.asc")).exists()
    }

    fn originals(&self) -> Vec<PathBuf> {
        let state = &self.scene.council.state;
        ["archive", "spool/raw", "sealed"].iter().flat_map(|folder| files_below(&state.join(folder))).collect()
    }

    /// The size of the last checkpoint of which such an entry tells.
    fn last(&self, event: &str) -> Option<u64> {
        self.scene.council.entries().iter().rfind(|entry| entry["event"] == event)?["size"].as_u64()
    }
}

impl Workflow for Upkeep {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sets_back(&mut self) {
        self.scene.sets_back();
        if matches!(self.work, Work::Checkpoint(_)) {
            self.scene.returns().hands_in_shbe(LA);
        }
    }

    fn command(&self) -> Command {
        let mut keys = command();
        keys.arg("--config").arg(&self.scene.council.config).arg("keys");
        match &self.work {
            Work::Trust(file, fingerprint) => {
                keys.args(["trust", "dwp"]).arg(file).args(["--fingerprint", &fingerprint.to_string()]);
                keys
            }
            Work::Import(file, _) => {
                keys.args(["import", "own"]).arg(file);
                keys
            }
            Work::Erase(_) | Work::Checkpoint(_) => once(&self.scene),
        }
    }

    fn rests(&self) -> bool {
        match &self.work {
            Work::Trust(_, fingerprint) => self.tells_of("key-trusted", fingerprint),
            Work::Import(_, fingerprint) => self.has_own(fingerprint) && self.tells_of("key-imported", fingerprint),
            Work::Erase(_) => self.originals().is_empty(),
            Work::Checkpoint(_) => self.scene.rests() && self.last("checkpoint-left") == self.last("checkpoint-made"),
        }
    }

    fn completes(&mut self) {
        match self.work {
            Work::Erase(_) | Work::Checkpoint(_) => completes(&self.scene, || self.rests()),
            Work::Trust(..) | Work::Import(..) => {
                if let Work::Import(_, key) = &self.work {
                    let is_told = self.tells_of("key-imported", key);
                    assert!(is_told || !self.has_own(key), "a key counts of which the ledger does not tell");
                }
                if !self.rests() {
                    let ran = self.command().output().unwrap();
                    assert!(ran.status.success(), "{}: {}", ran.status, String::from_utf8_lossy(&ran.stderr));
                }
                completes(&self.scene, || true);
            }
        }
    }

    fn reckons(&mut self, what: &str) -> Outcome {
        let council = &self.scene.council;
        let verdict = verify(&council.store().unwrap()).unwrap();
        match &self.work {
            Work::Trust(_, fingerprint) | Work::Import(_, fingerprint) => {
                let listed = council.json(&["keys", "list"]);
                let own = usize::from(matches!(self.work, Work::Import(..)));
                assert_eq!(listed["own"].as_array().unwrap().len(), 1 + own, "{what}: {listed}");
                let theirs = listed["partners"][0]["certificates"].as_array().unwrap().len();
                assert_eq!(theirs, 2 - own, "{what}: {listed}");
                assert!(listed.to_string().contains(&fingerprint.to_string()), "{what}: {listed}");
                assert!(listed["faults"].as_array().unwrap().is_empty(), "{what}: {listed}");
            }
            Work::Erase(delivered) => {
                assert_eq!(self.originals(), Vec::<PathBuf>::new(), "{what}");
                let told = ["original-erased", "names-erased"].map(|event| self.events(event));
                assert_eq!(told, [2, 1], "{what}: each is told of once");
                assert_eq!(council.delivered().len(), *delivered, "{what}");
            }
            Work::Checkpoint(folder) => {
                chained(council, folder);
                let left: Vec<u64> = notes(council, folder).iter().map(|note| note.checkpoint().size).collect();
                assert_eq!(self.events("checkpoint-left"), left.len(), "{what}: {left:?}");
                assert_eq!(left.last().copied(), self.last("checkpoint-made"), "{what}: {left:?}");
                self.scene.is_told_once(what);
            }
        }
        let hidden: Vec<_> =
            files_below(&council.state.join("keys")).into_iter().filter(|path| is_hidden(path)).collect();
        assert!(hidden.is_empty(), "{what}: {hidden:?}");
        Outcome { kills: 1, ledger: (!verdict.ok).then_some(verdict.says), ..Outcome::default() }
    }
}
