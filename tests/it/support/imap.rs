//! A real Dovecot on loopback, with the mailbox of one account. It ends with its value.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::smtp::{Certificates, free_pair_of_ports};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose the mails are.
const OWNER: u32 = 65_534;

const NEEDED: &str = "the mailbox tests need: apt-get install dovecot-core dovecot-imapd openssl, and root";

/// A Dovecot of its own; see `tests/peers/dovecot.sh`.
pub struct Dovecot {
    /// Starts it, as often as wanted.
    command: Command,
    /// Leads the process group that all its processes are in; `None` while it is stopped.
    master: Option<Child>,
    dir: TempDir,
    delivered: AtomicU32,
    /// STARTTLS; the port after it, implicit TLS.
    pub port: u16,
}

impl Dovecot {
    pub fn start(certificates: &Certificates) -> Dovecot {
        Dovecot::start_with(certificates, None)
    }

    /// One that says it can do just that, such as `IMAP4rev1 UIDPLUS`; `None`: what Dovecot can.
    pub fn start_with(certificates: &Certificates, capability: Option<&str>) -> Dovecot {
        Dovecot::start_in(certificates, "CAPABILITY", capability.unwrap_or_default())
    }

    /// One that asks there whether a token counts.
    pub fn start_asking(certificates: &Certificates, introspection: &str) -> Dovecot {
        Dovecot::start_in(certificates, "INTROSPECTION", introspection)
    }

    fn start_in(certificates: &Certificates, name: &str, value: &str) -> Dovecot {
        let dir = tempfile::tempdir().unwrap();
        let port = free_pair_of_ports();
        let mut command = Command::new("sh");
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/dovecot.sh"))
            .args([dir.path(), &certificates.file("")])
            .arg(port.to_string())
            .env(name, value)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut dovecot = Dovecot { command, master: None, dir, delivered: AtomicU32::new(0), port };
        dovecot.restart();
        dovecot
    }

    /// Starts it over what it left: the same port, the same mails. It is killed first if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.master = Some(self.command.spawn().unwrap());
        let ports = [self.port, self.port + 1];
        self.until("it answers", |dovecot| {
            if let Some(ended) = dovecot.master.as_mut().and_then(|master| master.try_wait().unwrap()) {
                panic!("Dovecot ended at once ({ended}); {NEEDED}; {}", dovecot.log());
            }
            ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
    }

    /// Kills the master and all it started, in the middle of whatever they do.
    pub fn kill(&mut self) {
        let Some(mut master) = self.master.take() else { return };
        let group = Pid::from_child(&master);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = master.wait();
        self.until("its last process ended", |_| !runs(group));
    }

    /// Puts a mail into the inbox, as a mail system does. Mails get their UIDs in the order of these calls.
    pub fn delivers(&self, mail: &[u8]) {
        const FIRST: u32 = 1_700_000_000;
        let name = format!("{}.made-up.council", FIRST + self.delivered.fetch_add(1, Ordering::Relaxed));
        let part = self.maildir().join("tmp").join(&name);
        fs::write(&part, mail).unwrap();
        chown(&part, Some(OWNER), Some(OWNER)).unwrap();
        fs::rename(part, self.maildir().join("new").join(name)).unwrap();
    }

    /// How many mails are in the inbox.
    pub fn in_inbox(&self) -> usize {
        mails(&self.maildir())
    }

    /// The mails in a folder other than the inbox, as they lie there.
    pub fn mails_in(&self, folder: &str) -> Vec<Vec<u8>> {
        let folder = self.maildir().join(format!(".{folder}"));
        let files = ["new", "cur"].into_iter().flat_map(|part| fs::read_dir(folder.join(part)).into_iter().flatten());
        files.flatten().map(|file| fs::read(file.path()).unwrap()).collect()
    }

    /// How many mails are in the folder `Processed`.
    pub fn in_processed(&self) -> usize {
        mails(&self.maildir().join(".Processed"))
    }

    /// Gives the inbox, which a client must have opened before, another UIDVALIDITY, while Dovecot runs or not. Mails
    /// keep their UIDs, so that nothing else tells. Dovecot says so from the next SELECT, and ends sessions that had it
    /// open.
    pub fn bumps_uidvalidity(&self) {
        let list = self.maildir().join("dovecot-uidlist");
        let text = fs::read_to_string(&list).expect("a client has opened the inbox");
        // Its first line: `3 V1795646539 N6 G17e5b022...`
        let (before, rest) = text.split_once(" V").unwrap();
        let (value, after) = rest.split_once(' ').unwrap();
        let next = value.parse::<u32>().unwrap() + 1;
        let part = list.with_extension("bumped");
        fs::write(&part, format!("{before} V{next} {after}")).unwrap();
        chown(&part, Some(OWNER), Some(OWNER)).unwrap();
        fs::rename(part, list).unwrap();
    }

    fn maildir(&self) -> PathBuf {
        self.dir.path().join("mail/Maildir")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("dovecot.log")).unwrap_or_default()
    }

    fn until(&mut self, what: &str, mut come: impl FnMut(&mut Dovecot) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !come(self) {
            assert!(Instant::now() < deadline, "waited too long until {what}; {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Told to end, it would take three seconds.
        self.kill();
    }
}

/// A mail that is just being moved from `new` to `cur` counts once.
fn mails(folder: &Path) -> usize {
    let names = |part| fs::read_dir(folder.join(part)).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let without_flags = |name: &str| name.split(':').next().map(str::to_owned);
    let all = names("new").chain(names("cur"));
    all.filter_map(|name| without_flags(&name.to_string_lossy())).collect::<BTreeSet<String>>().len()
}

/// Whether a process of the group still runs; one that only waits to be reaped does not.
fn runs(group: Pid) -> bool {
    let group = group.as_raw_nonzero().to_string();
    fs::read_dir("/proc").unwrap().flatten().any(|process| {
        // PID (NAME) STATE PARENT GROUP ...; a name may hold anything.
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.next() != Some("Z") && fields.nth(1) == Some(&group)
    })
}
