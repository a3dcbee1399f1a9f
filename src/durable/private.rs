//! Files without a name: what is written there is gone when the process is. And folders that only the service enters.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{self, Mode, OFlags};

#[cfg(feature = "failpoints")]
use super::simulated;
use super::{Directory, File};

/// A file of mode 0600 on the file system of `directory` that no name leads to.
pub fn private_file(directory: &Path) -> io::Result<File> {
    #[cfg(feature = "failpoints")]
    if let Some(found) = simulated::at(directory) {
        let disk = found?.0;
        let file = disk.nameless()?;
        return Ok(File::Simulated(simulated::Open::new(disk, file)));
    }
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    match fs::open(directory, flags, Mode::RUSR | Mode::WUSR) {
        Ok(descriptor) => Ok(File::from(descriptor)),
        // File systems without nameless files: named for a moment, at 0600.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::NOENT) => {
            tempfile::tempfile_in(directory).map(File::from)
        }
        Err(error) => Err(error.into()),
    }
}

/// The directory at `path`, made with mode 0700 if it is not there.
pub fn private_directory(path: &Path) -> io::Result<Directory> {
    #[cfg(feature = "failpoints")]
    if let Some(found) = simulated::at(path) {
        let (disk, below) = found?;
        disk.make_folders(below)?;
        return Directory::open(path);
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Directory::open(path)
}
