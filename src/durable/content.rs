//! Private content: bytes that no name leads to, gone when they are dropped or the process ends.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use super::file::File;
use super::private_file;
use crate::progress;

/// Content up to this size is kept in memory.
const MEMORY_BYTES_MAX: usize = 512 * 1024;

/// How much of a file is written before the disk is set to work on it. The last sync then has little left to wait for.
const WRITE_BACK_BYTES: NonZeroU64 = NonZeroU64::new(8 << 20).unwrap();

/// Content that no name leads to: in memory while it is small, else in a nameless file.
pub struct PrivateContent {
    directory: PathBuf,
    place: Place,
}

enum Place {
    Memory(Cursor<Vec<u8>>),
    File { file: File, written: u64, under_way: u64 },
}

/// Where the whole of some private content is.
pub enum Whole<'a> {
    /// All of it.
    Memory(&'a [u8]),
    /// The nameless file that holds exactly it.
    File(&'a File),
}

impl PrivateContent {
    /// Nothing yet; a file will be on the file system of `directory`.
    pub fn at(directory: &Path) -> PrivateContent {
        PrivateContent { directory: directory.to_owned(), place: Place::Memory(Cursor::default()) }
    }

    /// All of it, wherever it is.
    pub fn whole(&self) -> Whole<'_> {
        match &self.place {
            Place::Memory(memory) => Whole::Memory(memory.get_ref()),
            Place::File { file, .. } => Whole::File(file),
        }
    }

    fn move_to_file(&mut self) -> io::Result<()> {
        if let Place::Memory(memory) = &self.place {
            let mut file = private_file(&self.directory)?;
            file.write_all(memory.get_ref())?;
            file.seek(SeekFrom::Start(memory.position()))?;
            self.place = Place::File { file, written: 0, under_way: 0 };
        }
        Ok(())
    }
}

impl Write for PrivateContent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Place::Memory(memory) = &mut self.place {
            let end = usize::try_from(memory.position()).unwrap_or(usize::MAX).saturating_add(bytes.len());
            if end <= MEMORY_BYTES_MAX {
                return memory.write(bytes);
            }
        }
        self.move_to_file()?;
        let Place::File { file, written, under_way } = &mut self.place else {
            return Err(io::Error::other("there is no file"));
        };
        let now = file.write(bytes)?;
        progress::made();
        *written += now as u64;
        if *written - *under_way >= WRITE_BACK_BYTES.get() {
            // Begins to write what is not on the disk yet, and waits for nothing.
            file.pass(*under_way, WRITE_BACK_BYTES);
            *under_way += WRITE_BACK_BYTES.get();
        }
        Ok(now)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for PrivateContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.place {
            Place::Memory(memory) => memory.read(buffer),
            Place::File { file, .. } => {
                progress::made();
                file.read(buffer)
            }
        }
    }
}

impl Seek for PrivateContent {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.place {
            Place::Memory(memory) => memory.seek(to),
            Place::File { file, .. } => file.seek(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_in_memory_and_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        for size in [0, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX + 1, 2 * MEMORY_BYTES_MAX] {
            let given: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let mut content = PrivateContent::at(dir.path());
            given.chunks(100_000).for_each(|chunk| content.write_all(chunk).unwrap());
            assert_eq!(matches!(content.whole(), Whole::Memory(_)), size <= MEMORY_BYTES_MAX);
            let mut got = Vec::new();
            content.rewind().unwrap();
            content.read_to_end(&mut got).unwrap();
            assert!(got == given, "{size} bytes");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no name leads to it");
        }
    }
}
