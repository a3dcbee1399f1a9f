//! Which directory something was left in: so that an empty folder at the same path is not taken for it.

use std::io;

use rustix::fs;

use super::directory::Directory;

/// A directory's identity as text: device, inode, and the file system's own id.
pub fn place(directory: &Directory) -> io::Result<String> {
    let (device, inode) = directory.identity()?;
    Ok(format!("{device}:{inode}:{}", directory.file_system_id()?))
}

/// Whether both are the same directory. After a reboot the device's number may be another, and the file system's id
/// decides; where it has none, nothing is known.
pub fn is_same_place(one: &str, other: &str, rebooted: bool) -> bool {
    let (Some(one), Some(other)) = (read(one), read(other)) else { return false };
    let by_device = !rebooted && one.0 == other.0;
    let by_id = one.2 == other.2 && one.2 != "0";
    one.1 == other.1 && (by_device || (rebooted && by_id))
}

fn read(place: &str) -> Option<(&str, &str, &str)> {
    let mut pieces = place.split(':');
    Some((pieces.next()?, pieces.next()?, pieces.next()?))
}

impl Directory {
    /// The id that the file system gives itself; 0 if it has none.
    fn file_system_id(&self) -> io::Result<u64> {
        Ok(fs::fstatvfs(self.file())?.f_fsid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_directory_is_another_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        std::fs::create_dir(&path).unwrap();
        let before = place(&Directory::open(&path).unwrap()).unwrap();
        assert!(is_same_place(&before, &before, false) && is_same_place(&before, &before, true));
        std::fs::rename(&path, dir.path().join("away")).unwrap();
        std::fs::create_dir(&path).unwrap();
        let after = place(&Directory::open(&path).unwrap()).unwrap();
        assert!(!is_same_place(&before, &after, false) && !is_same_place(&before, &after, true));
    }

    #[test]
    fn after_a_reboot_the_file_systems_id_decides() {
        assert!(is_same_place("1:7:99", "2:7:99", true));
        assert!(!is_same_place("1:7:99", "2:7:99", false));
        assert!(!is_same_place("1:7:0", "1:7:0", true), "without an id nothing is known");
        assert!(!is_same_place("", "", false));
    }
}
