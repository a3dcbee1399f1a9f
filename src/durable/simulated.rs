//! A disk that a test makes up, in a test build only: what [`Directory`](super::Directory) and [`File`](super::File) ask
//! the kernel otherwise.
//!
//! In:  calls by number, as a kernel has them. Out: whatever the test's disk makes of them.
//! Holds: only what lies below [`ROOT`] is ever asked of such a disk.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::directory::Stamp;

/// Where such disks are: nothing of the machine's is there.
pub const ROOT: &str = "/simulated-disk";

/// A disk. Folders and files go by the number of their inode.
pub trait Disk: Send + Sync {
    /// The folder that has this path.
    fn folder(&self, path: &Path) -> io::Result<u64>;
    /// Makes what is missing of this path.
    fn make_folders(&self, path: &Path) -> io::Result<()>;
    /// A new file of a name that nothing had.
    fn create(&self, folder: u64, name: &str) -> io::Result<u64>;
    /// A new file without a name.
    fn nameless(&self) -> io::Result<u64>;
    /// A file that is there.
    fn open(&self, folder: u64, name: &str) -> io::Result<u64>;
    /// What tells whether it has changed; `None` if there is no such name.
    fn stamp(&self, folder: u64, name: &str) -> io::Result<Option<Stamp>>;
    /// The same of an open file.
    fn stamp_of(&self, file: u64) -> io::Result<Stamp>;
    /// A name for an open file.
    fn link(&self, file: u64, folder: u64, name: &str) -> io::Result<()>;
    /// A second name for a file.
    fn link_from(&self, from: u64, name: &str, folder: u64, to: &str) -> io::Result<()>;
    /// Another name for a file, in one step; in the place of what has it, or not if something has.
    fn rename(&self, from: u64, name: &str, folder: u64, to: &str, replace: bool) -> io::Result<()>;
    /// Takes a name away.
    fn remove(&self, folder: u64, name: &str) -> io::Result<()>;
    /// All names, in the disk's own order.
    fn names(&self, folder: u64) -> io::Result<Vec<String>>;
    /// Makes names last.
    fn sync_folder(&self, folder: u64) -> io::Result<()>;
    /// Makes content and facts last.
    fn sync_file(&self, file: u64) -> io::Result<()>;
    /// Reads from there on.
    fn read(&self, file: u64, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes from there on.
    fn write(&self, file: u64, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Permission bits.
    fn mode(&self, file: u64) -> io::Result<u32>;
    /// Sets them.
    fn set_mode(&self, file: u64, mode: u32) -> io::Result<()>;
    /// Room that is left.
    fn free_bytes(&self) -> io::Result<u64>;
    /// A number that tells this folder from any other that had its path before.
    fn born(&self, folder: u64) -> u64;
}

thread_local! {
    static SIMULATED: Cell<bool> = const { Cell::new(false) };
}

/// From now on the present thread is a simulation's: what it would have others do, it does at once and by itself, so that
/// the order of things is always the same.
pub fn enter() {
    SIMULATED.set(true);
}

/// Whether the present thread is a simulation's.
pub fn is_on() -> bool {
    SIMULATED.get()
}

/// What lies below [`ROOT`], by its first folder.
static DISKS: RwLock<Option<HashMap<PathBuf, Arc<dyn Disk>>>> = RwLock::new(None);

/// While this is there, its disk is.
pub struct Mounted(PathBuf);

/// Puts a disk at a path of its own below [`ROOT`].
pub fn mount(disk: Arc<dyn Disk>) -> Mounted {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let path = Path::new(ROOT).join(COUNT.fetch_add(1, Ordering::Relaxed).to_string());
    let mut disks = DISKS.write().unwrap_or_else(PoisonError::into_inner);
    disks.get_or_insert_default().insert(path.clone(), disk);
    Mounted(path)
}

impl Mounted {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let mut disks = DISKS.write().unwrap_or_else(PoisonError::into_inner);
        disks.get_or_insert_default().remove(&self.0);
    }
}

/// The disk at this path, and the path on it; `None` where the machine's own are.
pub(super) fn at(path: &Path) -> Option<io::Result<(Arc<dyn Disk>, &Path)>> {
    let below = path.strip_prefix(ROOT).ok()?;
    let first = Path::new(ROOT).join(below.components().next()?);
    let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
    let disk = disks.as_ref().and_then(|disks| disks.get(&first)).cloned();
    let rest = path.strip_prefix(&first).unwrap_or(path);
    Some(disk.map(|disk| (disk, rest)).ok_or_else(|| io::ErrorKind::NotFound.into()))
}

/// An open file of such a disk. A clone shares its position.
#[derive(Clone)]
pub struct Open {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) file: u64,
    position: Arc<AtomicU64>,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "simulated file {}", self.file)
    }
}

impl Open {
    pub(super) fn new(disk: Arc<dyn Disk>, file: u64) -> Open {
        Open { disk, file, position: Arc::default() }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.disk.sync_file(self.file)
    }

    pub(super) fn stamp(&self) -> io::Result<Stamp> {
        self.disk.stamp_of(self.file)
    }

    pub(super) fn device(&self) -> u64 {
        DEVICE
    }

    pub(super) fn mode(&self) -> io::Result<u32> {
        self.disk.mode(self.file)
    }

    pub(super) fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.disk.set_mode(self.file, mode)
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.read(self.file, buffer, offset)
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_at(buffer, self.position.load(Ordering::SeqCst))?;
        self.position.fetch_add(read as u64, Ordering::SeqCst);
        Ok(read)
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.disk.write(self.file, bytes, self.position.load(Ordering::SeqCst))?;
        self.position.fetch_add(written as u64, Ordering::SeqCst);
        Ok(written)
    }

    pub(super) fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.position.load(Ordering::SeqCst).checked_add_signed(by),
            SeekFrom::End(by) => self.stamp()?.bytes.checked_add_signed(by),
        };
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        self.position.store(place, Ordering::SeqCst);
        Ok(place)
    }
}

/// All such disks are one file system, whose files can be linked and renamed across folders.
pub(super) const DEVICE: u64 = u64::MAX;
