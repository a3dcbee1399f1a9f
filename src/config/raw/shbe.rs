//! How extracts are checked, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::settings::ShbeProfile;
use crate::config::severities::RawSeverities;

/// How extracts (SHBE) are checked before they leave, and by `hbcourier shbe check`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawShbe {
    /// The layout that an extract must have.
    pub(in crate::config) profile: ShbeProfile,
    /// By how many percent the number of D records may move against the last month that was sealed; beyond it that is told.
    #[schemars(range(min = 1, max = 100))]
    pub(in crate::config) d_count_moved_percent: u8,
    /// What happens where a rule is broken, if something else is wanted than is usual.
    pub(in crate::config) severity: RawSeverities,
}
