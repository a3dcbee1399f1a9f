//! One history: files come, returns are handed in, the power fails at these steps, and all comes to rest.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hbcourier::domain::Stage;

use super::images::{FileSystem, Images};
use super::reckoning::Fault;
use crate::crash::samples::{Sample, Sealed};
use crate::crash::scene::{Scene, kill};
use crate::support::council::{LA, files_below, is_hidden, set};

/// Far beyond what is needed, for slow machines.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Which of the files is the pack.
const PACK: usize = 2;

/// What lies on which image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The state, and each folder that others use, on images of their own.
    Apart,
    /// All of them on one.
    Together,
}

impl Layout {
    pub fn says(self) -> &'static str {
        match self {
            Layout::Apart => "each folder on an image of its own",
            Layout::Together => "everything on one image",
        }
    }
}

/// A council on images.
pub struct Ground {
    pub scene: Scene,
    /// What came in this history.
    pub given: Vec<Sealed>,
    files: Vec<Sealed>,
    pub auditors: PathBuf,
    kind: FileSystem,
    images: Images,
    boots: u32,
}

/// What is put before the council.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// A file of each kind, one that must be held, a large one, and both returns.
    Everything,
    /// One pack of three: nobody else's syncs reach what is its own.
    OnePack,
    /// One return, for the same reason.
    OneReturn,
}

/// Where the power fails.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub step: &'static str,
    /// Another program has synced a file of its own just before.
    pub neighbour: bool,
}

/// What came of a history.
#[derive(Debug, Default)]
pub struct Told {
    /// How often the power failed.
    pub cuts: usize,
    /// What was found against it.
    pub faults: Vec<Fault>,
    /// Second publishes that the ledger flags.
    pub flagged: usize,
    /// Returns of which nobody can tell whether they went.
    pub uncertain: usize,
}

/// How a run of the service ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Killed,
    Rested,
    Stuck,
}

impl Ground {
    pub fn on(kind: FileSystem, layout: Layout) -> Ground {
        let mut auditors = PathBuf::new();
        let scene = Scene::of(&[LA], |settings| {
            let state = settings["service"]["state"].as_str().unwrap();
            // In a folder of its own: what lies beside the configuration is not written to.
            auditors = PathBuf::from(state).ancestors().nth(2).unwrap().join("auditors/checkpoints");
            let keeper = [("name", "internal-audit"), ("folder", auditors.to_str().unwrap())];
            let keeper = keeper.map(|(key, value)| (key.to_owned(), toml::Value::from(value)));
            set(settings, &["audit", "recipient"], vec![toml::Value::from(toml::Table::from_iter(keeper))]);
        });
        std::fs::create_dir_all(&auditors).unwrap();
        let root = scene.root();
        let above = auditors.parent().unwrap().to_owned();
        let folders = match layout {
            Layout::Apart => ["state", "drop", "backoffice", "returns", "outgoing"]
                .map(|folder| root.join(folder))
                .into_iter()
                .chain([above])
                .collect(),
            Layout::Together => vec![root, above],
        };
        let images = Images::over(&folders, kind, &scene.council.dir.path().join("images"));
        let mut files = scene.one_of_each();
        // Beyond what is kept in memory: by way of a nameless file.
        files.push(Sample::xml(5, 700_000).sealed_by(&scene.dwp));
        Ground { scene, given: Vec::new(), files, auditors, kind, images, boots: 0 }
    }

    /// From the beginning. With a sync left out, what is found at once is enough.
    pub fn tells(&mut self, given: Given, cuts: &[Cut], left_out: Option<&'static str>, patience: Duration) -> Told {
        self.begins(given);
        let mut told = Told::default();
        let without = left_out.map(|sync| format!(";{sync}=return")).unwrap_or_default();
        for cut in cuts {
            let ended = self.runs(&format!("{}{without}", kill(cut.step)), patience, &mut told);
            match ended {
                Ended::Killed => {
                    self.images.cut(cut.neighbour);
                    told.cuts += 1;
                    self.looks_at_the_disk(&mut told.faults);
                    if left_out.is_some() && !told.faults.is_empty() {
                        return told;
                    }
                }
                // What lies behind an earlier step is not passed again.
                Ended::Rested => return self.reckoned(told),
                Ended::Stuck => {
                    told.faults.push(self.stuck());
                    return told;
                }
            }
        }
        match self.runs(without.trim_start_matches(';'), patience, &mut told) {
            Ended::Rested => self.reckoned(told),
            Ended::Killed | Ended::Stuck => {
                told.faults.push(self.stuck());
                told
            }
        }
    }

    fn begins(&mut self, given: Given) {
        self.boots = 0;
        self.images.sets_back();
        self.scene.expected = Default::default();
        let files = match given {
            Given::Everything => self.files.clone(),
            Given::OnePack => vec![self.files[PACK].clone()],
            Given::OneReturn => Vec::new(),
        };
        files.iter().for_each(|sealed| self.scene.drops(sealed));
        match given {
            Given::Everything => self.scene.hands_in_returns(LA),
            Given::OneReturn => self.scene.returns().hands_in_shbe(LA),
            Given::OnePack => {}
        }
        self.given = files;
        // Others see to it that what they hand over lasts.
        self.images.syncs();
    }

    /// Runs the service until it is killed, or all rests.
    fn runs(&mut self, failpoints: &str, patience: Duration, told: &mut Told) -> Ended {
        let watch = self.scene.watched(false);
        let environment = [("FAILPOINTS", failpoints)];
        match self.boots {
            0 => self.scene.council.start_with(&environment),
            boot => self.scene.council.start_rebooted_as(boot, &environment),
        }
        self.boots += 1;
        let ended = self.ends(patience);
        told.faults.extend(watch.ends().half_written.into_iter().map(|path| Fault::half_written(&path)));
        ended
    }

    fn ends(&mut self, patience: Duration) -> Ended {
        let deadline = Instant::now() + patience;
        let status = loop {
            if self.scene.council.has_ended() {
                break self.scene.council.ends();
            }
            if self.scene.council.answers() && self.rests() {
                break self.scene.council.stop();
            }
            if Instant::now() > deadline {
                self.scene.council.kill();
                return Ended::Stuck;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        match status.signal() {
            Some(9) => Ended::Killed,
            _ if status.success() => Ended::Rested,
            _ => Ended::Stuck,
        }
    }

    fn stuck(&self) -> Fault {
        let log = self.scene.council.log();
        let last: Vec<&str> = log.lines().rev().take(4).collect();
        let bytes = |path: PathBuf| (path.metadata().map_or(0, |facts| facts.len()), path);
        let left: Vec<(u64, PathBuf)> = self.left_at_sources().into_iter().map(bytes).collect();
        Fault::Stuck(format!("left, with their bytes, {left:?}; the log ends, backwards: {last:#?}"))
    }

    /// What still lies where files were to be taken from, and the notes of it. Not what a file system without a journal can
    /// leave of a removed file, the name without the content.
    pub fn left_at_sources(&self) -> Vec<PathBuf> {
        let council = &self.scene.council;
        let mut left: Vec<PathBuf> =
            [&council.drop, &council.returns].into_iter().flat_map(|at| files_below(at)).collect();
        if self.kind == FileSystem::Ext4NoJournal {
            let is_empty = |path: &PathBuf| path.metadata().is_ok_and(|facts| facts.len() == 0);
            left.retain(|path| is_hidden(path) || !is_empty(path));
        }
        left.extend(files_below(&council.state.join("picked-up")));
        left
    }

    /// Whether everything has come to rest, what only a person can settle too, and the last checkpoint has left.
    fn rests(&self) -> bool {
        let expected = self.scene.expected.everything();
        let is_at_rest = |stage: &Stage| matches!(stage, Stage::Sent { .. } | Stage::Uncertain { .. });
        let submissions = self.scene.submissions();
        let at_rest = submissions.iter().filter(|one| is_at_rest(&one.stage)).count();
        at_rest == expected.returns.values().sum::<usize>()
            && self.left_at_sources().is_empty()
            && self.scene.council.all_rest(expected.files)
            && self.checkpoints_rest()
    }

    fn checkpoints_rest(&self) -> bool {
        let entries = self.scene.council.entries();
        let last = |event: &str| entries.iter().rfind(|entry| entry["event"] == event).map(|entry| &entry["size"]);
        let sent =
            entries.iter().rposition(|entry| ["sent", "sent-recovered"].iter().any(|event| entry["event"] == *event));
        let covers = |size: &serde_json::Value| size.as_u64() > sent.map(|at| at as u64);
        last("checkpoint-left").is_some_and(covers) && last("checkpoint-left") == last("checkpoint-made")
    }
}
