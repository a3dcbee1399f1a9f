//! The texts that the cells of an old workbook share: how long each is, without one of them being kept.
//!
//! In:  the workbook's stream. Out: how many bytes the library copies into cells, or the fault for which it must not.
// [MS-XLS] 2.4.265, 2.5.293

use super::xls::{CELLS, MUL_RK, record};
use super::{BYTES_MAX, CELLS_MAX, Fault, STRINGS_MAX};

const SST: u16 = 0x00FC;
const CONTINUE: u16 = 0x003C;
const LABEL: u16 = 0x0204;
const RSTRING: u16 = 0x00D6;
const STRING: u16 = 0x0207;
const LABEL_SST: u16 = 0x00FD;
/// Records that one goes on in: the library takes a time for them that grows with their square.
const CONTINUES_MAX: usize = 8192;
/// Bytes of UTF-8 that a character of a workbook becomes, at most.
const CHARACTER_BYTES: u64 = 3;

/// Refuses a workbook whose cells become too many, or too long together. Says whether it has a table of shared texts.
pub(super) fn bound_texts(stream: &[u8]) -> Result<bool, Fault> {
    let shared = shared(stream)?;
    let (mut bytes, mut cells, mut at) = (0u64, 0u64, 0);
    while let Some((kind, place)) = record(stream, at) {
        at = place.end;
        let data = &stream[place];
        let u16_at = |at: usize| data.get(at..at + 2).map_or(0, |two| u64::from(u16::from_le_bytes([two[0], two[1]])));
        bytes += match kind {
            LABEL_SST => {
                let index =
                    data.get(6..10).and_then(|four| four.first_chunk::<4>()).map(|four| u32::from_le_bytes(*four));
                let length = index.and_then(|index| shared.as_ref()?.get(index as usize));
                length.map_or(0, |length| u64::from(*length)) * CHARACTER_BYTES
            }
            LABEL | RSTRING => u16_at(6) * CHARACTER_BYTES,
            STRING => u16_at(0) * CHARACTER_BYTES,
            _ => 0,
        };
        cells += match kind {
            MUL_RK => data.len() as u64 / 6,
            kind => u64::from(CELLS.contains(&kind)),
        };
        if bytes > BYTES_MAX || cells > CELLS_MAX {
            return Err(Fault::TooLarge);
        }
    }
    Ok(shared.is_some())
}

/// The lengths of the shared texts, in characters.
fn shared(stream: &[u8]) -> Result<Option<Vec<u16>>, Fault> {
    let mut found = None;
    let mut at = 0;
    while let Some((kind, place)) = record(stream, at) {
        let data = &stream[place.clone()];
        at = place.end;
        let mut more = Vec::new();
        while let Some((CONTINUE, place)) = record(stream, at) {
            at = place.end;
            more.push(&stream[place]);
            if more.len() > CONTINUES_MAX {
                return Err(Fault::TooLarge);
            }
        }
        if kind == SST {
            // Two tables no program writes.
            let table = data.get(8..).filter(|_| found.is_none()).ok_or(Fault::Broken)?;
            found = Some(Table { rest: table, more: more.into_iter() }.lengths()?);
        }
    }
    Ok(found)
}

/// What is left of the table: of this record, and the records it goes on in.
struct Table<'a> {
    rest: &'a [u8],
    more: std::vec::IntoIter<&'a [u8]>,
}

impl<'a> Table<'a> {
    fn lengths(mut self) -> Result<Vec<u16>, Fault> {
        let mut lengths = Vec::new();
        while !self.rest.is_empty() || self.goes_on() {
            lengths.push(self.pass().ok_or(Fault::Broken)?);
            if lengths.len() as u64 > STRINGS_MAX {
                return Err(Fault::TooLarge);
            }
        }
        Ok(lengths)
    }

    fn goes_on(&mut self) -> bool {
        let next = self.more.next();
        self.rest = next.unwrap_or(self.rest);
        next.is_some()
    }

    /// Passes over one text, and says how many characters it has.
    fn pass(&mut self) -> Option<u16> {
        if self.rest.is_empty() {
            return Some(0);
        }
        let (length, flags) = (self.u16()?, *self.take(1)?.first()?);
        let runs = if flags & 8 == 0 { 0 } else { usize::from(self.u16()?) };
        let extra =
            if flags & 4 == 0 { 0 } else { self.take(4)?.first_chunk::<4>().map(|four| i32::from_le_bytes(*four))? };
        let (mut left, mut width) = (usize::from(length), 1 + usize::from(flags & 1));
        while left > 0 {
            let here = left.min(self.rest.len() / width);
            self.take(here * width)?;
            left -= here;
            if left > 0 {
                if !self.goes_on() {
                    return None;
                }
                width = 1 + usize::from(self.take(1)?.first()? & 1);
            }
        }
        self.skip(runs * 4 + usize::try_from(extra).ok()?)?;
        Some(length)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk::<2>().map(|two| u16::from_le_bytes(*two))
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn skip(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            if self.rest.is_empty() && !self.goes_on() {
                return None;
            }
            let here = bytes.min(self.rest.len());
            self.take(here)?;
            bytes -= here;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
