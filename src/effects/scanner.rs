//! The virus scanner: ClamAV's clamd, asked over its socket whether it finds anything in a stream of bytes.
//!
//! In:  bytes, a piece at a time. Out: clamd's verdict, or why there is none.
//! Holds: only clamd's own "OK" is clean, and everything else but a finding is no verdict; one piece is in memory at a
//! time; no conversation takes longer than the time limit, whatever clamd does; what is scanned stays on this machine.
// clamd(8), "COMMANDS": INSTREAM, VERSION

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send, socket_with,
};

use crate::domain::DeferCause;
use crate::progress;

/// How much is sent at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Before each piece stands its length.
const LENGTH_BYTES: usize = size_of::<u32>();
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 4096;
/// Of a name or version that clamd tells, no more is kept.
const WORD_CHARS_MAX: usize = 120;

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a socket with this path.
    Unix(PathBuf),
    /// At a port of this machine.
    Loopback(SocketAddr),
}

/// A clamd.
#[derive(Clone, Debug)]
pub struct Clamd {
    place: Place,
    patience: Duration,
}

/// What clamd says of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// This signature matches.
    Found(String),
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ScanFault {
    /// Nobody listens there, or not to us.
    #[error("clamd at {place} cannot be reached")]
    Unreachable {
        /// Where.
        place: Place,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// It listened and said nothing in time.
    #[error("clamd gave no answer within {} s", patience.as_secs())]
    Silent {
        /// How long it had.
        patience: Duration,
    },
    /// It ended the conversation.
    #[error("clamd broke off")]
    BrokeOff(#[source] io::Error),
    /// The stream is longer than it takes.
    #[error("clamd takes no stream as long as this (`StreamMaxLength`)")]
    TooLong,
    /// It answered, and not with a verdict.
    #[error("clamd answered `{0}`, which is no verdict")]
    NoVerdict(String),
}

impl ScanFault {
    /// Why what should be scanned waits.
    pub fn cause(&self) -> DeferCause {
        match self {
            ScanFault::TooLong => DeferCause::ScannerLimit,
            ScanFault::Unreachable { .. }
            | ScanFault::Silent { .. }
            | ScanFault::BrokeOff(_)
            | ScanFault::NoVerdict(_) => DeferCause::ScannerSilent,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
            Place::Loopback(address) => address.fmt(f),
        }
    }
}

impl Clamd {
    /// The one that listens there. Each conversation may take `patience`. Nothing is asked yet.
    pub fn at(place: Place, patience: Duration) -> Clamd {
        Clamd { place, patience }
    }

    /// What it calls itself, and the date of its signatures.
    pub fn version(&self) -> Result<String, ScanFault> {
        let mut talk = self.connect()?;
        talk.send_all(b"zVERSION\0")?;
        let answer = talk.answer()?;
        if answer.starts_with("ClamAV ") { Ok(answer) } else { Err(ScanFault::NoVerdict(answer)) }
    }

    /// Begins a stream: what is written into it is scanned.
    pub fn scan(&self) -> Result<Stream<'_>, ScanFault> {
        let mut talk = self.connect()?;
        talk.send_all(b"zINSTREAM\0")?;
        let mut piece = Vec::with_capacity(LENGTH_BYTES + PIECE_BYTES);
        piece.extend([0; LENGTH_BYTES]);
        Ok(Stream { talk, piece, fault: None })
    }

    fn connect(&self) -> Result<Talk<'_>, ScanFault> {
        let quiet = progress::quiet(self.patience);
        let unreachable = |errno: Errno| match errno {
            // By the time limit on sending, which counts for connecting too.
            Errno::AGAIN | Errno::INPROGRESS => ScanFault::Silent { patience: self.patience },
            errno => ScanFault::Unreachable { place: self.place.clone(), source: errno.into() },
        };
        let family = match &self.place {
            Place::Unix(_) => AddressFamily::UNIX,
            Place::Loopback(SocketAddr::V4(_)) => AddressFamily::INET,
            Place::Loopback(SocketAddr::V6(_)) => AddressFamily::INET6,
        };
        let until = Instant::now() + self.patience;
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None).map_err(unreachable)?;
        let talk = Talk { clamd: self, socket, until, _quiet: quiet };
        talk.allow(Timeout::Send)?;
        match &self.place {
            Place::Unix(path) => SocketAddrUnix::new(path.as_path()).and_then(|path| connect(&talk.socket, &path)),
            Place::Loopback(address) => connect(&talk.socket, address),
        }
        .map_err(unreachable)?;
        Ok(talk)
    }
}

/// A conversation, which ends in time.
struct Talk<'c> {
    clamd: &'c Clamd,
    socket: OwnedFd,
    until: Instant,
    _quiet: progress::Quiet,
}

impl Talk<'_> {
    /// The next call to the kernel takes no longer than what is left of the time.
    fn allow(&self, timeout: Timeout) -> Result<(), ScanFault> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(self.silent());
        }
        set_socket_timeout(&self.socket, timeout, Some(left)).map_err(|errno| ScanFault::BrokeOff(errno.into()))
    }

    fn silent(&self) -> ScanFault {
        ScanFault::Silent { patience: self.clamd.patience }
    }

    fn fault(&self, errno: Errno) -> ScanFault {
        if errno == Errno::AGAIN { self.silent() } else { ScanFault::BrokeOff(errno.into()) }
    }

    fn send_all(&mut self, mut bytes: &[u8]) -> Result<(), ScanFault> {
        while !bytes.is_empty() {
            self.allow(Timeout::Send)?;
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.fault(errno)),
            }
        }
        Ok(())
    }

    /// All that it says up to the zero byte which ends it.
    fn answer(&mut self) -> Result<String, ScanFault> {
        let mut answer = Vec::new();
        let mut buffer = [0; 512];
        loop {
            self.allow(Timeout::Recv)?;
            let (_, read) = match recv(&self.socket, &mut buffer, RecvFlags::empty()) {
                Ok(received) => received,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(self.fault(errno)),
            };
            answer.extend(&buffer[..read]);
            if let Some(end) = answer.iter().position(|byte| *byte == 0) {
                return Ok(told(&answer[..end]));
            }
            if read == 0 || answer.len() > ANSWER_BYTES_MAX {
                return Err(ScanFault::BrokeOff(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

/// Bytes on their way to clamd.
pub struct Stream<'c> {
    talk: Talk<'c>,
    /// What was not sent yet, after room for its length.
    piece: Vec<u8>,
    fault: Option<ScanFault>,
}

impl Stream<'_> {
    /// What clamd says of all that was written. Not if writing failed: then [`Stream::fault`] says why.
    pub fn verdict(mut self) -> Result<Verdict, ScanFault> {
        let sent = self.send_piece().and_then(|()| self.talk.send_all(&[0; LENGTH_BYTES]));
        sent.map_err(|fault| self.explained(fault))?;
        let answer = self.talk.answer()?;
        verdict(&answer)
    }

    /// Why writing failed, if it was clamd that it failed by.
    pub fn fault(self) -> Option<ScanFault> {
        self.fault
    }

    fn send_piece(&mut self) -> Result<(), ScanFault> {
        let bytes = self.piece.len() - LENGTH_BYTES;
        if bytes > 0 {
            let length = u32::try_from(bytes).unwrap_or(u32::MAX);
            self.piece[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
            self.talk.send_all(&self.piece)?;
            self.piece.truncate(LENGTH_BYTES);
        }
        Ok(())
    }

    /// Whoever hangs up has most often said why.
    fn explained(&mut self, fault: ScanFault) -> ScanFault {
        match fault {
            ScanFault::BrokeOff(_) => match self.talk.answer().map(|answer| verdict(&answer)) {
                Ok(Err(said)) => said,
                // What is said of a part of it is no verdict on the whole.
                Ok(Ok(_)) | Err(_) => fault,
            },
            fault => fault,
        }
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LENGTH_BYTES + PIECE_BYTES - self.piece.len();
        let taken = bytes.len().min(room);
        self.piece.extend(&bytes[..taken]);
        if taken == room
            && let Err(fault) = self.send_piece()
        {
            let fault = self.explained(fault);
            let error = io::Error::other(fault.to_string());
            self.fault = Some(fault);
            return Err(error);
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn verdict(answer: &str) -> Result<Verdict, ScanFault> {
    if answer == "stream: OK" {
        return Ok(Verdict::Clean);
    }
    if answer.starts_with("INSTREAM size limit exceeded") {
        return Err(ScanFault::TooLong);
    }
    match answer.strip_prefix("stream: ").and_then(|said| said.strip_suffix(" FOUND")) {
        Some(signature) => Ok(Verdict::Found(signature.to_owned())),
        None => Err(ScanFault::NoVerdict(answer.to_owned())),
    }
}

/// Words of another program as they may stand in a log and in the ledger.
fn told(bytes: &[u8]) -> String {
    let plain = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' };
    bytes.iter().take(WORD_CHARS_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests;
