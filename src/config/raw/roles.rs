//! `[roles]`: which groups of this machine may do what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may do what: groups of this machine, by name or by number. People are known by the account whose process calls,
/// never by a name that is typed. Without any group here, root and the service's own account alone may do everything,
/// save what needs two people.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRoles {
    /// Who sees what came, what is held and what is owed. Every other role sees that too.
    #[schemars(example = ["hb-viewers"])]
    pub(in crate::config) viewer: Vec<String>,
    /// Who runs the day: tries held items again, refuses them, decides about returns and timetables.
    #[schemars(example = ["hb-operators"])]
    pub(in crate::config) operator: Vec<String>,
    /// Two of whom must agree before a held file is released. Never root, nor the service's own account.
    #[schemars(example = ["hb-releasers"])]
    pub(in crate::config) releaser: Vec<String>,
    /// Who reads and verifies the ledger.
    #[schemars(example = ["hb-auditors"])]
    pub(in crate::config) auditor: Vec<String>,
    /// Who looks after own keys, partners' certificates and exceptions. With a group here, root and the service's own
    /// account no longer do.
    #[schemars(example = ["hb-keymasters"])]
    pub(in crate::config) keymaster: Vec<String>,
    /// Who looks after the installation: timetables, checkpoints, legal holds.
    #[schemars(example = ["hb-admins"])]
    pub(in crate::config) admin: Vec<String>,
}
