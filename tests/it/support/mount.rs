//! A small file system of its own, for disks that fill up and go away. Needs root.
//!
//! Holds: it is unmounted when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::council::succeeded;

/// A mounted tmpfs.
pub struct Mount {
    at: PathBuf,
}

impl Mount {
    /// Over the folder `at`, with room for this many KiB.
    pub fn over(at: &Path, kib: u64) -> Mount {
        Mount::with(at, &format!("size={kib}k"))
    }

    /// Over the folder `at`, with these options such as `size=64k,nr_inodes=20`.
    pub fn with(at: &Path, options: &str) -> Mount {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("mode=0755,{options}"), "hbcourier-test"]).arg(at);
        succeeded(mount.output().unwrap());
        Mount { at: at.to_owned() }
    }

    /// Gives it other options, from now on.
    pub fn becomes(&self, options: &str) {
        succeeded(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.at).output().unwrap());
    }

    /// Puts a file of this many KiB there.
    pub fn fills(&self, name: &str, kib: usize) {
        fs::write(self.at.join(name), vec![b'x'; kib * 1024]).unwrap();
    }

    /// Whether anything may be written there, from now on.
    pub fn is_read_only(&self, is_read_only: bool) {
        let options = if is_read_only { "remount,ro" } else { "remount,rw" };
        succeeded(Command::new("mount").args(["-o", options]).arg(&self.at).output().unwrap());
    }

    /// Removes that file.
    pub fn frees(&self, name: &str) {
        fs::remove_file(self.at.join(name)).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: the service may still have the folder open when a test fails.
        let unmounted = Command::new("umount").arg("-l").arg(&self.at).status();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()), "not unmounted");
    }
}
