//! Files without a name: what is written there is gone when the process is. And folders that only the service enters.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{self, Mode, OFlags};

use super::Directory;

/// A file of mode 0600 on the file system of `directory` that no name leads to.
pub fn private_file(directory: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    match fs::open(directory, flags, Mode::RUSR | Mode::WUSR) {
        Ok(descriptor) => Ok(File::from(descriptor)),
        // File systems without nameless files: named for a moment, at 0600.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::NOENT) => {
            tempfile::tempfile_in(directory)
        }
        Err(error) => Err(error.into()),
    }
}

/// The directory at `path`, made with mode 0700 if it is not there.
pub fn private_directory(path: &Path) -> io::Result<Directory> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Directory::open(path)
}
