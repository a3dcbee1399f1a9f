//! Audit: the ledger as it is given to somebody else, and what that somebody can find out about it without us.
//!
//! In:  the store, or a folder that was exported from it; notes of checkpoints and a key that the reader trusts.
//! Out: exports, verdicts, proofs, evidence, lists of entries.
//! Holds: whoever verifies needs nothing but the files and that key; a fault is told with the first entry that has it.

mod agreement;
pub mod anchors;
mod entries;
pub mod evidence;
pub mod export;
mod fault;
mod leaves;
pub mod line;
pub mod log;
pub mod notes;
pub mod offline;
pub mod proof;
pub mod table;
pub mod topic;
pub mod verdict;
pub mod walk;

pub use agreement::Agreement;
pub use entries::{Entries, Exported, Stored};
pub use fault::AuditFault;
pub use leaves::{Leaves, LeavesFound, leaf_list, roll};
pub use notes::{FoundNote, Mark, Notes};
pub use topic::Topic;
pub use verdict::{Kind, Verdict};
pub use walk::Walk;
