//! Telling systemd how things stand: that the service is ready, that it works, that it stops.
//!
//! Holds: nobody waits for whoever should read it. What finds no room is counted and logged; what counts once (that the service
//! is ready) is told with the next sign of life, which is dropped if there is no room for it either.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sd_notify::NotifyState;

/// What could not be told since the start.
static DROPPED: AtomicU64 = AtomicU64::new(0);
/// What is still to be told, oldest first.
static UNTOLD: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());
/// Comes again by itself.
const SIGN_OF_LIFE: &str = "WATCHDOG=1";
/// So much of it at most.
const UNTOLD_MAX: usize = 16;

/// Whether systemd wants to know.
pub(super) fn is_wanted() -> bool {
    socket().is_some()
}

/// Tells it, if it wants to know.
pub(super) fn notify_systemd(state: &[NotifyState<'_>]) {
    let Some(socket) = socket() else { return };
    let words: Vec<String> = state.iter().map(ToString::to_string).collect();
    let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
    untold.push_back(words.join("\n"));
    if let Err(error) = tell(&socket, &mut untold) {
        shorten(&mut untold);
        let dropped = DROPPED.fetch_add(1, Ordering::Relaxed) + 1;
        // The first, and then ever more rarely.
        if dropped.is_power_of_two() {
            tracing::warn!(%error, dropped, "systemd was not told how things stand, {dropped} times so far: {error}");
        }
    }
}

/// Leaves out what comes again or is outdated. That the service is ready stays as long as anything does.
fn shorten(untold: &mut VecDeque<String>) {
    untold.retain(|words| words != SIGN_OF_LIFE);
    let is_status = |words: &String| words.starts_with("STATUS=");
    let last = untold.iter().rposition(is_status);
    let mut place = 0..;
    untold.retain(|words| {
        let here = place.next();
        !is_status(words) || here == last
    });
    while untold.len() > UNTOLD_MAX {
        let first = untold.iter().position(|words| !words.contains("READY=1")).unwrap_or_default();
        untold.remove(first);
    }
}

/// Tells what is untold, as far as there is room.
fn tell(socket: &OsStr, untold: &mut VecDeque<String>) -> io::Result<()> {
    while let Some(words) = untold.front() {
        send(socket, words.as_bytes())?;
        untold.pop_front();
    }
    Ok(())
}

fn send(socket: &OsStr, words: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let from = UnixDatagram::unbound()?;
    from.set_nonblocking(true)?;
    from.send_to_addr(words, &address).map(drop)
}

#[expect(clippy::disallowed_methods, reason = "systemd tells its socket this way")]
fn socket() -> Option<std::ffi::OsString> {
    std::env::var_os("NOTIFY_SOCKET")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_does_not_read_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let reader = UnixDatagram::bind(&path).unwrap();
        let mut taken = 0;
        let error = loop {
            match send(path.as_os_str(), b"WATCHDOG=1") {
                Ok(()) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(taken > 0);
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let mut heard = [0; 64];
        let bytes = reader.recv(&mut heard).unwrap();
        assert_eq!(&heard[..bytes], b"WATCHDOG=1");
        let mut untold: VecDeque<String> = [SIGN_OF_LIFE.to_owned(), "READY=1".to_owned()].into();
        assert!(tell(path.as_os_str(), &mut untold).is_err());
        assert_eq!(untold, ["READY=1"], "there was room for one, and the other is told later");
        (0..taken).for_each(|_| assert!(reader.recv(&mut heard).unwrap() > 0));
        tell(path.as_os_str(), &mut untold).unwrap();
        let bytes = reader.recv(&mut heard).unwrap();
        assert_eq!((&heard[..bytes], untold.len()), (b"READY=1".as_slice(), 0));
    }

    #[test]
    fn of_what_is_untold_the_last_status_and_that_it_is_ready_stay() {
        let mut untold: VecDeque<String> = (0..40).map(|n| format!("STATUS={n}")).collect();
        untold.push_front("READY=1".to_owned());
        untold.push_back(SIGN_OF_LIFE.to_owned());
        shorten(&mut untold);
        assert_eq!(untold, ["READY=1", "STATUS=39"]);
        (0..40).for_each(|n| untold.push_back(format!("RELOADING=1\nMONOTONIC_USEC={n}")));
        shorten(&mut untold);
        assert_eq!((untold.len(), untold[0].as_str()), (UNTOLD_MAX, "READY=1"));
        assert!(untold.back().unwrap().ends_with("=39"), "the newest are the ones that count");
    }

    #[test]
    fn a_name_without_a_file_is_told_too() {
        let name = format!("hbcourier-test-{}", std::process::id());
        let reader = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(OsStr::new(&format!("@{name}")), b"READY=1").unwrap();
        let mut heard = [0; 64];
        let bytes = reader.recv(&mut heard).unwrap();
        assert_eq!(&heard[..bytes], b"READY=1");
    }
}
