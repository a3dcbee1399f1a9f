//! Copying with a bound and a digest.

use std::io::{self, Read, Write};

use crate::domain::Digest;
use crate::domain::digest::Digester;
use crate::progress;

const BUFFER_BYTES: usize = 64 * 1024;

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// How many.
    pub bytes: u64,
}

/// Why a copy was not completed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is more than allowed.
    #[error("there are more than {0} bytes")]
    TooLarge(u64),
    /// The source could not be read.
    #[error("reading: {0}")]
    Read(io::Error),
    /// The target could not be written.
    #[error("writing: {0}")]
    Write(io::Error),
}

/// Copies to the end of `from`, at most `bytes_max` bytes.
pub fn copy_and_digest(from: &mut dyn Read, into: &mut dyn Write, bytes_max: u64) -> Result<Copied, CopyError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut digester = Digester::new();
    let mut bytes = 0u64;
    loop {
        let got = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        progress::made();
        bytes += got as u64;
        if bytes > bytes_max {
            return Err(CopyError::TooLarge(bytes_max));
        }
        digester.update(&buffer[..got]);
        into.write_all(&buffer[..got]).map_err(CopyError::Write)?;
    }
    Ok(Copied { digest: digester.finish(), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_and_digested() {
        let mut into = Vec::new();
        let copied = copy_and_digest(&mut &b"abc"[..], &mut into, 3).unwrap();
        assert_eq!((copied.digest, copied.bytes, into.as_slice()), (Digest::of(b"abc"), 3, &b"abc"[..]));
        assert!(matches!(copy_and_digest(&mut &b"abcd"[..], &mut Vec::new(), 3), Err(CopyError::TooLarge(3))));
    }
}
