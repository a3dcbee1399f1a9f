//! `[scan]`: what was opened goes to a scanner on this machine, and nowhere else.

use super::report::Report;
use super::watch::place;
use super::{HOUR, SECOND};
use crate::config::location::TreePath;
use crate::config::raw::RawScan;
use crate::config::settings::ScanSettings;

pub(super) fn check(raw: &RawScan, at: &TreePath, report: &mut Report<'_>) -> Option<ScanSettings> {
    let timeout = report.duration(&at.key("timeout"), &raw.timeout, SECOND..=HOUR);
    let clamd = match raw.clamd.as_deref().map(place) {
        None => Some(None),
        Some(Ok(place)) => Some(Some(place)),
        Some(Err((wrong, next))) => {
            report.wrong(&at.key("clamd"), wrong, next);
            None
        }
    };
    Some(ScanSettings { clamd: clamd?, timeout: timeout? })
}
