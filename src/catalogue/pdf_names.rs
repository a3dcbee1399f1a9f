//! The names in a PDF (`/JavaScript` and the like), as they go by, and where its streams begin.
//!
//! Deliberately no PDF parser: a parser follows the file's own directions to its objects, and a file that means harm gives
//! two readers different directions. Every byte is looked at instead, in order.
// ISO 32000-1 §7.3.5 (names), §7.3.8 (streams)

/// Names longer than this are none that we look for, even with every letter written as `#xx`.
const NAME_BYTES_MAX: usize = 64;
const ENDSTREAM: &[u8] = b"endstream";

/// Something met between two bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// A name outside a stream, with its `#xx` resolved.
    Name(Vec<u8>),
    /// What looks like a name inside a stream.
    NameInStream(Vec<u8>),
    /// The keyword that begins an object.
    Object,
    /// A stream whose first byte is this one.
    Stream,
}

/// Reads a file byte by byte.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    name: Option<Vec<u8>>,
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

    /// Takes the next byte. `met` is told of at most two things: what ended before the byte, and what begins with it.
    pub(super) fn push(&mut self, byte: u8, mut met: impl FnMut(Met)) {
        if let Some(name) = self.next_of_name(byte) {
            met(if self.place == Place::Body { Met::Name(name) } else { Met::NameInStream(name) });
        }
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

    /// The name that `byte` ends, if it does.
    fn next_of_name(&mut self, byte: u8) -> Option<Vec<u8>> {
        if is_regular(byte) {
            if let Some(name) = &mut self.name {
                name.push(byte);
                if name.len() > NAME_BYTES_MAX {
                    self.name = None;
                }
            }
            return None;
        }
        let ended = self.name.take();
        self.name = (byte == b'/').then(Vec::new);
        ended.filter(|name| !name.is_empty()).map(|name| unescaped(&name))
    }

    fn body(&mut self, byte: u8, met: &mut impl FnMut(Met)) {
        if is_regular(byte) {
            // One more than the longest keyword is enough to tell that it is none.
            if self.word.len() < b"stream".len() + 1 {
                self.word.push(byte);
            }
            return;
        }
        match self.word.as_slice() {
            b"stream" if is_space(byte) => self.place = Place::StreamBegins,
            b"obj" => met(Met::Object),
            _ => {}
        }
        self.word.clear();
    }
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

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0C' | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn unescaped(name: &[u8]) -> Vec<u8> {
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
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(bytes: &[u8]) -> Vec<Met> {
        let mut scanner = Scanner::default();
        let mut all = Vec::new();
        bytes.iter().for_each(|&byte| scanner.push(byte, |met| all.push(met)));
        all
    }

    fn name(text: &str) -> Met {
        Met::Name(text.into())
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
        assert_eq!(met, [Met::Object, name("L"), Met::Stream, Met::NameInStream(b"JS".to_vec()), name("After")]);
        assert_eq!(scan(b"upstream\n/A streams\n/B "), [name("A"), name("B")]);
    }
}
