//! What a person may do here, by the groups of the local account that calls.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that a person can be here. An account may be several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees what came, what is held and what is owed; changes nothing.
    Viewer,
    /// Runs the day: tries held items again, refuses them, decides about returns and timetables.
    Operator,
    /// One of the two people who must agree before a held file is released.
    Releaser,
    /// Verifies the ledger, and may read names that others chose, with a reason.
    Auditor,
    /// Looks after own keys, partners' certificates and exceptions.
    Keymaster,
    /// Looks after the installation: legal holds, timetables, checkpoints.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] =
        [Role::Viewer, Role::Operator, Role::Releaser, Role::Auditor, Role::Keymaster, Role::Admin];

    /// Its word, as in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Releaser => "releaser",
            Role::Auditor => "auditor",
            Role::Keymaster => "keymaster",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Role::ALL.map(Role::word).join(", ");
        Role::ALL.into_iter().find(|role| role.word() == text).ok_or_else(|| format!("no role; one of {}", known()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_reads_back() {
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.word());
        }
        assert!("releasers".parse::<Role>().is_err());
    }
}
