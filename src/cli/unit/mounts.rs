//! Where file systems are mounted on this machine, or are to be.
//!
//! In:  the kernel's table of mounts, and `/etc/fstab`. Out: the mount point that a folder lies below; its unit's name.
//! Holds: a mount point that stays as long as the machine runs is none of these: nobody exchanges what is mounted there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The machine's own.
const LASTING: [&str; 8] = ["/", "/home", "/root", "/run", "/tmp", "/usr", "/var", "/var/tmp"];

/// Mount points that may get another file system, or none, while the service runs.
#[derive(Debug)]
pub(super) struct Mounts(BTreeSet<PathBuf>);

impl Mounts {
    /// What is mounted now, and what `/etc/fstab` names; of what cannot be read nothing is known.
    pub(super) fn of_this_machine() -> Mounts {
        let read = |path| fs::read(path).unwrap_or_default();
        Mounts::from_tables(&read("/proc/self/mountinfo"), &read("/etc/fstab"))
    }

    // proc_pid_mountinfo(5); fstab(5)
    pub(super) fn from_tables(mountinfo: &[u8], fstab: &[u8]) -> Mounts {
        let of =
            |table: &[u8], at: usize| table.split(|byte| *byte == b'\n').filter_map(|line| word(line, at)).collect();
        let (mounted, wanted): (Vec<PathBuf>, Vec<PathBuf>) = (of(mountinfo, 4), of(fstab, 1));
        let all = mounted.into_iter().chain(wanted);
        Mounts(all.filter(|point| point.is_absolute() && !LASTING.iter().any(|own| point == Path::new(own))).collect())
    }

    /// The deepest above this folder, or the folder itself. A folder that links lead to lies where they lead.
    pub(super) fn above(&self, folder: &Path) -> Option<&Path> {
        let there = folder.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
        let real = there.and_then(|(above, real)| Some(real.join(folder.strip_prefix(above).ok()?)));
        real.as_deref().unwrap_or(folder).ancestors().find_map(|above| self.0.get(above)).map(PathBuf::as_path)
    }
}

/// A word of a line, `at` words after its first; none of a comment. Letters that would part words are octal numbers.
fn word(line: &[u8], at: usize) -> Option<PathBuf> {
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    if words.clone().next()?.starts_with(b"#") {
        return None;
    }
    let word = words.nth(at)?;
    let (mut path, mut rest) = (Vec::new(), word);
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..3).filter(|_| *first == b'\\').and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => (path.push(byte), rest = &more[3..]).1,
            None => (path.push(*first), rest = more).1,
        }
    }
    Some(PathBuf::from(OsString::from_vec(path)))
}

/// The name of the mount's unit, as `systemd-escape --path --suffix=mount` prints it.
// systemd.unit(5), "String escaping for inclusion in unit names"
pub(super) fn unit_of(point: &Path) -> String {
    let mut name = String::new();
    let bytes = point.as_os_str().as_bytes();
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            b'/' => name.push('-'),
            b'.' if at == 1 => name.push_str("\\x2e"),
            b'.' | b':' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(char::from(*byte)),
            _ => write!(name, "\\x{byte:02x}").unwrap_or_default(),
        }
    }
    name + ".mount"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_that_is_mounted_or_to_be_mounted_is_the_folders() {
        let mountinfo = b"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 8:2 / /var rw shared:1 - ext4 /dev/sda2 rw\n\
            23 21 0:40 / /no/benefits rw - cifs //files/benefits rw\n24 23 0:41 / /no/benefits/risk\\040data rw - cifs //r rw\n";
        let fstab = b"# /no/else\n//files/returns\t/no/returns cifs nofail 0 0\nUUID=1 none swap sw 0 0\nbroken\n";
        let mounts = Mounts::from_tables(mountinfo, fstab);
        for (folder, expected) in [
            ("/no/benefits/laid", Some("/no/benefits")),
            ("/no/benefits", Some("/no/benefits")),
            ("/no/benefits/risk data/new", Some("/no/benefits/risk data")),
            ("/no/returns/12302/shbe", Some("/no/returns")),
            ("/no/benefits-of-old/laid", None),
            ("/no/else", None),
            ("/var/spool/laid", None),
        ] {
            assert_eq!(mounts.above(Path::new(folder)), expected.map(Path::new), "{folder}");
        }
    }

    #[test]
    fn a_folder_behind_a_link_lies_where_the_link_leads() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("share");
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, dir.path().join("link")).unwrap();
        let mounts = Mounts(BTreeSet::from([real.clone()]));
        assert_eq!(mounts.above(&dir.path().join("link/not/there/yet")), Some(real.as_path()));
    }

    #[test]
    fn units_are_named_as_systemd_names_them() {
        assert_eq!(unit_of(Path::new("/mnt/benefits")), "mnt-benefits.mount");
        assert_eq!(unit_of(Path::new("/mnt/back office/a-b_c.d")), r"mnt-back\x20office-a\x2db_c.d.mount");
        assert_eq!(unit_of(Path::new("/.hidden")), r"\x2ehidden.mount");
    }
}
