//! `audit export`: the ledger as a folder that an auditor can verify without us.
//!
//! In:  one state of the store, the notes of its checkpoints, its public key. Out: the folder.
//! Holds: nothing is put into a folder that holds anything; the lines are the exact stored ones; what is written is held
//! against its own checkpoints on the way, so that nobody is given what does not verify. Streams.

use std::fs::{self, DirBuilder};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde::Serialize;

use super::agreement::Standing;
use super::offline::{CHECKPOINTS, ENTRIES, LEAVES, VKEY};
use super::{Agreement, AuditFault, Mark};
use crate::domain::Digest;
use crate::domain::checkpoint::{SignedCheckpoint, Vkey};
use crate::domain::digest::Digester;
use crate::domain::merkle::leaf;
use crate::durable::{Directory, File};
use crate::store::QueryError;
use crate::store::evidence::Evidence;

/// An auditor's account may look, if its group is the folder's.
const FOLDER_MODE: u32 = 0o750;
const VERIFIER: &str = "verify.py";
const README: &str = "README.md";
/// The second verifier.
const VERIFIER_TEXT: &str = include_str!("../../config/audit/verify.py");
/// What the auditor reads first.
const README_TEXT: &str = include_str!("../../config/audit/README.md");

/// What to export.
pub struct Contents<'a> {
    /// One state of the store.
    pub view: &'a dyn Evidence,
    /// Its checkpoints.
    pub notes: Vec<SignedCheckpoint>,
    /// Its public key, if it has one.
    pub vkey: Option<&'a Vkey>,
    /// Only so many entries: those that the last checkpoint covers.
    pub until: Option<u64>,
}

/// A file of the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Its name in the folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Digest,
}

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many entries.
    pub entries: u64,
    /// The root of the last checkpoint that they agree with.
    pub root: Digest,
    /// How many checkpoints.
    pub checkpoints: usize,
    /// How many entries at the end no checkpoint covers.
    pub uncovered: u64,
    /// Whether the entries are those of every checkpoint.
    pub ok: bool,
}

/// Writes the folder. Every file that was written is told.
pub fn export(into: &Path, contents: &Contents<'_>, told: &mut dyn FnMut(&Written)) -> Result<Summary, AuditFault> {
    let folder = empty_folder(into)?;
    let marks = marks(&contents.notes);
    let (lines, leaves, standing, entries) = entries(&folder, contents, &marks)?;
    told(&lines);
    told(&leaves);
    let notes: Vec<&SignedCheckpoint> =
        contents.notes.iter().filter(|note| note.checkpoint().size <= entries).collect();
    checkpoints(&folder, &notes, told)?;
    if let Some(vkey) = contents.vkey {
        told(&write(&folder, VKEY, format!("{vkey}\n").as_bytes())?);
    }
    told(&write(&folder, VERIFIER, VERIFIER_TEXT.as_bytes())?);
    let summary = Summary {
        entries,
        root: standing.root,
        checkpoints: notes.len(),
        uncovered: entries - standing.proven,
        ok: standing.wrong.is_none(),
    };
    told(&write(&folder, README, readme(&summary).as_bytes())?);
    folder.sync().map_err(AuditFault::write(into))?;
    Ok(summary)
}

/// Makes the folder if need be.
fn empty_folder(into: &Path) -> Result<Directory, AuditFault> {
    let fault = || AuditFault::write(into);
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(into).map_err(fault())?;
    if fs::read_dir(into).map_err(fault())?.next().is_some() {
        return Err(AuditFault::NotEmpty(into.to_owned()));
    }
    let real = fs::canonicalize(into).map_err(fault())?;
    Directory::open(&real).map_err(fault())
}

fn marks(notes: &[SignedCheckpoint]) -> Vec<Mark> {
    let mark = |note: &SignedCheckpoint| {
        let checkpoint = note.checkpoint();
        Mark { size: checkpoint.size, root: checkpoint.root, from: String::new(), anchor: false }
    };
    let mut marks: Vec<Mark> = notes.iter().map(mark).collect();
    marks.sort_by_key(|mark| mark.size);
    marks
}

/// The lines and their hashes, written beside each other.
fn entries<'a>(
    folder: &Directory,
    contents: &Contents<'_>,
    marks: &'a [Mark],
) -> Result<(Written, Written, Standing<'a>, u64), AuditFault> {
    let (mut lines, mut leaves) = (Digested::create(folder, ENTRIES)?, Digested::create(folder, LEAVES)?);
    let (mut agreement, mut count) = (Agreement::new(marks), 0);
    let end = contents.until.unwrap_or(u64::MAX);
    let mut failed = None;
    contents.view.each_entry(&mut |kept| {
        if kept.seq >= end {
            return Ok(ControlFlow::Break(()));
        }
        if kept.seq != count {
            return Err(QueryError(format!("entry {count} is not there; run `hbcourier audit verify`")));
        }
        count += 1;
        let hash = leaf(&kept.line);
        agreement.push(hash);
        let written = lines.line(&kept.line).and_then(|()| leaves.line(hash.to_string().as_bytes()));
        Ok(match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                failed = Some(fault);
                ControlFlow::Break(())
            }
        })
    })?;
    match failed {
        Some(fault) => Err(fault),
        None => Ok((lines.end()?, leaves.end()?, agreement.end(), count)),
    }
}

fn checkpoints(
    folder: &Directory,
    notes: &[&SignedCheckpoint],
    told: &mut dyn FnMut(&Written),
) -> Result<(), AuditFault> {
    let path = folder.path().join(CHECKPOINTS);
    folder.make(CHECKPOINTS, FOLDER_MODE).map_err(AuditFault::write(&path))?;
    let inside = Directory::open(&path).map_err(AuditFault::write(&path))?;
    for note in notes {
        let name = format!("{}.txt", note.checkpoint().size);
        let written = write(&inside, &name, note.note().as_bytes())?;
        told(&Written { file: format!("{CHECKPOINTS}/{name}"), ..written });
    }
    inside.sync().map_err(AuditFault::write(&path))
}

fn write(folder: &Directory, name: &str, content: &[u8]) -> Result<Written, AuditFault> {
    let mut file = Digested::create(folder, name)?;
    file.write(content)?;
    file.end()
}

/// A new file, digested as it is written.
struct Digested {
    path: std::path::PathBuf,
    name: String,
    file: BufWriter<File>,
    digester: Digester,
    bytes: u64,
}

impl Digested {
    fn create(folder: &Directory, name: &str) -> Result<Digested, AuditFault> {
        let path = folder.path().join(name);
        let file = folder.create(name).map_err(AuditFault::write(&path))?;
        let file = BufWriter::with_capacity(256 << 10, file);
        Ok(Digested { path, name: name.to_owned(), file, digester: Digester::new(), bytes: 0 })
    }

    fn write(&mut self, content: &[u8]) -> Result<(), AuditFault> {
        self.digester.update(content);
        self.bytes += content.len() as u64;
        self.file.write_all(content).map_err(AuditFault::write(&self.path))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), AuditFault> {
        self.write(line)?;
        self.write(b"\n")
    }

    fn end(self) -> Result<Written, AuditFault> {
        let fault = || AuditFault::write(&self.path);
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error).map_err(fault())?;
        file.sync_all().map_err(fault())?;
        Ok(Written { file: self.name, bytes: self.bytes, sha256: self.digester.finish() })
    }
}

/// The key does not stand in it: whoever alters an export could alter that too.
fn readme(summary: &Summary) -> String {
    let covered = match summary.uncovered {
        0 => "Checkpoints cover all of them.".to_owned(),
        count => format!(
            "No checkpoint covers the last {count}, from entry {} on: they are not proven yet. Ask for a newer export.",
            summary.entries - count
        ),
    };
    README_TEXT
        .replace("{entries}", &summary.entries.to_string())
        .replace("{checkpoints}", &summary.checkpoints.to_string())
        .replace("{covered}", &covered)
}
