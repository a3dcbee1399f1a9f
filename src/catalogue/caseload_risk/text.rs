//! The text of a table in whatever encoding it came, as UTF-8.
//!
//! In:  bytes. Out: which encoding they are in, and how that is known; the same text in UTF-8, without a byte order mark.
//! Holds: memory does not grow with the file.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;
use std::str;

use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::Serialize;

const CHUNK_BYTES: usize = 16 << 10;
/// Of the beginning, by which UTF-16 without a mark is told.
const HEAD_BYTES: u64 = 4 << 10;

/// How a table's text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Encoding {
    /// UTF-8, ASCII included.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the lower byte first, as Excel's "Unicode text" is.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the higher byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// What Windows programs write in Western Europe.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// As people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16 LE",
            Encoding::Utf16Be => "UTF-16 BE",
            Encoding::Windows1252 => "Windows-1252",
        }
    }

    fn decoder(self) -> Decoder {
        match self {
            Encoding::Utf8 => UTF_8,
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
            Encoding::Windows1252 => WINDOWS_1252,
        }
        .new_decoder_with_bom_removal()
    }
}

/// An encoding, and whether a byte order mark says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Detected {
    pub encoding: Encoding,
    pub marked: bool,
}

/// By the byte order mark; else by where the zeros are; else UTF-8 if all of it is that; else Windows-1252.
pub(super) fn detect<R: Read + Seek>(content: &mut R) -> io::Result<Detected> {
    content.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    content.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let marks: [(&[u8], Encoding); 3] =
        [(b"\xEF\xBB\xBF", Encoding::Utf8), (b"\xFF\xFE", Encoding::Utf16Le), (b"\xFE\xFF", Encoding::Utf16Be)];
    if let Some((_, encoding)) = marks.into_iter().find(|(mark, _)| head.starts_with(mark)) {
        return Ok(Detected { encoding, marked: true });
    }
    let encoding = match by_zeros(&head) {
        Some(utf16) => utf16,
        None if is_utf8(content)? => Encoding::Utf8,
        None => Encoding::Windows1252,
    };
    Ok(Detected { encoding, marked: false })
}

/// Text of the West in UTF-16 has a zero in nearly every second place, and hardly one in the others.
fn by_zeros(head: &[u8]) -> Option<Encoding> {
    let zeros = |first: usize| head.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), head.len() / 2);
    let most = |zeros: usize| pairs >= 2 && zeros * 10 >= pairs * 6;
    let few = |zeros: usize| zeros * 10 <= pairs;
    match (most(even) && few(odd), most(odd) && few(even)) {
        (true, false) => Some(Encoding::Utf16Be),
        (false, true) => Some(Encoding::Utf16Le),
        _ => None,
    }
}

fn is_utf8<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    content.seek(SeekFrom::Start(0))?;
    let mut waiting = Vec::with_capacity(CHUNK_BYTES + 4);
    loop {
        let read = content.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut waiting)?;
        if read == 0 {
            return Ok(waiting.is_empty());
        }
        match str::from_utf8(&waiting) {
            Ok(_) => waiting.clear(),
            // A character that goes on in the next piece.
            Err(error) if error.error_len().is_none() => drop(waiting.drain(..error.valid_up_to())),
            Err(_) => return Ok(false),
        }
    }
}

/// Whether the text ends with a line end.
pub(super) fn ends_a_line<R: Read + Seek>(content: &mut R, encoding: Encoding) -> io::Result<bool> {
    let ending: &[u8] = match encoding {
        Encoding::Utf8 | Encoding::Windows1252 => b"\n",
        Encoding::Utf16Le => b"\n\0",
        Encoding::Utf16Be => b"\0\n",
    };
    let length = content.seek(SeekFrom::End(0))?;
    let Some(start) = length.checked_sub(ending.len() as u64) else { return Ok(false) };
    content.seek(SeekFrom::Start(start))?;
    let mut last = Vec::new();
    content.by_ref().take(ending.len() as u64).read_to_end(&mut last)?;
    Ok(last == ending)
}

/// Reads `inner` as UTF-8. What is no character of the encoding becomes U+FFFD, and is told.
pub(super) struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// Of `raw`, not decoded yet.
    from: usize,
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
    replaced: Rc<Cell<bool>>,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(inner: R, encoding: Encoding) -> Decoded<R> {
        Decoded {
            inner,
            decoder: encoding.decoder(),
            raw: Vec::new(),
            from: 0,
            ready: Vec::new(),
            taken: 0,
            ended: false,
            replaced: Rc::default(),
        }
    }

    /// Becomes true once something was no character.
    pub(super) fn replaced(&self) -> Rc<Cell<bool>> {
        self.replaced.clone()
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.from == self.raw.len() {
            self.raw.clear();
            self.from = 0;
            self.ended = self.inner.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut self.raw)? == 0;
        }
        // No byte becomes more than three, and what the decoder kept back is less than a few.
        self.ready.resize(CHUNK_BYTES, 0);
        let (_, read, written, replaced) =
            self.decoder.decode_to_utf8(&self.raw[self.from..], &mut self.ready, self.ended);
        self.from += read;
        self.ready.truncate(written);
        self.taken = 0;
        self.replaced.set(self.replaced.get() || replaced);
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !(self.ended && self.from == self.raw.len()) {
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
    use std::io::Cursor;

    use super::*;

    fn read(bytes: &[u8]) -> (Detected, String, bool) {
        let mut content = Cursor::new(bytes);
        let detected = detect(&mut content).unwrap();
        content.set_position(0);
        let mut decoded = Decoded::new(content, detected.encoding);
        let mut text = String::new();
        decoded.read_to_string(&mut text).unwrap();
        (detected, text, decoded.replaced().get())
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn every_encoding_comes_out_as_the_same_text() {
        let text = format!("REF,SCORE\n{}", "Café,£1\n".repeat(5000));
        let (latin, _, _) = WINDOWS_1252.encode(&text);
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        let (le, be) = (utf16(&text, u16::to_le_bytes), utf16(&text, u16::to_be_bytes));
        for (bytes, encoding, mark) in [
            (text.clone().into_bytes(), Encoding::Utf8, false),
            (marked(b"\xEF\xBB\xBF", text.clone().into_bytes()), Encoding::Utf8, true),
            (le.clone(), Encoding::Utf16Le, false),
            (marked(b"\xFF\xFE", le), Encoding::Utf16Le, true),
            (be.clone(), Encoding::Utf16Be, false),
            (marked(b"\xFE\xFF", be), Encoding::Utf16Be, true),
            (latin.into_owned(), Encoding::Windows1252, false),
        ] {
            let (detected, read, replaced) = read(&bytes);
            assert_eq!(detected, Detected { encoding, marked: mark });
            assert!(read == text && !replaced, "{encoding:?}");
            assert!(ends_a_line(&mut Cursor::new(&bytes), encoding).unwrap());
        }
    }

    #[test]
    fn what_is_no_character_is_told() {
        let (detected, text, replaced) = read(b"\xFF\xFEa\0b");
        assert_eq!((detected.encoding, text.as_str(), replaced), (Encoding::Utf16Le, "a\u{FFFD}", true));
        assert!(!ends_a_line(&mut Cursor::new(b"\n"), Encoding::Utf16Le).unwrap());
        assert_eq!(read(b"").1, "");
    }
}
