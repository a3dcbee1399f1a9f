//! Reading XML in the encodings that back offices write, as the UTF-8 that the parser wants.
//!
//! Windows-1252 is read as Latin-1: where they differ are printable characters of no meaning to the markup.

use std::io::{self, Read};

use quick_xml::Reader;
use quick_xml::encoding::{DetectedEncoding, detect_encoding};
use quick_xml::events::Event;

/// An encoding we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Latin1,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// What the first bytes of a document say; `None` for an encoding that is not read.
    // XML 1.0 §4.3.3 and Appendix F
    pub(super) fn of(head: &[u8]) -> Option<Encoding> {
        match detect_encoding(head) {
            Some(DetectedEncoding::Utf16LeBom | DetectedEncoding::Utf16LeLike) => Some(Encoding::Utf16Le),
            Some(DetectedEncoding::Utf16BeBom | DetectedEncoding::Utf16BeLike) => Some(Encoding::Utf16Be),
            Some(DetectedEncoding::Utf8Bom) | None => Some(Encoding::Utf8),
            Some(DetectedEncoding::AsciiCompatible) => Encoding::declared(head),
        }
    }

    fn declared(head: &[u8]) -> Option<Encoding> {
        let mut buffer = Vec::new();
        let Ok(Event::Decl(declaration)) = Reader::from_reader(head).read_event_into(&mut buffer) else {
            return Some(Encoding::Utf8);
        };
        let Some(Ok(label)) = declaration.encoding() else { return Some(Encoding::Utf8) };
        match label.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" | "ascii" => Some(Encoding::Utf8),
            "iso-8859-1" | "latin1" | "iso-8859-15" | "windows-1252" | "cp1252" => Some(Encoding::Latin1),
            _ => None,
        }
    }
}

/// Gives what `inner` holds in `encoding` as UTF-8.
pub(super) struct Transcoded<R> {
    inner: R,
    encoding: Encoding,
    /// Encoded, and not taken yet.
    ready: Vec<u8>,
    taken: usize,
    /// The first half of a surrogate pair.
    high: Option<u16>,
}

const CHUNK_BYTES: u64 = 4096;

impl<R: Read> Transcoded<R> {
    pub(super) fn new(inner: R, encoding: Encoding) -> Transcoded<R> {
        Transcoded { inner, encoding, ready: Vec::new(), taken: 0, high: None }
    }

    fn refill(&mut self) -> io::Result<()> {
        let mut raw = Vec::new();
        self.inner.by_ref().take(CHUNK_BYTES).read_to_end(&mut raw)?;
        self.ready.clear();
        self.taken = 0;
        match self.encoding {
            // Read as it stands.
            Encoding::Utf8 => {}
            Encoding::Latin1 => {
                self.ready.extend_from_slice(raw.iter().map(|&b| char::from(b)).collect::<String>().as_bytes())
            }
            Encoding::Utf16Le => self.take_utf16(&raw, u16::from_le_bytes)?,
            Encoding::Utf16Be => self.take_utf16(&raw, u16::from_be_bytes)?,
        }
        Ok(())
    }

    fn take_utf16(&mut self, raw: &[u8], unit: fn([u8; 2]) -> u16) -> io::Result<()> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "broken UTF-16");
        let pairs = raw.chunks_exact(2);
        let at_end = raw.is_empty();
        if !pairs.remainder().is_empty() || (at_end && self.high.is_some()) {
            return Err(broken());
        }
        let units = pairs.map(|pair| unit([pair[0], pair[1]]));
        let mut text = String::new();
        let mut waiting: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        if waiting.last().is_some_and(|last| (0xD800..0xDC00).contains(last)) {
            self.high = waiting.pop();
        }
        for decoded in char::decode_utf16(waiting) {
            text.push(decoded.map_err(|_| broken())?);
        }
        // A lone high surrogate leaves nothing ready; that must not read as the end of the file.
        if text.is_empty() && self.high.is_some() {
            return self.refill();
        }
        self.ready = text.into_bytes();
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.inner.read(buf);
        }
        if self.taken == self.ready.len() {
            self.refill()?;
        }
        let mut rest = &self.ready[self.taken..];
        let read = rest.read(buf)?;
        self.taken += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: Encoding) -> io::Result<String> {
        let mut text = String::new();
        Transcoded::new(bytes, encoding).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn every_encoding_comes_out_as_the_same_text() {
        let text = format!("{}é𝄞", "é𝄞".repeat(3000));
        let units = || text.encode_utf16();
        let le: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(text.as_bytes(), Encoding::Utf8).unwrap(), text);
        assert_eq!(read(&le, Encoding::Utf16Le).unwrap(), text);
        assert_eq!(read(&be, Encoding::Utf16Be).unwrap(), text);
        assert_eq!(read(b"caf\xE9", Encoding::Latin1).unwrap(), "café");
    }

    #[test]
    fn broken_utf16_is_an_error() {
        assert!(read(b"a\0b", Encoding::Utf16Le).is_err());
        assert!(read(&0xD800u16.to_le_bytes(), Encoding::Utf16Le).is_err());
    }

    #[test]
    fn the_encoding_is_the_one_declared() {
        assert_eq!(Encoding::of(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>"), Some(Encoding::Latin1));
        assert_eq!(Encoding::of(b"<?xml version=\"1.0\"?><a/>"), Some(Encoding::Utf8));
        assert_eq!(Encoding::of(b"<?xml version=\"1.0\" encoding=\"EBCDIC-CP-GB\"?><a/>"), None);
        assert_eq!(Encoding::of(b"\xFF\xFE<\0a\0"), Some(Encoding::Utf16Le));
        assert_eq!(Encoding::of(b"<a/>"), Some(Encoding::Utf8));
    }
}
