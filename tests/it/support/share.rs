//! A share whose server can stop answering, as that of a network file system does: a folder that shows another one by FUSE
//! (bindfs). Needs root.
//!
//! Holds: it answers again and is unmounted when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The server, and where its share is mounted.
pub struct Share {
    at: PathBuf,
    /// What it shows: what lies here is seen while it does not answer.
    pub behind: PathBuf,
    server: Child,
}

impl Share {
    /// Over the folder `at`, which becomes empty.
    pub fn over(at: &Path) -> Share {
        let behind = at.with_extension("behind");
        fs::create_dir(&behind).unwrap();
        let mut server = Command::new("bindfs");
        let server = server.arg("-f").arg(&behind).arg(at).stdin(Stdio::null()).spawn().expect("bindfs is installed");
        let share = Share { at: at.to_owned(), behind, server };
        let until = Instant::now() + Duration::from_secs(30);
        while !fs::read_to_string("/proc/self/mounts").unwrap().contains(&format!(" {} fuse", at.display())) {
            assert!(Instant::now() < until, "the share is not mounted");
            std::thread::sleep(Duration::from_millis(10));
        }
        share
    }

    /// From now on no operation in it returns.
    pub fn hangs(&self) {
        self.signals(Signal::STOP);
    }

    /// Goes on with every operation where it was.
    pub fn answers(&self) {
        self.signals(Signal::CONT);
    }

    fn signals(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.server), signal).unwrap();
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.answers();
        let unmounted = Command::new("umount").arg("-l").arg(&self.at).status();
        let _ = self.server.kill();
        let _ = self.server.wait();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()), "not unmounted");
    }
}
