//! The control socket: how commands reach the running service, which is the only writer.
//!
//! One request and one answer a connection, each a line of JSON. The kernel tells who asks; a name in the request
//! would prove nothing. The socket lies in the state directory and is 0600: the service's own account and root.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::health::{Health, ServiceStatus};
use super::stop::Stop;
use crate::domain::Actor;
use crate::operator::{Done, Operator, Order};

const REQUEST_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How long a command waits for its answer, and the service for a command.
pub const PATIENCE: Duration = Duration::from_secs(10);

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
}

/// Where the socket is.
pub fn socket_path(state: &Path) -> PathBuf {
    state.join("control.sock")
}

/// Asks the running service. `None` if none runs; [`io::ErrorKind::TimedOut`] if it has the request and was silent for
/// [`PATIENCE`]: it may be at it still.
pub fn ask(state: &Path, request: &Request) -> io::Result<Option<Answer>> {
    ask_within(PATIENCE, state, request)
}

fn ask_within(patience: Duration, state: &Path, request: &Request) -> io::Result<Option<Answer>> {
    let mut stream = match UnixStream::connect(socket_path(state)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(patience))?;
    let mut line = serde_json::to_vec(request).map_err(io::Error::other)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    match BufReader::new(stream).read_line(&mut answer) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
        read => drop(read?),
    }
    serde_json::from_str(&answer).map(Some).map_err(io::Error::other)
}

/// Answers commands.
pub struct Control {
    listener: UnixListener,
    operator: Arc<Operator>,
    health: Arc<Health>,
    stop: Arc<Stop>,
    ordered: Box<dyn Fn() + Send>,
}

impl Control {
    /// Listens. `ordered` is called after an order was carried out. The caller holds the instance lock, so a socket
    /// that is there already belongs to nobody.
    pub fn listen(
        state: &Path,
        operator: Arc<Operator>,
        health: Arc<Health>,
        stop: Arc<Stop>,
        ordered: Box<dyn Fn() + Send>,
    ) -> io::Result<Control> {
        let path = socket_path(state);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Control { listener, operator, health, stop, ordered })
    }

    /// Answers until told to stop; a last connection wakes it for that.
    pub fn run(&self) -> io::Result<()> {
        for stream in self.listener.incoming() {
            if self.stop.is_requested() {
                break;
            }
            // One asker's trouble is its own.
            if let Err(error) = stream.and_then(|stream| self.serve(stream)) {
                tracing::debug!(%error, "A command's connection ended early: {error}");
            }
        }
        Ok(())
    }

    fn serve(&self, stream: UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let peer = rustix::net::sockopt::socket_peercred(&stream)?;
        let mut line = String::new();
        BufReader::new(stream.try_clone()?.take(REQUEST_BYTES_MAX)).read_line(&mut line)?;
        let answer = match serde_json::from_str(&line) {
            Ok(Request::Status) => Answer::Status { status: self.health.status(&self.stop) },
            Ok(Request::Order { order }) => self.carry_out(&account(peer.uid.as_raw()), &order),
            Err(error) => Answer::Refused { says: format!("the request was not understood: {error}"), recorded: false },
        };
        let mut line = serde_json::to_vec(&answer).map_err(io::Error::other)?;
        line.push(b'\n');
        (&stream).write_all(&line)
    }

    fn carry_out(&self, actor: &Actor, order: &Order) -> Answer {
        match self.operator.execute(actor, order) {
            Ok(done) => {
                (self.ordered)();
                Answer::Done { done }
            }
            Err(refused) => Answer::Refused { says: refused.to_string(), recorded: refused.is_recorded() },
        }
    }
}

/// The account with this number.
pub fn account(uid: u32) -> Actor {
    let known = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    Actor::Account { uid, name: known.map_or_else(|| format!("uid {uid}"), |user| user.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_service_is_told_from_one_that_is_not_there() {
        let state = tempfile::tempdir().unwrap();
        let ask = || ask_within(Duration::from_millis(50), state.path(), &Request::Status);
        assert!(ask().unwrap().is_none(), "none runs");
        let silent = UnixListener::bind(socket_path(state.path())).unwrap();
        assert_eq!(ask().unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(silent);
        assert!(ask().unwrap().is_none(), "none runs any more");
    }
}
