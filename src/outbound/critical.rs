//! What must stop the service: without the store nothing may be sent, because nothing could be said of it.

use crate::store::{QueryError, RecordError};

/// Why outbound work cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Critical {
    /// The store could not be written.
    #[error("could not record {what}, so nothing more is sealed or sent; see that the state directory can be written")]
    Store {
        /// What was to be recorded.
        what: String,
        /// Why it was not.
        #[source]
        source: RecordError,
    },
    /// The store could not be read.
    #[error("could not read {what} back, so nothing more is sealed or sent; see that the state directory can be read")]
    Unreadable {
        /// What was to be read.
        what: &'static str,
        /// Why it was not.
        #[source]
        source: QueryError,
    },
}

impl Critical {
    pub(super) fn reading(what: &'static str) -> impl FnOnce(QueryError) -> Critical {
        move |source| Critical::Unreadable { what, source }
    }
}
