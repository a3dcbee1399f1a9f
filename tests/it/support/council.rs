//! A council: its folders, and the real binary working on them.
//!
//! Holds: the service is ended when the council is dropped; what it wrote goes with the temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use hbcourier::config;
use hbcourier::daemon::control::{Answer, Request, ask_at};
use hbcourier::domain::{Consignment, Digest, Standing, TimetableYear};
use hbcourier::effects::clock::london;
use hbcourier::store::{ConsignmentFilter, Queries, SqliteQueries, SqliteStore};
use jiff::civil::Date;
use jiff::{ToSpan, Zoned};
use serde_json::Value;
use tempfile::TempDir;

use super::partner::Partner;

pub const LA: &str = "12302";

const PROGRAM: &str = env!("CARGO_BIN_EXE_hbcourier");

/// How long a test waits for a condition before it fails. Far beyond what is needed, for slow machines.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Council {
    pub dir: TempDir,
    pub config: PathBuf,
    pub state: PathBuf,
    pub drop: PathBuf,
    pub backoffice: PathBuf,
    pub returns: PathBuf,
    pub outgoing: PathBuf,
    pub own_certificate: Vec<u8>,
    service: Option<Child>,
}

impl Council {
    /// Laid out by `init`, on good terms with this partner, and impatient: it sweeps every second.
    pub fn new(dwp: &mut Partner) -> Council {
        Council::at(tempfile::tempdir().unwrap(), dwp)
    }

    /// As [`Council::new`], in this folder.
    pub fn at(dir: TempDir, dwp: &mut Partner) -> Council {
        let certificate = dir.path().join("dwp.asc");
        fs::write(&certificate, dwp.certificate()).unwrap();
        let at = dir.path().join("council");
        let mut init = command();
        init.arg("init").arg(&at).args(["--authority", LA, "--json", "--partner-cert"]).arg(&certificate);
        let laid: Value = serde_json::from_slice(&succeeded(init.output().unwrap())).unwrap();
        let path = |key: &str| PathBuf::from(laid[key].as_str().unwrap());
        let own_certificate = fs::read(path("own_cert")).unwrap();
        dwp.trusts(&own_certificate);
        let council = Council {
            config: path("config"),
            state: path("state"),
            drop: path("drop"),
            backoffice: path("backoffice"),
            returns: path("returns"),
            outgoing: path("outgoing"),
            own_certificate,
            service: None,
            dir,
        };
        council.changes_settings(|settings| {
            set(settings, &["service", "sweep_every"], "1s");
            set(settings, &["service", "retry_after"], "1s");
            set(settings, &["service", "limits", "free_bytes_min"], "1 MiB");
        });
        council
    }

    /// Edits the configuration as a table. Takes effect at the next start.
    pub fn changes_settings(&self, edit: impl FnOnce(&mut toml::Table)) {
        let mut settings: toml::Table = fs::read_to_string(&self.config).unwrap().parse().unwrap();
        edit(&mut settings);
        fs::write(&self.config, settings.to_string()).unwrap();
    }

    /// Edits every drop folder's table.
    pub fn changes_drop_folders(&self, edit: impl Fn(&mut toml::Table)) {
        self.changes_settings(|settings| {
            let authorities = settings["authority"].as_array_mut().unwrap();
            let folders = authorities.iter_mut().flat_map(|one| one["drop_folder"].as_array_mut().unwrap());
            folders.for_each(|folder| edit(folder.as_table_mut().unwrap()));
        });
    }

    /// Puts a file into the drop folder as a careful writer does: under another name first.
    pub fn drops(&self, name: &str, bytes: &[u8]) {
        drop_into(&self.drop, name, bytes);
    }

    /// Starts the service, and waits until it answers.
    pub fn start(&mut self) {
        self.start_in(&[]);
    }

    /// Starts the service with these variables, and waits until it answers.
    pub fn start_in(&mut self, environment: &[(&str, &str)]) {
        self.start_with(environment);
        self.until("the service answers", |council| council.answers());
    }

    /// Starts the service with these variables; does not wait.
    pub fn start_with(&mut self, environment: &[(&str, &str)]) {
        self.starts(command(), environment);
    }

    /// As [`Council::start_with`], as if the machine had been restarted: the kernel tells another boot id.
    pub fn start_rebooted(&mut self, environment: &[(&str, &str)]) {
        self.start_rebooted_as(1, environment);
    }

    /// As [`Council::start_rebooted`], for the so manieth time.
    pub fn start_rebooted_as(&mut self, boot: u32, environment: &[(&str, &str)]) {
        let boot_id = self.dir.path().join("boot_id");
        fs::write(&boot_id, format!("00000000-0000-4000-8000-{boot:012}\n")).unwrap();
        let mut run = Command::new("unshare");
        let mounted = r#"mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@""#;
        run.args(["--mount", "--propagation", "private", "sh", "-c", mounted]).arg(boot_id).arg(PROGRAM);
        self.starts(run, environment);
    }

    /// Starts the service with its standard error leading to the journal, whose socket is the one in this folder; waits
    /// until it answers.
    pub fn start_journalled(&mut self, folder: &Path) {
        let log = fs::File::options().create(true).append(true).open(self.log_path()).unwrap();
        let stream = log.metadata().unwrap();
        let mounted = r#"mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal && exec "$@""#;
        let mut run = Command::new("unshare");
        run.args(["--mount", "--propagation", "private", "sh", "-c", mounted]).arg(folder).arg(PROGRAM);
        self.starts(run, &[("JOURNAL_STREAM", &format!("{}:{}", stream.dev(), stream.ino()))]);
        self.until("the service answers", |council| council.answers());
    }

    /// Starts the service bound by the modes of files, which root is not; waits until it answers.
    pub fn start_bound_by_modes(&mut self) {
        const ABOVE_MODES: &str = "-dac_override,-dac_read_search";
        let mut run = Command::new("setpriv");
        run.args(["--bounding-set", ABOVE_MODES, "--inh-caps", ABOVE_MODES]).arg(PROGRAM);
        self.starts(run, &[]);
        self.until("the service answers", |council| council.answers());
    }

    /// Starts the service under this account, whose everything in the council's folder becomes; waits until it answers.
    pub fn start_as(&mut self, account: u32) {
        // Where that account can run it, wherever this was built.
        let program = self.dir.path().join("hbcourier");
        fs::copy(PROGRAM, &program).unwrap();
        let whose = format!("{account}:{account}");
        succeeded(Command::new("chown").args(["-R", &whose]).arg(self.dir.path()).output().unwrap());
        let mut run = Command::new("setpriv");
        run.args(["--reuid", &account.to_string(), "--regid", &account.to_string(), "--clear-groups"]).arg(program);
        self.starts(run, &[]);
        self.until("the service answers", |council| council.answers());
    }

    fn starts(&mut self, mut run: Command, environment: &[(&str, &str)]) {
        assert!(self.service.is_none(), "it runs already");
        let log = fs::File::options().create(true).append(true).open(self.log_path()).unwrap();
        quiet(&mut run).arg("--config").arg(&self.config).arg("run").envs(environment.iter().copied());
        self.service = Some(run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// Whether the service answers on its control socket.
    pub fn answers(&self) -> bool {
        let socket = self.socket();
        matches!(ask_at(&socket, &Request::Status), Ok(Some(Answer::Status { .. })))
    }

    /// Where the service listens for commands.
    pub fn socket(&self) -> PathBuf {
        config::load_with_env(&self.config, []).unwrap().service.control_socket
    }

    /// The service's process.
    pub fn pid(&self) -> u32 {
        self.service.as_ref().expect("it runs").id()
    }

    /// Ends the service at once, as a power cut would.
    pub fn kill(&mut self) {
        let mut service = self.service.take().expect("it runs");
        service.kill().unwrap();
        assert_eq!(service.wait().unwrap().signal(), Some(9));
    }

    /// Waits until the service ends by itself, and says how.
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.service.as_mut().expect("it runs").try_wait().unwrap() {
                self.service = None;
                return status;
            }
            assert!(Instant::now() < deadline, "the service did not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the service has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.service.as_mut().is_none_or(|service| service.try_wait().unwrap().is_some())
    }

    /// Asks the service to stop, as systemd does, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.ends()
    }

    /// Asks the service to stop, which it must do in good order.
    pub fn stops_well(&mut self) {
        let ended = self.stop();
        assert!(ended.success(), "{ended}\n{}", self.log());
    }

    /// Runs a command of the program on this council's configuration.
    pub fn runs(&self, arguments: &[&str]) -> Output {
        command().arg("--config").arg(&self.config).args(arguments).output().unwrap()
    }

    /// Trusts a partner's certificate as a further one of DWP's, by the command.
    pub fn trusts(&self, partner: &Partner) {
        let file = self.dir.path().join("trusted.asc");
        fs::write(&file, partner.certificate()).unwrap();
        let fingerprint = partner.fingerprint().to_string();
        let file = file.to_str().unwrap();
        succeeded(self.runs(&["keys", "trust", "dwp", file, "--fingerprint", &fingerprint]));
    }

    /// What waits for a person, as `held list` tells it.
    pub fn held(&self) -> Vec<Value> {
        self.json(&["held", "list"])["held"].as_array().unwrap().clone()
    }

    /// What needs attention, as `status` tells it: about what, and the code.
    pub fn attention(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let status = self.json(&["status"]);
        status["attention"].as_array().unwrap().iter().map(|one| (text(&one["about"]), text(&one["code"]))).collect()
    }

    /// Whether `status` has this alarm.
    pub fn is_alarmed(&self, about: &str, code: &str) -> bool {
        self.attention().iter().any(|one| one.0 == about && one.1 == code)
    }

    /// The codes under which consignments wait to be tried again, sorted.
    pub fn deferred(&self) -> Vec<&'static str> {
        let mut codes: Vec<_> = self
            .consignments()
            .iter()
            .filter_map(|one| match &one.standing {
                Standing::Deferred { cause, .. } => Some(cause.notice().code),
                _ => None,
            })
            .collect();
        codes.sort_unstable();
        codes
    }

    /// A second authority, in a file of its own beside the configuration. Its drop folder and its back office.
    pub fn adds_authority(&self, number: &str, name: &str) -> (PathBuf, PathBuf) {
        let base = self.dir.path().join(number);
        let (drop, backoffice) = (base.join("drop"), base.join("backoffice"));
        [&drop, &backoffice].into_iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
        let beside = self.config.with_file_name("conf.d");
        fs::create_dir_all(&beside).unwrap();
        let kinds = r#"["laid-pdf", "laid-xml", "hbms-pack", "hbms-mi", "caseload-risk"]"#;
        let table = format!(
            "[[authority]]\nnumber = \"{number}\"\nname = \"{name}\"\n\
             drop_folder = [{{ name = \"drop-{number}\", path = \"{}\", partners = [\"dwp\"] }}]\n\
             route = [{{ kinds = {kinds}, destination = \"all-{number}\", folder = \"{}\" }}]\n",
            drop.display(),
            backoffice.display()
        );
        fs::write(beside.join(format!("{number}.toml")), table).unwrap();
        (drop, backoffice)
    }

    /// Makes today the transfer date of both returns for April, and sends as soon as they are there; May's may be left
    /// from today on too. Today.
    pub fn falls_due_today(&self) -> Date {
        let today = Zoned::now().with_time_zone(london()).date();
        let first = if today.month() < 4 { today.year() - 1 } else { today.year() };
        let date = |month: &str, extract_from: Date, transfer_on: Date| {
            format!(
                "{{ relevant_month = \"{first}-{month}\", extract_from = \"{extract_from}\", transfer_on = \"{transfer_on}\" }}"
            )
        };
        let timetable = format!(
            "year = \"{}\"\nsource = \"made up\"\n\n[[group]]\nweek = 1\nweekday = \"Monday\"\n\
             dates = [{}, {}]\nauthorities = [[\"{LA}\", \"Blackpool\"]]\n",
            TimetableYear::beginning(first),
            date("04", today.saturating_sub(7.days()), today),
            date("05", today, today.saturating_add(28.days())),
        );
        let file = self.config.with_file_name("timetable.toml");
        fs::write(&file, timetable).unwrap();
        self.changes_settings(|settings| {
            let file = toml::Table::from_iter([("file".to_owned(), file.display().to_string().into())]);
            settings.insert("timetable".into(), toml::Value::Array(vec![file.into()]));
            for authority in settings["authority"].as_array_mut().unwrap() {
                for owed in authority["return"].as_array_mut().unwrap() {
                    let owed = owed.as_table_mut().unwrap();
                    owed.insert("window".into(), "00:00-24:00".into());
                    owed.insert("settle".into(), "500ms".into());
                }
            }
        });
        today
    }

    /// Edits every route's table.
    pub fn changes_routes(&self, edit: impl Fn(&mut toml::Table)) {
        self.changes_settings(|settings| {
            let authorities = settings["authority"].as_array_mut().unwrap();
            let routes = authorities.iter_mut().flat_map(|one| one["route"].as_array_mut().unwrap());
            routes.for_each(|route| edit(route.as_table_mut().unwrap()));
        });
    }

    /// The most memory the service has had at once, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The one JSON document that a command prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.runs(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Waits for a condition. Fails with the service's log if it does not come about.
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&Council) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < deadline, "waited in vain until {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The store, for reading. `None` until there is one.
    pub fn store(&self) -> Option<SqliteQueries> {
        SqliteStore::read_only(&self.state).ok()
    }

    /// Every consignment.
    pub fn consignments(&self) -> Vec<Consignment> {
        // A store that is being opened at this moment is read at the next.
        self.store().and_then(|store| store.consignments(&ConsignmentFilter::default()).ok()).unwrap_or_default()
    }

    /// The codes of what is held or rejected, sorted.
    pub fn codes(&self) -> Vec<&'static str> {
        let mut codes: Vec<_> = self.consignments().iter().filter_map(|one| code(&one.standing)).collect();
        codes.sort_unstable();
        codes
    }

    /// Whether every consignment has come to rest, and there are this many.
    pub fn all_rest(&self, count: usize) -> bool {
        let all = self.consignments();
        all.len() == count && all.iter().all(|one| one.standing.due_at().is_none())
    }

    /// Every visible file below the back office, by path from there.
    pub fn delivered(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = files_below(&self.backoffice).into_iter().filter(|path| !is_hidden(path));
        files.filter_map(|path| Some((path.clone(), fs::read(&path).ok()?))).collect()
    }

    /// The digests of what is delivered, sorted, doubles included.
    pub fn delivered_digests(&self) -> Vec<Digest> {
        let mut digests: Vec<_> = self.delivered().values().map(|content| Digest::of(content)).collect();
        digests.sort_unstable();
        digests
    }

    /// Hidden files below the back office: parts that were never published.
    pub fn hidden_parts(&self) -> Vec<PathBuf> {
        files_below(&self.backoffice).into_iter().filter(|path| is_hidden(path)).collect()
    }

    /// What still lies in the drop folder.
    pub fn dropped(&self) -> Vec<PathBuf> {
        files_below(&self.drop)
    }

    /// Fails unless the ledger verifies. Returns its entries as JSON.
    pub fn ledger(&self) -> Vec<Value> {
        let verdict = self.json(&["audit", "verify"]);
        assert_eq!(verdict["ok"], true, "{verdict}");
        let log = self.runs(&["audit", "log", "--json"]);
        let lines = String::from_utf8(succeeded(log)).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The ledger's entries as they are stored, unverified.
    pub fn entries(&self) -> Vec<Value> {
        let lines = self.store().unwrap().ledger(0, usize::MAX >> 1).unwrap();
        lines.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect()
    }

    /// How many ledger entries tell of this event.
    pub fn events(&self, event: &str) -> usize {
        self.ledger().iter().filter(|entry| entry["event"] == event).count()
    }

    /// What the service wrote on standard error so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("service.log")
    }
}

impl Drop for Council {
    fn drop(&mut self) {
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

/// The real program.
pub fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    quiet(&mut command);
    command
}

/// Without what the tests' own environment might say to it.
fn quiet(command: &mut Command) -> &mut Command {
    command.env_remove("FAILPOINTS").env("HBCOURIER_LOG", "hbcourier=debug")
}

/// Standard output of a command that ended well.
pub fn succeeded(output: Output) -> Vec<u8> {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Sets a key of a nested table.
pub fn set(table: &mut toml::Table, keys: &[&str], value: impl Into<toml::Value>) {
    match keys {
        [key] => drop(table.insert((*key).to_owned(), value.into())),
        [first, rest @ ..] => {
            let inner = table.entry(*first).or_insert_with(|| toml::Table::new().into());
            set(inner.as_table_mut().unwrap(), rest, value);
        }
        [] => {}
    }
}

fn code(standing: &Standing) -> Option<&'static str> {
    match standing {
        Standing::Held { reason, .. } => Some(reason.notice().code),
        Standing::Rejected { reason, .. } => Some(reason.notice().code),
        _ => None,
    }
}

/// Puts a file into a drop folder as a careful writer does: under another name first.
pub fn drop_into(folder: &Path, name: &str, bytes: &[u8]) {
    let unfinished = folder.join(format!(".{name}"));
    fs::write(&unfinished, bytes).unwrap();
    fs::rename(unfinished, folder.join(name)).unwrap();
}

pub fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Every file below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
