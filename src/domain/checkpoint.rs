//! Checkpoints: the size and root of the ledger's tree at one moment, signed, so that they can be kept elsewhere.
//!
//! In:  a tree's head, or the text of a note. Out: the text that is signed; and of a note, what it says, once a key that the
//! reader trusts has signed it. Nothing here signs: the key lies behind a wall.
// C2SP tlog-checkpoint, C2SP signed-note

mod continuation;
mod vkey;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use continuation::{Continuation, NotAContinuation};
pub use vkey::{NotAVkey, Vkey};

use super::Digest;

/// Longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;
/// How a line of signature begins: an em dash and a space.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// What the ledger was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger: the name that its key has too, such as `hbcourier/12302`.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
}

/// A note that a trusted key has signed. There is no other way to one than [`Vkey::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: String,
}

/// Why a note proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// It is something else.
    #[error("it is not a signed note of a checkpoint: {0}")]
    NotANote(&'static str),
    /// The key has not signed it.
    #[error("no signature on it is by the key {0}")]
    OtherKey(String),
    /// It was altered, or the signature made up.
    #[error("the signature by the key {0} does not match it: it was altered or forged")]
    BadSignature(String),
    /// It is about another ledger.
    #[error("it is of another ledger, `{0}`")]
    OtherOrigin(String),
}

impl fmt::Display for Checkpoint {
    /// The text that is signed: three lines, each with its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }
}

impl Checkpoint {
    /// The note: the checkpoint's text, a blank line, and the signature made over that text by the key with this vkey.
    pub fn note(&self, vkey: &Vkey, signature: &[u8; 64]) -> String {
        let mut signed = vkey.id().to_vec();
        signed.extend_from_slice(signature);
        format!("{self}\n{SIGNATURE_MARK}{} {}\n", vkey.name(), STANDARD.encode(signed))
    }

    /// What a note claims, whoever signed it: to be held against a tree that is at hand.
    pub fn claimed(note: &str) -> Result<Checkpoint, NoteFault> {
        let no_signature = NoteFault::NotANote("it has no signature");
        let (text, _) = note.rsplit_once("\n\n").ok_or(no_signature)?;
        Checkpoint::parse(&format!("{text}\n"))
    }

    fn parse(text: &str) -> Result<Checkpoint, NoteFault> {
        let fault = NoteFault::NotANote;
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        let [origin, size, root] = lines[..] else { return Err(fault("its text is not three lines")) };
        let plain = size == "0" || (!size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit()));
        let size = size.parse().ok().filter(|_| plain).ok_or(fault("its second line is not a size"))?;
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = Digest::from_bytes(root.ok_or(fault("its third line is not a root"))?);
        if origin.is_empty() {
            return Err(fault("its first line is empty"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root })
    }
}

impl SignedCheckpoint {
    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note as it was read.
    pub fn note(&self) -> &str {
        &self.note
    }
}

impl Vkey {
    /// What the note says, if this key has signed it and it is of this key's ledger. Signatures by other keys are passed
    /// over, so that a witness may add one.
    pub fn verify(&self, note: &str) -> Result<SignedCheckpoint, NoteFault> {
        let fault = NoteFault::NotANote;
        if note.len() > NOTE_BYTES_MAX {
            return Err(fault("it is longer than any checkpoint"));
        }
        if note.chars().any(|letter| letter < ' ' && letter != '\n') {
            return Err(fault("it has control characters"));
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(fault("it has no signature"))?;
        let text = format!("{text}\n");
        let ours = self.signature_among(signatures)?.ok_or_else(|| NoteFault::OtherKey(self.name().to_owned()))?;
        if !self.signed(text.as_bytes(), &ours) {
            return Err(NoteFault::BadSignature(self.name().to_owned()));
        }
        let checkpoint = Checkpoint::parse(&text)?;
        if checkpoint.origin != self.name() {
            return Err(NoteFault::OtherOrigin(checkpoint.origin));
        }
        Ok(SignedCheckpoint { checkpoint, note: note.to_owned() })
    }

    /// This key's signature among the lines of a note.
    fn signature_among(&self, lines: &str) -> Result<Option<[u8; 64]>, NoteFault> {
        let fault = NoteFault::NotANote;
        let mut ours = None;
        if !lines.ends_with('\n') {
            return Err(fault("its last line has no end"));
        }
        for line in lines.split_terminator('\n') {
            let (name, signed) = line
                .strip_prefix(SIGNATURE_MARK)
                .and_then(|line| line.split_once(' '))
                .ok_or(fault("a line behind its text is no signature"))?;
            let signed = STANDARD.decode(signed).map_err(|_| fault("a signature is not base64"))?;
            if let (true, Some(signature)) = (name == self.name(), signed.strip_prefix(&self.id())) {
                if ours.is_some() {
                    return Err(fault("one key has signed it twice"));
                }
                let signature = signature.try_into().map_err(|_| NoteFault::BadSignature(self.name().to_owned()))?;
                ours = Some(signature);
            }
        }
        Ok(ours)
    }
}

#[cfg(test)]
mod tests;
