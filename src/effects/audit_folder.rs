//! A folder of somebody who keeps checkpoints elsewhere, such as a share of internal audit.
//!
//! In:  small files that belong together, by name. Out: all of them there, whole and to last.
//! Holds: nothing incomplete is ever visible; nothing is overwritten, and the folder is never created; to place the same
//! again is no error.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::domain::checkpoint::NOTE_BYTES_MAX;
use crate::durable::{Directories, Directory, step, synced};

/// Whoever keeps them may read them: they are public.
const PLACED_MODE: u32 = 0o644;

/// The folder.
pub struct AuditFolder {
    folder: PathBuf,
    directories: Directories,
}

impl AuditFolder {
    /// Places files in this folder. Nothing is opened yet.
    pub fn new(folder: PathBuf) -> AuditFolder {
        AuditFolder { folder, directories: Directories::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Places the files, in this order. Another file under one of the names is [`ErrorKind::AlreadyExists`].
    pub fn place(&self, files: &[(String, String)]) -> io::Result<()> {
        let directory = self.directories.at(&self.folder)?;
        for (name, text) in files {
            place(&directory, name, text.as_bytes())?;
        }
        synced("sync.checkpoint.left-directory", || directory.sync())?;
        step("checkpoint.left-synced")
    }

    /// The note over most entries, by the names of the files: `<size>-<root>.txt`.
    pub fn latest(&self) -> io::Result<Option<String>> {
        let directory = self.directories.at(&self.folder)?;
        let size = |name: &str| name.strip_suffix(".txt")?.split_once('-')?.0.parse::<u64>().ok();
        let names = directory.names()?.into_iter().filter_map(|name| name.into_string().ok());
        let Some((_, name)) = names.filter_map(|name| Some((size(&name)?, name))).max() else { return Ok(None) };
        let mut note = Vec::new();
        directory.open_file(&name)?.take(NOTE_BYTES_MAX as u64).read_to_end(&mut note)?;
        Ok(String::from_utf8(note).ok())
    }

    /// Whether files can be placed there now.
    pub fn probe(&self) -> io::Result<()> {
        let directory = self.directories.at(&self.folder)?;
        let name = format!(".hbcourier-probe-{}.part", std::process::id());
        let probed = directory.remove(&name).and_then(|()| directory.create(&name)).and_then(|file| file.sync_all());
        directory.remove(&name).and(probed)
    }
}

fn place(directory: &Directory, name: &str, content: &[u8]) -> io::Result<()> {
    if directory.stamp(name)?.is_some() {
        return same(directory, name, content);
    }
    let part = format!(".hbcourier-{name}.part");
    directory.remove(&part)?;
    let mut file = directory.create(&part)?;
    file.write_all(content)?;
    file.set_mode(PLACED_MODE)?;
    synced("sync.checkpoint.part-file", || file.sync_all())?;
    step("checkpoint.part-synced")?;
    match directory.publish(&part, directory, name) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            directory.remove(&part)?;
            same(directory, name, content)?;
        }
        done => done?,
    }
    step("checkpoint.placed")
}

/// An earlier attempt, whose end was not recorded, may have placed it.
fn same(directory: &Directory, name: &str, content: &[u8]) -> io::Result<()> {
    let mut there = Vec::new();
    directory.open_file(name)?.take(content.len() as u64 + 1).read_to_end(&mut there)?;
    if there == content {
        return Ok(());
    }
    let says = format!("another file has the name {name} there, and was left as it is");
    Err(io::Error::new(ErrorKind::AlreadyExists, says))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<(String, String)> {
        vec![("7-abcdef01.proof".to_owned(), "proof".to_owned()), ("7-abcdef01.txt".to_owned(), text.to_owned())]
    }

    #[test]
    fn files_come_whole_and_the_same_may_come_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AuditFolder::new(dir.path().to_owned());
        std::fs::write(dir.path().join(".hbcourier-7-abcdef01.txt.part"), "half of").unwrap();
        for _ in 0..2 {
            folder.place(&files("note")).unwrap();
        }
        let mut names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["7-abcdef01.proof", "7-abcdef01.txt"], "no part is left");
        assert_eq!(std::fs::read_to_string(dir.path().join("7-abcdef01.txt")).unwrap(), "note");
        folder.probe().unwrap();
    }

    #[test]
    fn nothing_is_overwritten_and_no_folder_made() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("7-abcdef01.txt"), "theirs").unwrap();
        let folder = AuditFolder::new(dir.path().to_owned());
        for text in ["note", "theirs and more"] {
            assert_eq!(folder.place(&files(text)).unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
        assert_eq!(std::fs::read_to_string(dir.path().join("7-abcdef01.txt")).unwrap(), "theirs");
        let none = AuditFolder::new(dir.path().join("none"));
        assert!(none.place(&files("note")).is_err() && none.probe().is_err() && !dir.path().join("none").exists());
    }
}
