//! Reading sealed bytes exactly once: digest, count and outline are taken as they go by.
//!
//! In:  the sealed bytes from the spool. Out: the same bytes for sequoia, and afterwards what was seen.
//! Holds: an I/O error is remembered here, because on its way through a parser it would look like a damaged message.

use std::io::{self, BufReader, Read};

use crate::domain::Digest;
use crate::domain::digest::Digester;

use super::armour::{self, ArmourLines};
use super::outline::Outline;
use super::refusal::OpenError;

/// Few, large reads: most of the time they are one system call for a whole file.
const BUFFER_BYTES: usize = 256 * 1024;

/// Sealed bytes on their way in.
pub(super) struct SealedReader<'s> {
    inner: BufReader<&'s mut (dyn Read + Send + Sync)>,
    begins: io::Cursor<Vec<u8>>,
    lines: Option<ArmourLines>,
    digester: Digester,
    failed: Option<io::Error>,
}

/// How the message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Binary,
    Armoured,
}

impl<'s> SealedReader<'s> {
    pub(super) fn new(sealed: &'s mut (dyn Read + Send + Sync)) -> SealedReader<'s> {
        SealedReader {
            inner: BufReader::with_capacity(BUFFER_BYTES, sealed),
            begins: io::Cursor::default(),
            lines: None,
            digester: Digester::new(),
            failed: None,
        }
    }

    /// Looks at the beginning, without using it up.
    pub(super) fn form(&mut self) -> Result<Form, OpenError> {
        let mut begins = Vec::new();
        (&mut self.inner).take(256).read_to_end(&mut begins).map_err(OpenError::Read)?;
        self.begins = io::Cursor::new(begins);
        let text = self.begins.get_ref().trim_ascii_start();
        match self.begins.get_ref().first() {
            None => Err(OpenError::Truncated),
            Some(first) if first & 0x80 != 0 => Ok(Form::Binary),
            Some(_) if text.starts_with(armour::BEGIN) => {
                self.lines = Some(ArmourLines::new());
                Ok(Form::Armoured)
            }
            Some(_) if !text.is_empty() && armour::BEGIN.starts_with(text) => Err(OpenError::Truncated),
            Some(_) => Err(OpenError::NotOpenPgp),
        }
    }

    /// Reads what is left, so that digest and outline cover the whole file.
    pub(super) fn drain(&mut self) {
        let mut rest = vec![0; 64 * 1024];
        while self.read(&mut rest).is_ok_and(|n| n > 0) {}
    }

    /// Why the sealed bytes could not all be read, if so.
    pub(super) fn into_failure(self) -> Option<io::Error> {
        self.failed
    }

    /// The digest of all bytes read, or why they do not count.
    pub(super) fn finish(self) -> Result<Digest, OpenError> {
        if let Some(error) = self.failed {
            return Err(OpenError::Read(error));
        }
        match self.lines.and_then(ArmourLines::finish) {
            Some(fault) => Err(fault),
            None => Ok(self.digester.finish()),
        }
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.begins.read(buffer)? {
            0 => loop {
                match self.inner.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => return other,
                }
            },
            n => Ok(n),
        }
    }
}

impl Read for SealedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Err(io::Error::other("the sealed bytes could not be read on"));
        }
        match self.read_on(buffer) {
            Ok(n) => {
                self.digester.update(&buffer[..n]);
                if let Some(lines) = &mut self.lines {
                    lines.take_in(&buffer[..n]);
                }
                Ok(n)
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(io::Error::new(kind, "the sealed bytes could not be read on"))
            }
        }
    }
}

/// Binary message bytes whose outline is taken as they go by.
pub(super) struct Outlined<'m> {
    inner: &'m mut (dyn Read + Send + Sync),
    outline: Outline,
}

impl<'m> Outlined<'m> {
    pub(super) fn new(inner: &'m mut (dyn Read + Send + Sync)) -> Outlined<'m> {
        Outlined { inner, outline: Outline::new() }
    }

    /// Reads to the end of the message, or to where its armour is damaged.
    pub(super) fn drain(&mut self) {
        let mut rest = vec![0; 64 * 1024];
        while self.read(&mut rest).is_ok_and(|n| n > 0) {}
    }

    /// What the outline says, once everything was read.
    pub(super) fn finish(self) -> Option<OpenError> {
        self.outline.finish()
    }
}

impl Read for Outlined<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.outline.take_in(&buffer[..n]);
        Ok(n)
    }
}
