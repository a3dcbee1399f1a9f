//! What the running service says of itself, over its control socket.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::SourceName;

/// The running service, at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub since: Timestamp,
    /// Its version.
    pub version: String,
    /// Every place it looks for files in.
    pub sources: Vec<SourceStatus>,
    /// What is being worked on, in words without personal data.
    pub in_flight: Vec<String>,
}

/// One source, as the service last saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: SourceName,
    /// When it was last looked at successfully; `None` before the first time.
    pub last_look: Option<Timestamp>,
    /// Whether the latest look succeeded.
    pub ok: bool,
    /// Files that lie there and were not collected yet.
    pub waiting: usize,
}
