//! Whether the service gives a sign of life.
//!
//! Holds: it is asked with a time limit, also where it has been stopped and its socket still takes connections.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use crate::config::Settings;
use crate::daemon::build::starting_since;
use crate::daemon::control::{Answer, PATIENCE, Request, ask_at};
use crate::daemon::health::ServiceStatus;

/// How long a service that goes over to other settings may not listen.
const DEAF_MAX: Duration = Duration::from_secs(60);
/// How long a service may start, one start after another: it reads its whole ledger first, or brings its store to another
/// version. One that makes no progress meanwhile is ended by systemd.
const STARTING_MAX: SignedDuration = SignedDuration::from_hours(1);
const AGAIN: Duration = Duration::from_millis(250);

/// How the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Life {
    /// It answers, and looks at its sources.
    Alive,
    /// It starts, and is not ready yet.
    Starting,
    /// It is there and does not answer, or looks no more.
    Hangs,
    /// There is none.
    Down,
}

/// Asks it, and waits a little for one that is there and does not listen.
pub(super) fn of(settings: &Settings, now: Timestamp) -> Life {
    let Settings { service, .. } = settings;
    life(&service.control_socket, &service.state, now, &|status| looks_no_more(status, settings, now))
}

/// As [`of`], where no settings tell how often it should look.
pub(super) fn of_socket(socket: &Path, state: &Path, now: Timestamp) -> Life {
    life(socket, state, now, &|_| false)
}

#[expect(clippy::disallowed_methods, reason = "nothing tells when a service that starts begins to listen")]
fn life(socket: &Path, state: &Path, now: Timestamp, looks_no_more: &dyn Fn(&ServiceStatus) -> bool) -> Life {
    let since = Instant::now();
    loop {
        match asked(socket) {
            Asked::Answered(Some(status)) if looks_no_more(&status) => return Life::Hangs,
            Asked::Answered(_) => return Life::Alive,
            Asked::Silent => return Life::Hangs,
            Asked::Nobody if !is_locked(state) => return Life::Down,
            Asked::Nobody if starts(state, now) => return Life::Starting,
            Asked::Nobody if since.elapsed() >= DEAF_MAX => return Life::Hangs,
            Asked::Nobody => std::thread::sleep(AGAIN),
        }
    }
}

enum Asked {
    /// With its status, or with something else.
    Answered(Option<Box<ServiceStatus>>),
    Silent,
    Nobody,
}

fn asked(socket: &Path) -> Asked {
    let (tell, told) = sync_channel(1);
    let socket = socket.to_owned();
    // On a thread of its own, because connecting to a socket that is full of others waits without end.
    let asking = std::thread::Builder::new().spawn(move || {
        // Nobody listens any more once the patience is over.
        let _ = tell.send(ask_at(&socket, &Request::Status));
    });
    if asking.is_err() {
        return Asked::Silent;
    }
    match told.recv_timeout(PATIENCE + PATIENCE / 2) {
        Ok(Ok(Some(Answer::Status { status }))) => Asked::Answered(Some(Box::new(status))),
        Ok(Ok(Some(_))) => Asked::Answered(None),
        Ok(Ok(None)) => Asked::Nobody,
        Ok(Err(_)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Asked::Silent,
    }
}

/// Whether no source was looked at for far longer than each should be. Sources that fail are the service's to tell of.
fn looks_no_more(status: &ServiceStatus, settings: &Settings, now: Timestamp) -> bool {
    let mailboxes = settings.authorities.iter().flat_map(|authority| &authority.mailboxes);
    let longest = mailboxes.map(|mailbox| mailbox.poll).chain([settings.service.sweep_every]).max().unwrap_or_default();
    let last = status.sources.iter().filter_map(|source| source.last_look).max();
    let allowed = longest * 4 + Duration::from_secs(60);
    last.and_then(|last| last.checked_add(allowed).ok()).is_some_and(|until| until < now)
}

/// Whether a process has the state directory.
fn is_locked(state: &Path) -> bool {
    let lock = File::open(state.join("lock"));
    lock.is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockShared).is_err())
}

/// Whether the process that has it has begun to start, and not too long ago.
fn starts(state: &Path, now: Timestamp) -> bool {
    starting_since(state).is_some_and(|since| now.duration_since(since) < STARTING_MAX)
}
