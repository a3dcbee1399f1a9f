//! An XML part of a workbook going by: whether what the library would keep of it is within limits.
//!
//! In:  the part's bytes, piece by piece. Out: the fault for which it must not reach the library, if there is one.
//! Holds: one tag in memory; what could be read in two ways, so that a text would be longer than it was counted, is damage.

use std::io::{self, Write};

use memchr::{memchr, memmem};

use super::{BYTES_MAX, CELL_BYTES_MAX, CELLS_MAX, Fault, STRINGS_MAX};

/// Bytes of one tag.
const TAG_BYTES_MAX: usize = 64 << 10;
/// Bytes of one cell or shared text, with all its tags.
const UNIT_BYTES_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 256;
/// Fonts, formats, sheets, names and relations, each of which the library keeps for as long as the workbook is open.
const KEPT_MAX: usize = 1 << 17;
/// Bytes of `<?xml …?>`.
const INSTRUCTION_BYTES_MAX: usize = 1024;
/// The encodings in which a `<` is one byte and nothing else is.
const ENCODINGS: [&[u8]; 4] = [b"utf-8", b"us-ascii", b"iso-8859-1", b"windows-1252"];

/// Where in the markup the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Text,
    Tag,
    Comment,
    Data,
    Instruction,
}

pub(super) struct Part {
    at: At,
    /// Of the tag, comment or such that is going by: the whole tag, or the end of another.
    held: Vec<u8>,
    quote: Option<u8>,
    /// Names of the elements that are open.
    open: Vec<Vec<u8>>,
    /// How many were open around the cell or shared text that is going by.
    unit: Option<usize>,
    unit_bytes: usize,
    unit_text: usize,
    strings: u64,
    cells: u64,
    kept: usize,
    longest: usize,
    fault: Option<Fault>,
}

impl Part {
    pub(super) fn new() -> Part {
        Part {
            at: At::Text,
            held: Vec::new(),
            quote: None,
            open: Vec::new(),
            unit: None,
            unit_bytes: 0,
            unit_text: 0,
            strings: 0,
            cells: 0,
            kept: 0,
            longest: 0,
            fault: None,
        }
    }

    pub(super) fn finish(self) -> Result<(), Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        // A name or a format that many refer to is copied for each.
        if self.kept.saturating_mul(self.longest) as u64 > BYTES_MAX { Err(Fault::TooLarge) } else { Ok(()) }
    }

    fn see(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        // UTF-16, in which no program writes workbooks.
        if memchr(0, bytes).is_some() {
            return Err(Fault::TooLarge);
        }
        while !bytes.is_empty() {
            let taken = match self.at {
                At::Text => self.text(bytes),
                At::Tag => self.tag(bytes)?,
                At::Comment => self.until(bytes, b"-->")?,
                At::Data => self.until(bytes, b"]]>")?,
                At::Instruction => self.until(bytes, b"?>")?,
            };
            self.unit_bytes += taken;
            if self.unit.is_some() && (self.unit_bytes > UNIT_BYTES_MAX || self.unit_text > CELL_BYTES_MAX) {
                return Err(Fault::TooLarge);
            }
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    fn text(&mut self, bytes: &[u8]) -> usize {
        let end = memchr(b'<', bytes);
        self.unit_text += end.unwrap_or(bytes.len());
        let Some(end) = end else { return bytes.len() };
        self.begin(At::Tag);
        end + 1
    }

    fn begin(&mut self, at: At) {
        self.at = at;
        self.held.clear();
        self.quote = None;
    }

    fn tag(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'>' && self.quote.is_none() {
                self.element()?;
                self.begin(At::Text);
                return Ok(at + 1);
            }
            self.held.push(*byte);
            if self.held.len() > TAG_BYTES_MAX {
                return Err(Fault::TooLarge);
            }
            match (self.held[0], byte) {
                (b'?', _) => {
                    self.begin(At::Instruction);
                    return Ok(at + 1);
                }
                (b'!', _) => {
                    let within = match self.held.as_slice() {
                        b"!--" => At::Comment,
                        b"![CDATA[" => At::Data,
                        begun if b"!--".starts_with(begun) || b"![CDATA[".starts_with(begun) => continue,
                        _ => return Err(Fault::Broken),
                    };
                    self.begin(within);
                    return Ok(at + 1);
                }
                (_, b'"' | b'\'') if self.quote.is_none() => self.quote = Some(*byte),
                (_, byte) if self.quote == Some(*byte) => self.quote = None,
                _ => {}
            }
        }
        Ok(bytes.len())
    }

    /// Passes over what ends in `end`.
    fn until(&mut self, bytes: &[u8], end: &[u8]) -> Result<usize, Fault> {
        for (at, byte) in bytes.iter().enumerate() {
            self.held.push(*byte);
            self.unit_text += usize::from(self.at == At::Data);
            // Some take these for the end already.
            if self.at != At::Data && matches!(self.held.as_slice(), b">" | b"->") {
                return Err(Fault::Broken);
            }
            if self.held.ends_with(end) {
                if self.at == At::Instruction && !is_plainly_encoded(&self.held) {
                    return Err(Fault::Broken);
                }
                self.begin(At::Text);
                return Ok(at + 1);
            }
            if self.held.len() > INSTRUCTION_BYTES_MAX {
                if self.at == At::Instruction {
                    return Err(Fault::Broken);
                }
                self.held.drain(..self.held.len() - 3);
            }
        }
        Ok(bytes.len())
    }

    fn element(&mut self) -> Result<(), Fault> {
        let held = std::mem::take(&mut self.held);
        self.longest = self.longest.max(held.len());
        if let Some(name) = held.strip_prefix(b"/") {
            let blank = name.iter().rev().take_while(|byte| is_blank(**byte)).count();
            if self.open.pop().as_deref() != Some(&name[..name.len() - blank]) {
                return Err(Fault::Broken);
            }
            if self.unit == Some(self.open.len()) {
                self.unit = None;
            }
            return Ok(());
        }
        let (tag, empty) = held.strip_suffix(b"/").map_or((held.as_slice(), false), |tag| (tag, true));
        let name = &tag[..tag.iter().position(|byte| is_blank(*byte)).unwrap_or(tag.len())];
        let local = memchr(b':', name).map_or(name, |at| &name[at + 1..]);
        if local.is_empty() || name[0] == b'!' || local.contains(&b':') {
            return Err(Fault::Broken);
        }
        self.count(local, &tag[name.len()..])?;
        if !empty {
            if self.unit.is_none() && matches!(local, b"si" | b"c") {
                (self.unit, self.unit_bytes, self.unit_text) = (Some(self.open.len()), 0, 0);
            }
            self.open.push(name.to_vec());
        }
        if self.open.len() > DEPTH_MAX { Err(Fault::Broken) } else { Ok(()) }
    }

    fn count(&mut self, local: &[u8], attributes: &[u8]) -> Result<(), Fault> {
        match local {
            b"si" => self.strings += 1,
            b"c" => self.cells += 1,
            b"sst" if !claims_few(attributes) => return Err(Fault::TooLarge),
            b"Relationship" if !leads_to_xml(attributes) => return Err(Fault::Broken),
            b"font" | b"fill" | b"stop" | b"border" | b"xf" | b"numFmt" | b"sheet" | b"definedName"
            | b"Relationship" => self.kept += 1,
            _ => {}
        }
        let large = self.strings > STRINGS_MAX || self.cells > CELLS_MAX || self.kept > KEPT_MAX;
        if large { Err(Fault::TooLarge) } else { Ok(()) }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Of `<?xml …?>`: whether it says an encoding that is looked through here.
fn is_plainly_encoded(instruction: &[u8]) -> bool {
    let instruction = instruction.to_ascii_lowercase();
    let Some(at) = memmem::find(&instruction, b"encoding") else { return true };
    let value = instruction[at..].split(|byte| matches!(byte, b'"' | b'\'')).nth(1);
    value.is_some_and(|value| ENCODINGS.contains(&value))
}

/// Whether room for no more texts than allowed is asked for.
fn claims_few(attributes: &[u8]) -> bool {
    const NAME: &[u8] = b"uniqueCount";
    memmem::find_iter(attributes, NAME).all(|at| {
        let after = attributes[at + NAME.len()..].iter().skip_while(|byte| !byte.is_ascii_digit());
        let digits: Vec<u8> = after.copied().take_while(u8::is_ascii_digit).take(20).collect();
        let number = std::str::from_utf8(&digits).unwrap_or_default();
        number.is_empty() || number.parse::<u64>().is_ok_and(|number| number <= STRINGS_MAX)
    })
}

/// Whether a relation to a part that the library reads leads to one that was looked through.
fn leads_to_xml(attributes: &[u8]) -> bool {
    const READ: [&[u8]; 4] = [b"/officeDocument", b"worksheet", b"chartsheet", b"dialogsheet"];
    let quoted = |word: &&[u8]| {
        memmem::find_iter(attributes, *word).any(|at| matches!(attributes.get(at + word.len()), Some(b'"' | b'\'')))
    };
    if !READ.iter().any(quoted) {
        return true;
    }
    memmem::find_iter(attributes, b"Target").all(|at| {
        let after = &attributes[at + b"Target".len()..];
        let value = after.split(|byte| matches!(byte, b'"' | b'\'')).nth(1).unwrap_or_default();
        after.first().is_some_and(u8::is_ascii_alphabetic) || value.to_ascii_lowercase().ends_with(b".xml")
    })
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.fault.is_none() {
            self.fault = self.see(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
