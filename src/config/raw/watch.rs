//! `[watch]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::notation::WrittenDuration;

/// How others watch the service, and when it counts as stuck.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawWatch {
    /// Where `/healthz`, `/readyz` and `/metrics` (for Prometheus) are answered: `unix:` and an absolute path, or an address
    /// of this machine alone with a port, as in `127.0.0.1:9617`. Nowhere, if left out. What is told there is not secret
    /// and has nothing from any file, so whoever can connect may read it.
    #[schemars(example = &"unix:/run/hbcourier/watch.sock")]
    pub(in crate::config) listen: Option<String>,
    /// How long a part of the service may have nothing behind it, beyond what it may wait for, before it counts as stuck:
    /// that is an alarm, `/healthz` says no, and systemd is not told any more that the service is alive. 1s to 1d.
    pub(in crate::config) stuck_after: WrittenDuration,
}
