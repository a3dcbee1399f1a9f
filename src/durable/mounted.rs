//! Where file systems were mounted: so that the bare folder that is left when one goes away is not taken for it.
//!
//! In:  a folder. Out: which directory it is now; an error if the file system it was seen on is mounted there no more.
//! Holds: what was seen counts for whoever asks as long as the process lives; a reload forgets nothing. Of a folder that was
//! never asked for nothing is known, so those of the settings are all asked for at the start, and again and again.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, FileType, StatxAttributes, StatxFlags, lstat, stat, statx};

/// Device and inode.
pub type Identity = (u64, u64);

/// Of one process, as mounts are.
static SEEN: LazyLock<Mutex<HashMap<PathBuf, Seen>>> = LazyLock::new(Mutex::default);

struct Seen {
    identity: Identity,
    /// The deepest mount point above the folder, or the folder itself.
    mount_point: PathBuf,
}

/// Which directory has this path now. A link is what it is, not what it leads to.
///
/// A path below a mount point that no longer is one is an error: files put there would lie in the wrong place, and vanish
/// under the next mount.
pub fn identity(path: &Path) -> io::Result<Identity> {
    #[cfg(feature = "failpoints")]
    if let Some(found) = super::simulated::at(path) {
        let (disk, path) = found?;
        return Ok((super::simulated::DEVICE, disk.folder(path)?));
    }
    let facts = lstat(path)?;
    let identity = (facts.st_dev, facts.st_ino);
    if FileType::from_raw_mode(facts.st_mode) == FileType::Symlink {
        // Nobody opens it, and what takes its place may lie anywhere.
        return Ok(identity);
    }
    // Asked for several times for each file: a directory that was seen lies where it lay.
    if seen().get(path).is_some_and(|known| known.identity == identity) {
        return Ok(identity);
    }
    // Not under the lock: a share that does not answer keeps nobody from the others.
    let mount_point = mount_point(path);
    if identity_of(path)? != identity {
        return Err(io::Error::other("it was replaced just now"));
    }
    let mut seen = seen();
    if let Some(known) = seen.get(path).filter(|known| is_above(&mount_point, &known.mount_point)) {
        let says = format!("nothing is mounted at {} any more", known.mount_point.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, says));
    }
    seen.insert(path.to_owned(), Seen { identity, mount_point });
    Ok(identity)
}

fn seen() -> MutexGuard<'static, HashMap<PathBuf, Seen>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn identity_of(path: &Path) -> io::Result<Identity> {
    let stat = lstat(path)?;
    Ok((stat.st_dev, stat.st_ino))
}

fn mount_point(path: &Path) -> PathBuf {
    path.ancestors().find(|above| is_mount_point(above)).unwrap_or(Path::new("/")).to_owned()
}

/// Also what only leads to another file system, as a link does.
fn is_mount_point(path: &Path) -> bool {
    let facts = statx(CWD, path, AtFlags::empty(), StatxFlags::empty());
    let is_root = facts.is_ok_and(|facts| facts.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    let device = |path| stat(path).map(|stat| stat.st_dev).ok();
    let apart = |parent| Some(device(parent)? != device(path)?);
    is_root || path.parent().and_then(apart) == Some(true)
}

fn is_above(path: &Path, other: &Path) -> bool {
    path != other && other.starts_with(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_the_place_of_a_link_is_taken_for_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for (name, to) in [("elsewhere", "/proc"), ("nowhere", "gone")] {
            let path = dir.path().join(name);
            std::os::unix::fs::symlink(to, &path).unwrap();
            identity(&path).unwrap();
            // Made before the link goes, so that it cannot get the link's inode.
            let real = dir.path().join("real");
            std::fs::create_dir(&real).unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::rename(&real, &path).unwrap();
            assert_eq!(identity(&path).unwrap(), identity_of(&path).unwrap(), "{name}");
        }
    }
}
