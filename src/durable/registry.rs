//! Directories by path, so that everybody who syncs the same one shares its syncs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::directory::Directory;
use crate::progress;

/// The directories in use. Cheap to ask each time: a directory that was replaced or remounted is opened anew, and one
/// that nobody uses is closed, so that its file system can be unmounted.
#[derive(Default)]
pub struct Directories {
    open: Mutex<HashMap<PathBuf, Known>>,
}

struct Known {
    directory: Weak<Directory>,
    identity: (u64, u64),
    /// It was on another file system than its parent when first seen.
    was_mounted: bool,
}

impl Directories {
    /// The directory that is at `path` now.
    ///
    /// A path that was a mount point and no longer is, is an error: files put there would vanish under the next mount.
    pub fn at(&self, path: &Path) -> io::Result<Arc<Directory>> {
        // Asked for several times for each file: one that is open already is told by its identity alone.
        let _at = progress::at(path);
        let identity = identity_of(path)?;
        let mounted = is_mount_point(path, identity.0);
        if let Some(directory) = known(&self.lock(), path, identity, mounted)? {
            return Ok(directory);
        }
        // Not under the lock: a share that does not answer keeps nobody from the others.
        let directory = Arc::new(Directory::outside(path)?);
        if directory.identity()? != identity {
            return Err(io::Error::other("it was replaced just now"));
        }
        let mut open = self.lock();
        if let Some(meanwhile) = known(&open, path, identity, mounted)? {
            return Ok(meanwhile);
        }
        let was_mounted = mounted || open.get(path).is_some_and(|known| known.was_mounted);
        open.insert(path.to_owned(), Known { directory: Arc::downgrade(&directory), identity, was_mounted });
        Ok(directory)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The directory of this identity, if somebody has it open.
fn known(
    open: &HashMap<PathBuf, Known>,
    path: &Path,
    identity: (u64, u64),
    mounted: bool,
) -> io::Result<Option<Arc<Directory>>> {
    let Some(known) = open.get(path) else { return Ok(None) };
    if known.was_mounted && !mounted {
        return Err(io::Error::new(io::ErrorKind::NotFound, "nothing is mounted here any more"));
    }
    Ok(known.directory.upgrade().filter(|_| known.identity == identity))
}

/// Device and inode of what has this path. A link is what it is, not what it leads to.
fn identity_of(path: &Path) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::lstat(path)?;
    Ok((stat.st_dev, stat.st_ino))
}

fn is_mount_point(path: &Path, device: u64) -> bool {
    path.parent().and_then(|parent| rustix::fs::stat(parent).ok()).is_some_and(|parent| parent.st_dev != device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_directory_is_opened_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        std::fs::create_dir(&path).unwrap();
        let directories = Directories::default();
        let first = directories.at(&path).unwrap();
        assert!(Arc::ptr_eq(&first, &directories.at(&path).unwrap()));
        std::fs::rename(&path, dir.path().join("away")).unwrap();
        assert!(directories.at(&path).is_err());
        std::fs::create_dir(&path).unwrap();
        assert!(!Arc::ptr_eq(&first, &directories.at(&path).unwrap()));
    }
}
