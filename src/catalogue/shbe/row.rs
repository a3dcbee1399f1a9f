//! A data line as its fields.
//!
//! Holds: nothing is copied; fields are found in one pass and trimmed of spaces only where they are looked at.

use memchr::memchr_iter;

use super::header::FIELDS;
use super::profile::RECORD_TYPES;

/// Where the fields of the present line end; used again for each.
#[derive(Debug)]
pub(super) struct Ends(Vec<u32>);

/// A data line of a known type with all its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) line: u64,
    /// Index into [`RECORD_TYPES`].
    pub(super) record: usize,
    /// Whether there is a delimiter behind the last field too.
    pub(super) delimited: bool,
    bytes: &'a [u8],
    ends: &'a [u32],
}

/// A line that was taken apart.
pub(super) enum Parted<'a> {
    Row(Row<'a>),
    /// How many fields it has instead; of which record, if its first field tells one.
    Fields(usize, Option<usize>),
    /// It has them all, and its first names no record type.
    UnknownType,
}

impl Ends {
    pub(super) fn new() -> Ends {
        Ends(vec![0; FIELDS])
    }

    pub(super) fn part<'a>(&'a mut self, line: u64, bytes: &'a [u8]) -> Parted<'a> {
        let mut fields = 0;
        for end in memchr_iter(b'|', bytes) {
            if let Some(slot) = self.0.get_mut(fields) {
                *slot = end as u32;
            }
            fields += 1;
        }
        if let Some(slot) = self.0.get_mut(fields) {
            *slot = bytes.len() as u32;
        }
        fields += 1;
        let record = match bytes {
            [letter] | [letter, b'|', ..] => RECORD_TYPES.iter().position(|known| known == letter),
            _ => None,
        };
        let delimited = fields == FIELDS + 1 && bytes.ends_with(b"|");
        match record {
            _ if fields != FIELDS && !delimited => Parted::Fields(fields, record),
            Some(record) => Parted::Row(Row { line, record, delimited, bytes, ends: &self.0 }),
            None => Parted::UnknownType,
        }
    }
}

impl<'a> Row<'a> {
    /// A field by its column, which counts from 0, without spaces round it.
    #[inline]
    pub(super) fn column(&self, column: u16) -> &'a [u8] {
        let column = usize::from(column);
        let from = if column == 0 { 0 } else { self.ends[column - 1] as usize + 1 };
        let until = self.ends[column] as usize;
        if from == until { &[] } else { trimmed(&self.bytes[from..until]) }
    }

    /// A field by its number, which counts from 1.
    pub(super) fn field(&self, number: u16) -> &'a [u8] {
        self.column(number - 1)
    }

    /// A field that is a number, without the zeros that some software writes before it.
    pub(super) fn code(&self, number: u16) -> &'a [u8] {
        let mut code = self.field(number);
        while let [b'0', rest @ ..] = code {
            code = rest;
        }
        code
    }
}

pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b' ', ..] | [.., b' '] => bytes.trim_ascii(),
        _ => bytes,
    }
}
