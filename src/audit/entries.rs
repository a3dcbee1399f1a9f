//! Entries, wherever they lie: in the store, or in a folder that was exported from it.
//!
//! In:  the store or the folder. Out: each line with its place, in order. Streams.

use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::AuditFault;
use super::line::{LINE_BYTES_MAX, Lines};
use super::offline::entries_of;
use crate::domain::ledger::Entry;
use crate::store::Queries;

/// Entries read from the store at a time.
const PAGE: usize = 1024;

/// Called for one line after the other, until it breaks off.
pub type EachLine<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<ControlFlow<()>, AuditFault>;

/// Lines of entries.
pub trait Entries {
    /// Every line from this place on, in order.
    fn each(&self, from: u64, visit: EachLine<'_>) -> Result<(), AuditFault>;
}

/// Those in the store, up to the last one there was at the beginning.
pub struct Stored<'a> {
    queries: &'a dyn Queries,
    end: u64,
}

impl<'a> Stored<'a> {
    /// Entries that are added while they are read belong to the next look.
    pub fn now(queries: &'a dyn Queries) -> Result<Stored<'a>, AuditFault> {
        Ok(Stored { queries, end: queries.head()?.entries })
    }
}

impl Entries for Stored<'_> {
    fn each(&self, from: u64, visit: EachLine<'_>) -> Result<(), AuditFault> {
        let mut next = from;
        while next < self.end {
            let page = self.queries.ledger(next, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            for (seq, line) in page.into_iter().filter(|(seq, _)| *seq < self.end) {
                if visit(seq, &line)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Those of an export. They are read as they are; whether they are as they were signed is for verification to say.
pub struct Exported {
    path: PathBuf,
}

impl Exported {
    /// Of the export in this folder.
    pub fn in_folder(export: &Path) -> Exported {
        Exported { path: entries_of(export) }
    }
}

impl Entries for Exported {
    fn each(&self, from: u64, visit: EachLine<'_>) -> Result<(), AuditFault> {
        let fault = || AuditFault::read(&self.path);
        let mut lines = Lines::new(BufReader::new(File::open(&self.path).map_err(fault())?), LINE_BYTES_MAX);
        let mut seq = 0;
        while let Some(piece) = lines.next_line().map_err(fault())? {
            let too_long = || fault()(io::Error::other(format!("line {seq} is longer than {LINE_BYTES_MAX} bytes")));
            let line = piece.bytes.ok_or_else(too_long)?;
            if seq >= from && visit(seq, line)?.is_break() {
                break;
            }
            seq += 1;
        }
        Ok(())
    }
}

/// The line, read as an entry.
pub(super) fn read_entry(seq: u64, line: &[u8]) -> Result<Entry, AuditFault> {
    Entry::read(line).map_err(|source| AuditFault::Entry { seq, source })
}
