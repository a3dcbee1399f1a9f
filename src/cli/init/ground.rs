//! Folders and files of a set-up on the machine: made if they are not there, left as they are if they are.
//!
//! In:  paths, owners, permission bits. Out: lists of what was made and what was kept.
//! Holds: no file is overwritten, no link followed; a file has its name only when it is whole; whatever a run that was ended
//! half-way left, the next one finishes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode, OFlags, Uid, fchmod, fchown};

use super::system::SystemFault;
use crate::durable::Directory;
use crate::durable::step::step;

/// Account and group.
pub type Owner = (u32, u32);

/// Who writes.
pub const ROOT: Owner = (0, 0);

/// What was made so far, and what was there.
#[derive(Debug, Default)]
pub struct Ground {
    /// In the order in which it was made.
    pub made: Vec<PathBuf>,
    /// Left as it was.
    pub kept: Vec<PathBuf>,
}

impl Ground {
    /// The folders above, root's and open to everybody, and the folder.
    pub fn folder(&mut self, path: &Path, owner: Owner, mode: u32) -> Result<(), SystemFault> {
        if let Some(above) = path.parent().filter(|above| !above.exists()) {
            self.folder(above, ROOT, 0o755)?;
        }
        make(path, owner, mode).map(|is_new| self.note(path, is_new)).map_err(SystemFault::at(path))
    }

    /// A new file with this content.
    pub fn file(&mut self, path: &Path, content: &[u8], owner: Owner, mode: u32) -> Result<(), SystemFault> {
        put(path, content, owner, mode).map(|is_new| self.note(path, is_new)).map_err(SystemFault::at(path))
    }

    fn note(&mut self, path: &Path, is_new: bool) {
        if is_new { &mut self.made } else { &mut self.kept }.push(path.to_owned());
    }
}

/// A new one has its name only when it is whole, so that those above a folder need no second look. One that is there and
/// empty gets owner and permissions too: a package, or whoever prepared the machine, made it.
fn make(path: &Path, owner: Owner, mode: u32) -> io::Result<bool> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    match path.symlink_metadata() {
        Ok(there) if !there.is_dir() => return Err(io::Error::other("it is there, and is no folder")),
        Ok(_) => {
            if fs::read_dir(path)?.next().is_none() {
                own(&folder(path)?, owner, mode)?;
            }
            return Ok(false);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let (above, part) = (Directory::open(above)?, format!(".{name}.part"));
    above.make(&part, 0o700)?;
    step("set-up.made")?;
    let made = folder(&above.path().join(&part))?;
    own(&made, owner, mode)?;
    made.sync_all()?;
    step("set-up.owned")?;
    above.publish(&part, &above, name)?;
    above.sync()?;
    Ok(true)
}

fn folder(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
}

fn put(path: &Path, content: &[u8], owner: Owner, mode: u32) -> io::Result<bool> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let (folder, part) = (Directory::open(above)?, format!(".{name}.part"));
    // What an interrupted run left.
    folder.remove(&part)?;
    let mut file = folder.create(&part)?.into_machine()?;
    file.write_all(content)?;
    step("set-up.written")?;
    own(&file, owner, mode)?;
    file.sync_all()?;
    let is_new = match folder.publish(&part, &folder, name) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    step("set-up.named")?;
    folder.remove(&part)?;
    folder.sync()?;
    Ok(is_new)
}

fn own(file: &File, (uid, gid): Owner, mode: u32) -> io::Result<()> {
    fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    // Last, because a change of owner takes some bits away.
    Ok(fchmod(file, Mode::from_raw_mode(mode))?)
}
