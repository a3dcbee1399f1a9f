//! Looking at the folder an authority leaves a return in, and taking the file privately.
//!
//! In:  the folder as it is now.
//! Out: the files that count; a nameless copy of one of them, digested, which is all that is ever checked and sealed.
//! Holds: a file that changes while it is read is not taken; links are never followed.

use std::io::{self, BufWriter, Write};

use crate::domain::{Digest, is_unfinished_name};
use crate::durable::directory::stamp;
use crate::durable::{
    Copied, CopyError, Directory, File, Stamp, Through, Withdrawn, copy_and_digest, hidden_name, read_hidden_name,
};
use crate::effects::spool::Spool;

use super::alarm::Hindrance;

/// Files that are looked at in one folder. One return is expected there.
const FILES_MAX: usize = 1000;

/// What lies in a pick-up folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Regular files whose names count, with their stamps.
    pub(super) files: Vec<(String, Stamp)>,
    /// Whether there is a file whose name is not UTF-8.
    pub(super) has_odd_name: bool,
    /// Hidden files of ours that a crash left on their way out.
    pub(super) withdrawn: Vec<Hidden>,
}

/// A file that was being removed when a crash came.
#[derive(Debug)]
pub(super) struct Hidden {
    pub(super) name: String,
    /// As what it was sealed, if it is the file that was.
    pub(super) sealed: Digest,
}

/// A file on its way to be sealed.
#[derive(Debug)]
pub(super) struct PickedUp {
    pub(super) name: String,
    /// As it was before and after reading.
    pub(super) stamp: Stamp,
    /// The private copy.
    pub(super) content: File,
    pub(super) copied: Copied,
    /// The live claims of an extract, once the pre-flight has counted them.
    pub(super) live_claims: Option<u64>,
}

/// What became of an attempt to take a file.
#[derive(Debug)]
pub(super) enum Take {
    Taken(Box<PickedUp>),
    /// It changed or went away meanwhile: it settles anew.
    Changing,
    TooLarge,
}

/// What lies there now.
pub(super) fn look(directory: &Directory) -> io::Result<Folder> {
    let mut folder = Folder::default();
    for name in directory.names()? {
        let Some(name) = name.to_str() else {
            folder.has_odd_name = true;
            continue;
        };
        if is_unfinished_name(name) {
            let sealed = read_hidden_name(name).and_then(|sealed| sealed.parse().ok());
            folder.withdrawn.extend(sealed.map(|sealed| Hidden { name: name.to_owned(), sealed }));
            continue;
        }
        if folder.files.len() == FILES_MAX {
            continue;
        }
        if let Some(stamp) = directory.stamp(name)?.filter(|stamp| stamp.regular) {
            folder.files.push((name.to_owned(), stamp));
        }
    }
    folder.files.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(folder)
}

/// Copies the file as it was looked at.
pub(super) fn take(
    directory: &Directory,
    name: &str,
    looked_at: &Stamp,
    spool: &Spool,
    bytes_max: u64,
) -> Result<Take, Hindrance> {
    if looked_at.bytes > bytes_max {
        return Ok(Take::TooLarge);
    }
    let mut file = match directory.open_file(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Take::Changing),
        Err(error) => return Err(Hindrance::File(error)),
    };
    let stamp_now = |file: &File| {
        let _at = directory.during();
        stamp(file).map_err(Hindrance::File)
    };
    if stamp_now(&file)? != *looked_at {
        return Ok(Take::Changing);
    }
    let content = spool.private().map_err(Hindrance::State)?;
    let mut into = BufWriter::new(content);
    let copied = match copy_and_digest(&mut Through { file: &mut file, place: directory.path() }, &mut into, bytes_max)
    {
        Ok(copied) => copied,
        Err(CopyError::TooLarge(_)) => return Ok(Take::Changing),
        Err(CopyError::Read(error)) => return Err(Hindrance::File(error)),
        Err(CopyError::Write(error)) => return Err(Hindrance::State(error)),
    };
    into.flush().map_err(Hindrance::State)?;
    let content = into.into_inner().map_err(|error| Hindrance::State(error.into_error()))?;
    let now_named = directory.stamp(name).map_err(Hindrance::File)?;
    if stamp_now(&file)? != *looked_at || now_named != Some(*looked_at) {
        return Ok(Take::Changing);
    }
    let name = name.to_owned();
    Ok(Take::Taken(Box::new(PickedUp { name, stamp: *looked_at, content, copied, live_claims: None })))
}

/// Removes the file, if it is still the one that was read and became `sealed`, to last.
pub(super) fn clear(directory: &Directory, name: &str, read: &Stamp, sealed: &Digest) -> io::Result<Withdrawn> {
    if directory.stamp(name)?.as_ref() != Some(read) {
        return Ok(Withdrawn::NotThere);
    }
    // The hidden name is itself a change of the inode.
    let is_it = |now: &Stamp| Stamp { changed: read.changed, ..*now } == *read;
    directory.withdraw(name, &hidden_name(sealed), is_it, "seal.source-withdrawn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finished_regular_files_count() {
        let dir = tempfile::tempdir().unwrap();
        let finished = ["shbe.txt", "Partial.txt", "a.b"];
        for name in ["x.tmp", "x.PART", "x.partial", "x.filepart", "x.crdownload", ".hidden", "~$book.xlsx"]
            .iter()
            .chain(&finished)
        {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(dir.path().join("old")).unwrap();
        std::os::unix::fs::symlink("shbe.txt", dir.path().join("link")).unwrap();
        let folder = look(&Directory::open(dir.path()).unwrap()).unwrap();
        let names: Vec<&str> = folder.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Partial.txt", "a.b", "shbe.txt"]);
        assert!(!folder.has_odd_name);
        let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xFF.txt");
        std::fs::write(dir.path().join(odd), "x").unwrap();
        assert!(look(&Directory::open(dir.path()).unwrap()).unwrap().has_odd_name);
    }

    #[test]
    fn a_file_that_changed_since_the_look_is_neither_taken_nor_removed() {
        let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let directory = Directory::open(dir.path()).unwrap();
        let spool = Spool::open(state.path()).unwrap();
        std::fs::write(dir.path().join("a"), "one").unwrap();
        let looked_at = directory.stamp("a").unwrap().unwrap();
        let Take::Taken(picked_up) = take(&directory, "a", &looked_at, &spool, 10).unwrap() else {
            panic!("not taken")
        };
        assert_eq!(picked_up.copied.digest, Digest::of(b"one"));
        assert!(matches!(take(&directory, "a", &looked_at, &spool, 2).unwrap(), Take::TooLarge));

        std::fs::write(dir.path().join("a"), "other").unwrap();
        assert!(matches!(take(&directory, "a", &looked_at, &spool, 10).unwrap(), Take::Changing));
        let sealed = Digest::of(b"sealed");
        assert_eq!(clear(&directory, "a", &looked_at, &sealed).unwrap(), Withdrawn::NotThere);
        assert!(dir.path().join("a").exists(), "another file under the same name stays");
        let now = directory.stamp("a").unwrap().unwrap();
        assert_eq!(clear(&directory, "a", &now, &sealed).unwrap(), Withdrawn::Removed);
        assert!(!dir.path().join("a").exists());
    }
}
