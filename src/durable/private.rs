//! Files without a name: what is written there is gone when the process is.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{self, Mode, OFlags};

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
