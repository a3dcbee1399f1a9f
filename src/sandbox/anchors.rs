//! Where a rule is hung on.
//!
//! The kernel keeps a rule with a directory, not with its path: one that is replaced, or lies on a file system that is
//! mounted later or once more, has none. It asks every directory above a file, but not the one that a mount hides. So the
//! rules for a folder hang on it, on the folder above it, and on the folder above its mount point.
//! Holds: never on a folder that is the machine's rather than the council's, so nothing else there is opened up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

/// Trees that are the system's.
const SYSTEM: [&str; 9] = ["/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/run", "/sys", "/usr"];
/// Folders whose folders each belong to somebody else.
const SHARED: [&str; 4] = ["/home", "/media", "/mnt", "/var"];

/// Where the rules for this folder or file are hung on besides itself, as far as it is there now.
pub(super) fn beside(path: &Path) -> BTreeSet<PathBuf> {
    let real = path.canonicalize();
    let real = real.as_deref().unwrap_or(path);
    let above_mount = mount_point(real).and_then(|point| above(&point));
    [above(path), above(real), above_mount].into_iter().flatten().filter(|path| path.exists()).collect()
}

/// The folder above, unless that is the machine's.
pub(super) fn above(path: &Path) -> Option<PathBuf> {
    path.parent().filter(|parent| !is_the_machines(parent)).map(Path::to_owned)
}

/// Whether what lies in this folder is not one owner's: the root and what lies in it, the system's trees, people's homes
/// and what lies in /var, /mnt and /media.
fn is_the_machines(folder: &Path) -> bool {
    let is_shared = |shared: &&str| folder.parent() == Some(Path::new(shared));
    folder.components().count() <= 2
        || SYSTEM.iter().any(|system| folder.starts_with(system))
        || SHARED.iter().any(is_shared)
}

/// The mount point that the folder lies below, or is. Of one that is missing the nearest folder that is there, since that
/// may be what is mounted on later.
fn mount_point(folder: &Path) -> Option<PathBuf> {
    let there = folder.ancestors().find(|path| path.exists())?;
    if there != folder {
        return Some(there.to_owned());
    }
    there.ancestors().find(|path| is_mount_point(path)).map(Path::to_owned)
}

fn is_mount_point(path: &Path) -> bool {
    let facts = statx(CWD, path, AtFlags::empty(), StatxFlags::empty());
    facts.is_ok_and(|facts| facts.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
