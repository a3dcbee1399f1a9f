//! `[risk]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::settings::RiskHeader;

/// Which columns of DWP's Caseload Risk Data mean what. Each is the name in the header row, or a number from 1, in
/// quotation marks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRisk {
    /// The claim's reference.
    #[schemars(example = &"CLAIM_REFERENCE")]
    pub(in crate::config) claim: Option<String>,
    /// The risk score, by which DWP ranks the claims from high to low.
    #[schemars(example = &"RISK_SCORE")]
    pub(in crate::config) score: Option<String>,
    /// The mark of the nationally highest risks.
    #[schemars(example = &"3")]
    pub(in crate::config) high_risk: Option<String>,
    /// What stands in that column for a marked claim, in any letters.
    pub(in crate::config) high_risk_values: Vec<String>,
    /// Whether the first row names the columns.
    pub(in crate::config) header: RiskHeader,
}
