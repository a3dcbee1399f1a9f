//! The control socket: how commands reach the running service, which is the only writer.
//!
//! In:  a request, one line of JSON. Out: an answer, one line of JSON, and behind it what was read, if that was asked for.
//! One request and one answer a connection. The kernel tells which account asks (`SO_PEERCRED`: the effective user of the
//! process at the moment it connected); a name in the request would prove nothing. So the socket may be open to
//! everybody: whoever has no role is told so and no more. What a peer may use up is bounded in bytes, in time, and in
//! connections of its own and of all ([`Seats`]).

mod hurried;
mod seats;
mod server;
mod strangers;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::health::ServiceStatus;
use crate::operator::{Done, Look, Order};

pub(super) use server::bind;
pub use server::{Control, Desk, Door};

use hurried::Hurried;
use seats::{Seat, Seats};
use strangers::Strangers;

const REQUEST_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The first line of an answer: a status, or what was done.
const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// What a reading command may print.
pub const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a command waits for its answer, and the service for a command.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long a reading command may take, to the last byte of its answer.
pub const READING_PATIENCE: Duration = Duration::from_secs(120);
/// How long a command that found no place waits before it asks again.
const AGAIN: Duration = Duration::from_millis(50);

/// What a command asks of the running service.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
pub enum Request {
    /// How is it?
    Status,
    /// Carry this out.
    Order {
        /// What.
        order: Order,
    },
    /// Carry out this reading command, for somebody who cannot read the state directory.
    Read {
        /// The command line, without the program's name.
        args: Vec<String>,
    },
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// Thus it is.
    Status {
        /// In full.
        status: ServiceStatus,
    },
    /// Carried out.
    Done {
        /// What was done.
        done: Done,
    },
    /// Not carried out.
    Refused {
        /// Why, and the next step.
        says: String,
        /// Whether it was judged not to fit, and that is on record. Otherwise it failed on its way.
        recorded: bool,
    },
    /// Read. What the command printed follows, in so many bytes.
    Read {
        /// Its exit status.
        exit: u8,
        /// How much follows.
        bytes: usize,
        /// What it said besides, on standard error.
        says: String,
    },
    /// There is no place at the moment.
    Busy,
}

/// What a reading command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its exit status.
    pub exit: u8,
    /// What it printed.
    pub printed: Vec<u8>,
    /// What it said besides, on standard error.
    pub says: String,
}

/// Who asks for something to be read, and how the service is.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The number of the account.
    pub uid: u32,
    /// How the service is at this moment.
    pub status: ServiceStatus,
}

/// The command line, as the service carries it out for people who cannot read the state directory.
pub trait Reading: Send + Sync {
    /// What this command line would look at; what to answer instead, if it is no reading command or not understood.
    fn looks(&self, args: &[String]) -> Result<Look, Page>;
    /// Carries it out. Writes nothing, and nothing outside the settings' own folders is read.
    fn answer(&self, args: &[String], asker: Asker) -> Page;
}

/// Where the socket is, if the configuration does not say.
pub fn socket_path(state: &Path) -> PathBuf {
    state.join("control.sock")
}

/// Asks the service that listens there. `None` if none does; [`io::ErrorKind::TimedOut`] if it has the request and was
/// silent for [`PATIENCE`]: it may be at it still.
pub fn ask_at(socket: &Path, request: &Request) -> io::Result<Option<Answer>> {
    Ok(ask_within(PATIENCE, socket, request)?.map(|(answer, _)| answer))
}

/// Has a reading command carried out by the service that listens there. `None` if none does.
pub fn read_at(socket: &Path, args: Vec<String>) -> io::Result<Option<Result<Page, Answer>>> {
    let Some((answer, behind)) = ask_within(READING_PATIENCE, socket, &Request::Read { args })? else {
        return Ok(None);
    };
    let Answer::Read { exit, bytes, says } = answer else { return Ok(Some(Err(answer))) };
    if bytes > PAGE_BYTES_MAX {
        return Err(io::Error::other("the answer is too long"));
    }
    let mut printed = Vec::with_capacity(bytes);
    behind.take(bytes as u64).read_to_end(&mut printed)?;
    if printed.len() < bytes {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ended early"));
    }
    Ok(Some(Ok(Page { exit, printed, says })))
}

/// The answer, and the connection on which more may follow.
type Answered = (Answer, BufReader<UnixStream>);

#[expect(clippy::disallowed_methods, reason = "a place becomes free whenever it does, and nobody tells")]
fn ask_within(patience: Duration, socket: &Path, request: &Request) -> io::Result<Option<Answered>> {
    let since = Instant::now();
    loop {
        match ask_once(patience, socket, request)? {
            Some((Answer::Busy, _)) if since.elapsed() < patience => std::thread::sleep(AGAIN),
            answer => return Ok(answer),
        }
    }
}

fn ask_once(patience: Duration, socket: &Path, request: &Request) -> io::Result<Option<Answered>> {
    let stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut line = serde_json::to_vec(request).map_err(io::Error::other)?;
    line.push(b'\n');
    // Where there is no place, the answer comes before the request was read.
    let sent = (&stream).write_all(&line);
    let (mut answer, mut behind) = (Vec::new(), BufReader::new(stream));
    match behind.by_ref().take(ANSWER_BYTES_MAX).read_until(b'\n', &mut answer) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
        read => drop(read?),
    }
    if answer.is_empty() {
        sent?;
    }
    let answer = serde_json::from_slice(&answer).map_err(io::Error::other)?;
    Ok(Some((answer, behind)))
}
