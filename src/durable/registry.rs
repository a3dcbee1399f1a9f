//! Directories by path, so that everybody who syncs the same one shares its syncs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::directory::Directory;
use super::mounted::{self, Identity};
use crate::progress;

/// The directories in use. Cheap to ask each time: a directory that was replaced or remounted is opened anew, and one
/// that nobody uses is closed, so that its file system can be unmounted.
#[derive(Default)]
pub struct Directories {
    open: Mutex<HashMap<PathBuf, Known>>,
}

struct Known {
    directory: Weak<Directory>,
    identity: Identity,
}

impl Directories {
    /// The directory that is at `path` now; an error where the file system that it lay on is gone: see
    /// [`mounted`].
    pub fn at(&self, path: &Path) -> io::Result<Arc<Directory>> {
        let _at = progress::at(path);
        // One that is open already is told by its identity alone.
        let identity = mounted::identity(path)?;
        if let Some(directory) = known(&self.lock(), path, identity) {
            return Ok(directory);
        }
        // Not under the lock: a share that does not answer keeps nobody from the others.
        let directory = Arc::new(Directory::outside(path)?);
        if directory.identity()? != identity {
            return Err(io::Error::other("it was replaced just now"));
        }
        let mut open = self.lock();
        if let Some(meanwhile) = known(&open, path, identity) {
            return Ok(meanwhile);
        }
        open.insert(path.to_owned(), Known { directory: Arc::downgrade(&directory), identity });
        Ok(directory)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The directory of this identity, if somebody has it open.
fn known(open: &HashMap<PathBuf, Known>, path: &Path, identity: Identity) -> Option<Arc<Directory>> {
    open.get(path).filter(|known| known.identity == identity)?.directory.upgrade()
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
