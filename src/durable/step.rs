//! Named steps of the durability protocol, at which a test can end the real binary or make the step fail.
//!
//! `FAILPOINTS='collect.recorded=return(kill)'` ends the process there by SIGKILL; `return(28)` makes the step
//! fail with errno 28. Without the feature `failpoints` a step is nothing.

use std::io;

use crate::progress;

/// Every step, in the order of the protocol. A campaign kills the service at each of them.
pub const STEPS: [&str; 37] = [
    "collect.copied",
    "collect.synced",
    "collect.named",
    "collect.directory-synced",
    "collect.recorded",
    "collect.withdrawn",
    "collect.cleared",
    "open.opened",
    "stage.written",
    "stage.synced",
    "stage.directory-synced",
    "stage.recorded",
    "publish.renamed",
    "publish.directory-synced",
    "publish.recorded",
    "close.archived",
    "close.recorded",
    "outcome.decided",
    "outcome.recorded",
    "seal.written",
    "seal.named",
    "seal.recorded",
    "seal.source-withdrawn",
    "seal.source-removed",
    "send.prepared",
    "send.recorded",
    "send.placed",
    "send.committed",
    "send.answer-recorded",
    "checkpoint.head-written",
    "checkpoint.head-named",
    "checkpoint.head-synced",
    "checkpoint.recorded",
    "checkpoint.part-synced",
    "checkpoint.placed",
    "checkpoint.left-synced",
    "checkpoint.left-recorded",
];

/// The steps of erasing what was kept long enough, in their order. A day's other work passes none of them, so they have a
/// campaign of their own.
pub const ERASING_STEPS: [&str; 4] = ["erase.recorded", "erase.removed", "erase.directory-synced", "erase.rewritten"];

/// The step of the virus scanner, which is passed where one is configured.
pub const SCAN_STEPS: [&str; 1] = ["scan.clean"];

/// The steps of setting a machine up, of migrating a store, of restoring a backup, of going over to other settings.
pub const UPKEEP_STEPS: [&str; 10] = [
    "set-up.made",
    "set-up.owned",
    "set-up.written",
    "set-up.named",
    "migrate.copied",
    "migrate.named",
    "restore.extracted",
    "restore.recorded",
    "restore.placed",
    "reload.begun",
];

/// Passes the named step; in a test build, unless it was told otherwise.
pub fn step(name: &'static str) -> io::Result<()> {
    progress::made();
    let is_step = [&STEPS[..], &ERASING_STEPS, &SCAN_STEPS, &UPKEEP_STEPS].iter().any(|steps| steps.contains(&name));
    debug_assert!(is_step, "{name} is not a step");
    fail::fail_point!(name, |told| match told.as_deref() {
        Some("kill") => {
            kill_this_process();
            Ok(())
        }
        told => Err(io::Error::from_raw_os_error(told.and_then(|errno| errno.parse().ok()).unwrap_or(5))),
    });
    Ok(())
}

#[cfg(feature = "failpoints")]
fn kill_this_process() {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::KILL);
}
