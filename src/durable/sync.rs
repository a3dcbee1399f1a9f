//! Named syncs, which a campaign of power cuts leaves out one at a time: each must be missed, or it is not tested.
//!
//! `FAILPOINTS='sync.stage.file=return'` leaves that one out. Without the feature `failpoints` a name is nothing.

use std::io;

/// The syncs on the way of a file, in or out, and of a checkpoint, in the order of the protocol.
pub const SYNCS: [&str; 25] = [
    "sync.spool.folders",
    "sync.store.name",
    "sync.store.commit",
    "sync.collect.file",
    "sync.collect.directory",
    "sync.withdrawn.directory",
    "sync.stage.file",
    "sync.stage.directory",
    "sync.publish.directory",
    "sync.archive.new-name",
    "sync.archive.old-name",
    "sync.seal.file",
    "sync.seal.link",
    "sync.seal.directory",
    "sync.seal.note-file",
    "sync.seal.note-directory",
    "sync.seal.removed-directory",
    "sync.seal.leftover-directory",
    "sync.send.part-file",
    "sync.send.part-directory",
    "sync.send.directory",
    "sync.checkpoint.head-file",
    "sync.checkpoint.head-directory",
    "sync.checkpoint.part-file",
    "sync.checkpoint.left-directory",
];

/// Does the named sync; in a test build, unless it was told to leave it out.
pub fn synced(name: &'static str, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if is_left_out(name) { Ok(()) } else { sync() }
}

/// Whether a test build was told to leave this sync out.
pub fn is_left_out(name: &'static str) -> bool {
    debug_assert!(SYNCS.contains(&name), "{name} is not a named sync");
    fail::fail_point!(name, |_| true);
    #[cfg(feature = "failpoints")]
    if LEFT_OUT.get() == Some(name) {
        return true;
    }
    false
}

#[cfg(feature = "failpoints")]
thread_local! {
    static LEFT_OUT: std::cell::Cell<Option<&'static str>> = const { std::cell::Cell::new(None) };
}

/// Leaves this sync out on the present thread alone, in place of the one before.
#[cfg(feature = "failpoints")]
pub fn leave_out(name: Option<&'static str>) {
    LEFT_OUT.set(name);
}
