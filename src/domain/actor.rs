//! Who did something: the service itself, or a person.

use serde::{Deserialize, Serialize};

/// Who caused a ledger entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The running service, of its own accord.
    Service,
    /// A person, known by the local account whose process gave the order, not by a name somebody typed.
    Account {
        /// The numeric user id of the calling process.
        uid: u32,
        /// The account's name at that moment.
        name: String,
    },
}
