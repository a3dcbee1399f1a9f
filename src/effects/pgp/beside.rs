//! Work that goes on beside: reading ahead of who reads, digesting and writing behind who writes.
//!
//! In:  a reader, or a writer, and a scope for a thread. Out: the same bytes in the same order.
//! Small messages are done without any thread. Holds: a few pieces of memory whatever the size; an error arrives where
//! the bytes would have.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::domain::Digest;
use crate::domain::digest::Digester;

/// What is done before a thread is worth its while.
const ALONE_BYTES: usize = 512 * 1024;
const PIECE_BYTES: usize = 256 * 1024;
/// Pieces that wait between the two threads.
const PIECES_MAX: usize = 3;

/// Reads `R`, after a while on a thread of its own.
pub(super) struct Ahead<'scope, 'env, R> {
    scope: &'scope Scope<'scope, 'env>,
    /// Until the thread has it.
    source: Option<R>,
    alone: usize,
    // The other thread's end is never touched from two places; the lock only says so.
    pieces: Option<Mutex<Pieces>>,
}

struct Pieces {
    filled: Receiver<io::Result<Vec<u8>>>,
    empty: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    given: usize,
    /// An error is told again whenever somebody reads on: a reader that swallows it must not see an end instead.
    failed: Option<io::ErrorKind>,
}

impl<'scope, 'env, R: Read + Send + 'scope> Ahead<'scope, 'env, R> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, source: R) -> Self {
        Ahead { scope, source: Some(source), alone: 0, pieces: None }
    }

    /// Where no thread is to be had, reading goes on without.
    fn start(&mut self, source: R) {
        let (full, filled) = sync_channel(PIECES_MAX);
        // What finds no room is not needed again: giving one back never waits.
        let (empty, emptied) = sync_channel::<Vec<u8>>(PIECES_MAX + 2);
        let begun = begin(self.scope, source, move |mut source| {
            loop {
                let mut piece = emptied.try_recv().unwrap_or_else(|_| vec![0; PIECE_BYTES]);
                piece.resize(PIECE_BYTES, 0);
                let read = fill(&mut source, &mut piece);
                let last = !matches!(read, Ok(PIECE_BYTES));
                // Nobody reads on: the message was given up.
                if full
                    .send(read.map(|read| {
                        piece.truncate(read);
                        piece
                    }))
                    .is_err()
                    || last
                {
                    return;
                }
            }
        });
        match begun {
            Ok(_) => {
                self.pieces = Some(Mutex::new(Pieces { filled, empty, piece: Vec::new(), given: 0, failed: None }))
            }
            Err(source) => self.source = Some(source),
        }
    }
}

/// Begins a thread with what it works on; gives that back if no thread is to be had.
fn begin<'scope, S: Send + 'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    with: S,
    work: impl FnOnce(S) -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, Option<T>>, S> {
    let (hand_over, handed_over) = sync_channel(1);
    match Builder::new().spawn_scoped(scope, move || handed_over.recv().ok().map(work)) {
        Ok(handle) => match hand_over.send(with) {
            Ok(()) => Ok(handle),
            Err(SendError(with)) => Err(with),
        },
        Err(_) => Err(with),
    }
}

/// Fills the piece as far as there is something. An error is told when nothing came before it.
fn fill(source: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match source.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl<'scope, R: Read + Send + 'scope> Read for Ahead<'scope, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.alone >= ALONE_BYTES
            && let Some(source) = self.source.take()
        {
            self.start(source);
        }
        if let Some(source) = &mut self.source {
            let read = source.read(buffer)?;
            self.alone += read;
            return Ok(read);
        }
        match &mut self.pieces {
            Some(pieces) => pieces.get_mut().unwrap_or_else(PoisonError::into_inner).read(buffer),
            None => Ok(0),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(kind) = self.failed {
            return Err(kind.into());
        }
        if self.given == self.piece.len() {
            // The thread has ended in good order: so has what it read.
            let Ok(next) = self.filled.recv() else { return Ok(0) };
            let next = next.inspect_err(|error| self.failed = Some(error.kind()))?;
            let used = std::mem::replace(&mut self.piece, next);
            self.given = 0;
            let _ = self.empty.try_send(used);
        }
        let read = (&self.piece[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

/// Digests and writes to `W`, after a while on a thread of its own.
pub(super) struct Behind<'scope, 'env, W> {
    scope: &'scope Scope<'scope, 'env>,
    /// Until the thread has it.
    target: Option<Digesting<W>>,
    thread: Option<Thread<'scope>>,
}

struct Thread<'scope> {
    full: SyncSender<Vec<u8>>,
    emptied: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    handle: ScopedJoinHandle<'scope, Option<io::Result<(Digest, u64)>>>,
}

struct Digesting<W> {
    into: W,
    digester: Digester,
    bytes: u64,
}

impl<W: Write> Digesting<W> {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digester.update(bytes);
        self.bytes += bytes.len() as u64;
        self.into.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<(Digest, u64)> {
        self.into.flush()?;
        Ok((self.digester.finish(), self.bytes))
    }
}

impl<'scope, 'env, W: Write + Send + 'scope> Behind<'scope, 'env, W> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, into: W) -> Self {
        let target = Digesting { into, digester: Digester::new(), bytes: 0 };
        Behind { scope, target: Some(target), thread: None }
    }

    /// Takes the next bytes. An error may tell of earlier ones.
    pub(super) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(target) = self.target.take_if(|target| target.bytes >= ALONE_BYTES as u64) {
            match start(self.scope, target) {
                Ok(thread) => self.thread = Some(thread),
                Err(target) => self.target = Some(target),
            }
        }
        match (&mut self.target, &mut self.thread) {
            (Some(target), _) => target.take(bytes),
            (None, Some(thread)) => match thread.take(bytes) {
                true => Ok(()),
                false => self.finish().map(drop),
            },
            (None, None) => Err(ended()),
        }
    }

    /// Once everything was taken: the digest of all of it, and how much it was.
    pub(super) fn finish(&mut self) -> io::Result<(Digest, u64)> {
        match (self.target.take(), self.thread.take()) {
            (Some(target), _) => target.finish(),
            (None, Some(thread)) => thread.finish(),
            (None, None) => Err(ended()),
        }
    }
}

/// Where no thread is to be had, the target comes back.
fn start<'scope, W: Write + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    target: Digesting<W>,
) -> Result<Thread<'scope>, Digesting<W>> {
    let (full, filled) = sync_channel::<Vec<u8>>(PIECES_MAX);
    // What finds no room is not needed again: giving one back never waits.
    let (empty, emptied) = sync_channel(PIECES_MAX + 2);
    let handle = begin(scope, target, move |mut target| {
        for mut piece in filled {
            target.take(&piece)?;
            piece.clear();
            let _ = empty.try_send(piece);
        }
        target.finish()
    })?;
    Ok(Thread { full, emptied, piece: Vec::with_capacity(PIECE_BYTES), handle })
}

impl Thread<'_> {
    /// `false`: the thread has ended, and can say why.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE_BYTES {
                let next = self.emptied.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE_BYTES));
                if self.full.send(std::mem::replace(&mut self.piece, next)).is_err() {
                    return false;
                }
            }
        }
        true
    }

    fn finish(self) -> io::Result<(Digest, u64)> {
        let Thread { full, piece, handle, .. } = self;
        // A thread that has ended says why below.
        let _ = full.send(piece);
        drop(full);
        handle.join().ok().flatten().unwrap_or_else(|| Err(ended()))
    }
}

fn ended() -> io::Error {
    io::Error::other("nothing is written any more")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 3 << 20;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[test]
    fn the_same_bytes_in_the_same_order() {
        for count in [0, 1, ALONE_BYTES, ALONE_BYTES + 1, LARGE + 7] {
            let given = bytes(count);
            let (mut got, mut written) = (Vec::new(), Vec::new());
            let (digest, length) = std::thread::scope(|scope| {
                Ahead::new(scope, &given[..]).read_to_end(&mut got).unwrap();
                let mut behind = Behind::new(scope, &mut written);
                given.chunks(100_000).for_each(|chunk| behind.take(chunk).unwrap());
                behind.finish().unwrap()
            });
            assert!(got == given && written == given, "{count} bytes");
            assert_eq!((digest, length), (Digest::of(&given), count as u64));
        }
    }

    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = buffer.len().min(self.0);
            self.0 -= read;
            if read == 0 { Err(io::Error::from_raw_os_error(5)) } else { Ok(read) }
        }
    }

    impl Write for Failing {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.read(&mut buffer.to_vec())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn errors_arrive() {
        for fails_at in [10, LARGE] {
            std::thread::scope(|scope| {
                let mut ahead = Ahead::new(scope, Failing(fails_at));
                assert_eq!(ahead.read_to_end(&mut Vec::new()).unwrap_err().raw_os_error(), Some(5));
                assert!(ahead.read(&mut [0]).is_err(), "an error is no end, however often it is asked for");
                let mut behind = Behind::new(scope, Failing(fails_at));
                let given = bytes(2 * LARGE);
                let taken = given.chunks(100_000).try_for_each(|chunk| behind.take(chunk));
                assert_eq!(taken.and_then(|()| behind.finish().map(drop)).unwrap_err().raw_os_error(), Some(5));
            });
        }
    }

    #[test]
    fn a_reader_that_is_given_up_ends() {
        std::thread::scope(|scope| {
            let mut ahead = Ahead::new(scope, io::repeat(1));
            ahead.read_exact(&mut vec![0; LARGE]).unwrap();
        });
    }
}
