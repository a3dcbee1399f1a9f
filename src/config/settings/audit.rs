//! `[audit]`, checked.

use std::path::PathBuf;

use super::SecretReference;
use crate::domain::{CourierName, RecipientName};

/// `[audit]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// The ledger's name in its checkpoints.
    pub name: String,
    /// Where its key is; made below `state` if `None`.
    pub key: Option<SecretReference>,
    /// Who keeps its checkpoints.
    pub recipients: Vec<RecipientSettings>,
}

/// `[[audit.recipient]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientSettings {
    /// Unique.
    pub name: RecipientName,
    /// How checkpoints get there.
    pub way: RecipientWay,
}

/// How checkpoints get to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientWay {
    /// Into this folder. Absolute.
    Folder(PathBuf),
    /// By mail.
    Mail {
        /// By which courier.
        courier: CourierName,
        /// To which address.
        address: String,
    },
}
