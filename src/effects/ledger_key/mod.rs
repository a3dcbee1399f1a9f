//! The ledger's key: signs checkpoints, and nothing but continuations of what it signed last.
//!
//! In:  the secret half as text, a folder for what was signed last. Out: signed notes.
//! What was signed last is remembered in `keys/ledger.head`, apart from the store and before the note is let out: a store
//! that was rolled back or rewritten finds no signature here.
//! Holds: no smaller tree, no other root of the same tree, and no tree that does not begin with the last one is signed.

mod head;
mod text;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use secrecy::SecretString;

use crate::domain::Digest;
use crate::domain::checkpoint::{Checkpoint, NotAVkey, NoteFault, SignedCheckpoint, Vkey};
use crate::domain::merkle::proof::continues;
use crate::durable::{Directory, private_directory};

use head::{publish_vkey, read_head, remember};

/// The secret half, below the state directory.
pub const KEY_FILE: &str = "keys/ledger.key";
/// The public half, beside it.
pub const VKEY_FILE: &str = "keys/ledger.vkey";
/// What was signed last, beside it.
pub const HEAD_FILE: &str = "keys/ledger.head";
/// Of a restored state, how many entries the latest checkpoint was over that is known, beside it.
const LOST: &str = "ledger.lost";

/// The key, ready to sign.
pub struct LedgerKey {
    vkey: Vkey,
    secret: PKey<Private>,
    folder: Directory,
    last: Mutex<Option<Checkpoint>>,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum LedgerKeyFault {
    /// Its files cannot be read or written.
    #[error("could not read or write the files of the ledger's key in {folder}: {source}")]
    Files {
        /// Where.
        folder: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The text is no key.
    #[error(
        "the ledger's key is not one: a line `PRIVATE+KEY+<name>+<hash>+<base64>` is needed, as the service makes it"
    )]
    NotAKey,
    /// OpenSSL refuses it.
    #[error("the ledger's key cannot be used: {0}")]
    Unusable(#[from] ErrorStack),
    /// The ledger cannot have this name.
    #[error("the ledger cannot be named so: {0}")]
    Name(#[from] NotAVkey),
    /// What was signed last cannot be read as such.
    #[error(
        "{file} is not what this key signed last: {fault}. Put it, and `ledger.key` beside it, back from the same backup"
    )]
    Head {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        fault: NoteFault,
    },
}

/// Why a checkpoint was not signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    /// It is smaller than the last one.
    #[error(
        "the ledger has {size} entries, but {last} were signed: entries were taken away, or the store is an older copy"
    )]
    Smaller {
        /// Entries now.
        size: u64,
        /// Entries when it was last signed.
        last: u64,
    },
    /// It has another root than the one that was signed over as many entries.
    #[error("another root over the same {size} entries was signed: the ledger was rewritten")]
    OtherRoot {
        /// Entries.
        size: u64,
    },
    /// It does not begin with the last one.
    #[error("the ledger of {size} entries does not begin with the {last} that were signed: it was rewritten")]
    NoContinuation {
        /// Entries now.
        size: u64,
        /// Entries when it was last signed.
        last: u64,
    },
    /// The caller goes by another last checkpoint.
    #[error("what was signed last is not what the store says was signed last")]
    OtherLast,
    /// That it was signed could not be remembered, so it was not.
    #[error("what is signed could not be noted down: {0}")]
    Head(#[from] io::Error),
    /// OpenSSL would not sign.
    #[error("the ledger's key did not sign: {0}")]
    Key(#[from] ErrorStack),
    /// The signature is not good.
    #[error("the ledger's key signed wrongly: {0}")]
    Note(#[from] NoteFault),
}

impl Unsigned {
    /// Whether the ledger is not the one that was signed. Otherwise it may be tried again.
    pub fn is_other_ledger(&self) -> bool {
        match self {
            Unsigned::Smaller { .. }
            | Unsigned::OtherRoot { .. }
            | Unsigned::NoContinuation { .. }
            | Unsigned::OtherLast => true,
            Unsigned::Head(_) | Unsigned::Key(_) | Unsigned::Note(_) => false,
        }
    }
}

/// Whether this text is a key.
pub fn is_key(text: &SecretString) -> bool {
    text::read(text).is_some()
}

/// The public half, as it was laid beside the secret one.
pub fn read_vkey(state: &Path) -> io::Result<Vkey> {
    let folder = Directory::open(&state.join("keys"))?;
    head::read_vkey(&folder)?.parse().map_err(io::Error::other)
}

impl LedgerKey {
    /// Makes a key below the state directory, if there is none.
    pub fn make(state: &Path, name: &str) -> Result<(), LedgerKeyFault> {
        let (folder, files) = keys_folder(state)?;
        if folder.stamp("ledger.key").map_err(&files)?.is_some() {
            return Ok(());
        }
        let made = text::generate(name)?;
        head::put_new(&folder, "ledger.key", &made, head::SECRET_MODE).map_err(files)
    }

    /// The key of this text, under this name, with what it signed last; its public half is written beside that.
    pub fn open(state: &Path, name: &str, key: &SecretString) -> Result<LedgerKey, LedgerKeyFault> {
        let (folder, files) = keys_folder(state)?;
        let secret = text::read(key).ok_or(LedgerKeyFault::NotAKey)?;
        let vkey = public_half(name, &secret)?;
        let fault = |fault| LedgerKeyFault::Head { file: state.join(HEAD_FILE), fault };
        let last = match read_head(&folder).map_err(&files)? {
            None => None,
            Some(note) => Some(last_of(&vkey, &note).map_err(fault)?),
        };
        publish_vkey(&folder, &vkey).map_err(&files)?;
        Ok(LedgerKey { vkey, secret, folder, last: Mutex::new(last) })
    }

    /// The public half.
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// What was signed last.
    pub fn last(&self) -> Option<Checkpoint> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The note of what was signed last, if it can still be read.
    pub fn last_note(&self) -> io::Result<Option<String>> {
        read_head(&self.folder)
    }

    /// Up to how many entries checkpoints are known that a restored state does not have.
    pub fn known_lost(&self) -> io::Result<u64> {
        if self.folder.stamp(LOST)?.is_none() {
            return Ok(0);
        }
        let mut text = String::new();
        self.folder.open_file(LOST)?.take(32).read_to_string(&mut text)?;
        text.trim().parse().map_err(io::Error::other)
    }

    /// Takes it from the store that this was signed last, where the note of it was lost. The caller holds the ledger
    /// against it.
    pub fn recall(&self, signed: &SignedCheckpoint) -> io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none() {
            remember(&self.folder, signed.note())?;
            *last = Some(signed.checkpoint().clone());
        }
        Ok(())
    }

    /// Signs the tree of so many entries with this root, which `proof` shows to continue `last`. That it did is on the disk
    /// before the note is let out.
    pub fn sign(
        &self,
        last: Option<&Checkpoint>,
        size: u64,
        root: Digest,
        proof: &[Digest],
    ) -> Result<SignedCheckpoint, Unsigned> {
        let mut known = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref() != last {
            return Err(Unsigned::OtherLast);
        }
        if let Some(last) = known.as_ref() {
            continued(last, size, &root, proof)?;
        }
        let next = Checkpoint { origin: self.vkey.name().to_owned(), size, root };
        let mut signature = [0; 64];
        let mut signer = Signer::new_without_digest(&self.secret)?;
        signer.sign_oneshot(&mut signature, next.to_string().as_bytes())?;
        let signed = self.vkey.verify(&next.note(&self.vkey, &signature))?;
        remember(&self.folder, signed.note())?;
        *known = Some(next);
        Ok(signed)
    }
}

/// Notes of a state that is being restored up to how many entries checkpoints are known that it may not have.
pub fn note_lost(state: &Path, entries: u64) -> io::Result<()> {
    let folder = private_directory(&state.join("keys"))?;
    folder.remove(LOST)?;
    let mut file = folder.create(LOST)?;
    writeln!(file, "{entries}")?;
    file.sync_all()?;
    folder.sync()
}

fn continued(last: &Checkpoint, size: u64, root: &Digest, proof: &[Digest]) -> Result<(), Unsigned> {
    if size < last.size {
        return Err(Unsigned::Smaller { size, last: last.size });
    }
    if size == last.size && *root != last.root {
        return Err(Unsigned::OtherRoot { size });
    }
    if !continues(last.size, &last.root, size, root, proof) {
        return Err(Unsigned::NoContinuation { size, last: last.size });
    }
    Ok(())
}

fn keys_folder(state: &Path) -> Result<(Directory, impl Fn(io::Error) -> LedgerKeyFault + use<>), LedgerKeyFault> {
    let folder = state.join("keys");
    let at = folder.clone();
    let files = move |source| LedgerKeyFault::Files { folder: at.clone(), source };
    Ok((private_directory(&folder).map_err(&files)?, files))
}

fn public_half(name: &str, secret: &PKey<Private>) -> Result<Vkey, LedgerKeyFault> {
    let octets = secret.raw_public_key()?;
    Ok(Vkey::new(name, octets.try_into().map_err(|_| LedgerKeyFault::NotAKey)?)?)
}

/// What a note of an earlier name of the ledger says is held against the ledger all the same.
fn last_of(vkey: &Vkey, note: &str) -> Result<Checkpoint, NoteFault> {
    let claimed = Checkpoint::claimed(note)?;
    if claimed.origin == vkey.name() {
        vkey.verify(note)?;
    }
    Ok(claimed)
}

#[cfg(test)]
mod tests;
