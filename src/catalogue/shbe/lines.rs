//! A file as lines, each with the knowledge whether another one follows.
//!
//! Holds: one buffer of a fixed size, whatever the file; a line that is too long for it is told of and skipped.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// A line of an extract is a few kilobytes at most.
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;
const BUFFER_BYTES: usize = 4 * LINE_BYTES_MAX;
/// What programs of DOS descent write behind the last line, to say that the file ends there.
pub(super) const END_MARK: u8 = 0x1a;

/// One line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// Counts from 1.
    pub(super) number: u64,
    /// Without its end, and the last one without marks of the file's. Nothing, if the line is too long.
    pub(super) bytes: &'a [u8],
    /// Whether it has an end, or is followed by the mark of the file's.
    pub(super) ended: bool,
    /// Whether only empty lines follow, or marks of the file's end, or nothing. Never of an empty line.
    pub(super) last: bool,
    pub(super) too_long: bool,
}

/// Reads lines. Empty ones behind the last are left out.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// What is in the buffer and was not given yet.
    start: usize,
    end: usize,
    at_end: bool,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Lines<R> {
        Lines { reader, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, at_end: false, number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let Some((length, too_long)) = self.length()? else { return Ok(None) };
        let ended = self.buffer.get(self.start + length) == Some(&b'\n') && self.start + length < self.end;
        let whole = length + usize::from(ended);
        // Of an empty line nobody asks, and looking behind each of very many would take for ever.
        let is_empty =
            self.buffer[self.start..self.start + length].iter().all(|byte| matches!(*byte, b'\r' | END_MARK));
        let last = (too_long || !is_empty) && self.nothing_follows(whole)?;
        let line = self.start..self.start + length;
        self.start += whole;
        if last {
            (self.start, self.end, self.at_end) = (0, 0, true);
        }
        self.number += 1;
        let bytes = &self.buffer[line];
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let mut bytes = if too_long { &[] } else { bytes };
        let mut marked = false;
        while let (true, Some(rest)) = (last, bytes.strip_suffix(&[END_MARK])) {
            (bytes, marked) = (rest, true);
        }
        Ok(Some(Line { number: self.number, bytes, ended: ended || marked, last, too_long }))
    }

    /// How long the next line is, or what is left of it, and whether that is too long; nothing at the end.
    fn length(&mut self) -> io::Result<Option<(usize, bool)>> {
        let (mut looked_at, mut too_long) = (0, false);
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[self.start + looked_at..self.end]) {
                let length = looked_at + found;
                return Ok(Some((length, too_long || length > LINE_BYTES_MAX)));
            }
            looked_at = self.end - self.start;
            if looked_at > LINE_BYTES_MAX {
                (too_long, looked_at) = (true, 0);
                self.start = self.end;
            }
            if !self.fill()? {
                return Ok((looked_at > 0 || too_long).then_some((looked_at, too_long)));
            }
        }
    }

    /// Whether behind so many bytes there are line ends and marks of the file's end only. More of those than there is room for are lines.
    fn nothing_follows(&mut self, behind: usize) -> io::Result<bool> {
        let mut looked_at = behind;
        loop {
            let follows = &self.buffer[self.start + looked_at..self.end];
            if follows.iter().any(|byte| !matches!(*byte, b'\n' | b'\r' | END_MARK)) {
                return Ok(false);
            }
            looked_at = self.end - self.start;
            if looked_at == self.buffer.len() {
                return Ok(false);
            }
            if !self.fill()? {
                return Ok(true);
            }
        }
    }

    /// Reads more. False at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while !self.at_end {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives as many bytes at a time as it is told.
    struct Piecemeal<'a>(&'a [u8], usize);

    impl Read for Piecemeal<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(into.len());
            (&mut self.0).take(most as u64).read(into)
        }
    }

    fn lines(content: &[u8], piece: usize) -> Vec<(Vec<u8>, bool, bool, bool)> {
        let mut lines = Lines::new(Piecemeal(content, piece));
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            assert_eq!(line.number, all.len() as u64 + 1);
            all.push((line.bytes.to_vec(), line.ended, line.last, line.too_long));
        }
        all
    }

    #[test]
    fn either_line_end_will_do_and_the_last_line_knows_that_it_is() {
        let seen = lines(b"a\r\n\nb\n\r\n\n", 3);
        let expected: [(&[u8], bool, bool, bool); 3] =
            [(b"a", true, false, false), (b"", true, false, false), (b"b", true, true, false)];
        assert!(
            seen.iter().map(|(bytes, ended, last, long)| (&bytes[..], *ended, *last, *long)).eq(expected),
            "{seen:?}"
        );
        assert_eq!(lines(b"a\nb", 1).pop(), Some((b"b".to_vec(), false, true, false)));
        assert!(lines(b"", 1).is_empty());
        assert!(lines(b"\n\n", 1).iter().all(|one| !one.2), "none of them is a last line");
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        for long in [LINE_BYTES_MAX + 1, 5 * BUFFER_BYTES] {
            let content = [&b"a\n"[..], &vec![b'x'; long], b"\nb\n"].concat();
            let seen = lines(&content, usize::MAX);
            assert_eq!(seen.iter().map(|one| one.3).collect::<Vec<_>>(), [false, true, false], "{long}");
            assert!(seen[1].0.is_empty() && seen[2].0 == b"b" && seen[2].2, "{long}");
        }
        let longest = [&vec![b'x'; LINE_BYTES_MAX][..], b"\n"].concat();
        assert_eq!(lines(&longest, usize::MAX), [(vec![b'x'; LINE_BYTES_MAX], true, true, false)]);
    }

    #[test]
    fn empty_lines_without_end_need_no_more_memory() {
        let content = [&b"a\n"[..], &vec![b'\n'; 3 * BUFFER_BYTES], b"b\n"].concat();
        let seen = lines(&content, usize::MAX);
        assert_eq!((seen.len(), seen.last().unwrap().2), (2 + 3 * BUFFER_BYTES, true));
    }

    #[test]
    fn the_mark_of_the_files_end_is_nothing() {
        for end in ["b\n\x1a", "b\r\n\x1a\r\n", "b\x1a", "b\x1a\r\n", "b\n\x1a\x1a\x1a"] {
            let seen = lines(format!("a\n{end}").as_bytes(), 2);
            assert_eq!(seen.last(), Some(&(b"b".to_vec(), true, true, false)), "{end:?}");
            assert_eq!(seen.len(), 2, "{end:?}");
        }
        let within = lines(b"a\n\x1a\nb\x1ac\n", 2);
        assert_eq!((&within[1].0[..], &within[2].0[..]), (&b"\x1a"[..], &b"b\x1ac"[..]), "elsewhere it is a byte");
    }

    proptest! {
        #[test]
        fn lines_are_what_splitting_gives(content in "[ab|\r\n]{0,60}", piece in 1usize..9) {
            let mut expected: Vec<&str> = content.split_inclusive('\n').collect();
            let is_empty = |line: &&str| line.trim_matches(['\r', '\n']).is_empty();
            if !expected.iter().all(is_empty) {
                while expected.last().is_some_and(is_empty) {
                    expected.pop();
                }
            }
            let seen = lines(content.as_bytes(), piece);
            let without_end = |line: &&str| {
                let line = line.strip_suffix('\n').unwrap_or(line);
                line.strip_suffix('\r').unwrap_or(line).as_bytes().to_vec()
            };
            prop_assert!(seen.iter().map(|one| one.0.clone()).eq(expected.iter().map(without_end)), "{:?}", seen);
        }
    }
}
