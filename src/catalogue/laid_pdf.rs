//! e-Transfer LAID as PDF: whole, and nothing in it that acts by itself.
//!
//! Out: a finding for everything that could run, launch, fetch or carry another file, also inside compressed parts.
//! Holds: memory is bounded whatever the size; what compressed parts become is bounded by the caller's limit.

use std::io::{self, Read, Seek, SeekFrom};

use memchr::memmem;

use super::allowance::{Allowance, is_exceeded};
use super::flate::{inflate, is_zlib};
use super::name::Name;
use super::pdf_names::{Met, Scanner, is_space};
use super::{Confidence, Gathered, Limits};
use crate::domain::FileKind;

/// Readers accept an end mark within the last kilobyte; the offset line stands before it.
// ISO 32000-1 Annex H, implementation note 18
const TAIL_BYTES: u64 = 2048;
/// Where a reader of ZIPs looks for the record that ends one: it and the longest comment.
// APPNOTE.TXT §4.3.16
const ZIP_TAIL_BYTES: u64 = 22 + 65_535;
/// That record, of an archive on a single disk.
const ZIP_END: &[u8] = b"PK\x05\x06\0\0\0\0";
const CHUNK_BYTES: usize = 64 << 10;
const STREAMS_MAX: usize = 100_000;
/// Spaces that may stand between the keyword and the stream; one line end is what the format allows.
const SPACES_MAX: usize = 64;
/// More than the inflater reads beyond the end of a stream.
const READ_AHEAD_BYTES: u64 = 64 << 10;

/// Names of what acts by itself or carries something else.
// ISO 32000-1 §12.6.4 (actions), §7.11.4 (embedded files), §12.7.8 (XFA)
const ACTIVE: [&str; 10] = [
    "JavaScript",
    "Launch",
    "EmbeddedFile",
    "EmbeddedFiles",
    "RichMedia",
    "Rendition",
    "ImportData",
    "SubmitForm",
    "GoToE",
    "XFA",
];
/// Short enough to occur by chance in compressed bytes, so counted only outside of them. It needs one of the above to act.
const ACTIVE_OUTSIDE_STREAMS: &str = "JS";
/// Occurs by chance too, in a large scan, and acts only from a document's form.
// ISO 32000-1 §12.7.2, table 218
const ACTIVE_IN_A_FORM: &str = "XFA";
const FORM: &[u8] = b"AcroForm";
/// Ways of storing a stream that are not looked through. Pictures have others, and cannot hold objects.
// ISO 32000-1 §7.4, and table 94 for the short names that readers take everywhere
const OPAQUE: [&str; 10] = [
    "LZWDecode",
    "LZW",
    "ASCIIHexDecode",
    "AHx",
    "ASCII85Decode",
    "A85",
    "RunLengthDecode",
    "RL",
    "Crypt",
    "Predictor",
];
const INFLATED: [&[u8]; 2] = [b"FlateDecode", b"Fl"];
const PACKS_OBJECTS: &[u8] = b"ObjStm";

const ACTS: &str = "pdf-active";
const HIDES: &str = "pdf-hidden";
const UNPACKS_TOO_FAR: &str = "pdf-too-large";
const TWO_THINGS: &str = "pdf-and-zip";

/// Whether this finding is about what the document might do, not about damage.
pub(super) fn is_of_activity(code: &str) -> bool {
    [ACTS, HIDES, UNPACKS_TOO_FAR, TWO_THINGS].contains(&code)
}

pub(super) fn look<R: Read + Seek>(
    name: &Name,
    head: &[u8],
    content: &mut R,
    limits: &Limits,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    gathered.note("it begins with %PDF-");
    if head.len() < b"%PDF-1.4".len() || !head[5].is_ascii_digit() {
        gathered.warning("pdf-version", "does not say which version of PDF it is");
    }
    let whole = has_end(content)?;
    if whole {
        gathered.note("it ends with startxref and %%EOF");
    } else {
        gathered.error("pdf-no-end", "does not end as a PDF does (startxref, %%EOF): it was cut short or damaged");
    }
    if has_zip_end(content)? {
        gathered.error(TWO_THINGS, "is a ZIP archive too: programs may read two things in it");
    }
    let mut contents = Contents::default();
    let streams = contents.scan(content)?;
    contents.look_into(&streams, content, limits.bytes_max)?;
    contents.report(gathered);
    let named = name.contains("LAID");
    Ok((FileKind::LaidPdf, if whole && named { Confidence::Certain } else { Confidence::Likely }))
}

fn has_zip_end<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    Ok(memmem::find(&tail(content, ZIP_TAIL_BYTES)?, ZIP_END).is_some())
}

fn tail<R: Read + Seek>(content: &mut R, bytes: u64) -> io::Result<Vec<u8>> {
    let length = content.seek(SeekFrom::End(0))?;
    content.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
    let mut tail = Vec::new();
    content.take(bytes).read_to_end(&mut tail)?;
    Ok(tail)
}

fn has_end<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    let tail = tail(content, TAIL_BYTES)?;
    let last = |needle: &[u8]| tail.windows(needle.len()).rposition(|bytes| bytes == needle);
    Ok(last(b"startxref").zip(last(b"%%EOF")).is_some_and(|(offset, end)| offset < end))
}

#[derive(Debug, Default)]
struct Contents {
    active: Vec<&'static str>,
    form: bool,
    locked: bool,
    packed_objects: bool,
    /// Objects are packed in a way that is not looked through.
    hidden: bool,
    /// What the object being read has said of itself so far.
    object: Object,
    too_many_streams: bool,
    too_large: bool,
}

#[derive(Debug, Default)]
struct Object {
    packs_objects: bool,
    opaque: bool,
    /// It says that it is stored in some way, and how often that it is compressed.
    filtered: bool,
    inflated: u8,
}

impl Object {
    /// Inflating its stream once does not show what is packed in it.
    fn hides_objects(&self) -> bool {
        self.packs_objects && (self.opaque || self.inflated > 1 || (self.filtered && self.inflated == 0))
    }
}

impl Contents {
    /// Looks at every byte as it stands. The offsets behind every keyword with which a stream may begin.
    fn scan<R: Read + Seek>(&mut self, content: &mut R) -> io::Result<Vec<u64>> {
        content.seek(SeekFrom::Start(0))?;
        let mut streams = Vec::new();
        let (mut scanner, mut begins) = (Scanner::default(), StreamFinder::default());
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            scanner.scan(&chunk[..read], |met| match met {
                Met::Name(name) => self.name(name),
                Met::NameInStream(name) => {
                    // Something that looked like a stream's beginning has this object's own words out of sight.
                    self.hidden |= name == PACKS_OBJECTS;
                    self.name_in_stream(name)
                }
                Met::Object => self.object = Object::default(),
                Met::Stream => self.hidden |= self.object.hides_objects(),
            });
            begins.find(&chunk[..read], |start| match streams.len() < STREAMS_MAX {
                true => streams.push(start),
                false => self.too_many_streams = true,
            });
        }
        scanner.end(|met| {
            if let Met::Name(name) = met {
                self.name(name)
            }
        });
        Ok(streams)
    }

    fn name(&mut self, name: &[u8]) {
        self.name_in_stream(name);
        if name == ACTIVE_OUTSIDE_STREAMS.as_bytes() {
            self.meet(ACTIVE_OUTSIDE_STREAMS);
        }
        match name {
            b"Encrypt" => self.locked = true,
            PACKS_OBJECTS => {
                self.packed_objects = true;
                self.object.packs_objects = true;
            }
            b"Filter" => self.object.filtered = true,
            name if INFLATED.contains(&name) => self.object.inflated = self.object.inflated.saturating_add(1),
            _ => self.object.opaque |= OPAQUE.iter().any(|opaque| opaque.as_bytes() == name),
        }
    }

    fn name_in_stream(&mut self, name: &[u8]) {
        self.form |= name == FORM;
        if let Some(known) = ACTIVE.iter().find(|known| known.as_bytes() == name) {
            self.meet(known);
        }
    }

    fn meet(&mut self, known: &'static str) {
        if !self.active.contains(&known) {
            self.active.push(known);
        }
    }

    /// Inflates every stream that can be, whatever its object says of it, and looks at what comes out. A stream ends where
    /// its compression says, not where the file says.
    fn look_into<R: Read + Seek>(&mut self, streams: &[u64], content: &mut R, bytes_max: u64) -> io::Result<()> {
        let length = content.seek(SeekFrom::End(0))?;
        let mut left = bytes_max;
        // Honest streams do not overlap: together they are no longer than the file, and some read-ahead each.
        let mut reading_left = length.saturating_add(READ_AHEAD_BYTES.saturating_mul(streams.len() as u64));
        for &start in streams {
            content.seek(SeekFrom::Start(start))?;
            let (mut reader, grant) = Allowance::new(&mut *content, reading_left);
            match stream_header(&mut reader)? {
                Some(header) if is_zlib(header) => {}
                _ => continue,
            }
            let mut scanner = Scanner::inside_a_stream();
            let inflated = inflate(reader, |piece| {
                left = left.saturating_sub(piece.len() as u64);
                scanner.scan(piece, |met| self.inflated(&met));
                left > 0
            });
            scanner.end(|met| self.inflated(&met));
            match inflated {
                Err(error) if is_exceeded(&error) => self.too_large = true,
                other => other?,
            }
            reading_left = grant.left();
            self.too_large |= left == 0;
            if self.too_large {
                break;
            }
        }
        Ok(())
    }

    fn inflated(&mut self, met: &Met<'_>) {
        match met {
            Met::Name(name) | Met::NameInStream(name) => self.name_in_stream(name),
            Met::Object | Met::Stream => {}
        }
    }

    fn report(mut self, gathered: &mut Gathered) {
        self.active.retain(|known| self.form || *known != ACTIVE_IN_A_FORM);
        if self.active.is_empty() {
            gathered.note("nothing in it acts by itself");
        } else {
            let names: Vec<String> = self.active.iter().map(|name| format!("/{name}")).collect();
            gathered.error(ACTS, format!("has content that acts or carries other files: {}", names.join(", ")));
        }
        if self.hidden || (self.locked && self.packed_objects) {
            gathered.error(HIDES, "packs its objects in a way that cannot be looked into");
        } else if self.locked {
            gathered.warning("pdf-locked", "is encrypted with a PDF password; who opens it may need that");
        }
        if self.too_large || self.too_many_streams {
            gathered.error(UNPACKS_TOO_FAR, "unpacks to more than is allowed, so it was not looked at to its end");
        }
    }
}

/// Finds every `stream` that could be the keyword, also in comments, in strings and in what looks like another stream: what
/// a reader takes for the beginning of a stream is among them.
#[derive(Debug, Default)]
struct StreamFinder {
    /// The end of what was looked through, and what is now.
    window: Vec<u8>,
    /// Where the window begins.
    begins: u64,
}

impl StreamFinder {
    /// Tells `found` the offset behind each in these next bytes.
    fn find(&mut self, bytes: &[u8], mut found: impl FnMut(u64)) {
        const KEYWORD: &[u8] = b"stream";
        const KEPT: usize = b"end".len() + KEYWORD.len();
        let old = self.window.len();
        self.window.extend_from_slice(bytes);
        for at in memmem::find_iter(&self.window, KEYWORD) {
            let behind = at + KEYWORD.len();
            // One whose next byte was known before was told before.
            let is_new = behind >= old;
            let is_keyword = self.window.get(behind).is_some_and(|&next| is_space(next));
            if is_new && is_keyword && !self.window[..at].ends_with(b"end") {
                found(self.begins + behind as u64);
            }
        }
        let done = self.window.len().saturating_sub(KEPT);
        self.begins += done as u64;
        self.window.drain(..done);
    }
}

/// The first two bytes of a stream, behind the spaces after its keyword.
fn stream_header(reader: &mut impl Read) -> io::Result<Option<[u8; 2]>> {
    let mut byte = [0];
    let mut header = [0; 2];
    for _ in 0..SPACES_MAX {
        if reader.read(&mut byte)? == 0 {
            return Ok(None);
        }
        if !is_space(byte[0]) {
            header[0] = byte[0];
            return Ok((reader.read(&mut header[1..])? == 1).then_some(header));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
