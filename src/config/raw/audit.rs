//! `[audit]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ledger's name and key, and who keeps its checkpoints elsewhere.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawAudit {
    /// The ledger's name in its checkpoints, without spaces and plus signs. If left out: `hbcourier/` and the first LA
    /// number. To auditors another name is another ledger, with a vkey of its own.
    #[schemars(example = &"hbcourier/12302")]
    pub(in crate::config) name: Option<String>,
    /// The name of a systemd credential (`LoadCredential=`) that holds the ledger's key, as a line
    /// `PRIVATE+KEY+…`. With neither this nor `key_file` the key is made at the first start, as `keys/ledger.key` below
    /// `state`.
    #[schemars(example = &"ledger-key")]
    pub(in crate::config) key_credential: Option<String>,
    /// Absolute path of a file of mode 0600 that holds it.
    #[schemars(example = &"/etc/hbcourier/ledger.key")]
    pub(in crate::config) key_file: Option<String>,
    /// Somebody who keeps checkpoints, so that nobody here can rewrite the ledger unnoticed: by exactly one of `folder`, and
    /// `courier` with `address`.
    pub(in crate::config) recipient: Vec<RawRecipient>,
}

/// Somebody who keeps checkpoints elsewhere.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRecipient {
    /// Its name in logs and the ledger.
    #[schemars(required, example = &"internal-audit")]
    pub(in crate::config) name: Option<String>,
    /// Absolute path of an existing folder, best on another machine, that the service may write to.
    #[schemars(example = &"/srv/audit/hbcourier")]
    pub(in crate::config) folder: Option<String>,
    /// The courier, one that mails, by which checkpoints go out. With `address`.
    #[schemars(example = &"mail")]
    pub(in crate::config) courier: Option<String>,
    /// Where they go. Unencrypted: a checkpoint tells a size and a hash, and nothing from a file.
    #[schemars(example = &"audit@council.example")]
    pub(in crate::config) address: Option<String>,
}
