//! What the product could do wrong: the simulation must find each.

use std::fmt;
use std::ops::Range;

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
        f.write_str(match self {
            Mutation::None => "nothing is wrong",
            Mutation::SyncLeftOut(name) => return write!(f, "`{name}` left out"),
            Mutation::ClearBeforeRecord => "the source is cleared before Collected is recorded",
            Mutation::PublishByOverwriting => "a final name is taken from whatever has it",
            Mutation::FailedSyncUntold => "a sync that failed passes for one that did not",
            Mutation::EvidenceNotLookedFor => "an interrupted sending passes for one that did not arrive",
            Mutation::SilenceTriedAgain => "a sending without an answer is tried again",
            Mutation::RebootUnnoticed => "the restart of the machine goes unnoticed",
            Mutation::NoRecovery => "what a crash left is not looked for",
            Mutation::NotSettled => "a file is taken as soon as it is seen",
        })
    }
}

/// All of them, each with the seeds among which it is found in an ordinary run. Not `sync.archive.new-name`: on this disk a move
/// between folders loses no file, so nobody can miss it. Nor `sync.send.part-directory`: a part that is gone makes a return
/// Uncertain, as any other that may have been taken.
pub const MUTATIONS: [(Mutation, Range<u64>); 23] = [
    (Mutation::ClearBeforeRecord, 0..10),
    (Mutation::PublishByOverwriting, 0..2_000),
    (Mutation::FailedSyncUntold, 0..2_000),
    (Mutation::EvidenceNotLookedFor, 0..2_000),
    (Mutation::SilenceTriedAgain, 0..2_000),
    (Mutation::RebootUnnoticed, 0..2_000),
    (Mutation::NoRecovery, 0..2_000),
    (Mutation::NotSettled, 0..2_000),
    (Mutation::SyncLeftOut("sync.store.commit"), 0..2_000),
    (Mutation::SyncLeftOut("sync.collect.file"), 0..2_000),
    (Mutation::SyncLeftOut("sync.collect.directory"), 0..2_000),
    (Mutation::SyncLeftOut("sync.withdrawn.directory"), 0..2_000),
    (Mutation::SyncLeftOut("sync.stage.file"), 0..2_000),
    (Mutation::SyncLeftOut("sync.stage.directory"), 0..2_000),
    (Mutation::SyncLeftOut("sync.publish.directory"), 0..2_000),
    (Mutation::SyncLeftOut("sync.archive.old-name"), 0..2_000),
    (Mutation::SyncLeftOut("sync.seal.directory"), 0..2_000),
    (Mutation::SyncLeftOut("sync.seal.note-file"), 0..2_000),
    (Mutation::SyncLeftOut("sync.seal.note-directory"), 0..2_000),
    (Mutation::SyncLeftOut("sync.seal.removed-directory"), 10_000..12_000),
    (Mutation::SyncLeftOut("sync.seal.leftover-directory"), 6_000..8_000),
    (Mutation::SyncLeftOut("sync.send.part-file"), 0..2_000),
    (Mutation::SyncLeftOut("sync.send.directory"), 0..2_000),
];
