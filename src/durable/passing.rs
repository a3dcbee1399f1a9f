//! Reading a large file for the last time.

use std::io::{self, Read};
use std::num::NonZeroU64;

use super::file::File;
use crate::progress;

/// What is read between two words to the system.
const PIECE_BYTES: NonZeroU64 = NonZeroU64::new(1 << 20).unwrap();

/// A file that is read from its start to its end, once, and whose memory is free again behind the reader.
///
/// What comes out of it goes into that memory, and not in place of what the machine's other services have there.
pub struct Passing {
    file: File,
    read: u64,
    given_back: u64,
}

impl Passing {
    /// Reads `file` from where it stands, which is its start.
    pub fn new(file: File) -> Passing {
        Passing { file, read: 0, given_back: 0 }
    }

    /// How much has been read.
    pub fn bytes(&self) -> u64 {
        self.read
    }
}

impl Read for Passing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        progress::made();
        self.read += got as u64;
        if self.read - self.given_back >= PIECE_BYTES.get() {
            self.file.pass(self.given_back, PIECE_BYTES);
            self.given_back += PIECE_BYTES.get();
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    #[test]
    fn the_same_bytes() {
        let given: Vec<u8> = (0..20u32 << 20).map(|n| (n % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&given).unwrap();
        file.rewind().unwrap();
        let mut got = Vec::new();
        Passing::new(file.into()).read_to_end(&mut got).unwrap();
        assert!(got == given);
    }
}
