//! `[watch]`: nothing but this machine may reach the listener.

use std::net::SocketAddr;

use super::report::{Report, absolute};
use super::roles::SOCKET_BYTES_MAX;
use super::{DAY, SECOND};
use crate::config::location::TreePath;
use crate::config::raw::RawWatch;
use crate::config::settings::{Listen, ServiceSettings, WatchSettings};

pub(super) fn check(
    raw: &RawWatch,
    service: Option<&ServiceSettings>,
    at: &TreePath,
    report: &mut Report<'_>,
) -> Option<WatchSettings> {
    let stuck_after = report.duration(&at.key("stuck_after"), &raw.stuck_after, SECOND..=DAY);
    let listen = match &raw.listen {
        None => Some(None),
        Some(text) => {
            let at = at.key("listen");
            match place(text).and_then(|listen| apart(listen, service)) {
                Ok(listen) => Some(Some(listen)),
                Err((wrong, next)) => {
                    report.wrong(&at, wrong, next);
                    None
                }
            }
        }
    };
    Some(WatchSettings { listen: listen?, stuck_after: stuck_after? })
}

/// What is wrong, and what to do.
pub(super) type Wrong = (String, &'static str);

/// A place on this machine, as it is written.
pub(super) fn place(text: &str) -> Result<Listen, Wrong> {
    const EITHER: &str = "write `unix:` and an absolute path, or a loopback address and a port as in \"127.0.0.1:9617\" or \"[::1]:9617\"";
    if let Some(path) = text.strip_prefix("unix:") {
        let path = absolute(path).ok_or_else(|| (format!("`{path}` is not an absolute path"), EITHER))?;
        let bytes = path.as_os_str().len();
        if bytes > SOCKET_BYTES_MAX {
            let wrong = format!("it has {bytes} bytes, and the kernel takes {SOCKET_BYTES_MAX} for a socket");
            return Err((wrong, "name a shorter path"));
        }
        return Ok(Listen::Unix(path));
    }
    let address: SocketAddr = text.parse().map_err(|_| (format!("`{text}` is no place on this machine"), EITHER))?;
    if !address.ip().is_loopback() {
        let wrong =
            format!("other machines could reach {address}, or it would reach them, and nothing would ask who they are");
        return Err((wrong, "name a loopback address, as 127.0.0.1 or [::1], and let what passes it on ask"));
    }
    if address.port() == 0 {
        return Err(("nobody would know at which port".to_owned(), EITHER));
    }
    Ok(Listen::Loopback(address))
}

fn apart(listen: Listen, service: Option<&ServiceSettings>) -> Result<Listen, Wrong> {
    match (&listen, service) {
        (Listen::Unix(path), Some(service)) if *path == service.control_socket => {
            Err(("commands reach the service there".to_owned(), "name another path"))
        }
        _ => Ok(listen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_alone() {
        for good in ["unix:/run/hbcourier/watch.sock", "127.0.0.1:9617", "127.4.4.4:1", "[::1]:9617"] {
            assert_eq!(place(good).map(|listen| listen.to_string()), Ok(good.to_owned()));
        }
        for (bad, words) in [
            ("0.0.0.0:9617", "other machines could reach 0.0.0.0:9617"),
            ("[::]:9617", "other machines"),
            ("10.1.2.3:9617", "other machines"),
            ("[::ffff:127.0.0.1]:9617", "other machines"),
            ("127.0.0.1:0", "at which port"),
            ("127.0.0.1", "no place on this machine"),
            ("localhost:9617", "no place on this machine"),
            ("9617", "no place on this machine"),
            ("unix:watch.sock", "not an absolute path"),
            ("unix:/run/../etc/watch.sock", "not an absolute path"),
            ("", "no place on this machine"),
        ] {
            let (wrong, _) = place(bad).expect_err(bad);
            assert!(wrong.contains(words), "{bad}: {wrong}");
        }
        assert!(place(&format!("unix:/{}", "a".repeat(107))).is_err());
    }
}
