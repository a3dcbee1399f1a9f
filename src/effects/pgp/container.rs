//! The version 1 container under AES, which is what GnuPG and PGP write: session keys, then the sealed packets.
//!
//! In:  a binary message as it goes by, and the session key once one of ours has given it.
//! Out: the packets inside; at their end an error instead of an end, unless the integrity check holds.
//! Sequoia does the same with a SHA-1 that looks for collisions and that no processor speeds up, which takes longer than
//! all the rest. Here nobody could profit from a collision: the digest itself is encrypted.
// RFC 9580 §5.13.1
//! Holds: what is not exactly this is left to sequoia, with not a byte of it lost.

use std::io::{self, Read};

use openssl::error::ErrorStack;
use openssl::sha::Sha1;
use openssl::symm::{Cipher, Crypter, Mode};
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::PKESK;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::Error;

use super::framing::{self, HEADER_OCTETS_MAX, Length, Look};

const BLOCK: usize = 16;
/// A random block, and its last two octets again.
const PREFIX: usize = BLOCK + 2;
/// The packet with the digest: its two octets of header, and SHA-1.
const DIGEST_PACKET: usize = 22;
/// Whole blocks; both buffers stay in the processor's cache.
const PIECE_BYTES: usize = 64 * 1024;
/// No session key packet is longer; sequoia takes none of more either.
const SESSION_KEY_OCTETS_MAX: u64 = 10 * 1024;

/// How a message begins.
pub(super) struct Head {
    /// Everything that was read of it.
    pub seen: Vec<u8>,
    /// The session keys and the container, if it is one that can be opened here.
    pub sealed: Option<Sealed>,
}

/// What stands before the container's packets.
pub(super) struct Sealed {
    pub session_keys: Vec<PKESK>,
    length: Length,
    prefix: [u8; PREFIX],
}

/// Reads the beginning of a message: at most so many session keys.
pub(super) fn head(message: &mut dyn Read, session_keys_max: usize) -> io::Result<Head> {
    let (mut seen, mut session_keys) = (Vec::new(), Vec::new());
    loop {
        let Some((tag, length)) = header(message, &mut seen)? else { return Ok(Head { seen, sealed: None }) };
        let body = seen.len();
        match (tag, length) {
            (1, Length::Whole(octets)) if octets <= SESSION_KEY_OCTETS_MAX && session_keys.len() < session_keys_max => {
                message.take(octets).read_to_end(&mut seen)?;
                match PKESK::from_bytes(&seen[body..]) {
                    Ok(session_key) => session_keys.push(session_key),
                    Err(_) => return Ok(Head { seen, sealed: None }),
                }
            }
            (18, length) if !session_keys.is_empty() => {
                let sealed = container(message, length, &mut seen)?;
                let sealed = sealed.map(|(length, prefix)| Sealed { session_keys, length, prefix });
                return Ok(Head { seen, sealed });
            }
            _ => return Ok(Head { seen, sealed: None }),
        }
    }
}

/// The next packet's tag and length, if there is one.
fn header(message: &mut dyn Read, seen: &mut Vec<u8>) -> io::Result<Option<(u8, Length)>> {
    let begins = seen.len();
    while seen.len() - begins < HEADER_OCTETS_MAX && message.take(1).read_to_end(seen)? == 1 {
        match framing::header(&seen[begins..]) {
            Look::Is(header, _) => return Ok(Some((header.tag, header.length))),
            Look::Short => {}
            Look::Not => break,
        }
    }
    Ok(None)
}

/// The container's version and prefix, where both lie in its first piece.
fn container(
    message: &mut dyn Read,
    length: Length,
    seen: &mut Vec<u8>,
) -> io::Result<Option<(Length, [u8; PREFIX])>> {
    const BEGINNING: u64 = 1 + PREFIX as u64;
    let begins = seen.len();
    let rest = match length {
        Length::Whole(octets) => octets.checked_sub(BEGINNING).map(Length::Whole),
        Length::Part(octets) => octets.checked_sub(BEGINNING).map(Length::Part),
        Length::ToTheEnd => Some(Length::ToTheEnd),
    };
    let Some(rest) = rest else { return Ok(None) };
    message.take(BEGINNING).read_to_end(seen)?;
    Ok(match &seen[begins..] {
        [1, prefix @ ..] => prefix.try_into().ok().map(|prefix| (rest, prefix)),
        _ => None,
    })
}

/// A session key that fits.
pub(super) struct Session {
    cipher: Cipher,
    key: SessionKey,
}

/// Whether a session key opens the container.
pub(super) enum Fit {
    Fits(Session),
    Not,
    /// It is for a cipher that is not done here.
    Other,
}

impl Sealed {
    /// Tries a session key on the prefix.
    pub(super) fn try_key(&self, algorithm: Option<SymmetricAlgorithm>, key: &SessionKey) -> Fit {
        let cipher = match algorithm {
            Some(SymmetricAlgorithm::AES128) => Cipher::aes_128_ecb(),
            Some(SymmetricAlgorithm::AES192) => Cipher::aes_192_ecb(),
            Some(SymmetricAlgorithm::AES256) => Cipher::aes_256_ecb(),
            _ => return Fit::Other,
        };
        if key.len() != cipher.key_len() {
            return Fit::Not;
        }
        let session = Session { cipher, key: key.clone() };
        let prefix = Feedback::new(&session).and_then(|mut feedback| {
            feedback.room(PREFIX).copy_from_slice(&self.prefix);
            let mut opened = Vec::new();
            feedback.open(PREFIX, &mut opened)?;
            Ok(opened)
        });
        match prefix {
            Ok(prefix) if prefix[BLOCK - 2..BLOCK] == prefix[BLOCK..] => Fit::Fits(session),
            _ => Fit::Not,
        }
    }

    /// The packets inside, read from the message where [`head`] has left off.
    pub(super) fn open<R: Read>(self, message: R, session: &Session) -> io::Result<Container<R>> {
        Ok(Container {
            body: Body { inner: message, length: self.length },
            begins: io::Cursor::new(self.prefix.to_vec()),
            feedback: Feedback::new(session)?,
            digest: Sha1::new(),
            opened: Vec::with_capacity(PIECE_BYTES + DIGEST_PACKET),
            given: 0,
            skip: PREFIX,
            end: None,
        })
    }
}

/// Cipher feedback mode with no initial vector, for opening only.
///
/// OpenSSL does it block by block. What each block is combined with is the encrypted ciphertext before it, all of which is
/// known: encrypted as independent blocks it takes a tenth of the time.
struct Feedback {
    blocks: Crypter,
    /// The block before the piece, the piece, and room to round it up to whole blocks.
    sealed: Vec<u8>,
    stream: Vec<u8>,
}

impl Feedback {
    fn new(session: &Session) -> Result<Feedback, ErrorStack> {
        let mut blocks = Crypter::new(session.cipher, Mode::Encrypt, &session.key, None)?;
        blocks.pad(false);
        Ok(Feedback { blocks, sealed: vec![0; BLOCK], stream: Vec::new() })
    }

    /// Where the next piece is to be put: whole blocks, save for the last piece.
    fn room(&mut self, octets: usize) -> &mut [u8] {
        if self.sealed.len() < BLOCK + octets.next_multiple_of(BLOCK) {
            self.sealed.resize(BLOCK + octets.next_multiple_of(BLOCK), 0);
            self.stream.resize(octets.next_multiple_of(BLOCK) + BLOCK, 0);
        }
        &mut self.sealed[BLOCK..BLOCK + octets]
    }

    /// Appends what so many octets of the piece open to.
    fn open(&mut self, octets: usize, opened: &mut Vec<u8>) -> Result<(), ErrorStack> {
        let whole = octets.next_multiple_of(BLOCK);
        self.blocks.update(&self.sealed[..whole], &mut self.stream[..whole + BLOCK])?;
        let piece = self.sealed[BLOCK..BLOCK + octets].iter();
        opened.extend(piece.zip(&self.stream).map(|(sealed, stream)| sealed ^ stream));
        self.sealed.copy_within(octets..octets + BLOCK, 0);
        Ok(())
    }
}

/// The packets inside a container.
pub(super) struct Container<R> {
    body: Body<R>,
    begins: io::Cursor<Vec<u8>>,
    feedback: Feedback,
    digest: Sha1,
    /// Opened: given out, ready, and last what may be the packet with the digest.
    opened: Vec<u8>,
    given: usize,
    /// How much of the prefix is still to come. It is digested, and not given out.
    skip: usize,
    /// Whether the integrity check held.
    end: Option<bool>,
}

impl<R: Read> Container<R> {
    /// Reads what is left. Whether the integrity check holds.
    pub(super) fn is_intact(&mut self) -> bool {
        while self.end.is_none() {
            self.given = self.ready();
            if self.refill().is_err() {
                return false;
            }
        }
        self.end == Some(true)
    }

    /// Up to where `opened` can be given out.
    fn ready(&self) -> usize {
        self.opened.len().saturating_sub(DIGEST_PACKET)
    }

    fn refill(&mut self) -> io::Result<()> {
        self.opened.drain(..self.given);
        self.given = 0;
        let held_back = self.opened.len();
        let room = self.feedback.room(PIECE_BYTES);
        let mut filled = 0;
        while filled < room.len() {
            let read = match self.begins.read(&mut room[filled..])? {
                0 => self.body.read(&mut room[filled..])?,
                read => read,
            };
            if read == 0 {
                break;
            }
            filled += read;
        }
        self.feedback.open(filled, &mut self.opened)?;
        let ready = self.ready();
        // What was held back before was not digested either.
        self.digest.update(&self.opened[..ready]);
        self.given = self.skip.min(ready);
        self.skip -= self.given;
        debug_assert!(held_back <= DIGEST_PACKET, "only the end is held back");
        if filled < PIECE_BYTES {
            self.end = Some(self.holds());
        }
        Ok(())
    }

    /// Whether the end is a packet with the right digest.
    fn holds(&mut self) -> bool {
        let [0xD3, 0x14, claimed @ ..] = &self.opened[self.ready()..] else { return false };
        self.digest.update(&[0xD3, 0x14]);
        self.skip == 0 && std::mem::replace(&mut self.digest, Sha1::new()).finish() == *claimed
    }
}

impl<R: Read> Read for Container<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready() {
            match self.end {
                None => self.refill()?,
                Some(true) => return Ok(0),
                Some(false) => return Err(io::Error::new(io::ErrorKind::InvalidData, "the integrity check fails")),
            }
        }
        let read = (&self.opened[self.given..self.ready()]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

/// The octets of a packet's body, without the lengths between its pieces.
struct Body<R> {
    inner: R,
    length: Length,
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.length == Length::Part(0) {
            let mut octets = Vec::with_capacity(HEADER_OCTETS_MAX);
            self.length = loop {
                if (&mut self.inner).take(1).read_to_end(&mut octets)? == 0 {
                    return Ok(0);
                }
                match framing::length(&octets) {
                    Look::Is(length, _) => break length,
                    Look::Short => {}
                    Look::Not => return Ok(0),
                }
            };
        }
        let (Length::Whole(left) | Length::Part(left)) = &mut self.length else { return self.inner.read(buffer) };
        let room = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..room])?;
        *left -= read as u64;
        Ok(read)
    }
}

/// Packets that begin like a signed message, and are not armoured.
///
/// Where sequoia sees no packet it looks for armour, and armour inside a container is none of what is accepted.
pub(super) type Packets<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// Looks at the beginning of what is inside a container.
// RFC 9580 §10.3
pub(super) fn packets<R: Read>(mut inside: R) -> sequoia_openpgp::Result<Packets<R>> {
    let mut octets = Vec::new();
    (&mut inside).take(HEADER_OCTETS_MAX as u64).read_to_end(&mut octets)?;
    let usable = match framing::header(&octets) {
        Look::Is(header, _) => match (header.tag, header.length) {
            (2, Length::Whole(octets)) => (10..64 * 1024).contains(&octets),
            (4, Length::Whole(octets)) => octets == 13 || (38..294).contains(&octets),
            (8, Length::Whole(octets)) => octets > 0,
            (11, Length::Whole(octets)) => octets >= 6,
            (8 | 11, Length::Part(octets)) => octets >= 512,
            (8 | 11, Length::ToTheEnd) => true,
            _ => false,
        },
        Look::Short | Look::Not => false,
    };
    match usable {
        true => Ok(io::Cursor::new(octets).chain(inside)),
        false => Err(Error::MalformedMessage("no packet of a message at the beginning".into()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = &[7; 32];

    /// A container's body, made with OpenSSL's own cipher feedback mode.
    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut plain = vec![9; PREFIX];
        plain.extend_from_slice(content);
        plain.extend_from_slice(&[0xD3, 0x14]);
        let mut digest = Sha1::new();
        digest.update(&plain);
        plain.extend_from_slice(&digest.finish());
        openssl::symm::encrypt(Cipher::aes_256_cfb128(), KEY, Some(&[0; BLOCK]), &plain).unwrap()
    }

    /// A message of one session key that nobody can read, and the container cut into such pieces.
    fn message(body: &[u8], piece: u8) -> Vec<u8> {
        let mut message = vec![0xC1, 12, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
        message.push(0xD2);
        let whole = [&[1], body].concat();
        let mut left = &whole[..];
        while piece > 0 && left.len() > 1 << piece {
            let (now, later) = left.split_at(1 << piece);
            message.push(0xE0 | piece);
            message.extend_from_slice(now);
            left = later;
        }
        message.push(255);
        message.extend_from_slice(&u32::try_from(left.len()).unwrap().to_be_bytes());
        message.extend_from_slice(left);
        message
    }

    fn opened(message: &[u8]) -> io::Result<Vec<u8>> {
        let mut rest = message;
        let sealed = head(&mut rest, 16).unwrap().sealed.expect("the usual kind");
        let key = SessionKey::from(KEY);
        let Fit::Fits(session) = sealed.try_key(Some(SymmetricAlgorithm::AES256), &key) else {
            panic!("the session key fits")
        };
        let mut content = Vec::new();
        sealed.open(rest, &session)?.read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn what_openssl_seals_opens() {
        for size in [0, 1, 15, 16, 500, PIECE_BYTES - 40, PIECE_BYTES - 39, PIECE_BYTES, 3 * PIECE_BYTES + 5] {
            let content: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            for piece in [0, 9, 13, 16] {
                assert!(opened(&message(&sealed(&content), piece)).unwrap() == content, "{size} bytes, pieces of 2^{piece}");
            }
        }
    }

    #[test]
    fn every_altered_octet_and_every_cut_is_seen() {
        let whole = message(&sealed(&[5; 100]), 0);
        let body = whole.len() - 100 - DIGEST_PACKET;
        for at in body..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            assert!(opened(&altered).is_err(), "octet {at}");
            assert!(opened(&whole[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn whatever_is_not_usual_is_left_as_it_was() {
        let usual = message(&sealed(b"content"), 0);
        let mut version_2 = usual.clone();
        version_2[20] = 2;
        let unusual: [&[u8]; 5] = [b"", b"text", &usual[..10], &usual[14..], &version_2];
        for message in unusual {
            let mut rest = message;
            let head = head(&mut rest, 16).unwrap();
            assert!(head.sealed.is_none());
            assert_eq!([&head.seen, rest].concat(), message);
        }
        let mut rest = &usual[..];
        assert!(head(&mut rest, 0).unwrap().sealed.is_none(), "more recipients than are looked at");
    }

    #[test]
    fn another_session_key_does_not_fit() {
        let usual = message(&sealed(b"content"), 0);
        let sealed = head(&mut &usual[..], 16).unwrap().sealed.unwrap();
        let (other, short) = (SessionKey::from(&[8; 32][..]), SessionKey::from(&[7; 16][..]));
        assert!(matches!(sealed.try_key(Some(SymmetricAlgorithm::AES256), &other), Fit::Not));
        assert!(matches!(sealed.try_key(Some(SymmetricAlgorithm::AES256), &short), Fit::Not));
        assert!(matches!(sealed.try_key(Some(SymmetricAlgorithm::Camellia128), &short), Fit::Other));
        assert!(matches!(sealed.try_key(None, &other), Fit::Other));
    }

    #[test]
    fn only_packets_of_a_message_are_passed_on() {
        let passed = |octets: &[u8]| packets(octets).is_ok();
        assert!(passed(&[0xC4, 13, 3, 0, 8]) && passed(&[0xA3, 1, 2]) && passed(&[0xCB, 0xE9, 0, 0]));
        assert!(!passed(b"") && !passed(b"-----BEGIN PGP SIGNED MESSAGE-----"));
        assert!(!passed(&[0xC4, 12, 3]) && !passed(&[0xCB, 0xE8, 0]) && !passed(&[0xD2, 100, 1]) && !passed(&[0xFF, 1, 0]));
    }
}
