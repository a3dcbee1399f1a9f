//! `[keys]`: how own secret keys are kept.

use super::SecretReference;

/// How own secret keys are kept, besides the files below the state directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySettings {
    /// What protects own secret keys.
    pub passphrase: Option<SecretReference>,
    /// Credentials that each hold an own secret key.
    pub secrets: Vec<SecretReference>,
}
