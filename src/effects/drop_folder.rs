//! A place a partner leaves files for us: looked at, read, and cleared once what was read is recorded.
//!
//! Holds: nothing is changed here but by [`DropFolder::clear`]; no link is followed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{ConsignmentId, Digest, is_unfinished_name};
use crate::durable::directory::stamp;
use crate::durable::{Directories, Directory, File, Stamp, Withdrawn, hidden_name, read_hidden_name};
use crate::progress::hangs;

/// A directory on a local or mounted file system.
pub struct DropFolder {
    path: PathBuf,
    directories: Arc<Directories>,
}

/// A file seen there, not ours yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its name.
    pub name: String,
    /// What tells whether it has changed.
    pub stamp: Stamp,
}

impl Sighting {
    /// Tells two files of equal content apart, and finds the same file again after a crash. The digest of name,
    /// inode, length and modification time.
    pub fn native(&self) -> String {
        let Stamp { inode, bytes, modified, .. } = self.stamp;
        Digest::of(format!("{}\0{inode}\0{bytes}\0{modified}", self.name).as_bytes()).to_string()
    }

    /// Whether `other` is this very file with this content. A second name (our own) does not count as a change.
    fn is_still(&self, other: &Stamp) -> bool {
        let key = |stamp: &Stamp| (stamp.inode, stamp.bytes, stamp.modified, stamp.regular);
        key(&self.stamp) == key(other)
    }
}

/// What a look at the folder found.
#[derive(Debug, Default)]
pub struct Look {
    /// Regular files whose names do not say that they are unfinished, oldest first.
    pub sightings: Vec<Sighting>,
    /// How many other things lie there that will never be collected: links, devices, names that are not UTF-8.
    pub uncollectable: usize,
    /// Hidden files of ours: on their way out, or left on it by a crash.
    pub withdrawn: Vec<Hidden>,
}

impl Look {
    /// The names of all files that may become ours or are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let seen = self.sightings.iter().map(|sighting| sighting.name.as_str());
        seen.chain(self.withdrawn.iter().map(|hidden| hidden.name.as_str()))
    }
}

/// A file that is being cleared, or was when a crash came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Its hidden name.
    pub name: String,
    /// As which transfer it was collected, if it is the file that was.
    pub transfer: ConsignmentId,
}

impl DropFolder {
    /// The folder at `path`, which need not be there yet.
    pub fn new(path: PathBuf, directories: Arc<Directories>) -> DropFolder {
        DropFolder { path, directories }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is known not to answer. Then nobody need wait for it.
    pub fn hangs(&self) -> bool {
        hangs(&self.path)
    }

    /// What is there now.
    pub fn look(&self) -> io::Result<Look> {
        if self.hangs() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
        }
        let directory = self.directory()?;
        let mut look = Look::default();
        for name in directory.names()? {
            let Some(name) = name.to_str() else {
                look.uncollectable += 1;
                continue;
            };
            if is_unfinished_name(name) {
                let transfer = read_hidden_name(name).and_then(|id| id.parse().ok());
                look.withdrawn.extend(transfer.map(|transfer| Hidden { name: name.to_owned(), transfer }));
                continue;
            }
            match directory.stamp(name)? {
                Some(stamp) if stamp.regular => look.sightings.push(Sighting { name: name.to_owned(), stamp }),
                Some(_) if is_directory(&directory, name) => {}
                Some(_) => look.uncollectable += 1,
                None => {}
            }
        }
        look.sightings.sort_by_key(|sighting| sighting.stamp.modified);
        Ok(look)
    }

    /// The file as it is now, if it is there and its name says it may be collected.
    pub fn sight(&self, name: &str) -> io::Result<Option<Sighting>> {
        if is_unfinished_name(name) {
            return Ok(None);
        }
        let stamp = self.directory()?.stamp(name)?.filter(|stamp| stamp.regular);
        Ok(stamp.map(|stamp| Sighting { name: name.to_owned(), stamp }))
    }

    /// Opens the file for reading, if it is still the one that was seen; `None` if it is not.
    pub fn open(&self, sighting: &Sighting) -> io::Result<Option<File>> {
        let directory = self.directory()?;
        let file = match directory.open_file(&sighting.name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let _at = directory.during();
        Ok(sighting.is_still(&stamp(&file)?).then_some(file))
    }

    /// Whether the file is still the one that was seen.
    pub fn is_still(&self, sighting: &Sighting) -> io::Result<bool> {
        Ok(self.directory()?.stamp(&sighting.name)?.is_some_and(|now| sighting.is_still(&now)))
    }

    /// Removes a file that was collected as `transfer`. Call only once its ledger entry has committed. A file that is
    /// no longer the one that was seen is left alone: it is a new one.
    pub fn clear(&self, sighting: &Sighting, transfer: &ConsignmentId) -> io::Result<Withdrawn> {
        let is_still = |now: &Stamp| sighting.is_still(now);
        self.directory()?.withdraw(&sighting.name, &hidden_name(transfer), is_still, "collect.withdrawn")
    }

    /// The directory that is there now.
    pub fn directory(&self) -> io::Result<Arc<Directory>> {
        self.directories.at(&self.path)
    }
}

fn is_directory(directory: &Directory, name: &str) -> bool {
    let _at = directory.during();
    directory.path().join(name).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finished_regular_files_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.pgp", ".hidden", "~x", "b.TMP", "c.part", "d.filepart"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        std::os::unix::fs::symlink("a.pgp", dir.path().join("link")).unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        let folder = DropFolder::new(dir.path().to_owned(), Arc::default());
        let look = folder.look().unwrap();
        assert_eq!(look.sightings.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["a.pgp"]);
        assert_eq!(look.uncollectable, 1);
    }

    #[test]
    fn a_file_that_changed_is_neither_read_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pgp");
        std::fs::write(&path, "one").unwrap();
        let folder = DropFolder::new(dir.path().to_owned(), Arc::default());
        let seen = folder.look().unwrap().sightings.remove(0);
        assert!(folder.open(&seen).unwrap().is_some());
        std::fs::write(&path, "other").unwrap();
        assert!(folder.open(&seen).unwrap().is_none());
        let id = ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &Digest::of(b"sealed"));
        assert_eq!(folder.clear(&seen, &id).unwrap(), Withdrawn::NotThere);
        assert!(path.exists());
        let seen = folder.look().unwrap().sightings.remove(0);
        assert_eq!(folder.clear(&seen, &id).unwrap(), Withdrawn::Removed);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_crash_left_on_its_way_out_is_told_with_its_transfer() {
        let dir = tempfile::tempdir().unwrap();
        let id = ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &Digest::of(b"sealed"));
        for name in [hidden_name(id).as_str(), ".hbcourier-x.withdrawn", ".hidden"] {
            std::fs::write(dir.path().join(name), "sealed").unwrap();
        }
        let look = DropFolder::new(dir.path().to_owned(), Arc::default()).look().unwrap();
        assert_eq!(look.withdrawn, [Hidden { name: hidden_name(id), transfer: id }]);
        assert!(look.sightings.is_empty());
    }
}
