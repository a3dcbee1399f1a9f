//! The file a sealed return was made from, until it is gone from its folder.
//!
//! Between recording Sealed and removing the file a crash may come, and the same bytes put there on purpose for the next
//! month must not be taken for that leftover. So what was read is noted before Sealed is recorded.
//! Holds: a file is removed only while such a note names its size, time and content, and the store names what was sealed.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::warn;

use crate::domain::{Digest, Series, SubmissionKey};
use crate::durable::{CopyError, Directory, Stamp, copy_and_digest, private_directory, synced};

/// The largest note that is read.
const NOTE_BYTES_MAX: u64 = 4096;

/// What was read, and what it became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    /// The return it was sealed for.
    pub(super) submission: String,
    /// SHA-256 of what was sealed.
    pub(super) sealed: Digest,
    /// The name it was read under.
    pub(super) name: String,
    content: Digest,
    bytes: u64,
    /// Nanoseconds; as text, because JSON's numbers are not that long.
    modified: String,
}

/// The notes of one state directory: at most one for each series.
pub(super) struct Notes {
    directory: Directory,
}

impl Note {
    pub(super) fn new(submission: &SubmissionKey, sealed: Digest, name: &str, content: Digest, stamp: &Stamp) -> Note {
        let modified = stamp.modified.to_string();
        let (submission, name) = (submission.to_string(), name.to_owned());
        Note { submission, sealed, name, content, bytes: stamp.bytes, modified }
    }

    /// Whether the file could be the one, as far as can be told without reading it.
    pub(super) fn resembles(&self, stamp: &Stamp) -> bool {
        stamp.regular && stamp.bytes == self.bytes && stamp.modified.to_string() == self.modified
    }

    /// Whether it is the one. One that cannot be read may be: it is an error.
    pub(super) fn is(&self, directory: &Directory, name: &str) -> io::Result<bool> {
        let mut file = directory.open_file(name)?;
        match copy_and_digest(&mut file, &mut io::sink(), self.bytes) {
            Ok(copied) => Ok(copied.digest == self.content),
            Err(CopyError::TooLarge(_)) => Ok(false),
            Err(CopyError::Read(error) | CopyError::Write(error)) => Err(error),
        }
    }
}

impl Notes {
    /// The notes below this state directory; the folder is made if it is missing.
    pub(super) fn open(state: &Path) -> io::Result<Notes> {
        let directory = private_directory(&state.join("picked-up"))?;
        Directory::open(state)?.sync()?;
        Ok(Notes { directory })
    }

    /// Writes the note, to last, in place of an earlier one.
    pub(super) fn write(&self, series: &Series, note: &Note) -> io::Result<()> {
        let name = name(series);
        let part = format!(".{name}.part");
        self.directory.remove(&part)?;
        let mut file = self.directory.create(&part)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        synced("sync.seal.note-file", || file.sync_all())?;
        self.directory.remove(&name)?;
        self.directory.publish(&part, &self.directory, &name)?;
        synced("sync.seal.note-directory", || self.directory.sync())
    }

    /// The note, if there is one. What is no note counts as none and is removed: a power cut can bring a removed note's name
    /// back, without content or with another file's. A later version's counts as none too, and stays.
    pub(super) fn read(&self, series: &Series) -> io::Result<Option<Note>> {
        let name = name(series);
        let mut text = Vec::new();
        match self.directory.open_file(&name) {
            Ok(file) => io::Read::read_to_end(&mut io::Read::take(file, NOTE_BYTES_MAX), &mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let note = serde_json::from_slice(&text).ok();
        if note.is_none() && serde_json::from_slice::<Map<String, Value>>(&text).is_err() {
            self.directory.remove(&name)?;
            warn!("Removed `picked-up/{name}`, which is no note of a sealed return: a power cut can leave such a file");
        }
        Ok(note)
    }

    /// The file is gone, or was never sealed.
    pub(super) fn forget(&self, series: &Series) -> io::Result<()> {
        self.directory.remove(&name(series))
    }
}

fn name(series: &Series) -> String {
    let Series { kind, authority, workbook } = series;
    let workbook = workbook.map(|month| format!(".{month}")).unwrap_or_default();
    format!("{kind}.{authority}{workbook}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_file_is_recognised() {
        let (state, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let directory = Directory::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("a"), b"content").unwrap();
        let stamp = directory.stamp("a").unwrap().unwrap();
        let key: SubmissionKey = "shbe/12302/2020-04".parse().unwrap();
        let note = Note::new(&key, Digest::of(b"sealed"), "a", Digest::of(b"content"), &stamp);
        let notes = Notes::open(state.path()).unwrap();
        notes.write(&key.series(), &note).unwrap();
        notes.write(&key.series(), &note).expect("a note takes the place of an earlier one");
        let read = Notes::open(state.path()).unwrap().read(&key.series()).unwrap();
        assert_eq!(read.as_ref(), Some(&note));
        assert!(note.resembles(&stamp) && note.is(&directory, "a").unwrap());

        std::fs::write(folder.path().join("a"), b"another").unwrap();
        assert!(!note.is(&directory, "a").unwrap(), "other content of the same length");
        std::fs::write(folder.path().join("a"), b"content, and more").unwrap();
        assert!(!note.is(&directory, "a").unwrap(), "more content");
        // A file of which the beginning cannot be read: EIO.
        let unreadable = Directory::open(&Path::new("/proc").join(std::process::id().to_string())).unwrap();
        assert!(unreadable.open_file("mem").is_ok());
        assert!(note.is(&unreadable, "mem").is_err(), "what cannot be read is not known to be another");
        let later = Stamp { modified: stamp.modified + 1, ..stamp };
        assert!(!note.resembles(&later), "the same content, put there later");
        notes.forget(&key.series()).unwrap();
        assert_eq!(notes.read(&key.series()).unwrap(), None);
    }

    #[test]
    fn what_is_no_note_is_removed_and_a_later_versions_stays() {
        let state = tempfile::tempdir().unwrap();
        let notes = Notes::open(state.path()).unwrap();
        let key: SubmissionKey = "hbms-mi/12302/2020-04".parse().unwrap();
        let at = state.path().join("picked-up/hbms-mi.12302");
        for bytes in [&b""[..], b"no note", br#"{"submission":"hbms-"#, &vec![b' '; 2 * NOTE_BYTES_MAX as usize]] {
            std::fs::write(&at, bytes).unwrap();
            assert_eq!(notes.read(&key.series()).unwrap(), None);
            assert!(!at.exists(), "{} bytes", bytes.len());
        }
        std::fs::write(&at, br#"{"version":2}"#).unwrap();
        assert_eq!(notes.read(&key.series()).unwrap(), None);
        assert!(at.exists());
    }
}
