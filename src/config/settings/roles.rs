//! `[roles]`, checked: the groups that have each role.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::domain::Role;

/// Names of groups are shorter everywhere.
const NAME_BYTES_MAX: usize = 255;

/// A group of this machine: its name, or its number in digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName(String);

impl GroupName {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, if it is written as one.
    pub fn number(&self) -> Option<u32> {
        self.0.parse().ok()
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GroupName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What the tables of groups use themselves cannot be in a name: group(5). Directories allow much else.
        let fits = (1..=NAME_BYTES_MAX).contains(&text.len()) && text.trim() == text;
        let plain = text.chars().all(|c| !c.is_control() && c != ':' && c != ',');
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        if !fits || !plain || text.starts_with(['+', '-']) || (is_number && text.parse::<u32>().is_err()) {
            return Err(format!("`{text}` is neither the name of a group nor its number"));
        }
        Ok(GroupName(text.to_owned()))
    }
}

/// Which groups have which role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(BTreeMap<Role, Vec<GroupName>>);

impl Roles {
    /// Whether any group has any role.
    pub fn are_configured(&self) -> bool {
        Role::ALL.into_iter().any(|role| self.is_named(role))
    }

    /// Whether any group has this role.
    pub fn is_named(&self, role: Role) -> bool {
        !self.groups(role).is_empty()
    }

    /// The groups that have this role.
    pub fn groups(&self, role: Role) -> &[GroupName] {
        self.0.get(&role).map(Vec::as_slice).unwrap_or_default()
    }
}

impl FromIterator<(Role, Vec<GroupName>)> for Roles {
    fn from_iter<T: IntoIterator<Item = (Role, Vec<GroupName>)>>(groups: T) -> Self {
        Roles(groups.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_or_numbered() {
        for good in ["hb-viewers", "Domain Users", r"COUNCIL\benefits", "4001", "0"] {
            assert_eq!(good.parse::<GroupName>().unwrap().as_str(), good);
        }
        assert_eq!("4001".parse::<GroupName>().unwrap().number(), Some(4001));
        assert_eq!("hb4001".parse::<GroupName>().unwrap().number(), None);
        for bad in ["", " hb", "hb\n", "a:b", "a,b", "+hb", "-hb", "99999999999", &"x".repeat(256)] {
            assert!(bad.parse::<GroupName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_role_without_a_group_is_not_named() {
        assert!(!Roles::from_iter([(Role::Viewer, Vec::new())]).are_configured());
        let roles = Roles::from_iter([(Role::Viewer, vec!["hb".parse().unwrap()])]);
        assert!(roles.are_configured() && roles.is_named(Role::Viewer) && !roles.is_named(Role::Admin));
    }
}
