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
    /// Files that a crash left under a hidden name are not looked for.
    HiddenForgotten,
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
