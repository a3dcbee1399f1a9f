//! Mail servers on loopback: a real Postfix, and one that misbehaves as it is told. Each ends with its value.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hbcourier::effects::courier::mime::MailForm;
use hbcourier::effects::courier::smtp::{Login, SmtpServer, Tls};
use secrecy::SecretString;
use tempfile::TempDir;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

const NEEDED: &str =
    "the mail tests need: apt-get install postfix libsasl2-modules sasl2-bin openssl python3-aiosmtpd, and root";

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// Certificate authorities and what they signed.
pub struct Certificates(TempDir);

impl Certificates {
    pub fn new() -> Certificates {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let made = Command::new("sh").arg(script("certificates.sh")).arg(dir.path()).status().unwrap();
        assert!(made.success(), "{NEEDED}");
        Certificates(dir)
    }

    /// `ca.pem`, `other-ca.pem`; `localhost.pem`, `elsewhere.pem` and their `.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Settings for a server of these tests at that port.
    pub fn settings(&self, port: u16, tls: Tls) -> SmtpServer {
        SmtpServer {
            host: "localhost".to_owned(),
            port,
            tls,
            ca_file: Some(self.file("ca.pem")),
            login: None,
            from: "returns@council.example".to_owned(),
            form: MailForm::PgpMime,
            journal: None,
            reply_timeout: PATIENCE,
            command_timeout: PATIENCE,
            message_bytes_max: 10_000_000,
        }
    }
}

/// A courier's `smtp` table for the Postfix of these tests at that port, with its password in that folder.
pub fn postfix_table(certificates: &Certificates, folder: &Path, port: u16, from: &str) -> toml::Table {
    let password = folder.join("smtp-password");
    fs::write(&password, "correct horse").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let mut smtp = toml::Table::new();
    for (key, value) in [
        ("host", "localhost"),
        ("tls", "starttls"),
        ("ca_file", &certificates.file("ca.pem").to_string_lossy()),
        ("account", "returns@mx.example"),
        ("password_file", &password.to_string_lossy()),
        ("from", from),
    ] {
        smtp.insert(key.into(), value.into());
    }
    smtp.insert("port".into(), i64::from(port).into());
    smtp
}

/// An account with a password that is always at hand.
pub fn login(account: &str, password: &'static str) -> Option<Login> {
    Some(Login {
        account: account.to_owned(),
        password: Box::new(move || Ok(SecretString::from(password))),
        is_token: false,
    })
}

/// A server with faults; see `tests/peers/fault_smtp.py` and `reset_smtp.py`.
pub struct FaultServer {
    child: Child,
    out: TempDir,
    pub port: u16,
}

impl FaultServer {
    pub fn start(certificates: &Certificates, certificate: &str, mode: &str) -> FaultServer {
        FaultServer::start_as("fault_smtp.py", certificates, certificate, mode)
    }

    /// One that resets connections at places which `seed` picks.
    pub fn resetting(certificates: &Certificates, seed: u64) -> FaultServer {
        FaultServer::start_as("reset_smtp.py", certificates, "localhost", &seed.to_string())
    }

    /// What the resetting one did about which Message-ID, in the order of doing.
    pub fn done(&self) -> Vec<(String, String)> {
        let all = fs::read_to_string(self.out.path().join("done")).unwrap();
        all.lines().filter_map(|line| line.split_once(' ')).map(|(id, done)| (id.into(), done.into())).collect()
    }

    fn start_as(peer: &str, certificates: &Certificates, certificate: &str, mode: &str) -> FaultServer {
        let out = tempfile::tempdir().unwrap();
        let mut child = Command::new("/usr/bin/python3")
            .arg(script(peer))
            .args([certificates.file(&format!("{certificate}.pem")), certificates.file(&format!("{certificate}.key"))])
            .arg(out.path())
            .arg(mode)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect(NEEDED);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        FaultServer { child, out, port: line.trim().parse().expect(NEEDED) }
    }

    /// Has one that waits answer from now on.
    pub fn answers(&self) {
        fs::write(self.out.path().join("go"), "").unwrap();
    }

    /// Every message it took, as it came.
    pub fn taken(&self) -> Vec<Vec<u8>> {
        (1..).map_while(|n| fs::read(self.out.path().join(format!("{n}.eml"))).ok()).collect()
    }

    /// Every command that reached it, by name.
    pub fn commands(&self) -> Vec<String> {
        let all = fs::read_to_string(self.out.path().join("commands")).unwrap();
        all.lines().map(str::to_owned).collect()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Postfix of its own; see `tests/peers/postfix.sh`.
pub struct Postfix {
    child: Child,
    dir: TempDir,
    /// STARTTLS; the port after it, implicit TLS.
    pub port: u16,
}

impl Postfix {
    pub fn start(certificates: &Certificates) -> Postfix {
        let dir = tempfile::tempdir().unwrap();
        let port = free_pair_of_ports();
        let child = Command::new("sh")
            .arg(script("postfix.sh"))
            .args([dir.path(), certificates.0.path()])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut postfix = Postfix { child, dir, port };
        postfix.until("it answers", |postfix| {
            if let Some(ended) = postfix.child.try_wait().unwrap() {
                panic!("Postfix ended at once ({ended}); {NEEDED}");
            }
            [port, port + 1].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()).then_some(())
        });
        postfix
    }

    /// Where its mail goes.
    pub fn maildir(&self) -> PathBuf {
        self.dir.path().join("mail/hbms")
    }

    /// Gives a Maildir that was made for it to the account that delivers.
    pub fn owns_maildir(&self) {
        const DELIVERS: u32 = 65_534;
        for folder in ["", "new", "cur", "tmp"] {
            std::os::unix::fs::chown(self.maildir().join(folder), Some(DELIVERS), Some(DELIVERS)).unwrap();
        }
    }

    /// The first message that is delivered, as it lies in the Maildir.
    pub fn delivered(&mut self) -> PathBuf {
        let new = self.maildir().join("new");
        self.until("mail is delivered", |_| fs::read_dir(&new).ok()?.next()?.ok().map(|entry| entry.path()))
    }

    /// The messages that are delivered, once they are so many.
    pub fn mails(&mut self, count: usize) -> Vec<Vec<u8>> {
        let new = self.maildir().join("new");
        self.until("all mails are delivered", |_| {
            let mails = fs::read_dir(&new).ok()?.map(|entry| fs::read(entry.unwrap().path()).unwrap());
            let mails: Vec<_> = mails.collect();
            (mails.len() >= count).then_some(mails)
        })
    }

    /// Every message that is queued or delivered. Postfix makes a queue file executable once it answers for it.
    pub fn messages(&self) -> usize {
        let answered_for = |file: &Path| fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o100 != 0);
        let queued = |queue| count(&self.dir.path().join("queue").join(queue), &answered_for);
        let delivered = count(&self.dir.path().join("mail/hbms/new"), &|_| true);
        delivered + ["incoming", "active", "deferred"].into_iter().map(queued).sum::<usize>()
    }

    /// How many messages are delivered, once none is on its way.
    pub fn delivered_in_all(&mut self) -> usize {
        self.until("nothing is queued", |postfix| {
            let new = count(&postfix.dir.path().join("mail/hbms/new"), &|_| true);
            let queues = ["maildrop", "incoming", "active", "deferred"];
            let queued = queues.map(|queue| count(&postfix.dir.path().join("queue").join(queue), &|_| true));
            (queued == [0; 4] && new == count(&postfix.dir.path().join("mail/hbms/new"), &|_| true)).then_some(new)
        })
    }

    fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Postfix) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let log = || fs::read_to_string(self.dir.path().join("postfix.log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "waited too long until {what}; {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        let master = fs::read_to_string(self.dir.path().join("queue/pid/master.pid")).unwrap_or_default();
        // The script in the foreground ends when the master does.
        let ended = master.trim().parse().ok().and_then(Pid::from_raw).map(|pid| kill_process(pid, Signal::TERM));
        if !matches!(ended, Some(Ok(()))) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn count(dir: &Path, counts: &dyn Fn(&Path) -> bool) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.map(|path| if path.is_dir() { count(&path, counts) } else { usize::from(counts(&path)) }).sum()
}

/// A port that is free, and the one after it.
pub fn free_pair_of_ports() -> u16 {
    loop {
        let first = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
