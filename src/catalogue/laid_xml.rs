//! e-Transfer LAID as XML: well-formed to its last byte, and self-contained.
//!
//! No public schema exists, so the vocabulary is not judged. What is refused is what could make a reader of the file do
//! something else than read it: document types, entities, inclusions.

mod walk;

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use quick_xml::Reader;
use quick_xml::encoding::{DetectedEncoding, detect_encoding};

use super::allowance::{Allowance, is_exceeded};
use super::finding::Finding;
use super::name::Name;
use super::transcode::{Encoding, Transcoded};
use super::{Confidence, Gathered};
use crate::domain::FileKind;
use walk::Walk;

/// One tag, text or comment, which is in memory as a whole. Large enough for a scanned page inside an element, and small enough
/// for every carrier to have one.
const PIECE_BYTES_MAX: u64 = 8 << 20;
const BUFFER_BYTES: usize = 64 << 10;

/// Whether a file begins as XML does, and not as a web page.
pub(super) fn begins(head: &[u8]) -> bool {
    let utf16 = matches!(
        detect_encoding(head),
        Some(
            DetectedEncoding::Utf16LeBom
                | DetectedEncoding::Utf16BeBom
                | DetectedEncoding::Utf16LeLike
                | DetectedEncoding::Utf16BeLike
        )
    );
    let opens = match unmarked(head) {
        [b'<', next, ..] => next.is_ascii_alphabetic() || matches!(next, b'?' | b'!' | b'_'),
        _ => false,
    };
    utf16 || (opens && !is_html(head))
}

/// Whether a file begins as a web page: most often an error page that was saved in place of a file.
pub(super) fn is_html(head: &[u8]) -> bool {
    let start: Vec<u8> = unmarked(head).iter().take(14).map(u8::to_ascii_lowercase).collect();
    start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

fn unmarked(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start()
}

pub(super) fn look<R: Read + Seek>(
    name: &Name,
    head: &[u8],
    content: &mut R,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    let says_xml =
        name.has_extension("XML") || unmarked(head).starts_with(b"<?xml") || Encoding::of(head) != Some(Encoding::Utf8);
    let mut seen = Gathered::default();
    let root = match Encoding::of(head) {
        Some(encoding) => read(content, encoding, &mut seen)?,
        None => {
            seen.error("xml-encoding", "declares an encoding that is not read: use UTF-8, UTF-16 or ISO-8859-1");
            None
        }
    };
    if !seen.is_sound() && !says_xml {
        gathered.note("it begins with an angle bracket, and is not XML");
        return Ok((FileKind::Unknown, Confidence::Likely));
    }
    gathered.note("it begins as XML");
    let sound = seen.is_sound();
    gathered.root = seen.root.take().filter(|_| sound);
    if sound {
        gathered.note("it is well-formed to its end, and declares no document type");
    }
    seen.findings.into_iter().for_each(|finding| gathered.find(finding));
    seen.evidence.into_iter().for_each(|note| gathered.note(note));
    seen.authorities
        .into_iter()
        .for_each(|number| gathered.authority(&number, "an element or attribute that is named for it"));
    let named = name.contains("LAID") || root.is_some_and(|root| root.to_ascii_uppercase().contains("LAID"));
    let confidence = match (sound, named) {
        (true, true) => Confidence::Certain,
        (true, false) => Confidence::Likely,
        (false, _) => Confidence::Guess,
    };
    Ok((FileKind::LaidXml, confidence))
}

/// Reads to the end or to the first fault. The name of the root element, if there is one.
fn read<R: Read + Seek>(content: &mut R, encoding: Encoding, seen: &mut Gathered) -> io::Result<Option<String>> {
    content.seek(SeekFrom::Start(0))?;
    let (source, grant) = Allowance::new(Transcoded::new(BufReader::new(content), encoding), PIECE_BYTES_MAX);
    let mut reader = Reader::from_reader(BufReader::with_capacity(BUFFER_BYTES, source));
    reader.config_mut().check_comments = true;
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
    loop {
        let step = match reader.read_event_into(&mut buffer) {
            Ok(event) => walk.step(&event),
            Err(error) => Err(fault(error)?),
        };
        match step {
            Ok(walk::Next::More) => {}
            Ok(walk::Next::Ended) => break,
            Err(finding) => {
                seen.find(Finding {
                    says: format!("{} (near byte {})", finding.says, reader.buffer_position()),
                    ..finding
                });
                break;
            }
        }
        buffer.clear();
        grant.set(PIECE_BYTES_MAX);
    }
    walk.report(seen);
    Ok(walk.into_root())
}

/// A fault of the file becomes a finding, a fault of the disk stays an error.
fn fault(error: quick_xml::Error) -> io::Result<Finding> {
    match error {
        quick_xml::Error::Io(error) if is_exceeded(&error) => {
            Ok(Finding::error("xml-piece-long", "has a tag or text that is too long to be read"))
        }
        quick_xml::Error::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            Err(error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error), io::Error::from_raw_os_error))
        }
        // The parser's own words quote the file.
        _ => Ok(walk::not_well_formed("breaks the rules of XML")),
    }
}

#[cfg(test)]
mod tests;
