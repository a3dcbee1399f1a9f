//! `[scan]`, checked.

use std::time::Duration;

use super::Listen;

/// `[scan]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanSettings {
    /// Where clamd listens; nothing is scanned, if `None`.
    pub clamd: Option<Listen>,
    /// How long the scan of one file may take.
    pub timeout: Duration,
}
