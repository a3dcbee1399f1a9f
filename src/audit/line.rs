//! Lines of a file, one at a time, none of them longer in memory than allowed; and the number that an entry's line bears.

use std::io::{self, BufRead};

use memchr::memchr;

/// Longest line of entries that is read, in bytes.
pub const LINE_BYTES_MAX: usize = 8 << 20;

/// How the line of an entry begins.
const SEQ: &[u8] = br#"{"seq":"#;

/// A line without its end.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Its bytes; `None` if it is longer than allowed.
    pub bytes: Option<&'a [u8]>,
    /// Whether it has an end. Only the last one may have none.
    pub ended: bool,
}

/// The lines of a file.
pub struct Lines<R> {
    input: R,
    line: Vec<u8>,
    longest: usize,
}

impl<R: BufRead> Lines<R> {
    /// Those of this file; longer ones than `longest` are passed over, and told as such.
    pub fn new(input: R, longest: usize) -> Lines<R> {
        Lines { input, line: Vec::new(), longest }
    }

    /// The next line; `None` at the end.
    pub fn next_line(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.line.clear();
        let (mut fits, mut any) = (true, false);
        loop {
            let block = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                block => block?,
            };
            if block.is_empty() {
                let bytes = fits.then_some(self.line.as_slice());
                return Ok(any.then_some(Piece { bytes, ended: false }));
            }
            any = true;
            let end = memchr(b'\n', block);
            let taken = end.unwrap_or(block.len());
            fits = fits && self.line.len() + taken <= self.longest;
            if fits {
                self.line.extend_from_slice(&block[..taken]);
            }
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(Some(Piece { bytes: fits.then_some(self.line.as_slice()), ended: true }));
            }
        }
    }
}

/// The number that the line says it has, if it says so as the ledger writes it.
pub fn number_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(SEQ)?;
    let end = memchr(b',', &rest[..rest.len().min(21)])?;
    let digits = std::str::from_utf8(&rest[..end]).ok()?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], longest: usize, block: usize) -> Vec<(Option<String>, bool)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(block, bytes), longest);
        let mut all = Vec::new();
        while let Some(piece) = lines.next_line().unwrap() {
            all.push((piece.bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()), piece.ended));
        }
        all
    }

    #[test]
    fn lines_are_the_same_whatever_the_blocks_are() {
        for block in 1..9 {
            let some = |text: &str, ended| (Some(text.to_owned()), ended);
            assert_eq!(read(b"ab\n\nc", 4, block), [some("ab", true), some("", true), some("c", false)]);
            assert_eq!(read(b"", 4, block), []);
            assert_eq!(read(b"abcde\nf\n", 4, block), [(None, true), some("f", true)], "too long, and passed over");
            assert_eq!(read(b"abcd\n", 4, block), [some("abcd", true)]);
        }
    }

    #[test]
    fn only_the_ledgers_own_way_of_writing_a_number_counts() {
        assert_eq!(number_of(br#"{"seq":0,"at":"#), Some(0));
        assert_eq!(number_of(br#"{"seq":4711,"at":"#), Some(4711));
        for other in [&br#"{"seq":007,"#[..], br#"{"seq":,"#, br#"{"seq":-1,"#, br#"{"seq":7}"#, br#"{ "seq":7,"#, b""]
        {
            assert_eq!(number_of(other), None, "{}", String::from_utf8_lossy(other));
        }
        assert_eq!(number_of(br#"{"seq":99999999999999999999,"#), None, "beyond every number");
    }
}
