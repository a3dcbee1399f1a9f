//! The lines of an armoured file: where its one block begins and ends, and what else there is.
//!
//! In:  the bytes of the file as they are read. Out: at the end, what is wrong with them, if anything.
//! Sequoia takes the armour off, but forgives what stands round it. A second block or an added line is not forgiven here.

use super::refusal::OpenError;

/// What every line of the beginning of a block starts with.
pub(super) const BEGIN: &[u8] = b"-----BEGIN PGP";
const BEGIN_MESSAGE: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const BEGIN_CLEARTEXT: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const END_MESSAGE: &[u8] = b"-----END PGP MESSAGE-----";

/// Of a line no more than this is looked at.
const LINE_BYTES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    Inside,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NotAMessage,
    Cleartext,
    Several,
    Surroundings,
}

/// Follows the lines of an armoured file.
#[derive(Debug)]
pub(super) struct ArmourLines {
    place: Place,
    fault: Option<Fault>,
    line: Vec<u8>,
}

impl ArmourLines {
    pub(super) fn new() -> ArmourLines {
        ArmourLines { place: Place::Before, fault: None, line: Vec::with_capacity(LINE_BYTES) }
    }

    /// Takes in the next bytes of the file.
    pub(super) fn take_in(&mut self, mut bytes: &[u8]) {
        while let Some(length) = bytes.iter().position(|b| *b == b'\n') {
            let line = &bytes[..length];
            if self.line.is_empty() {
                self.judge_line(&line[..length.min(LINE_BYTES)]);
            } else {
                self.keep(line);
                self.judge_kept();
            }
            bytes = &bytes[length + 1..];
        }
        self.keep(bytes);
    }

    /// Says what is wrong, once the file has ended.
    pub(super) fn finish(mut self) -> Option<OpenError> {
        if self.place == Place::Before && self.fault.is_none() && BEGIN_MESSAGE.starts_with(&self.line) {
            return Some(OpenError::Truncated);
        }
        self.judge_kept();
        match (self.fault, self.place) {
            (Some(Fault::NotAMessage), _) => Some(OpenError::NotOpenPgp),
            (Some(Fault::Cleartext), _) => Some(OpenError::NotEncrypted),
            (Some(Fault::Several), _) => Some(OpenError::SeveralMessages),
            (Some(Fault::Surroundings), _) => Some(OpenError::Surroundings),
            (None, Place::Before | Place::Inside) => Some(OpenError::Truncated),
            (None, Place::After) => None,
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES - self.line.len().min(LINE_BYTES);
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn judge_kept(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.judge_line(&line);
        self.line = line;
        self.line.clear();
    }

    // RFC 9580 §6.2
    fn judge_line(&mut self, line: &[u8]) {
        if self.fault.is_some() || (self.place == Place::Inside && !line.starts_with(b"-----")) {
            return;
        }
        let line = line.trim_ascii_end();
        match self.place {
            _ if line.is_empty() => {}
            Place::Before if line == BEGIN_MESSAGE => self.place = Place::Inside,
            Place::Before if line == BEGIN_CLEARTEXT => self.fault = Some(Fault::Cleartext),
            Place::Before => self.fault = Some(Fault::NotAMessage),
            Place::Inside if line == END_MESSAGE => self.place = Place::After,
            Place::Inside | Place::After if line.starts_with(BEGIN) => self.fault = Some(Fault::Several),
            Place::Inside => {}
            Place::After => self.fault = Some(Fault::Surroundings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str =
        "-----BEGIN PGP MESSAGE-----\r\nComment: x\r\n\r\nAAAA\r\n=abcd\r\n-----END PGP MESSAGE-----\r\n";

    fn judged(text: &str, step: usize) -> Option<OpenError> {
        let mut lines = ArmourLines::new();
        text.as_bytes().chunks(step).for_each(|piece| lines.take_in(piece));
        lines.finish()
    }

    #[test]
    fn one_block_and_nothing_round_it() {
        for step in [1, 7, 1000] {
            assert!(judged(BLOCK, step).is_none());
            assert!(judged(&format!("\n{BLOCK}\n \n"), step).is_none());
            assert!(matches!(judged(&BLOCK.repeat(2), step), Some(OpenError::SeveralMessages)));
            assert!(matches!(judged(&format!("{BLOCK}and this"), step), Some(OpenError::Surroundings)));
            assert!(matches!(judged(&format!("Dear all\n{BLOCK}"), step), Some(OpenError::NotOpenPgp)));
            for cut in [0, 5, 20, 27, 60, BLOCK.len() - 3] {
                assert!(matches!(judged(&BLOCK[..cut], step), Some(OpenError::Truncated)), "cut at {cut}");
            }
        }
    }
}
