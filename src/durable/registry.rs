//! Directories by path, so that everybody who syncs the same one shares its syncs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::directory::Directory;

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
        let fresh = Directory::open(path)?;
        let identity = fresh.identity()?;
        let mounted = is_mount_point(path, fresh.device());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut was_mounted = mounted;
        if let Some(known) = open.get(path) {
            was_mounted |= known.was_mounted;
            if known.was_mounted && !mounted {
                return Err(io::Error::new(io::ErrorKind::NotFound, "nothing is mounted here any more"));
            }
            if known.identity == identity
                && let Some(directory) = known.directory.upgrade()
            {
                return Ok(directory);
            }
        }
        let directory = Arc::new(fresh);
        let known = Known { directory: Arc::downgrade(&directory), identity, was_mounted };
        open.insert(path.to_owned(), known);
        Ok(directory)
    }
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
