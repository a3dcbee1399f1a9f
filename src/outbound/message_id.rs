//! Message-IDs: the same for the same return for ever, and telling nobody outside anything.
//!
//! Holds: the key is made once, 0600, and never leaves the state directory.

use std::io::{self, Read, Write};
use std::path::Path;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use crate::domain::SubmissionKey;
use crate::durable::Directory;

const KEY_FILE: &str = "message-id.key";
const KEY_BYTES: usize = 32;
/// Digits of the part before the `@`.
const DIGITS: usize = 32;
/// A return has one message: what is sealed for it is never sealed again once an attempt was made.
const SEQUENCE: u32 = 1;

/// Makes Message-IDs under one state directory's key.
pub(super) struct MessageIds {
    key: [u8; KEY_BYTES],
}

impl MessageIds {
    /// The key of this state directory; made, if there is none yet.
    pub(super) fn open(state: &Path) -> io::Result<MessageIds> {
        let directory = Directory::open(state)?;
        if directory.stamp(KEY_FILE)?.is_none() {
            make_key(&directory)?;
        }
        let mut key = Vec::new();
        directory.open_file(KEY_FILE)?.take(KEY_BYTES as u64 + 1).read_to_end(&mut key)?;
        let key = key.try_into().map_err(|_| io::Error::other("message-id.key has not 32 bytes"))?;
        Ok(MessageIds { key })
    }

    /// The Message-ID of a return, without angle brackets.
    pub(super) fn of(&self, submission: &SubmissionKey, domain: &str) -> Result<String, ErrorStack> {
        let key = PKey::hmac(&self.key)?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        signer.update(submission.to_string().as_bytes())?;
        signer.update(&SEQUENCE.to_be_bytes())?;
        let mut digits: String = signer.sign_to_vec()?.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.truncate(DIGITS);
        Ok(format!("{digits}@{domain}"))
    }
}

fn make_key(directory: &Directory) -> io::Result<()> {
    const PART: &str = ".message-id.key.part";
    directory.remove(PART)?;
    let mut file = directory.create(PART)?;
    file.write_all(&rand::random::<[u8; KEY_BYTES]>())?;
    file.sync_all()?;
    directory.publish(PART, directory, KEY_FILE)?;
    directory.sync()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_same_after_a_restart_and_different_for_every_return_and_service() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let april: SubmissionKey = "shbe/12302/2020-04".parse().unwrap();
        let may: SubmissionKey = "shbe/12302/2020-05".parse().unwrap();
        let id =
            |state: &tempfile::TempDir, key| MessageIds::open(state.path()).unwrap().of(key, "la.example").unwrap();
        let first = id(&one, &april);
        assert_eq!(first, id(&one, &april));
        assert_ne!(first, id(&one, &may));
        assert_ne!(first, id(&other, &april), "under another key");
        assert!(first.ends_with("@la.example") && first.len() == DIGITS + "@la.example".len());
        let mode = std::fs::metadata(one.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join(KEY_FILE), b"short").unwrap();
        assert!(MessageIds::open(state.path()).is_err());
    }
}
