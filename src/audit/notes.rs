//! Notes of checkpoints, sorted into those that the reader's key has signed and the others.
//!
//! In:  the files of a folder, and the key that the reader trusts. Out: what was signed, by size; what cannot be believed.
//! Only files that end in `.txt` count, so that a folder may hold other things too. A name need not be UTF-8.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::AuditFault;
use crate::domain::Digest;
use crate::domain::checkpoint::{NOTE_BYTES_MAX, Vkey};

/// Checkpoints that are read from one folder: ten a day for fifty years.
const NOTES_MAX: usize = 200_000;

/// A file that should be a note.
#[derive(Clone, Debug)]
pub struct FoundNote {
    /// Where it was found, as people are told.
    pub from: String,
    /// What is in it.
    pub text: Vec<u8>,
    /// Whether it was kept apart from the ledger.
    pub anchor: bool,
}

/// What the trusted key has signed: the ledger's size and root at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How many entries there were.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// Where the note was found.
    pub from: String,
    /// Whether it was kept apart from the ledger.
    pub anchor: bool,
}

/// Notes, judged.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    marks: Vec<Mark>,
    problems: Vec<String>,
}

impl Notes {
    /// Judges each by the key.
    pub fn judge(vkey: &Vkey, found: impl IntoIterator<Item = FoundNote>) -> Notes {
        let mut notes = Notes::default();
        for FoundNote { from, text, anchor } in found {
            let text = String::from_utf8(text).map_err(|_| "it is not text".to_owned());
            match text.and_then(|text| vkey.verify(&text).map_err(|fault| fault.to_string())) {
                Ok(signed) => {
                    let checkpoint = signed.checkpoint();
                    notes.marks.push(Mark { size: checkpoint.size, root: checkpoint.root, from, anchor });
                }
                Err(why) => notes.problems.push(format!("{from} is not believed: {why}.")),
            }
        }
        notes.marks.sort_by(|one, other| (one.size, &one.from).cmp(&(other.size, &other.from)));
        notes
    }

    /// What was signed, by size.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Of each note that is not believed, which it is and why.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The largest size that was signed.
    pub fn covered(&self) -> u64 {
        self.marks.last().map_or(0, |mark| mark.size)
    }
}

/// The notes of a folder, by name. `called` is what people know it as.
pub fn notes_in(folder: &Path, called: &str, anchor: bool) -> Result<Vec<FoundNote>, AuditFault> {
    let fault = || AuditFault::read(folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault())? {
        let name = entry.map_err(fault())?.file_name();
        if name.as_bytes().ends_with(b".txt") && !name.as_bytes().starts_with(b".") {
            names.push(name);
        }
        if names.len() > NOTES_MAX {
            return Err(AuditFault::TooManyNotes { path: folder.to_owned(), most: NOTES_MAX });
        }
    }
    names.sort();
    let read = |name: OsString| {
        let (path, mut text) = (folder.join(&name), Vec::new());
        // One byte too many is kept, so that what is too long does not become right by being cut off.
        let most = NOTE_BYTES_MAX as u64 + 1;
        File::open(&path).and_then(|file| file.take(most).read_to_end(&mut text)).map_err(AuditFault::read(&path))?;
        Ok(FoundNote { from: format!("{called}/{}", name.to_string_lossy()), text, anchor })
    };
    names.into_iter().map(read).collect()
}
