//! `[scan]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::notation::WrittenDuration;

/// The virus scanner that everything passes after it was opened and verified, and before it is delivered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawScan {
    /// Where ClamAV's clamd listens: `unix:` and the absolute path of its socket, or an address of this machine alone with a
    /// port, as in `127.0.0.1:3310`. If left out, nothing is scanned, and `hbcourier check` and `hbcourier status` say so.
    /// If given, nothing is delivered that clamd did not find clean; while it does not answer, everything waits.
    #[schemars(example = &"unix:/run/clamav/clamd.ctl")]
    pub(in crate::config) clamd: Option<String>,
    /// How long the scan of one file may take, from the connection to the verdict. 1s to 1h.
    pub(in crate::config) timeout: WrittenDuration,
}
