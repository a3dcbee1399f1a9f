//! The machine that a history plays on: its disk, its clock, what fails, when it ends; and the world that goes on beside it.
//!
//! In:  the calls of the product. Out: what a kernel would answer, or an error; nothing more once the process has ended.
//! Holds: after its end a process has no effect whatever it calls; each call is counted, so that every one can be the last.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hbcourier::durable::Stamp;
use hbcourier::durable::simulated::Disk;
use hbcourier::effects::clock::Clock;
use hbcourier::store::Change;
use jiff::Timestamp;

use super::chance::Chance;
use super::disk::FileSystem;
use super::mutations::Mutation;
use super::world::World;

/// The errors of a kernel, by what was asked of it.
const READING: [i32; 4] = [5, 24, 116, 4];
const WRITING: [i32; 4] = [5, 28, 122, 30];
const SYNCING: [i32; 2] = [5, 28];

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By a signal: the machine goes on.
    Killed,
    /// With the machine.
    PowerCut,
}

pub struct Inner {
    pub chance: Chance,
    pub fs: FileSystem,
    pub world: World,
    /// Microseconds since the epoch, as the machine believes.
    pub now: i64,
    /// Microseconds since it started.
    pub since_boot: u64,
    /// The process has ended.
    pub dead: bool,
    pub calls: u64,
    /// The call at which it ends.
    pub ends_at: Option<u64>,
    /// Records, moves of names, and what is handed to a courier.
    pub marks: u64,
    /// The mark at which it ends.
    pub ends_at_mark: Option<u64>,
    /// How many of a thousand calls fail.
    pub faults: u64,
    /// Whether any ever failed.
    pub ever_failed: bool,
    /// How many of a thousand calls have the world act.
    pub bustle: u64,
    pub mutation: Mutation,
    /// Everything that was recorded, for a machine that loses commits.
    pub log: Vec<Change>,
    pub trace: Option<Vec<String>>,
    pub violations: Vec<String>,
}

pub struct Ground(Mutex<Inner>);

/// What is asked of the kernel, as far as it matters for what can go wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Read,
    Write,
    /// A name moves, comes or goes.
    Move,
    Sync,
}

impl Inner {
    pub fn note(&mut self, says: impl FnOnce(&Inner) -> String) {
        if self.trace.is_some() {
            let line = format!("{:>5} {:>10.3} s  {}", self.calls, self.since_boot as f64 / 1e6, says(self));
            self.trace.iter_mut().for_each(|trace| trace.push(line.clone()));
        }
    }

    pub fn violated(&mut self, says: String) {
        self.note(|_| format!("VIOLATED: {says}"));
        self.violations.push(says);
    }

    pub fn pass(&mut self, by: Duration) {
        let by = by.as_micros() as u64;
        self.since_boot += by;
        self.now = self.now.saturating_add_unsigned(by);
    }

    /// One more call that matters, as [`Inner::enter`].
    pub fn enter_marked(&mut self) -> io::Result<bool> {
        self.marks += 1;
        if self.ends_at_mark == Some(self.marks) {
            self.ends_at = Some(self.calls + 1);
        }
        self.enter()
    }

    /// One more call. `Ok(true)`: the process ends once it is done.
    pub fn enter(&mut self) -> io::Result<bool> {
        if self.dead {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.calls += 1;
        self.pass(Duration::from_micros(50));
        if self.bustle > 0 && self.chance.falls(self.bustle) {
            self.world_acts();
        }
        if self.ends_at.is_none_or(|at| self.calls < at) {
            return Ok(false);
        }
        if self.chance.falls(500) {
            return Ok(true);
        }
        self.end();
        Err(io::Error::from_raw_os_error(5))
    }

    pub fn end(&mut self) {
        self.note(|_| "the process ends".to_owned());
        self.dead = true;
    }

    /// What goes wrong with this call, if anything does.
    fn fault(&mut self, ask: Ask) -> Option<io::Error> {
        let fails = self.faults > 0 && self.chance.falls(self.faults);
        fails.then(|| {
            self.ever_failed = true;
            let of = match ask {
                Ask::Read => &READING[..],
                Ask::Write | Ask::Move => &WRITING,
                Ask::Sync => &SYNCING,
            };
            let error = io::Error::from_raw_os_error(*self.chance.pick(of));
            self.note(|_| format!("  fails: {error}"));
            error
        })
    }

    pub fn path(&self, folder: u64, name: &str) -> String {
        self.fs.folders[&folder].path.join(name).display().to_string()
    }

    pub fn stamp(&self, file: u64) -> Stamp {
        let inode = &self.fs.inodes[&file];
        let nanoseconds = |at: i64| i128::from(at) * 1000;
        Stamp {
            inode: file,
            bytes: inode.content.len() as u64,
            modified: nanoseconds(inode.modified),
            changed: nanoseconds(inode.changed),
            links: inode.links,
            regular: true,
        }
    }

    fn named(&self, folder: u64, name: &str) -> io::Result<u64> {
        self.fs.at(folder, name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Ground {
    pub fn new(inner: Inner) -> Ground {
        Ground(Mutex::new(inner))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call<T>(
        &self,
        ask: Ask,
        says: impl FnOnce(&Inner) -> String,
        act: impl FnOnce(&mut Inner) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut inner = self.lock();
        let ends = if ask == Ask::Move { inner.enter_marked()? } else { inner.enter()? };
        inner.note(says);
        let fault = inner.fault(ask);
        // An error may be told though all was done.
        let done = match fault {
            Some(error) if ask != Ask::Move || !inner.chance.falls(200) => Err(error),
            Some(error) => act(&mut inner).and(Err(error)),
            None => act(&mut inner),
        };
        if ends {
            inner.end();
            return Err(io::Error::from_raw_os_error(5));
        }
        done
    }
}

impl Disk for Ground {
    fn folder(&self, path: &Path) -> io::Result<u64> {
        self.call(
            Ask::Read,
            |_| format!("open folder {}", path.display()),
            |inner| {
                let found = inner.fs.folders.iter().find(|(_, folder)| folder.path == path);
                found.map(|(number, _)| *number).ok_or_else(|| io::ErrorKind::NotFound.into())
            },
        )
    }

    fn make_folders(&self, path: &Path) -> io::Result<()> {
        self.call(
            Ask::Read,
            |_| format!("make folder {}", path.display()),
            |inner| {
                for above in path.ancestors() {
                    inner.fs.folder(above.to_owned());
                }
                Ok(())
            },
        )
    }

    fn create(&self, folder: u64, name: &str) -> io::Result<u64> {
        self.call(
            Ask::Write,
            |inner| format!("create {}", inner.path(folder, name)),
            |inner| {
                if inner.fs.at(folder, name).is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                let file = inner.fs.file(inner.now);
                inner.fs.link(file, folder, name, inner.now);
                Ok(file)
            },
        )
    }

    fn nameless(&self) -> io::Result<u64> {
        self.call(Ask::Write, |_| "create a nameless file".to_owned(), |inner| Ok(inner.fs.file(inner.now)))
    }

    fn open(&self, folder: u64, name: &str) -> io::Result<u64> {
        self.call(Ask::Read, |inner| format!("open {}", inner.path(folder, name)), |inner| inner.named(folder, name))
    }

    fn stamp(&self, folder: u64, name: &str) -> io::Result<Option<Stamp>> {
        self.call(
            Ask::Read,
            |inner| format!("stat {}", inner.path(folder, name)),
            |inner| Ok(inner.fs.at(folder, name).map(|file| inner.stamp(file))),
        )
    }

    fn stamp_of(&self, file: u64) -> io::Result<Stamp> {
        self.call(Ask::Read, |_| format!("stat #{file}"), |inner| Ok(inner.stamp(file)))
    }

    fn link(&self, file: u64, folder: u64, name: &str) -> io::Result<()> {
        self.call(
            Ask::Move,
            |inner| format!("link #{file} as {}", inner.path(folder, name)),
            |inner| {
                if inner.fs.at(folder, name).is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                inner.fs.link(file, folder, name, inner.now);
                inner.appeared(folder, name);
                Ok(())
            },
        )
    }

    fn link_from(&self, from: u64, name: &str, folder: u64, to: &str) -> io::Result<()> {
        let file = self.open(from, name)?;
        self.link(file, folder, to)
    }

    fn rename(&self, from: u64, name: &str, folder: u64, to: &str, replace: bool) -> io::Result<()> {
        let says = |inner: &Inner| format!("rename {} to {}", inner.path(from, name), inner.path(folder, to));
        self.call(Ask::Move, says, |inner| {
            inner.named(from, name)?;
            let replace = replace || inner.mutation == Mutation::PublishByOverwriting;
            if inner.fs.at(folder, to).is_some() && !replace {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            inner.fs.rename(from, name, folder, to, inner.now);
            inner.appeared(folder, to);
            Ok(())
        })
    }

    fn remove(&self, folder: u64, name: &str) -> io::Result<()> {
        self.call(
            Ask::Move,
            |inner| format!("remove {}", inner.path(folder, name)),
            |inner| {
                let file = inner.named(folder, name)?;
                inner.is_to_go(folder, file);
                inner.fs.unlink(folder, name, inner.now);
                Ok(())
            },
        )
    }

    fn names(&self, folder: u64) -> io::Result<Vec<String>> {
        self.call(
            Ask::Read,
            |inner| format!("list {}", inner.path(folder, "")),
            |inner| Ok(inner.fs.folders[&folder].names.keys().cloned().collect()),
        )
    }

    fn sync_folder(&self, folder: u64) -> io::Result<()> {
        self.call(
            Ask::Sync,
            |inner| format!("sync {}", inner.path(folder, "")),
            |inner| {
                inner.fs.sync_folder(folder);
                Ok(())
            },
        )
    }

    fn sync_file(&self, file: u64) -> io::Result<()> {
        let synced = self.call(
            Ask::Sync,
            |_| format!("sync #{file}"),
            |inner| {
                inner.fs.sync_file(file);
                Ok(())
            },
        );
        let mut inner = self.lock();
        if synced.is_err() && !inner.dead {
            inner.fs.lose(file);
            if inner.mutation == Mutation::FailedSyncUntold {
                return Ok(());
            }
        }
        synced
    }

    fn read(&self, file: u64, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.call(
            Ask::Read,
            |_| format!("read #{file} from {offset}"),
            |inner| {
                let content = &inner.fs.inodes[&file].content;
                let from = content.len().min(offset as usize);
                let bytes = buffer.len().min(content.len() - from);
                buffer[..bytes].copy_from_slice(&content[from..from + bytes]);
                Ok(bytes)
            },
        )
    }

    fn write(&self, file: u64, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.call(
            Ask::Write,
            |_| format!("write {} bytes to #{file}", bytes.len()),
            |inner| {
                let mut written = bytes.len();
                if written > 1 && inner.faults > 0 && inner.chance.falls(50) {
                    written = 1 + inner.chance.below(written as u64 - 1) as usize;
                }
                inner.fs.write(file, &bytes[..written], offset as usize, inner.now);
                Ok(written)
            },
        )
    }

    fn mode(&self, file: u64) -> io::Result<u32> {
        self.call(Ask::Read, |_| format!("mode of #{file}"), |inner| Ok(inner.fs.inodes[&file].mode))
    }

    fn set_mode(&self, file: u64, mode: u32) -> io::Result<()> {
        self.call(
            Ask::Write,
            |_| format!("mode of #{file} becomes {mode:o}"),
            |inner| {
                inner.fs.inodes.get_mut(&file).unwrap().mode = mode;
                Ok(())
            },
        )
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(1 << 30)
    }

    fn born(&self, folder: u64) -> u64 {
        folder
    }
}

impl Clock for Ground {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.lock().now).unwrap()
    }

    fn since_boot(&self) -> Duration {
        Duration::from_micros(self.lock().since_boot)
    }
}
