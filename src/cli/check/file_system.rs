//! On which kind of file system a folder lies, and what follows from it.

use std::io;
use std::path::Path;

/// A kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileSystem {
    /// Its name; a number where it is not known by name.
    pub name: &'static str,
    /// What it means for files that must be found and kept.
    pub nature: Nature,
}

/// What a kind of file system means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// On this machine's disks.
    Local,
    /// Elsewhere: what others put there is not notified here.
    // inotify(7), "Limitations and caveats"
    Remote,
    /// In memory: gone after a restart.
    Memory,
    /// Made for media: no owners, no modes.
    Foreign,
    /// Not known.
    Unknown,
}

// statfs(2); linux/magic.h
const KNOWN: [(u64, &str, Nature); 21] = [
    (0xEF53, "ext4", Nature::Local),
    (0x5846_5342, "xfs", Nature::Local),
    (0x9123_683E, "btrfs", Nature::Local),
    (0x2FC1_2FC1, "zfs", Nature::Local),
    (0xF2F5_2010, "f2fs", Nature::Local),
    (0xCA45_1A4E, "bcachefs", Nature::Local),
    (0x794C_7630, "overlay", Nature::Local),
    (0x6969, "nfs", Nature::Remote),
    (0x517B, "smb", Nature::Remote),
    (0xFF53_4D42, "cifs", Nature::Remote),
    (0xFE53_4D42, "smb3", Nature::Remote),
    (0x6573_5546, "fuse", Nature::Remote),
    (0x0102_1997, "9p", Nature::Remote),
    (0x00C3_6400, "ceph", Nature::Remote),
    (0x5346_414F, "afs", Nature::Remote),
    (0x0BD0_0BD0, "lustre", Nature::Remote),
    (0x0116_1970, "gfs2", Nature::Remote),
    (0x0102_1994, "tmpfs", Nature::Memory),
    (0x8584_58F6, "ramfs", Nature::Memory),
    (0x4D44, "vfat", Nature::Foreign),
    (0x2011_BAB0, "exfat", Nature::Foreign),
];

/// The file system below this folder.
pub(super) fn below(folder: &Path) -> io::Result<FileSystem> {
    let kind = rustix::fs::statfs(folder)?.f_type;
    // The kernel's numbers have 32 bits; on some machines they come with their sign spread over 64.
    Ok(of_kind(u64::from_ne_bytes(kind.to_ne_bytes()) & 0xFFFF_FFFF))
}

fn of_kind(kind: u64) -> FileSystem {
    let known = KNOWN.iter().find(|(number, ..)| *number == kind);
    known.map_or(FileSystem { name: "unknown", nature: Nature::Unknown }, |(_, name, nature)| FileSystem {
        name,
        nature: *nature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_remote_and_memory_is_not_a_disk() {
        for (kind, nature) in [(0x6969, Nature::Remote), (0xFF53_4D42, Nature::Remote), (0x0102_1994, Nature::Memory)] {
            assert_eq!(of_kind(kind).nature, nature);
        }
        assert_eq!(of_kind(1).nature, Nature::Unknown);
        assert_eq!(below(Path::new("/proc")).unwrap().nature, Nature::Unknown);
        if Path::new("/dev/shm").is_dir() {
            assert_eq!(below(Path::new("/dev/shm")).unwrap().name, "tmpfs");
        }
    }
}
