//! An open file: the kernel's, or in a test build one of a disk that is made up.
//!
//! Holds: in a build that is deployed there is one kind, and this is a name for it.

use std::fs::{self, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

use rustix::fs::{Advice, Gid, fadvise, fchown};

#[cfg(feature = "failpoints")]
use super::simulated;

/// An open file.
#[derive(Debug)]
pub enum File {
    /// On a disk of the machine.
    Machine(fs::File),
    /// On a disk that a test makes up.
    #[cfg(feature = "failpoints")]
    Simulated(simulated::Open),
}

impl From<fs::File> for File {
    fn from(file: fs::File) -> File {
        File::Machine(file)
    }
}

impl From<OwnedFd> for File {
    fn from(descriptor: OwnedFd) -> File {
        File::Machine(descriptor.into())
    }
}

impl File {
    /// The kernel's own, for what only that can do. A disk that is made up has none.
    pub fn into_machine(self) -> io::Result<fs::File> {
        match self {
            File::Machine(file) => Ok(file),
            #[cfg(feature = "failpoints")]
            File::Simulated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Makes content and facts last.
    pub fn sync_all(&self) -> io::Result<()> {
        match self {
            File::Machine(file) => file.sync_all(),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => file.sync(),
        }
    }

    /// Another handle to it, which shares its position.
    pub fn try_clone(&self) -> io::Result<File> {
        match self {
            File::Machine(file) => file.try_clone().map(File::Machine),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => Ok(File::Simulated(file.clone())),
        }
    }

    /// Its length.
    pub fn bytes(&self) -> io::Result<u64> {
        match self {
            File::Machine(file) => Ok(file.metadata()?.len()),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => Ok(file.stamp()?.bytes),
        }
    }

    /// Whether it is a regular file.
    pub(super) fn is_regular(&self) -> io::Result<bool> {
        match self {
            File::Machine(file) => Ok(file.metadata()?.is_file()),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => Ok(file.stamp()?.regular),
        }
    }

    /// The file system it lies on.
    pub fn device(&self) -> io::Result<u64> {
        match self {
            File::Machine(file) => Ok(file.metadata()?.dev()),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => Ok(file.device()),
        }
    }

    /// Its permission bits, and those beside them.
    pub fn mode(&self) -> io::Result<u32> {
        match self {
            File::Machine(file) => Ok(file.metadata()?.mode()),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => file.mode(),
        }
    }

    /// Gives it these permission bits.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        match self {
            File::Machine(file) => file.set_permissions(Permissions::from_mode(mode)),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => file.set_mode(mode),
        }
    }

    /// Gives it to this group.
    pub fn give_to_group(&self, group: u32) -> io::Result<()> {
        match self {
            File::Machine(file) => Ok(fchown(file, None, Some(Gid::from_raw(group)))?),
            #[cfg(feature = "failpoints")]
            File::Simulated(_) => Ok(()),
        }
    }

    /// Reads from this place on, without moving its position.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            File::Machine(file) => file.read_at(buffer, offset),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => file.read_at(buffer, offset),
        }
    }

    /// So much from this place on need not stay in memory, and is written to the disk if it was not. A hint: nothing
    /// depends on it.
    pub(super) fn pass(&self, offset: u64, bytes: NonZeroU64) {
        match self {
            File::Machine(file) => drop(fadvise(file, offset, Some(bytes), Advice::DontNeed)),
            #[cfg(feature = "failpoints")]
            File::Simulated(_) => {}
        }
    }
}

impl Read for &File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            File::Machine(file) => (&*file).read(buffer),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => file.read(buffer),
        }
    }
}

impl Write for &File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            File::Machine(file) => (&*file).write(bytes),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            File::Machine(file) => (&*file).seek(to),
            #[cfg(feature = "failpoints")]
            File::Simulated(file) => file.seek(to),
        }
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}
