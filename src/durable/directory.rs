//! One open directory: every name operation of the protocol, relative to its descriptor.
//!
//! Holds: names are single components; a final name is never overwritten, but by [`Directory::replace`]; links are never
//! followed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use rustix::fs::{self, Mode};

use super::file::File;
use super::handle::Handle;
use crate::progress::{self, At};

/// An open directory.
pub struct Directory {
    path: PathBuf,
    handle: Handle,
    device: u64,
    /// Whether it lies outside, where operations may hang.
    outside: bool,
    syncs: Mutex<Syncs>,
    /// Where callers wait, by whether the number of the sync that serves them is even: its end wakes nobody else.
    synced: [Condvar; 2],
}

/// Directory syncs, counted: a caller is served by the first sync that began after it asked.
#[derive(Default)]
struct Syncs {
    begun: u64,
    ended: u64,
    failed: Option<(u64, i32)>,
}

/// What tells whether a file has changed, and two files of one name apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Inode number.
    pub inode: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// Last modification, nanoseconds since the epoch.
    pub modified: i128,
    /// Last change of inode, nanoseconds since the epoch.
    pub changed: i128,
    /// Number of names.
    pub links: u64,
    /// Whether it is a regular file.
    pub regular: bool,
}

impl Directory {
    /// Opens the directory; the last component may not be a link.
    pub fn open(path: &Path) -> io::Result<Directory> {
        let handle = Handle::open(path)?;
        let (device, _) = handle.identity()?;
        let (path, syncs, synced) = (path.to_owned(), Mutex::default(), Default::default());
        Ok(Directory { path, handle, device, outside: false, syncs, synced })
    }

    /// As [`Directory::open`], for a place outside: an operation in it that does not return is told as waiting for it.
    pub fn outside(path: &Path) -> io::Result<Directory> {
        let _at = progress::at(path);
        Ok(Directory { outside: true, ..Directory::open(path)? })
    }

    /// Until it is dropped the thread is in an operation in this directory.
    pub fn during(&self) -> Option<At> {
        self.outside.then(|| progress::at(&self.path))
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file system it lies on.
    pub fn device(&self) -> u64 {
        self.device
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Device and inode: which directory this is, whatever its name.
    pub fn identity(&self) -> io::Result<(u64, u64)> {
        let _at = self.during();
        self.handle.identity()
    }

    /// A new file of mode 0600 that nothing had this name before.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let _at = self.during();
        self.handle.create(component(name)?)
    }

    /// An existing regular file, for reading. Never waits, never follows a link.
    pub fn open_file(&self, name: &str) -> io::Result<File> {
        let _at = self.during();
        let file = self.handle.open_file(component(name)?)?;
        if file.is_regular()? { Ok(file) } else { Err(io::Error::other("not a regular file")) }
    }

    /// The file's stamp; `None` if there is no such name.
    pub fn stamp(&self, name: &str) -> io::Result<Option<Stamp>> {
        let _at = self.during();
        progress::made();
        self.handle.stamp(component(name)?)
    }

    /// Gives `file` the hidden name `name`, without copying it: for files that have none yet.
    pub fn link(&self, file: &File, name: &str) -> io::Result<()> {
        let _at = self.during();
        self.handle.link(file, component(name)?)
    }

    /// A second name in this directory for the file `name` of `from`.
    pub fn link_from(&self, from: &Directory, name: &str, to: &str) -> io::Result<()> {
        let _at = self.during();
        self.handle.link_from(&from.handle, component(name)?, component(to)?)
    }

    /// The move to a final name: in one step, or where the file system has none, by a second name and away with the
    /// first. [`io::ErrorKind::AlreadyExists`] if the name is taken.
    pub fn publish(&self, name: &str, into: &Directory, final_name: &str) -> io::Result<()> {
        let _at = self.during();
        if self.publish_at_once(name, into, final_name)? {
            return Ok(());
        }
        into.link_from(self, name, final_name)?;
        self.handle.remove(component(name)?)
    }

    /// As [`Directory::publish`], in one step. `false`, with nothing done: the file system has no such step.
    pub fn publish_at_once(&self, name: &str, into: &Directory, final_name: &str) -> io::Result<bool> {
        let _at = self.during();
        self.handle.rename_to_free(component(name)?, &into.handle, component(final_name)?)
    }

    /// Gives `name` the name `of`, in one step, in the place of whatever has it. For files in the state directory that only
    /// the service itself writes.
    pub fn replace(&self, name: &str, of: &str) -> io::Result<()> {
        let _at = self.during();
        self.handle.rename(component(name)?, component(of)?)
    }

    /// Makes a directory in it with these permission bits. One that is there already is left as it is.
    pub fn make(&self, name: &str, mode: u32) -> io::Result<()> {
        let _at = self.during();
        self.handle.make(component(name)?, mode)
    }

    /// Its permission bits, and whether it passes on its group.
    pub fn mode(&self) -> io::Result<u32> {
        let _at = self.during();
        let mode = Mode::from_raw_mode(self.handle.mode_and_group()?.0);
        Ok((mode & (Mode::RWXU | Mode::RWXG | Mode::RWXO | Mode::SGID)).as_raw_mode())
    }

    /// Removes a name. One that is not there is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let _at = self.during();
        self.handle.remove(component(name)?)
    }

    /// Every name in it but `.` and `..`. Names that are not UTF-8 come as they are.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let _at = self.during();
        self.handle.names(progress::made)
    }

    /// The group that files made here get, if the directory passes its own on.
    pub fn inherited_group(&self) -> io::Result<Option<u32>> {
        let _at = self.during();
        let (mode, group) = self.handle.mode_and_group()?;
        Ok(Mode::from_raw_mode(mode).contains(Mode::SGID).then_some(group))
    }

    /// Whether files made here get an access list from the directory.
    pub fn has_default_acl(&self) -> bool {
        let _at = self.during();
        self.handle.has_default_acl()
    }

    /// Whether this process sees the file system below as read-only.
    pub fn is_read_only(&self) -> io::Result<bool> {
        let _at = self.during();
        self.handle.is_read_only()
    }

    /// Free bytes for this process on the file system below.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let _at = self.during();
        self.handle.free_bytes()
    }

    /// Makes every name operation done so far last. Callers that ask at the same time share one sync.
    pub fn sync(&self) -> io::Result<()> {
        let _at = self.during();
        let mut syncs = self.syncs.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = syncs.begun + 1;
        while syncs.begun != syncs.ended {
            syncs = self.waits_for(mine).wait(syncs).unwrap_or_else(PoisonError::into_inner);
            if syncs.ended >= mine {
                // A sync that covers this caller has ended; a failed one stays failed for those it was to serve.
                return match syncs.failed {
                    Some((generation, errno)) if generation >= mine => Err(io::Error::from_raw_os_error(errno)),
                    _ => Ok(()),
                };
            }
        }
        syncs.begun = mine;
        drop(syncs);
        self.sync_for(mine)
    }

    /// The sync of this number, for all who asked for it.
    fn sync_for(&self, mine: u64) -> io::Result<()> {
        let result = self.handle.sync();
        let mut syncs = self.syncs.lock().unwrap_or_else(PoisonError::into_inner);
        syncs.ended = mine;
        if let Err(error) = &result {
            syncs.failed = Some((mine, error.raw_os_error().unwrap_or(5)));
        }
        drop(syncs);
        self.waits_for(mine).notify_all();
        // One of those who came meanwhile begins the next.
        self.waits_for(mine + 1).notify_one();
        result
    }

    fn waits_for(&self, sync: u64) -> &Condvar {
        &self.synced[usize::from(sync.is_multiple_of(2))]
    }
}

pub(super) fn stamp_of(stat: &fs::Stat) -> Stamp {
    let nanoseconds = |seconds: i64, part: i64| i128::from(seconds) * 1_000_000_000 + i128::from(part);
    Stamp {
        inode: stat.st_ino,
        bytes: stat.st_size.unsigned_abs(),
        modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
        changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
        links: stat.st_nlink,
        regular: fs::FileType::from_raw_mode(stat.st_mode) == fs::FileType::RegularFile,
    }
}

/// The stamp of an open file.
pub fn stamp(file: &File) -> io::Result<Stamp> {
    match file {
        File::Machine(file) => Ok(stamp_of(&fs::fstat(file)?)),
        #[cfg(feature = "failpoints")]
        File::Simulated(file) => file.stamp(),
    }
}

/// A name may not lead anywhere else.
pub(super) fn component(name: &str) -> io::Result<&str> {
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    if plain { Ok(name) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file name")) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_final_name_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open(dir.path()).unwrap();
        std::fs::write(dir.path().join("theirs"), "theirs").unwrap();
        directory.create(".part").unwrap().write_all(b"ours").unwrap();
        let error = directory.publish(".part", &directory, "theirs").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(dir.path().join("theirs")).unwrap(), b"theirs");
        directory.publish(".part", &directory, "ours").unwrap();
        assert_eq!(std::fs::read(dir.path().join("ours")).unwrap(), b"ours");
        assert!(directory.stamp(".part").unwrap().is_none());
    }

    #[test]
    fn links_and_paths_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("real"), "x").unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        let directory = Directory::open(dir.path()).unwrap();
        assert!(directory.open_file("real").is_ok());
        assert!(directory.open_file("link").is_err());
        assert!(directory.create("link").is_err());
        assert!(directory.open_file("../etc").is_err());
        std::os::unix::fs::symlink(dir.path(), dir.path().join("dirlink")).unwrap();
        assert!(Directory::open(&dir.path().join("dirlink")).is_err());
    }

    #[test]
    fn syncs_asked_for_together_all_return() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open(dir.path()).unwrap();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let directory = &directory;
                scope.spawn(move || {
                    for m in 0..20 {
                        directory.create(&format!("{n}-{m}")).unwrap();
                        directory.sync().unwrap();
                    }
                });
            }
        });
        let syncs = directory.syncs.lock().unwrap();
        assert_eq!(syncs.begun, syncs.ended);
        assert!(syncs.begun <= 160);
    }
}
