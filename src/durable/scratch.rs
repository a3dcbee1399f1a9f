//! A folder for copies that must not outlive their making.
//!
//! In:  a path. Out: an empty folder of ours alone, locked for as long as it is used.
//! Holds: a folder that is another account's, or open to others, is refused; what an earlier process left there, ended before
//! it could remove it, is removed by whoever takes it next.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::Directory;

/// The folder. What lies there is gone when this is; the folder itself stays.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl Scratch {
    /// Below the state directory, where a backup copies the store.
    pub const OF_BACKUPS: &str = ".backup";

    /// Makes it, or takes one that nobody uses.
    pub fn take(path: &Path) -> io::Result<Scratch> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let found = path.symlink_metadata()?;
        let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
        if !ours {
            let says = "it is no folder of this account's alone: see what it is, and remove it";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, says));
        }
        let lock = File::open(path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let scratch = Scratch { path: path.to_owned(), _lock: lock };
        scratch.clear()?;
        Ok(scratch)
    }

    /// Removes what an earlier process left there, unless it is in use.
    pub fn clear_stale(path: &Path) -> io::Result<()> {
        if let Err(error) = path.symlink_metadata() {
            return if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) };
        }
        match Scratch::take(path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            taken => taken.map(drop),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn clear(&self) -> io::Result<()> {
        let folder = Directory::open(&self.path)?;
        for name in folder.names()? {
            folder.remove(name.to_str().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(folder = %self.path.display(), %error, "A copy may be left there: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_left_is_removed_by_the_next_and_what_is_in_use_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (path, left) = (dir.path().join("scratch"), dir.path().join("scratch/left"));
        Scratch::clear_stale(&path).unwrap();
        assert!(!path.exists());
        let taken = Scratch::take(&path).unwrap();
        fs::write(&left, b"secret").unwrap();
        assert_eq!(Scratch::take(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        Scratch::clear_stale(&path).unwrap();
        assert!(left.exists(), "it is in use");
        // As if the process had been killed.
        std::mem::forget(taken);
        fs::rename(&path, dir.path().join("of the killed")).unwrap();
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        fs::write(&left, b"secret").unwrap();
        Scratch::clear_stale(&path).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn a_folder_that_others_may_look_into_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scratch");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(Scratch::take(&path).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink(dir.path(), &path).unwrap();
        assert_eq!(Scratch::take(&path).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
