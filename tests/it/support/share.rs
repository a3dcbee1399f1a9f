//! A share whose server can stop answering, as that of a network file system does: a folder that shows another one by FUSE
//! (bindfs). Needs root.
//!
//! Holds: it answers again and is unmounted when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::council::succeeded;

/// The server, and where its share is mounted.
pub struct Share {
    at: PathBuf,
    /// What it shows: what lies here is seen while it does not answer.
    pub behind: PathBuf,
    options: &'static [&'static str],
    server: Child,
    /// Servers of shares that were unmounted; each ends with the last file that is open there.
    before: Vec<Child>,
}

impl Share {
    /// Over the folder `at`, which becomes empty.
    pub fn over(at: &Path) -> Share {
        let behind = at.with_extension("behind");
        fs::create_dir(&behind).unwrap();
        Share::of(&behind, at, &[])
    }

    /// Shows the folder `behind` at the folder `at`. Options are of bindfs, such as `--write-rate=1M`.
    pub fn of(behind: &Path, at: &Path, options: &'static [&'static str]) -> Share {
        let server = serves(behind, at, options);
        Share { at: at.to_owned(), behind: behind.to_owned(), options, server, before: Vec::new() }
    }

    /// From now on no operation in it returns.
    pub fn hangs(&self) {
        self.signals(Signal::STOP);
    }

    /// Goes on with every operation where it was.
    pub fn answers(&self) {
        self.signals(Signal::CONT);
    }

    /// Its server is gone: every operation in it fails from now on, those that wait too.
    pub fn dies(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// The bare folder is there instead. What is open in the share goes on.
    pub fn is_unmounted(&self) {
        succeeded(Command::new("umount").arg("-l").arg(&self.at).output().unwrap());
    }

    /// As [`Share::is_unmounted`], by force: what is open in it, or waits for its server, fails.
    pub fn is_unmounted_by_force(&self) {
        succeeded(Command::new("umount").args(["-f", "-l"]).arg(&self.at).output().unwrap());
    }

    /// After it was unmounted.
    pub fn is_mounted_again(&mut self) {
        let server = serves(&self.behind, &self.at, self.options);
        self.before.push(std::mem::replace(&mut self.server, server));
    }

    fn signals(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.server), signal).unwrap();
    }
}

/// Begins a server, and waits until its share is mounted.
fn serves(behind: &Path, at: &Path, options: &[&str]) -> Child {
    let mut server = Command::new("bindfs");
    server.args(["-f", "-o", "nonempty"]).args(options).arg(behind).arg(at).stdin(Stdio::null());
    let server = server.spawn().expect("bindfs is installed");
    let until = Instant::now() + Duration::from_secs(30);
    while !fs::read_to_string("/proc/self/mounts").unwrap().contains(&format!(" {} fuse", at.display())) {
        assert!(Instant::now() < until, "the share is not mounted");
        std::thread::sleep(Duration::from_millis(10));
    }
    server
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.server), Signal::CONT);
        let unmounted = Command::new("umount").arg("-l").arg(&self.at).status();
        for mut server in self.before.drain(..) {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()), "not unmounted");
    }
}
