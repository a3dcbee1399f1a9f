//! `[keys]`, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How own secret keys are kept, besides the files of mode 0600 below `state`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in super::super) struct RawKeys {
    /// Own secret keys protected with a passphrase are unlocked with this systemd credential (`LoadCredential=`), and new
    /// ones are protected with it.
    #[schemars(example = &"key-passphrase")]
    pub(in super::super) passphrase_credential: Option<String>,
    /// In its place: an absolute path of a file of mode 0600 with the passphrase.
    #[schemars(example = &"/etc/hbcourier/key-passphrase")]
    pub(in super::super) passphrase_file: Option<String>,
    /// systemd credentials that each hold an own secret key, besides those below `state`. Commands that are run by hand do
    /// not see them.
    #[schemars(example = ["own-key"])]
    pub(in super::super) secret_credentials: Vec<String>,
}
