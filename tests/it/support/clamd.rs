//! ClamAV's clamd from Debian, with signatures of a test's own, at a socket of a test's own.
//!
//! Holds: it asks no network for anything; it is ended when it is dropped.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hbcourier::effects::scanner::{Clamd as Asked, Place};
use tempfile::TempDir;

/// How long it may take until it answers. Far beyond what is needed, for slow machines.
const PATIENCE: Duration = Duration::from_secs(120);

/// A clamd that runs.
pub struct Clamd {
    process: Child,
}

/// What a clamd shall know, and where it shall listen.
pub struct Antivirus {
    dir: TempDir,
    socket: PathBuf,
    /// Instead of the socket.
    port: Option<u16>,
    limits: String,
}

impl Antivirus {
    /// Which knows nothing but a signature that no test's file has.
    pub fn new() -> Antivirus {
        let dir = tempfile::Builder::new().prefix("clamd").tempdir().unwrap();
        fs::create_dir(dir.path().join("signatures")).unwrap();
        let socket = dir.path().join("clamd.ctl");
        let antivirus = Antivirus { dir, socket, port: None, limits: String::new() };
        antivirus.learns("Made.Up.Nowhere", b"nothing that any file of any test has in it");
        antivirus
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// As [`Antivirus::new`], to listen on a loopback port instead of a socket.
    pub fn on_loopback() -> Antivirus {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Antivirus { port: Some(free.port()), ..Antivirus::new() }
    }

    /// Where it listens, as the configuration has it.
    pub fn place(&self) -> String {
        match self.port {
            Some(port) => format!("127.0.0.1:{port}"),
            None => format!("unix:{}", self.socket.display()),
        }
    }

    /// From its next start on, whatever has these bytes in it is found under this name.
    pub fn learns(&self, name: &str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(self.dir.path().join("signatures").join(format!("{name}.ndb")), format!("{name}:0:*:{hex}\n"))
            .unwrap();
    }

    /// From its next start on, it has these further lines in its configuration.
    pub fn limits(&mut self, lines: &str) {
        self.limits = lines.to_owned();
    }

    /// Starts it, and waits until it answers.
    pub fn start(&self) -> Clamd {
        let at = |name: &str| self.dir.path().join(name);
        let (listens, place) = match self.port {
            Some(port) => {
                (format!("TCPSocket {port}\nTCPAddr 127.0.0.1"), Place::Loopback(([127, 0, 0, 1], port).into()))
            }
            None => {
                let socket = self.socket.clone();
                (format!("LocalSocket {}\nFixStaleSocket yes", socket.display()), Place::Unix(socket))
            }
        };
        let lines = format!(
            "Foreground yes\n{listens}\nDatabaseDirectory {}\nTemporaryDirectory {}\n{}",
            at("signatures").display(),
            self.dir.path().display(),
            self.limits
        );
        fs::write(at("clamd.conf"), lines).unwrap();
        let log = fs::File::create(at("clamd.log")).unwrap();
        let mut run = Command::new("/usr/sbin/clamd");
        run.arg(format!("--config-file={}", at("clamd.conf").display()));
        run.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = run.spawn().expect("the tests of scanning need clamd (apt-get install clamav-daemon)");
        let mut clamd = Clamd { process };
        let asked = Asked::at(place, Duration::from_secs(10));
        let deadline = Instant::now() + PATIENCE;
        while asked.version().is_err() {
            let ended = clamd.process.try_wait().unwrap();
            let says = || fs::read_to_string(at("clamd.log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < deadline, "clamd does not answer: {ended:?} {}", says());
            std::thread::sleep(Duration::from_millis(20));
        }
        clamd
    }
}

impl Clamd {
    /// Ends it.
    pub fn stops(self) {
        drop(self);
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
