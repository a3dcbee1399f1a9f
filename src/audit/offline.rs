//! Verification of an export, by its files and a key that the reader trusts. Nothing else is asked.
//!
//! In:  the folder, the key, perhaps a folder of checkpoints that were kept elsewhere. Out: the verdict.
//! The hashes in `leaves.txt` are held against the checkpoints first; then each line against its hash.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::leaves::LeafFile;
use super::line::{LINE_BYTES_MAX, Lines};
use super::notes::notes_in;
use super::verdict::Circumstances;
use super::{AuditFault, Notes, Verdict, Walk, roll};
use crate::domain::checkpoint::Vkey;

/// What is read of a file at a time.
const BLOCK_BYTES: usize = 256 << 10;
/// Longest file of a key that is read.
const VKEY_BYTES_MAX: u64 = 4096;

/// Names of the files of an export.
pub(super) const ENTRIES: &str = "entries.jsonl";
pub(super) const LEAVES: &str = "leaves.txt";
pub(super) const CHECKPOINTS: &str = "checkpoints";
pub(super) const VKEY: &str = "vkey";

/// What to verify, and by what.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The folder that was exported.
    pub export: &'a Path,
    /// The key that the reader trusts.
    pub vkey: &'a Vkey,
    /// Checkpoints that were kept elsewhere.
    pub anchors: Option<&'a Path>,
    /// Entries behind the last checkpoint are not minded.
    pub allow_uncovered: bool,
}

/// Verifies an export.
pub fn verify_export(question: &Question<'_>) -> Result<Verdict, AuditFault> {
    let in_export = |name: &str| question.export.join(name);
    let mut found = notes_in(&in_export(CHECKPOINTS), CHECKPOINTS, false)?;
    if let Some(folder) = question.anchors {
        found.extend(notes_in(folder, "anchors", true)?);
    }
    let notes = Notes::judge(question.vkey, found);
    let (leaves_path, entries_path) = (in_export(LEAVES), in_export(ENTRIES));

    let leaves = File::open(&leaves_path).map_err(AuditFault::read(&leaves_path))?;
    let rolled = roll(BufReader::with_capacity(BLOCK_BYTES, &leaves), notes.marks(), |_| {});
    let rolled = rolled.map_err(AuditFault::read(&leaves_path))?;
    let leaves = LeafFile::new(leaves, rolled.count);

    let entries = File::open(&entries_path).map_err(AuditFault::read(&entries_path))?;
    let mut lines = Lines::new(BufReader::with_capacity(BLOCK_BYTES, entries), LINE_BYTES_MAX);
    let mut walk = Walk::new(&leaves, &rolled, &notes);
    let walked = || -> io::Result<_> {
        while let Some(piece) = lines.next_line()? {
            if walk.is_settled() {
                walk.pass();
            } else {
                walk.line(piece)?;
            }
        }
        walk.end()
    };
    let ended = walked().map_err(AuditFault::read(&entries_path))?;
    let inside = in_export(VKEY);
    let other_vkey = inside.exists() && key_in(&inside)?.is_none_or(|inside| inside != *question.vkey);
    let circumstances = Circumstances { allow_uncovered: question.allow_uncovered, other_vkey };
    Ok(Verdict::of(&ended, &notes, circumstances))
}

/// The key that a file holds; `None` if it holds none.
fn key_in(path: &Path) -> Result<Option<Vkey>, AuditFault> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(VKEY_BYTES_MAX).read_to_end(&mut text));
    read.map_err(AuditFault::read(path))?;
    Ok(String::from_utf8(text).ok().and_then(|text| text.parse().ok()))
}

/// The key that the reader trusts, from a file.
pub fn trusted_key(path: &Path) -> Result<Vkey, AuditFault> {
    let none = || io::Error::other("it does not hold a ledger's public key (vkey)");
    key_in(path)?.ok_or_else(none).map_err(AuditFault::read(path))
}

/// The entries of an export, for whoever lists them.
pub fn entries_of(export: &Path) -> PathBuf {
    export.join(ENTRIES)
}
