//! What an open directory is open on: the calls that the protocol makes of the kernel, each as it is.
//!
//! Holds: no rule of the protocol is here; those are [`Directory`](super::Directory)'s. In a build that is deployed there is
//! one kind.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

#[cfg(feature = "failpoints")]
use std::sync::Arc;

use rustix::fs::{self as calls, AtFlags, Mode, OFlags, RenameFlags, StatxFlags};
use rustix::io::Errno;

use super::directory::{Stamp, stamp_of};
use super::file::File;
#[cfg(feature = "failpoints")]
use super::simulated::{self, Disk};

/// An open directory.
pub(super) enum Handle {
    /// Of the machine.
    Machine(fs::File),
    /// Of a disk that a test makes up.
    #[cfg(feature = "failpoints")]
    Simulated(Arc<dyn Disk>, u64),
}

/// What tells one directory from another at its path, in this order: device, inode, the file system's id, and when it was
/// made.
pub(super) type Birth = (u64, u64, u64, (i64, u32));

impl Handle {
    /// Opens the directory; the last component may not be a link.
    pub(super) fn open(path: &Path) -> io::Result<Handle> {
        #[cfg(feature = "failpoints")]
        if let Some(found) = simulated::at(path) {
            let (disk, path) = found?;
            let folder = disk.folder(path)?;
            return Ok(Handle::Simulated(disk, folder));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(Handle::Machine(calls::open(path, flags, Mode::empty())?.into()))
    }

    /// Device and inode.
    pub(super) fn identity(&self) -> io::Result<(u64, u64)> {
        match self {
            Handle::Machine(directory) => {
                let stat = calls::fstat(directory)?;
                Ok((stat.st_dev, stat.st_ino))
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(_, folder) => Ok((simulated::DEVICE, *folder)),
        }
    }

    /// As [`Handle::identity`], and what lasts longer.
    pub(super) fn birth(&self) -> io::Result<Birth> {
        let (device, inode) = self.identity()?;
        match self {
            Handle::Machine(directory) => {
                let file_system = calls::fstatvfs(directory)?.f_fsid;
                // A directory made after this one was removed may get its inode, but not its time of birth.
                let born = calls::statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME)
                    .ok()
                    .filter(|stat| StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME))
                    .map_or((0, 0), |stat| (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec));
                Ok((device, inode, file_system, born))
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => Ok((device, inode, 1, (disk.born(*folder).cast_signed(), 0))),
        }
    }

    /// A new file of mode 0600 that nothing had this name before.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        match self {
            Handle::Machine(directory) => {
                let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                Ok(calls::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?.into())
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => {
                Ok(File::Simulated(simulated::Open::new(disk.clone(), disk.create(*folder, name)?)))
            }
        }
    }

    /// An existing file, for reading. Never waits, never follows a link.
    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        match self {
            Handle::Machine(directory) => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                Ok(calls::openat(directory, name, flags, Mode::empty())?.into())
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => {
                Ok(File::Simulated(simulated::Open::new(disk.clone(), disk.open(*folder, name)?)))
            }
        }
    }

    /// The file's stamp; `None` if there is no such name.
    pub(super) fn stamp(&self, name: &str) -> io::Result<Option<Stamp>> {
        match self {
            Handle::Machine(directory) => match calls::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => Ok(Some(stamp_of(&stat))),
                Err(Errno::NOENT) => Ok(None),
                Err(error) => Err(error.into()),
            },
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => disk.stamp(*folder, name),
        }
    }

    /// Gives an open file this name.
    pub(super) fn link(&self, file: &File, name: &str) -> io::Result<()> {
        match (self, file) {
            (Handle::Machine(directory), File::Machine(file)) => {
                let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
                Ok(calls::linkat(calls::CWD, nameless, directory, name, AtFlags::SYMLINK_FOLLOW)?)
            }
            #[cfg(feature = "failpoints")]
            (Handle::Simulated(disk, folder), File::Simulated(file)) => disk.link(file.file, *folder, name),
            #[cfg(feature = "failpoints")]
            _ => Err(io::ErrorKind::CrossesDevices.into()),
        }
    }

    /// A second name in this directory for the file `name` of `from`.
    pub(super) fn link_from(&self, from: &Handle, name: &str, to: &str) -> io::Result<()> {
        match (self, from) {
            (Handle::Machine(into), Handle::Machine(from)) => {
                Ok(calls::linkat(from, name, into, to, AtFlags::empty())?)
            }
            #[cfg(feature = "failpoints")]
            (Handle::Simulated(disk, into), Handle::Simulated(_, from)) => disk.link_from(*from, name, *into, to),
            #[cfg(feature = "failpoints")]
            _ => Err(io::ErrorKind::CrossesDevices.into()),
        }
    }

    /// Another name for a file, unless something has that. `false`, with nothing done: the file system has no such step.
    pub(super) fn rename_to_free(&self, name: &str, into: &Handle, to: &str) -> io::Result<bool> {
        match (self, into) {
            (Handle::Machine(from), Handle::Machine(into)) => {
                match calls::renameat_with(from, name, into, to, RenameFlags::NOREPLACE) {
                    Ok(()) => Ok(true),
                    Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
            #[cfg(feature = "failpoints")]
            (Handle::Simulated(disk, from), Handle::Simulated(_, into)) => {
                disk.rename(*from, name, *into, to, false).map(|()| true)
            }
            #[cfg(feature = "failpoints")]
            _ => Err(io::ErrorKind::CrossesDevices.into()),
        }
    }

    /// Another name for a file, in the place of whatever has it.
    pub(super) fn rename(&self, name: &str, to: &str) -> io::Result<()> {
        match self {
            Handle::Machine(directory) => Ok(calls::renameat(directory, name, directory, to)?),
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => disk.rename(*folder, name, *folder, to, true),
        }
    }

    /// Makes a directory in it with these permission bits. One that is there already is left as it is.
    pub(super) fn make(&self, name: &str, mode: u32) -> io::Result<()> {
        let directory = match self {
            Handle::Machine(directory) => directory,
            #[cfg(feature = "failpoints")]
            Handle::Simulated(..) => return Err(io::ErrorKind::Unsupported.into()),
        };
        let mode = Mode::from_raw_mode(mode);
        match calls::mkdirat(directory, name, mode) {
            // Again, because the process's mask takes some away; and what was made, not what others put in its place.
            Ok(()) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let made = calls::openat(directory, name, flags, Mode::empty())?;
                if calls::fstat(&made)?.st_uid != rustix::process::geteuid().as_raw() {
                    return Err(io::Error::other("the folder that was made was replaced"));
                }
                Ok(calls::fchmod(&made, mode)?)
            }
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Its permission bits and whether it passes on its group, and that group.
    pub(super) fn mode_and_group(&self) -> io::Result<(u32, u32)> {
        match self {
            Handle::Machine(directory) => {
                let stat = calls::fstat(directory)?;
                Ok((stat.st_mode, stat.st_gid))
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(..) => Ok((0o700, 0)),
        }
    }

    /// Removes a name. One that is not there is no error.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match self {
            Handle::Machine(directory) => match calls::unlinkat(directory, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(error) => Err(error.into()),
            },
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => match disk.remove(*folder, name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        }
    }

    /// Every name in it but `.` and `..`; `met` is called for each.
    pub(super) fn names(&self, met: impl Fn()) -> io::Result<Vec<OsString>> {
        let directory = match self {
            Handle::Machine(directory) => directory,
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => {
                return Ok(disk.names(*folder)?.into_iter().map(OsString::from).collect());
            }
        };
        let mut names = Vec::new();
        for entry in calls::Dir::read_from(directory)? {
            met();
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Whether files made here get an access list from the directory.
    pub(super) fn has_default_acl(&self) -> bool {
        match self {
            Handle::Machine(directory) => {
                calls::fgetxattr(directory, "system.posix_acl_default", &mut [0u8; 0][..]).is_ok_and(|bytes| bytes > 0)
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(..) => false,
        }
    }

    /// Whether this process sees the file system below as read-only.
    pub(super) fn is_read_only(&self) -> io::Result<bool> {
        match self {
            Handle::Machine(directory) => {
                Ok(calls::fstatvfs(directory)?.f_flag.contains(calls::StatVfsMountFlags::RDONLY))
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(..) => Ok(false),
        }
    }

    /// Free bytes for this process on the file system below.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        match self {
            Handle::Machine(directory) => {
                let stat = calls::fstatvfs(directory)?;
                Ok(stat.f_bavail * stat.f_frsize)
            }
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, _) => disk.free_bytes(),
        }
    }

    /// Makes every name operation done so far last.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Handle::Machine(directory) => directory.sync_all(),
            #[cfg(feature = "failpoints")]
            Handle::Simulated(disk, folder) => disk.sync_folder(*folder),
        }
    }
}
