//! `leaves.txt`: the hash of every entry, a line each, by which a fault is told at its very entry.
//!
//! In:  the file. Out: how far checkpoints vouch for it; then any of its hashes.
//! Every line has 65 bytes, so any of them is found without reading the others; memory does not grow with the file.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead};
use std::os::unix::fs::FileExt;

use super::agreement::Standing;
use super::line::Lines;
use super::{Agreement, Mark};
use crate::domain::Digest;

/// A line with its end.
const LINE_BYTES: u64 = 65;
/// Lines that are read at a time.
const BLOCK_LINES: u64 = 1024;

/// The hashes of entries.
pub trait Leaves {
    /// That of this entry; `None` if there is none.
    fn at(&self, index: u64) -> io::Result<Option<Digest>>;
}

impl Leaves for Vec<Digest> {
    fn at(&self, index: u64) -> io::Result<Option<Digest>> {
        Ok(usize::try_from(index).ok().and_then(|index| self.get(index)).copied())
    }
}

/// What was found out about the hashes by themselves.
#[derive(Clone, Debug)]
pub struct LeavesFound<'a> {
    /// How many there are, up to the first line that is none.
    pub count: u64,
    /// Whether there is such a line.
    pub broken: bool,
    pub(super) standing: Standing<'a>,
}

/// Reads all of them, and holds their tree against the checkpoints.
pub fn roll<'a>(input: impl BufRead, marks: &'a [Mark], mut each: impl FnMut(Digest)) -> io::Result<LeavesFound<'a>> {
    let mut lines = Lines::new(input, LINE_BYTES as usize);
    let (mut agreement, mut count, mut broken) = (Agreement::new(marks), 0, false);
    while let Some(piece) = lines.next_line()? {
        let leaf = piece.bytes.filter(|_| piece.ended).and_then(leaf_of);
        let Some(leaf) = leaf else {
            broken = true;
            break;
        };
        agreement.push(leaf);
        each(leaf);
        count += 1;
    }
    Ok(LeavesFound { count, broken, standing: agreement.end() })
}

/// As [`roll`], with the hashes themselves. For what fits into memory.
pub fn leaf_list<'a>(text: &[u8], marks: &'a [Mark]) -> (Vec<Digest>, LeavesFound<'a>) {
    let mut leaves = Vec::new();
    // A slice is read without any fault.
    let none = LeavesFound { count: 0, broken: true, standing: Agreement::new(marks).end() };
    let found = roll(text, marks, |leaf| leaves.push(leaf)).unwrap_or(none);
    (leaves, found)
}

/// 64 hexadecimal digits, in lower case: there is one way of writing each.
fn leaf_of(line: &[u8]) -> Option<Digest> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if line.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(line.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(Digest::from_bytes(bytes))
}

/// The hashes that lie in a file.
pub struct LeafFile {
    file: File,
    /// How many lines are good.
    count: u64,
    block: RefCell<Block>,
}

#[derive(Default)]
struct Block {
    first: u64,
    bytes: Vec<u8>,
}

impl LeafFile {
    /// The file, whose first `count` lines were found to be hashes.
    pub fn new(file: File, count: u64) -> LeafFile {
        LeafFile { file, count, block: RefCell::default() }
    }
}

impl Leaves for LeafFile {
    fn at(&self, index: u64) -> io::Result<Option<Digest>> {
        if index >= self.count {
            return Ok(None);
        }
        let mut block = self.block.borrow_mut();
        let held = block.bytes.len() as u64 / LINE_BYTES;
        if index < block.first || index >= block.first + held {
            let first = index - index % BLOCK_LINES;
            let lines = BLOCK_LINES.min(self.count - first);
            block.bytes.resize((lines * LINE_BYTES) as usize, 0);
            block.first = first;
            self.file.read_exact_at(&mut block.bytes, first * LINE_BYTES)?;
        }
        let at = ((index - block.first) * LINE_BYTES) as usize;
        let leaf = leaf_of(&block.bytes[at..at + 64]);
        leaf.map(Some).ok_or_else(|| io::Error::other("it was altered while it was read"))
    }
}
