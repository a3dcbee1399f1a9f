//! Whether it is the sandbox that keeps a folder out of reach, so that people are told that and not to mend its modes.

use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, open};
use rustix::io::Errno;

/// Whether a folder cannot be opened although owner and mode let this account in. The kernel's answer to the second question
/// leaves the sandbox out.
pub fn is_kept_out(folder: &Path) -> bool {
    let opened = open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    opened.err() == Some(Errno::ACCESS)
        && accessat(CWD, folder, Access::READ_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}
