//! What the product could do wrong: the simulation must find each.

use std::fmt;

/// One way to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// This sync is not done.
    SyncLeftOut(&'static str),
    /// The source is cleared before Collected is recorded.
    ClearBeforeRecord,
    /// A final name is taken from whatever has it.
    PublishByOverwriting,
    /// A sync that failed passes for one that did not.
    FailedSyncUntold,
    /// After a crash an attempt passes for one that did not arrive.
    EvidenceNotLookedFor,
    /// An attempt without an answer is made again.
    SilenceTriedAgain,
    /// The machine's restart goes unnoticed.
    RebootUnnoticed,
    /// What a crash left is not looked for at the start.
    NoRecovery,
    /// A file is collected as soon as it is seen.
    NotSettled,
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mutation::SyncLeftOut(name) => write!(f, "{name} left out"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// All of them, each with how many seeds may be played until it is found. Not `sync.archive.new-name`: on this disk a move
/// between folders loses no file, so nobody can miss it.
pub const MUTATIONS: [(Mutation, u64); 22] = [
    (Mutation::ClearBeforeRecord, 10),
    (Mutation::PublishByOverwriting, 2000),
    (Mutation::FailedSyncUntold, 2000),
    (Mutation::EvidenceNotLookedFor, 2000),
    (Mutation::SilenceTriedAgain, 2000),
    (Mutation::RebootUnnoticed, 2000),
    (Mutation::NoRecovery, 2000),
    (Mutation::NotSettled, 2000),
    (Mutation::SyncLeftOut("sync.store.commit"), 2000),
    (Mutation::SyncLeftOut("sync.collect.file"), 2000),
    (Mutation::SyncLeftOut("sync.collect.directory"), 2000),
    (Mutation::SyncLeftOut("sync.withdrawn.directory"), 2000),
    (Mutation::SyncLeftOut("sync.stage.file"), 2000),
    (Mutation::SyncLeftOut("sync.stage.directory"), 2000),
    (Mutation::SyncLeftOut("sync.publish.directory"), 2000),
    (Mutation::SyncLeftOut("sync.archive.old-name"), 2000),
    (Mutation::SyncLeftOut("sync.seal.directory"), 2000),
    (Mutation::SyncLeftOut("sync.seal.note-file"), 2000),
    (Mutation::SyncLeftOut("sync.seal.note-directory"), 2000),
    (Mutation::SyncLeftOut("sync.send.part-file"), 2000),
    (Mutation::SyncLeftOut("sync.send.part-directory"), 2000),
    (Mutation::SyncLeftOut("sync.send.directory"), 2000),
];
