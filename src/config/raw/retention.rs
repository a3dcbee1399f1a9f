//! How long what came and went is kept, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::notation::WrittenKeep;

/// How long what came and went is kept once it is over. The ledger is never shortened.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRetention {
    /// The sealed originals of what was delivered, in `archive` below the state directory: a duration from 0s on, or
    /// "forever". The default is fourteen months: what DWP's yearly audit asks about, and two months to ask.
    pub(in crate::config) keep_original: WrittenKeep,
    /// The names that others gave to files and mails.
    pub(in crate::config) keep_names: WrittenKeep,
    /// The originals of what was rejected. Some came unsealed and lie there as they came, so the default is short.
    pub(in crate::config) keep_rejected: WrittenKeep,
    /// The sealed bytes of returns that were sent, confirmed or waived.
    pub(in crate::config) keep_sealed: WrittenKeep,
}
