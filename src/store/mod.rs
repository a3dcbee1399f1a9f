//! The embedded store: consignments, parts, submissions, obligations and the ledger.
//!
//! Two narrow traits are all that the rest of the program sees: [`Recorder`], the one write path, and [`Queries`].
//! Nothing outside this module knows which database it is.

mod agreement;
pub mod contract;
pub mod evidence;
pub mod holding;
pub mod keeping;
pub mod queries;
#[cfg(test)]
pub(crate) mod samples;
mod sqlite;
pub mod verify;

pub use contract::{Change, Named, NewConsignment, RecordError, Recorded, Recorder, StateChange};
pub use evidence::Auditable;
pub use holding::{Held, holds};
pub use keeping::{Keeping, Settled};
pub use queries::{
    ActivatedTimetable, Alarm, ConsignmentFilter, DeliveredWorkbook, Head, KeptCheckpoint, Queries, QueryError,
    Received, ReceivedFilter, SubmissionFilter, Tally,
};
pub use sqlite::{Migrated, SqliteQueries, SqliteRecorder, SqliteStore, StoreError, forget_old_copies};
pub use verify::{Verification, verify};
