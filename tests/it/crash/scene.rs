//! A council with returns due today, and everything that is put before it. It can be set back to its beginning.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hbcourier::cli::demo::samples;
use hbcourier::domain::{Stage, Submission, TimetableYear};
use hbcourier::effects::clock::london;
use hbcourier::store::{Queries, SubmissionFilter};
use jiff::civil::Date;
use jiff::{ToSpan, Zoned};

use super::expected::Expected;
use super::samples::{Sample, Sealed};
use super::watch::Watch;
use crate::support::council::{Council, LA, files_below, set};
use crate::support::partner::{Algorithm, Partner};

/// Far beyond what is needed, for slow machines.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Scene {
    pub dwp: Partner,
    pub council: Council,
    pub expected: Arc<Expected>,
    pub today: Date,
    snapshot: PathBuf,
}

impl Scene {
    /// One authority.
    pub fn new() -> Scene {
        Scene::of(&[LA], |_| ())
    }

    /// As [`Scene::of`], and quick to try again.
    pub fn quick(numbers: &[&str]) -> Scene {
        Scene::of(numbers, |settings| {
            set(settings, &["service", "sweep_every"], "300ms");
            set(settings, &["service", "retry_after"], "200ms");
            set(settings, &["service", "retry_after_max"], "500ms");
            set(settings, &["service", "attempts_max"], 100);
        })
    }

    /// The back office gets files under the sender's names.
    pub fn with_senders_names() -> Scene {
        Scene::of(&[LA], |settings| {
            let authorities = settings["authority"].as_array_mut().unwrap();
            for route in authorities.iter_mut().flat_map(|one| one["route"].as_array_mut().unwrap()) {
                set(route.as_table_mut().unwrap(), &["file_name"], "{name}");
            }
        })
    }

    /// These authorities, the first of them [`LA`].
    pub fn of(numbers: &[&str], edit: impl FnOnce(&mut toml::Table)) -> Scene {
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let council = Council::new(&mut dwp);
        let today = Zoned::now().with_time_zone(london()).date();
        let timetable = council.config.with_file_name("timetable.toml");
        fs::write(&timetable, timetable_for(today, numbers)).unwrap();
        council.changes_settings(|settings| {
            let file = toml::Table::from_iter([("file".to_owned(), timetable.to_str().unwrap().into())]);
            settings.insert("timetable".into(), toml::Value::Array(vec![file.into()]));
            set(settings, &["service", "in_flight_max"], 8);
            for authority in settings["authority"].as_array_mut().unwrap() {
                for owed in authority["return"].as_array_mut().unwrap() {
                    set(owed.as_table_mut().unwrap(), &["window"], "00:00-24:00");
                    set(owed.as_table_mut().unwrap(), &["settle"], "200ms");
                }
            }
            numbers.iter().filter(|number| **number != LA).for_each(|number| add_authority(settings, number));
            edit(settings);
        });
        council.changes_drop_folders(|folder| set(folder, &["settle"], "100ms"));
        let root = council.config.parent().unwrap().to_owned();
        numbers.iter().for_each(|number| make_folders(&root, number));
        let snapshot = council.dir.path().join("snapshot");
        copy_tree(&root, &snapshot);
        Scene { dwp, council, expected: Arc::default(), today, snapshot }
    }

    /// Back to the beginning: nothing arrived yet, nothing recorded yet.
    pub fn sets_back(&mut self) {
        let root = self.root();
        fs::remove_dir_all(&root).unwrap();
        copy_tree(&self.snapshot, &root);
        self.expected = Arc::default();
    }

    /// From now on the beginning is as it is now, and nothing of it is expected.
    pub fn begins_here(&mut self) {
        fs::remove_dir_all(&self.snapshot).unwrap();
        copy_tree(&self.root(), &self.snapshot);
    }

    /// One of each kind, and one that must be held.
    pub fn one_of_each(&self) -> Vec<Sealed> {
        let samples = [Sample::pdf(1), Sample::xml(2, 40_000), Sample::pack(3)];
        let mut all: Vec<Sealed> = samples.iter().map(|sample| sample.sealed_by(&self.dwp)).collect();
        all.push(Sample::xml(4, 500).tampered_after(&self.dwp));
        all
    }

    pub fn drops(&self, sealed: &Sealed) {
        self.expected.file(sealed);
        self.council.drops(&sealed.name, &sealed.bytes);
    }

    /// Puts both returns of an authority into their folders.
    pub fn hands_in_returns(&self, number: &str) {
        self.returns().hands_in(number);
    }

    /// What the authorities do when their returns are due.
    pub fn returns(&self) -> Returns {
        Returns { folder: self.root().join("returns"), today: self.today, expected: self.expected.clone() }
    }

    /// Watches the folders from now on.
    pub fn watched(&self, takes: bool) -> Watch {
        let root = self.root();
        Watch::over(&root.join("backoffice"), &root.join("outgoing"), self.expected.clone(), takes)
    }

    /// Starts the service with these failpoints. Whether it was killed before all came to rest.
    pub fn dies_at(&mut self, failpoints: &str) -> bool {
        self.council.start_with(&[("FAILPOINTS", failpoints)]);
        self.is_killed(failpoints)
    }

    /// Whether the running service is killed before all comes to rest. Stops it if not.
    pub fn is_killed(&mut self, what: &str) -> bool {
        match self.ends_early(what) {
            Some(status) => {
                assert_eq!(status.signal(), Some(9), "{what}: {status}\n{}", self.council.log());
                true
            }
            None => {
                let status = self.council.stop();
                // What rests already may still be on its way to the step that kills.
                let killed = status.signal() == Some(9);
                assert!(killed || status.success(), "{what}: {status}\n{}", self.council.log());
                killed
            }
        }
    }

    /// How the running service ended, if it did before all came to rest.
    pub fn ends_early(&mut self, what: &str) -> Option<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.council.has_ended() {
                return Some(self.council.ends());
            }
            if self.council.answers() && self.rests() {
                return None;
            }
            assert!(Instant::now() < deadline, "{what}: nothing comes to rest\n{}", self.council.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until everything that was expected has come to rest, while the service runs.
    pub fn comes_to_rest(&mut self, what: &str) {
        if let Some(status) = self.ends_early(what) {
            panic!("{what}: it ended by itself: {status}\n{}", self.council.log());
        }
    }

    /// Starts the service without failpoints, and stops it when all has come to rest.
    pub fn completes(&mut self) {
        assert!(!self.dies_at(""), "nobody killed it");
    }

    /// Whether everything that was expected has come to rest.
    pub fn rests(&self) -> bool {
        self.rests_where(|stage| matches!(stage, Stage::Sent { .. }))
    }

    /// As [`Scene::rests`], where a return rests also if nobody can tell whether it arrived: it is never sent again by itself.
    pub fn rests_or_is_uncertain(&self) -> bool {
        self.rests_where(|stage| matches!(stage, Stage::Sent { .. } | Stage::Uncertain { .. }))
    }

    fn rests_where(&self, is_over: fn(&Stage) -> bool) -> bool {
        let expected = self.expected.everything();
        let sent = self.submissions().iter().filter(|one| is_over(&one.stage)).count();
        let picked_up = [self.root().join("returns"), self.council.state.join("picked-up")];
        sent == expected.returns.values().sum::<usize>()
            && picked_up.iter().all(|folder| files_below(folder).is_empty())
            && self.dropped().is_empty()
            && self.council.all_rest(expected.files)
    }

    pub fn submissions(&self) -> Vec<Submission> {
        let store = self.council.store();
        store.and_then(|store| store.submissions(&SubmissionFilter::default()).ok()).unwrap_or_default()
    }

    /// What still lies in the drop folders.
    pub fn dropped(&self) -> Vec<PathBuf> {
        files_below(&self.root().join("drop"))
    }

    pub fn root(&self) -> PathBuf {
        self.council.config.parent().unwrap().to_owned()
    }
}

/// The authorities' own work.
pub struct Returns {
    folder: PathBuf,
    today: Date,
    expected: Arc<Expected>,
}

impl Returns {
    pub fn hands_in(&self, number: &str) {
        self.hands_in_shbe(number);
        self.hands_in_workbook(number);
    }

    pub fn hands_in_shbe(&self, number: &str) {
        self.puts(number, "shbe/shbe.txt", samples::shbe_extract(self.today));
    }

    pub fn hands_in_workbook(&self, number: &str) {
        self.puts(number, "hbms-mi/HBMS_MI_workbook.xlsx", samples::mi_workbook("HBMS MI").unwrap());
    }

    fn puts(&self, number: &str, name: &str, content: Vec<u8>) {
        self.expected.handed_in(&content);
        let path = self.folder.join(number).join(name);
        let unfinished = path.with_file_name(".unfinished");
        fs::write(&unfinished, content).unwrap();
        fs::rename(unfinished, path).unwrap();
    }
}

/// Ends the service by SIGKILL where it first passes this step.
pub fn kill(step: &str) -> String {
    format!("{step}=return(kill)")
}

fn timetable_for(today: Date, numbers: &[&str]) -> String {
    let first = if today.month() < 4 { today.year() - 1 } else { today.year() };
    let year = TimetableYear::beginning(first);
    let (month, extract_from) = (today.strftime("%Y-%m"), today.saturating_sub(7.days()));
    let authorities: Vec<String> = numbers.iter().map(|number| format!("[\"{number}\", \"LA {number}\"]")).collect();
    format!(
        "year = \"{year}\"\nsource = \"make-believe\"\n\n[[group]]\nweek = 1\nweekday = \"Monday\"\n\
         dates = [{{ relevant_month = \"{month}\", extract_from = \"{extract_from}\", transfer_on = \"{today}\" }}]\n\
         authorities = [{}]\n",
        authorities.join(", ")
    )
}

/// Like the first authority, with its own folders.
fn add_authority(settings: &mut toml::Table, number: &str) {
    for key in ["authority", "courier"] {
        let all = settings[key].as_array_mut().unwrap();
        let like_the_first = toml::to_string(all[0].as_table().unwrap()).unwrap().replace(LA, number);
        all.push(like_the_first.parse::<toml::Table>().unwrap().into());
    }
}

fn make_folders(root: &Path, number: &str) {
    for folder in ["drop", "outgoing", "backoffice", "returns"] {
        let like = root.join(folder).join(LA);
        fs::create_dir_all(root.join(folder).join(number)).unwrap();
        for entry in fs::read_dir(&like).unwrap().map(Result::unwrap) {
            fs::create_dir_all(root.join(folder).join(number).join(entry.file_name())).unwrap();
        }
    }
}

/// With modes and times.
pub fn copy_tree(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}
