//! Is an OpenPGP file whole? For deciding when a file in a drop folder has finished arriving.
//!
//! In:  a file, binary or armoured. Out: whether its packets end where it ends.
//! Holds: seeks from header to header and reads almost nothing, so that a file of 2 GiB costs little. Decides nothing about
//! trust; what looks whole may still not open.

use std::io;

use super::framing::{self, HEADER_OCTETS_MAX, Length, Look};
use crate::durable::File;

/// Whether an OpenPGP file is all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Its packets, or its armour, end where the file ends; or nothing in it can tell.
    Complete,
    /// More has to come.
    Incomplete,
    /// It does not begin like OpenPGP.
    NotOpenPgp,
}

/// Headers and lengths looked at before giving up the question: 1 GiB in the 8 KiB pieces that GnuPG writes is an eighth of it.
const STEPS_MAX: u32 = 1 << 20;

/// How much of the end is searched for the last line of an armour.
const TAIL_BYTES: u64 = 8 * 1024;

/// How much of the beginning is searched for the first line of an armour.
const HEAD_BYTES: usize = 256;

/// Looks whether the file is whole.
pub fn completeness(file: &File) -> io::Result<Completeness> {
    let end = file.bytes()?;
    let mut head = [0; HEAD_BYTES];
    let head = read_at(file, 0, &mut head)?;
    match head.first() {
        None => Ok(Completeness::Incomplete),
        Some(first) if first & 0x80 != 0 => packets(file, end),
        Some(_) => armour(file, end, head),
    }
}

/// Walks from packet to packet.
fn packets(file: &File, end: u64) -> io::Result<Completeness> {
    let (mut at, mut in_pieces, mut seen) = (0, false, Seen::default());
    for _ in 0..STEPS_MAX {
        let mut octets = [0; HEADER_OCTETS_MAX];
        let octets = read_at(file, at, &mut octets)?;
        if octets.is_empty() && !in_pieces {
            return Ok(if seen.wants_more() { Completeness::Incomplete } else { Completeness::Complete });
        }
        let look = if in_pieces {
            framing::length(octets)
        } else {
            match framing::header(octets) {
                Look::Is(header, used) if seen.takes(header.tag) => Look::Is(header.length, used),
                Look::Is(..) | Look::Not => Look::Not,
                Look::Short => Look::Short,
            }
        };
        let (length, used) = match look {
            Look::Is(length, used) => (length, used as u64),
            Look::Short => return Ok(Completeness::Incomplete),
            Look::Not if at == 0 => return Ok(Completeness::NotOpenPgp),
            // Rubbish after a whole packet will not become less by waiting: opening says what it is.
            Look::Not => return Ok(Completeness::Complete),
        };
        let body = match length {
            Length::Whole(body) | Length::Part(body) => body,
            Length::ToTheEnd => return Ok(Completeness::Complete),
        };
        in_pieces = matches!(length, Length::Part(_));
        at += used + body;
        if at > end {
            return Ok(Completeness::Incomplete);
        }
    }
    Ok(Completeness::Complete)
}

/// Which packets went by, as far as it tells whether another must follow.
#[derive(Default)]
struct Seen {
    last: u8,
    one_pass: u32,
    signatures: u32,
}

impl Seen {
    /// Notes a packet. `false` if no such packet type exists.
    // RFC 9580 §5, table 3
    fn takes(&mut self, tag: u8) -> bool {
        self.last = tag;
        match tag {
            2 => self.signatures += 1,
            4 => self.one_pass += 1,
            _ => {}
        }
        matches!(tag, 1..=14 | 17..=21)
    }

    /// Encrypted session keys and one-pass signatures announce what has to follow them.
    // RFC 9580 §10.3
    fn wants_more(&self) -> bool {
        matches!(self.last, 1 | 3 | 4 | 10) || self.one_pass > self.signatures
    }
}

/// Looks for the last line of the armour.
// RFC 9580 §6.2
fn armour(file: &File, end: u64, head: &[u8]) -> io::Result<Completeness> {
    const BEGIN: &[u8] = b"-----BEGIN PGP ";
    let text = head.trim_ascii_start();
    let begins =
        text.starts_with(BEGIN) || (text.len() == head.len() || end <= HEAD_BYTES as u64) && BEGIN.starts_with(text);
    if !begins {
        return Ok(Completeness::NotOpenPgp);
    }
    let mut tail = [0; TAIL_BYTES as usize];
    let tail = read_at(file, end.saturating_sub(TAIL_BYTES), &mut tail)?;
    let last_mark = tail.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end).rfind(|line| line.starts_with(b"-----"));
    let whole = last_mark.is_some_and(|line| line.starts_with(b"-----END PGP ") && line.ends_with(b"-----"));
    Ok(if whole { Completeness::Complete } else { Completeness::Incomplete })
}

/// Fills the buffer from this position on, as far as the file goes.
fn read_at<'b>(file: &File, at: u64, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(&buffer[..filled])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn judge(bytes: &[u8]) -> Completeness {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        completeness(&file.into()).unwrap()
    }

    #[test]
    fn what_cannot_be_told_is_complete() {
        let indeterminate = [0xA3, 1, 2, 3];
        assert_eq!(judge(&indeterminate), Completeness::Complete);
        let one_octet_pieces = [vec![0xD2], [0xE0, 7].repeat(STEPS_MAX as usize)].concat();
        assert_eq!(judge(&one_octet_pieces), Completeness::Complete, "a file of tiny pieces is not walked for ever");
    }

    #[test]
    fn more_must_follow_a_session_key() {
        let session_key = [0x84, 2, 3, 0];
        assert_eq!(judge(&session_key), Completeness::Incomplete);
        assert_eq!(judge(&[&session_key[..], &[0xD2, 1, 1]].concat()), Completeness::Complete);
        assert_eq!(judge(b""), Completeness::Incomplete);
        assert_eq!(judge(b"%PDF-1.4"), Completeness::NotOpenPgp);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_judged_without_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            judge(&bytes);
        }

        #[test]
        fn armour_is_whole_with_its_last_line(cut in 0usize..200) {
            let whole = format!("-----BEGIN PGP MESSAGE-----\r\n\r\n{}\r\n=abcd\r\n-----END PGP MESSAGE-----", "A".repeat(100));
            prop_assert_eq!(judge(whole.as_bytes()), Completeness::Complete);
            let cut = cut.min(whole.len() - 1);
            prop_assert_eq!(judge(&whole.as_bytes()[..cut]), Completeness::Incomplete);
        }
    }
}
