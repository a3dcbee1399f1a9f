//! A reader that stops when one piece takes more than its share, so that parsers which keep a piece whole in memory
//! (an XML tag, a CSV row, a ZIP directory) cannot be made to keep a whole file.
//!
//! Out: past the allowance, reading fails with [`Exceeded`] inside the `io::Error`.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One piece of the file is larger than is ever read into memory.
#[derive(Debug, thiserror::Error)]
#[error("one piece of the file is larger than what is read into memory")]
pub(super) struct Exceeded;

/// Whether an error is ours, and not the disk's.
pub(super) fn is_exceeded(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Exceeded>())
}

/// Reads from `inner` until the allowance is used up.
#[derive(Debug)]
pub(super) struct Allowance<R> {
    inner: R,
    left: Arc<AtomicU64>,
}

/// Grants a new allowance to a reader that a parser has swallowed.
#[derive(Debug, Clone)]
pub(super) struct Grant(Arc<AtomicU64>);

impl Grant {
    pub(super) fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<R> Allowance<R> {
    pub(super) fn new(inner: R, bytes: u64) -> (Allowance<R>, Grant) {
        let left = Arc::new(AtomicU64::new(bytes));
        (Allowance { inner, left: left.clone() }, Grant(left))
    }
}

impl<R: Read> Read for Allowance<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 && !buf.is_empty() {
            return Err(io::Error::other(Exceeded));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let read = self.inner.read(&mut buf[..most])?;
        self.left.store(left - read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Allowance<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_allowance_and_goes_on_after_a_grant() {
        let (mut reader, grant) = Allowance::new(&b"0123456789"[..], 4);
        let mut got = Vec::new();
        let error = reader.read_to_end(&mut got).unwrap_err();
        assert!(is_exceeded(&error));
        assert_eq!(got, b"0123");
        grant.set(100);
        reader.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"0123456789");
    }
}
