//! The names in a PDF (`/JavaScript` and the like), as they go by, inside its streams and outside.
//!
//! Deliberately no PDF parser: a parser follows the file's own directions to its objects, and a file that means harm gives
//! two readers different directions. Every byte is looked at instead, in order.
// ISO 32000-1 §7.3.5 (names), §7.3.8 (streams)

use std::borrow::Cow;

use memchr::memchr2_iter;

/// Names longer than this are none that we look for, even with every letter written as `#xx`.
const NAME_BYTES_MAX: usize = 64;
const ENDSTREAM: &[u8] = b"endstream";

/// Something met between two bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Met<'n> {
    /// A name outside a stream, with its `#xx` resolved.
    Name(&'n [u8]),
    /// What looks like a name inside a stream, if it begins with a capital letter or an escape.
    NameInStream(&'n [u8]),
    /// The keyword that begins an object.
    Object,
    /// The first byte of a stream.
    Stream,
}

/// Looks at every byte of a file, in order.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// The name being read, without its slash.
    name: Vec<u8>,
    in_name: bool,
    word: Vec<u8>,
    place: Place,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Body,
    /// After the keyword, before the first byte.
    StreamBegins,
    /// How many bytes of `endstream` have just gone by.
    Stream(usize),
}

impl Scanner {
    /// For bytes that are the inside of a stream, with no end to look for.
    pub(super) fn inside_a_stream() -> Scanner {
        Scanner { place: Place::Stream(0), ..Scanner::default() }
    }

    /// Takes the next bytes. `met` is told what ends before a byte or begins with it.
    pub(super) fn scan(&mut self, bytes: &[u8], mut met: impl FnMut(Met<'_>)) {
        let mut at = 0;
        while at < bytes.len() {
            at += self.skip(&bytes[at..]);
            if let Some(&byte) = bytes.get(at) {
                self.push(byte, &mut met);
                at += 1;
            }
        }
    }

    /// The end of the file: a name may be the last thing in it.
    pub(super) fn end(&mut self, mut met: impl FnMut(Met<'_>)) {
        self.push(b' ', |one| {
            if !matches!(one, Met::Object | Met::Stream) {
                met(one)
            }
        });
    }

    /// Takes as many bytes at once as make no difference one by one.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        match self.place {
            Place::Stream(0) if !self.in_name => beginning(bytes),
            Place::Body => {
                let run = bytes.iter().position(|&byte| !is_regular(byte)).unwrap_or(bytes.len());
                self.regular(&bytes[..run]);
                run
            }
            Place::Stream(_) | Place::StreamBegins => 0,
        }
    }

    /// Takes the next byte. `met` is told of at most two things: what ended before the byte, and what begins with it.
    fn push(&mut self, byte: u8, mut met: impl FnMut(Met<'_>)) {
        self.next_of_name(byte, &mut met);
        match self.place {
            Place::Body => self.body(byte, &mut met),
            Place::StreamBegins if is_space(byte) => {}
            Place::StreamBegins => {
                met(Met::Stream);
                self.place = Place::Stream(matched(0, byte));
            }
            Place::Stream(so_far) => self.place = Place::Stream(matched(so_far, byte)),
        }
        if self.place == Place::Stream(ENDSTREAM.len()) {
            self.place = Place::Body;
        }
    }

    fn next_of_name(&mut self, byte: u8, met: &mut impl FnMut(Met<'_>)) {
        if is_regular(byte) {
            return self.longer_name(&[byte]);
        }
        if self.in_name && !self.name.is_empty() {
            let plain = unescaped(&self.name);
            match self.place {
                Place::Body => met(Met::Name(&plain)),
                _ if may_begin_a_name(self.name[0]) => met(Met::NameInStream(&plain)),
                _ => {}
            }
        }
        self.name.clear();
        self.in_name = byte == b'/';
    }

    fn longer_name(&mut self, regular: &[u8]) {
        if self.in_name && self.name.len() + regular.len() > NAME_BYTES_MAX {
            self.in_name = false;
        }
        if self.in_name {
            self.name.extend_from_slice(regular);
        }
    }

    /// Regular bytes of the body. One more than the longest keyword is enough to tell that they are none.
    fn regular(&mut self, run: &[u8]) {
        self.longer_name(run);
        let room = (b"stream".len() + 1).saturating_sub(self.word.len());
        self.word.extend_from_slice(&run[..run.len().min(room)]);
    }

    fn body(&mut self, byte: u8, met: &mut impl FnMut(Met<'_>)) {
        match self.word.as_slice() {
            b"stream" if is_space(byte) => self.place = Place::StreamBegins,
            b"obj" => met(Met::Object),
            _ => {}
        }
        self.word.clear();
    }
}

/// Where the first byte stands with which a name or `endstream` may begin, or how many bytes there are.
fn beginning(bytes: &[u8]) -> usize {
    let begins = |&at: &usize| match (bytes[at], bytes.get(at + 1)) {
        (_, None) => true,
        (b'e', Some(&next)) => next == ENDSTREAM[1],
        (_, Some(&next)) => may_begin_a_name(next),
    };
    memchr2_iter(b'/', b'e', bytes).find(begins).unwrap_or(bytes.len())
}

/// All names that matter begin so. In a stream, where any byte may stand, others are not worth reading.
fn may_begin_a_name(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'#'
}

/// How much of `endstream` has gone by after one more byte.
fn matched(so_far: usize, byte: u8) -> usize {
    if ENDSTREAM.get(so_far) == Some(&byte) {
        return so_far + 1;
    }
    // `endstre` ends as it begins: after it, `n` may be the second letter.
    match (so_far, byte) {
        (7, b'n') => 2,
        (_, b'e') => 1,
        _ => 0,
    }
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0C' | b'\r' | b' ')
}

const REGULAR: [bool; 256] = {
    let mut regular = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let delimits = matches!(byte as u8, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%');
        regular[byte] = !delimits && !is_space(byte as u8);
        byte += 1;
    }
    regular
};

fn is_regular(byte: u8) -> bool {
    REGULAR[usize::from(byte)]
}

fn unescaped(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'#') {
        return Cow::Borrowed(name);
    }
    let digit = |at: usize| name.get(at).and_then(|&b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut plain = Vec::with_capacity(name.len());
    let mut at = 0;
    while at < name.len() {
        match (name[at], digit(at + 1), digit(at + 2)) {
            (b'#', Some(high), Some(low)) => {
                plain.push(high << 4 | low);
                at += 3;
            }
            (byte, ..) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Seen {
        Name(String),
        NameInStream(String),
        Object,
        Stream,
    }

    /// What is met, however the bytes are cut up.
    fn scan(bytes: &[u8]) -> Vec<Seen> {
        let seen = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let (mut scanner, mut all) = (Scanner::default(), Vec::new());
            let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
            for piece in pieces {
                scanner.scan(piece, |met| {
                    all.push(match met {
                        Met::Name(name) => Seen::Name(text(name)),
                        Met::NameInStream(name) => Seen::NameInStream(text(name)),
                        Met::Object => Seen::Object,
                        Met::Stream => Seen::Stream,
                    });
                });
            }
            all
        };
        let whole = seen(&mut std::iter::once(bytes));
        for size in [1, 2, 7, 40] {
            assert_eq!(seen(&mut bytes.chunks(size)), whole, "in pieces of {size}");
        }
        whole
    }

    fn name(text: &str) -> Seen {
        Seen::Name(text.into())
    }

    #[test]
    fn names_are_read_whatever_way_they_are_written() {
        assert_eq!(scan(b"<</S/J#61vaScript/JS(x)>>"), [name("S"), name("JavaScript"), name("JS")]);
        assert_eq!(scan(b"/A#4 /B#zz "), [name("A#4"), name("B#zz")]);
        assert_eq!(scan(&[b"/".to_vec(), vec![b'a'; 1000], b" /B ".to_vec()].concat()), [name("B")]);
    }

    #[test]
    fn streams_begin_and_end() {
        let met = scan(b"1 0 obj <</L 1>>stream\r\n/JS x endstrendstream /After ");
        let in_stream = Seen::NameInStream("JS".into());
        assert_eq!(met, [Seen::Object, name("L"), Seen::Stream, in_stream, name("After")]);
        let others = scan(b"stream\n/ /js //#4aS /9 endsendstream ");
        assert_eq!(others, [Seen::Stream, Seen::NameInStream("JS".into())]);
        assert_eq!(scan(b"upstream\n/A streams\n/B "), [name("A"), name("B")]);
    }
}
