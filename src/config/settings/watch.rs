//! `[watch]`, checked.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `[watch]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// Where health and metrics are told; nowhere, if `None`.
    pub listen: Option<Listen>,
    /// How long a part of the service may have nothing behind it before it counts as stuck.
    pub stuck_after: Duration,
}

/// A place that nobody on another machine can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A socket of this path. Absolute.
    Unix(PathBuf),
    /// A loopback address and a port.
    Loopback(SocketAddr),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
            Listen::Loopback(address) => address.fmt(f),
        }
    }
}
