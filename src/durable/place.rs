//! Which directory something was left in: so that an empty folder at the same path is not taken for it.
//!
//! Holds: text that is not a place as it is written here is no place, and the same as none.

use std::io;

use super::directory::Directory;

impl Directory {
    /// Tells this directory from any other that is at its path later: device, inode, the file system's own id, and
    /// when the directory was made. Opaque; the same text until the machine restarts.
    pub fn place(&self) -> io::Result<String> {
        let _at = self.during();
        let (device, inode, file_system, born) = self.handle().birth()?;
        Ok(format!("{device:x}.{inode:x}.{file_system:x}.{}.{}", born.0, born.1))
    }
}

/// Whether both are the same directory. After a reboot the device's number may be another, and the file system's id
/// decides; where it has none, nothing is known.
pub fn is_same_place(one: &str, other: &str, rebooted: bool) -> bool {
    let (Some(one), Some(other)) = (read(one), read(other)) else { return false };
    let [device, inode, file_system, seconds, nanoseconds] = one;
    let is_same_directory = [inode, file_system, seconds, nanoseconds] == other[1..];
    is_same_directory && if rebooted { file_system != "0" } else { device == other[0] }
}

fn read(place: &str) -> Option<[&str; 5]> {
    let pieces: Vec<&str> = place.split('.').collect();
    <[&str; 5]>::try_from(pieces).ok().filter(|pieces| pieces.iter().all(|piece| !piece.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn place(path: &Path) -> String {
        Directory::open(path).unwrap().place().unwrap()
    }

    #[test]
    fn a_place_is_the_same_directory_whatever_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let (path, away) = (dir.path().join("d"), dir.path().join("away"));
        std::fs::create_dir(&path).unwrap();
        let first = place(&path);
        assert!(is_same_place(&first, &first, false));
        std::fs::write(path.join("file"), "changes what is in it, not what it is").unwrap();
        assert_eq!(place(&path), first);
        std::fs::rename(&path, &away).unwrap();
        assert_eq!(place(&away), first);
    }

    #[test]
    fn a_replaced_directory_is_another_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        std::fs::create_dir(&path).unwrap();
        let before = place(&path);
        // Removed first, so that the new one may get its inode.
        std::fs::remove_dir(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let after = place(&path);
        assert!(!is_same_place(&before, &after, false) && !is_same_place(&before, &after, true));
    }

    #[test]
    fn after_a_reboot_the_file_systems_id_decides() {
        assert!(is_same_place("1.7.99.5.0", "2.7.99.5.0", true));
        assert!(!is_same_place("1.7.99.5.0", "2.7.99.5.0", false));
        assert!(!is_same_place("1.7.99.5.0", "1.7.98.5.0", true), "another file system");
        assert!(!is_same_place("1.7.99.5.0", "1.7.99.6.0", true), "made at another time");
        assert!(!is_same_place("1.7.0.5.0", "1.7.0.5.0", true), "without an id nothing is known");
    }

    #[test]
    fn what_is_not_a_place_is_the_same_as_none() {
        let place = place(tempfile::tempdir().unwrap().path());
        for other in ["", "1:7:99", "1.7.99", "1.7.99.5.0.0", "....", "\u{e9}"] {
            assert!(!is_same_place(other, other, false) && !is_same_place(other, other, true), "{other:?}");
            assert!(!is_same_place(other, &place, false) && !is_same_place(&place, other, true), "{other:?}");
        }
    }
}
