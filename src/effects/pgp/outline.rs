//! The outline of a message as it goes by: which packets stand at the top, and whether the last one is all there.
//!
//! In:  the bytes of a binary message, in order. Out: at the end, what is wrong with the outline, if anything.
//! Runs beside the decryption, because only the framing tells a file that was cut from one that was altered, and two
//! messages from one.

use super::framing::{self, HEADER_OCTETS_MAX, Length, Look};
use super::refusal::OpenError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the first octets of a packet.
    Header,
    /// In the octets that give the length of the next piece.
    NextLength,
    /// In a body, with so many octets to go, and perhaps more pieces after it.
    Body { left: u64, pieces: bool },
    /// In a body that has no other end than the file's.
    LastBody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NotOpenPgp,
    NotEncrypted,
    NoIntegrity,
    Several,
    Surroundings,
    Odd,
    Garbled,
}

/// Follows the packets of a message.
#[derive(Debug)]
pub(super) struct Outline {
    at: At,
    octets: Vec<u8>,
    session_keys: usize,
    container: bool,
    begun: bool,
    fault: Option<Fault>,
}

impl Outline {
    pub(super) fn new() -> Outline {
        Outline {
            at: At::Header,
            octets: Vec::with_capacity(HEADER_OCTETS_MAX),
            session_keys: 0,
            container: false,
            begun: false,
            fault: None,
        }
    }

    /// Takes in the next bytes of the message.
    pub(super) fn take_in(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.fault.is_none() {
            match &mut self.at {
                At::LastBody => return,
                At::Body { left, pieces } => {
                    let n = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= n as u64;
                    bytes = &bytes[n..];
                    if *left == 0 {
                        self.at = if *pieces { At::NextLength } else { At::Header };
                    }
                }
                At::Header | At::NextLength => {
                    self.octets.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.read_octets();
                }
            }
        }
    }

    /// Says what is wrong, once the message has ended.
    pub(super) fn finish(self) -> Option<OpenError> {
        let cut = match self.at {
            At::Header => !self.octets.is_empty() || !self.container,
            At::NextLength | At::Body { .. } => true,
            At::LastBody => false,
        };
        match self.fault {
            Some(Fault::NotOpenPgp) => Some(OpenError::NotOpenPgp),
            Some(Fault::NotEncrypted) => Some(OpenError::NotEncrypted),
            Some(Fault::NoIntegrity) => Some(OpenError::NoIntegrity),
            Some(Fault::Several) => Some(OpenError::SeveralMessages),
            Some(Fault::Surroundings) => Some(OpenError::Surroundings),
            Some(Fault::Odd) => Some(OpenError::OddStructure),
            Some(Fault::Garbled) => Some(OpenError::Tampered),
            None => cut.then_some(OpenError::Truncated),
        }
    }

    fn read_octets(&mut self) {
        let look = match self.at {
            At::Header => match framing::header(&self.octets) {
                Look::Is(header, used) => {
                    self.fault = self.place(header.tag);
                    self.begun = true;
                    Look::Is(header.length, used)
                }
                Look::Short => Look::Short,
                Look::Not => Look::Not,
            },
            At::NextLength | At::Body { .. } | At::LastBody => framing::length(&self.octets),
        };
        match look {
            Look::Short => return,
            Look::Not if !self.begun => self.fault = Some(Fault::NotOpenPgp),
            Look::Not if self.container => self.fault = Some(Fault::Surroundings),
            Look::Not => self.fault = Some(Fault::Garbled),
            Look::Is(Length::Whole(0), _) => self.at = At::Header,
            Look::Is(Length::Whole(left), _) => self.at = At::Body { left, pieces: false },
            Look::Is(Length::Part(left), _) => self.at = At::Body { left, pieces: true },
            Look::Is(Length::ToTheEnd, _) => self.at = At::LastBody,
        }
        self.octets.clear();
    }

    /// Places a packet in the accepted grammar: `ESK+ SEIP`, and nothing else at the top.
    // RFC 9580 §10.3
    fn place(&mut self, tag: u8) -> Option<Fault> {
        match tag {
            9 => Some(Fault::NoIntegrity),
            1 | 3 if self.container => Some(Fault::Several),
            1 | 3 => {
                self.session_keys += 1;
                None
            }
            18 if self.session_keys > 0 && !self.container => {
                self.container = true;
                None
            }
            2 | 4 | 8 | 11 if !self.begun => Some(Fault::NotEncrypted),
            10 | 18 | 20 | 21 if !self.begun => Some(Fault::Odd),
            _ if !self.begun => Some(Fault::NotOpenPgp),
            _ if self.container => Some(Fault::Surroundings),
            _ => Some(Fault::Odd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION_KEY: &[u8] = &[0x84, 2, 3, 0];
    const CONTAINER: &[u8] = &[0xD2, 0xE1, 1, 1, 1, 1];

    fn judged(pieces: &[&[u8]]) -> Option<OpenError> {
        let whole = pieces.concat();
        let mut outlines = [Outline::new(), Outline::new()];
        outlines[0].take_in(&whole);
        whole.chunks(1).for_each(|octet| outlines[1].take_in(octet));
        let [at_once, by_octets] = outlines.map(Outline::finish);
        assert_eq!(format!("{at_once:?}"), format!("{by_octets:?}"), "how it is cut up for reading does not matter");
        at_once
    }

    #[test]
    fn session_keys_and_one_container() {
        assert!(judged(&[SESSION_KEY, SESSION_KEY, CONTAINER]).is_none());
        assert!(matches!(judged(&[CONTAINER]), Some(OpenError::OddStructure)));
        assert!(matches!(judged(&[SESSION_KEY, CONTAINER, SESSION_KEY, CONTAINER]), Some(OpenError::SeveralMessages)));
        assert!(matches!(judged(&[SESSION_KEY, CONTAINER, b"\n"]), Some(OpenError::Surroundings)));
        assert!(matches!(judged(&[SESSION_KEY, &[0xC9, 1, 0]]), Some(OpenError::NoIntegrity)));
        assert!(matches!(judged(&[&[0xCA, 3, 80, 71, 80], SESSION_KEY, CONTAINER]), Some(OpenError::OddStructure)));
        assert!(matches!(judged(&[&[0xCB, 3, 98, 0, 0]]), Some(OpenError::NotEncrypted)));
        assert!(matches!(judged(&[b"PK\x03\x04"]), Some(OpenError::NotOpenPgp)));
    }

    #[test]
    fn every_cut_is_seen() {
        let whole = [SESSION_KEY, CONTAINER].concat();
        for cut in 0..whole.len() {
            assert!(matches!(judged(&[&whole[..cut]]), Some(OpenError::Truncated)), "cut at {cut}");
        }
    }
}
