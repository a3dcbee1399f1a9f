//! The scene: a council's folders and its running service, and what is put before it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::{ToSpan, Zoned};

use super::partner::Dwp;
use super::{Audited, DeliveredFile, HeldFile, SentReturn, Shown, could_not, samples};
use crate::cli::init;
use crate::cli::order::service_status;
use crate::cli::output::CliError;
use crate::cli::setup::RecordedKeys;
use crate::daemon::control::socket_path;
use crate::domain::timetable::Timetables;
use crate::domain::{Digest, LaNumber, Stage, Standing};
use crate::effects::clock::london;
use crate::store::{ConsignmentFilter, Queries, SqliteStore, SubmissionFilter, verify};

const LA: &str = "12302";
const OTHER_LA: &str = "20101";
/// How long the service may take over it all.
const PATIENCE: Duration = Duration::from_secs(50);

/// Paths of what `init` laid out.
#[derive(serde::Deserialize)]
struct Laid {
    config: PathBuf,
    state: PathBuf,
    drop: PathBuf,
    returns: PathBuf,
    outgoing: PathBuf,
    own_cert: PathBuf,
}

pub(super) struct Scene {
    laid: Laid,
    dwp: Dwp,
    today: Date,
}

impl Scene {
    /// Lays out a council whose returns are due today.
    pub(super) fn set(dir: &Path, timetables: &Timetables) -> Result<Scene, CliError> {
        fs::create_dir_all(dir).map_err(|error| could_not("make its folder", &error))?;
        let dwp = Dwp::new(&dir.join("dwp"))?;
        let certificate = dir.join("dwp.asc");
        fs::write(&certificate, dwp.certificate()?).map_err(|error| could_not("write DWP's certificate", &error))?;
        let authority: LaNumber = LA.parse().map_err(|error| could_not("name the authority", &error))?;
        let args = init::Args {
            dir: Some(dir.join("council")),
            system: Default::default(),
            authority,
            partner_cert: Some(certificate),
            json: true,
        };
        let name = |la: &LaNumber| timetables.authority(la).map(|authority| authority.name.clone());
        let mut printed = Vec::new();
        init::run(&args, &name, &RecordedKeys, &mut printed).map_err(|error| could_not("lay out a council", &error))?;
        let laid: Laid = serde_json::from_slice(&printed).map_err(|error| could_not("read its layout", &error))?;
        dwp.trusts(&fs::read(&laid.own_cert).map_err(|error| could_not("read the council's certificate", &error))?)?;
        let today = Zoned::now().with_time_zone(london()).date();
        due_today(&laid.config, today)?;
        Ok(Scene { laid, dwp, today })
    }

    /// Starts the service, puts everything before it, waits until it is done, and stops it.
    pub(super) fn play(&self) -> Result<Shown, CliError> {
        let service = Service::start(&self.laid.config)?;
        self.wait_until(&service, || {
            service_status(&socket_path(&self.laid.state)).is_some_and(|status| !status.sources.is_empty())
        })?;
        self.drop_files()?;
        self.leave_returns()?;
        self.wait(&service)?;
        service.stop()?;
        self.look()
    }

    fn drop_files(&self) -> Result<(), CliError> {
        let build = |error| could_not("build its sample files", &error);
        let risk = samples::caseload_risk(40);
        let workbook = samples::mi_workbook("HBMS MI").map_err(build)?;
        let pack = samples::archive(&[
            ("HBSA001_referrals.csv", b"REFERRAL,RULE\r\n1,HBSA001\r\n"),
            ("HBMS_MI_workbook.xlsx", &workbook),
            ("AOBWR627_LAID_RISK.csv", &risk),
        ]);
        let foreign = format!("AOBWR627_{OTHER_LA}_RISK.csv");
        let files = [
            ("LAID_0001.pdf", samples::laid_pdf()),
            ("LAID_0001.xml", samples::laid_xml()),
            ("HBMS_pack.zip", pack.map_err(build)?),
            (foreign.as_str(), samples::caseload_risk(10)),
        ];
        for (name, content) in &files {
            self.drop_file(name, &self.dwp.seals(content, name)?)?;
        }
        let second = samples::caseload_risk(41);
        self.drop_file("AOBWR627_LAID_RISK.csv", &self.dwp.seals(&second, "AOBWR627_LAID_RISK.csv")?)?;
        let mut tampered = self.dwp.seals(b"<?xml version=\"1.0\"?>\n<LAID/>\n", "LAID_0002.xml")?;
        // Well inside the encrypted part.
        let at = tampered.len() - 60;
        tampered[at] ^= 0x01;
        self.drop_file("LAID_0002.xml", &tampered)
    }

    /// As a careful writer does it: under another name first.
    fn drop_file(&self, name: &str, sealed: &[u8]) -> Result<(), CliError> {
        let unfinished = self.laid.drop.join(format!(".{name}.part"));
        let dropped = self.laid.drop.join(format!("{name}.pgp"));
        let moved = fs::write(&unfinished, sealed).and_then(|()| fs::rename(&unfinished, &dropped));
        moved.map_err(|error| could_not("drop a file", &error))
    }

    fn leave_returns(&self) -> Result<(), CliError> {
        let build = |error| could_not("leave the returns", &error);
        fs::write(self.laid.returns.join("shbe/shbe.txt"), samples::shbe_extract(self.today)).map_err(build)?;
        let workbook = samples::mi_workbook("HBMS MI").map_err(build)?;
        fs::write(self.laid.returns.join("hbms-mi/HBMS_MI_workbook.xlsx"), workbook).map_err(build)
    }

    fn wait(&self, service: &Service) -> Result<(), CliError> {
        self.wait_until(service, || {
            let all_there = |shown: Shown| shown.delivered.len() >= 6 && shown.held.len() >= 2 && shown.sent.len() >= 2;
            self.look().is_ok_and(all_there) && self.all_rest().unwrap_or(false)
        })
    }

    /// Waits for a condition, but not longer than a person would. What is missing then shows in what is printed.
    fn wait_until(&self, service: &Service, condition: impl Fn() -> bool) -> Result<(), CliError> {
        let begun = Instant::now();
        while !condition() && begun.elapsed() < PATIENCE && service.is_running() {
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn queries(&self) -> Result<impl crate::store::Auditable, CliError> {
        SqliteStore::read_only(&self.laid.state).map_err(|error| could_not("read the council's store", &error))
    }

    fn all_rest(&self) -> Result<bool, CliError> {
        let all = self.queries()?.consignments(&ConsignmentFilter::default());
        let all = all.map_err(|error| could_not("read the council's store", &error))?;
        Ok(all.iter().all(|one| matches!(one.standing, Standing::Closed { .. } | Standing::Held { .. })))
    }

    /// What the store tells, held against what lies in the folders.
    fn look(&self) -> Result<Shown, CliError> {
        let store = |error| could_not("read the council's store", &error);
        let queries = self.queries()?;
        let mut shown = Shown {
            delivered: Vec::new(),
            held: Vec::new(),
            sent: Vec::new(),
            audit: Audited { ok: false, entries: 0 },
        };
        for consignment in queries.consignments(&ConsignmentFilter::default()).map_err(store)? {
            match &consignment.standing {
                Standing::Held { reason, .. } => {
                    let notice = reason.notice();
                    shown.held.push(HeldFile { code: notice.code, says: notice.says });
                }
                Standing::Delivered { .. } | Standing::Closed { .. } => {
                    for part in queries.deliveries(&consignment.id).map_err(store)? {
                        let lies_there = fs::read(&part.path).is_ok_and(|bytes| Digest::of(&bytes) == part.digest);
                        if lies_there {
                            shown.delivered.push(DeliveredFile {
                                kind: part.kind,
                                path: Some(part.path),
                                sha256: part.digest,
                            });
                        }
                    }
                }
                _ => {}
            }
        }
        for submission in queries.submissions(&SubmissionFilter::default()).map_err(store)? {
            let (Stage::Sent { .. }, Some(sealed)) = (&submission.stage, &submission.sealed) else { continue };
            let bytes = fs::read(self.laid.outgoing.join(&sealed.file_name)).unwrap_or_default();
            if self.dwp.opens(&bytes) == Some(sealed.content) {
                let (kind, period) = (submission.key.kind.to_string(), submission.key.month.to_string());
                shown.sent.push(SentReturn { kind, period, to: "dwp".to_owned() });
            }
        }
        let audit = verify(&queries).map_err(store)?;
        shown.audit = Audited { ok: audit.ok, entries: audit.entries };
        Ok(shown)
    }
}

/// The real service, in a process of its own.
struct Service {
    child: std::cell::RefCell<Child>,
}

impl Service {
    fn start(config: &Path) -> Result<Service, CliError> {
        let start = |error| could_not("start the service", &error);
        let log = fs::File::create(config.with_file_name("service.log")).map_err(start)?;
        let child = Command::new(std::env::current_exe().map_err(start)?)
            .arg("--config")
            .arg(config)
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Ok(Service { child: child.map_err(start)?.into() })
    }

    fn is_running(&self) -> bool {
        matches!(self.child.borrow_mut().try_wait(), Ok(None))
    }

    fn stop(self) -> Result<(), CliError> {
        let stop = |error: std::io::Error| could_not("stop the service", &error);
        let mut child = self.child.borrow_mut();
        let pid = rustix::process::Pid::from_child(&child);
        // One that has ended already is looked at by its exit status below.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let status = child.wait().map_err(stop)?;
        if status.success() { Ok(()) } else { Err(could_not("keep the service running", &status)) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let child = self.child.get_mut();
        if matches!(child.try_wait(), Ok(None)) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Makes today the transfer date: a timetable of one month, and no waiting.
fn due_today(config: &Path, today: Date) -> Result<(), CliError> {
    let write = |error: std::io::Error| could_not("write its configuration", &error);
    let timetable = config.with_file_name("timetable.toml");
    fs::write(&timetable, timetable_for(today)).map_err(write)?;
    let text = fs::read_to_string(config).map_err(write)?;
    let mut settings: toml::Table = text.parse().map_err(|error| could_not("read its configuration", &error))?;
    let file = toml::Table::from_iter([("file".to_owned(), timetable.display().to_string().into())]);
    settings.insert("timetable".into(), toml::Value::Array(vec![file.into()]));
    let authorities = settings.get_mut("authority").and_then(toml::Value::as_array_mut);
    for authority in authorities.into_iter().flatten().filter_map(toml::Value::as_table_mut) {
        let returns = authority.get_mut("return").and_then(toml::Value::as_array_mut);
        for owed in returns.into_iter().flatten().filter_map(toml::Value::as_table_mut) {
            owed.insert("window".into(), "00:00-24:00".into());
            owed.insert("settle".into(), "1s".into());
        }
    }
    fs::write(config, settings.to_string()).map_err(write)
}

fn timetable_for(today: Date) -> String {
    let first = if today.month() < 4 { today.year() - 1 } else { today.year() };
    let year = crate::domain::TimetableYear::beginning(first);
    let month = today.strftime("%Y-%m");
    let extract_from = today.saturating_sub(7.days());
    format!(
        "year = \"{year}\"\nsource = \"make-believe\"\n\n[[group]]\nweek = 1\nweekday = \"Monday\"\n\
         dates = [{{ relevant_month = \"{month}\", extract_from = \"{extract_from}\", transfer_on = \"{today}\" }}]\n\
         authorities = [[\"{LA}\", \"Blackpool\"]]\n"
    )
}
