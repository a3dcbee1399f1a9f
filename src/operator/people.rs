//! Who somebody is here, by the account whose process calls.
//!
//! In:  a user id, as the kernel tells it. Out: the account's name and its roles at this moment.
//! Holds: root and the service's own account are whoever has `sudo`, so they are never one of two people; with groups
//! configured they keep what an installation needs and no more.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use crate::config::settings::{GroupName, Roles};
use crate::domain::{Actor, Role};
use crate::effects::accounts::{Account, Accounts, nameless};

/// The account that may do everything on a machine.
const ROOT: u32 = 0;

/// The people of this installation.
pub struct People {
    roles: Roles,
    accounts: Arc<dyn Accounts>,
    own: u32,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account's number.
    pub uid: u32,
    /// Its name.
    pub name: String,
    /// What it may be here.
    pub roles: BTreeSet<Role>,
}

impl Person {
    /// As the ledger knows them.
    pub fn actor(&self) -> Actor {
        Actor::Account { uid: self.uid, name: self.name.clone() }
    }
}

/// Groups and accounts could not be looked up, so nobody knows who this is.
#[derive(Debug, thiserror::Error)]
#[error(
    "the groups of the account with number {uid} could not be looked up: {source}. See that the machine's directory of \
     accounts answers: `id {uid}`"
)]
pub struct Unknown {
    uid: u32,
    source: io::Error,
}

impl People {
    /// Those whose groups have these roles, and the service's own account.
    pub fn new(roles: Roles, accounts: Arc<dyn Accounts>, own: u32) -> People {
        People { roles, accounts, own }
    }

    /// Which groups have which role.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Whether this is root or the service's own account: whoever has `sudo`, and so nobody in particular.
    pub fn is_anybody_with_sudo(&self, uid: u32) -> bool {
        uid == ROOT || uid == self.own
    }

    /// Who this is, asked anew each time.
    pub fn who(&self, uid: u32) -> Result<Person, Unknown> {
        let account = self.accounts.account(uid);
        if self.is_anybody_with_sudo(uid) {
            let name = account.map_or_else(|_| nameless(uid), |account| account.name());
            return Ok(Person { uid, name, roles: self.roles_of_sudo() });
        }
        let unknown = |source| Unknown { uid, source };
        let account = account.map_err(unknown)?;
        let mut roles = BTreeSet::new();
        for role in Role::ALL {
            if self.is_in(&account, self.roles.groups(role)).map_err(unknown)? {
                roles.insert(role);
            }
        }
        Ok(Person { uid, name: account.name(), roles })
    }

    /// The groups of the configuration that this machine does not have.
    pub fn missing_groups(&self) -> io::Result<Vec<GroupName>> {
        let named: BTreeSet<&GroupName> = Role::ALL.iter().flat_map(|role| self.roles.groups(*role)).collect();
        let mut missing = Vec::new();
        for group in named {
            if self.number_of(group)?.is_none() {
                missing.push(group.clone());
            }
        }
        Ok(missing)
    }

    fn roles_of_sudo(&self) -> BTreeSet<Role> {
        let mut roles = BTreeSet::from([Role::Viewer, Role::Operator, Role::Auditor, Role::Admin]);
        if !self.roles.is_named(Role::Keymaster) {
            roles.insert(Role::Keymaster);
        }
        roles
    }

    fn is_in(&self, account: &Account, groups: &[GroupName]) -> io::Result<bool> {
        for group in groups {
            if self.number_of(group)?.is_some_and(|number| account.groups.contains(&number)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn number_of(&self, group: &GroupName) -> io::Result<Option<u32>> {
        group.number().map_or_else(|| self.accounts.group(group.as_str()), |number| Ok(Some(number)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Accounts with the groups they are in, and groups with their numbers.
    struct Made {
        accounts: BTreeMap<u32, Vec<u32>>,
        broken: bool,
    }

    impl Accounts for Made {
        fn account(&self, uid: u32) -> io::Result<Account> {
            if self.broken {
                return Err(io::Error::other("the directory does not answer"));
            }
            let groups = self.accounts.get(&uid).cloned().unwrap_or_default().into_iter().collect();
            Ok(Account { uid, names: vec![format!("u{uid}")], groups })
        }

        fn group(&self, name: &str) -> io::Result<Option<u32>> {
            Ok(name.strip_prefix('g').and_then(|number| number.parse().ok()))
        }
    }

    const OWN: u32 = 900;

    fn people(roles: &[(Role, &str)], accounts: &[(u32, &[u32])], broken: bool) -> People {
        let roles = roles.iter().map(|(role, group)| (*role, vec![group.parse().unwrap()])).collect();
        let accounts = accounts.iter().map(|(uid, groups)| (*uid, groups.to_vec())).collect();
        People::new(roles, Arc::new(Made { accounts, broken }), OWN)
    }

    fn roles(people: &People, uid: u32) -> Vec<Role> {
        people.who(uid).unwrap().roles.into_iter().collect()
    }

    #[test]
    fn a_group_by_name_or_number_gives_its_role_and_a_missing_one_none() {
        let configured = [(Role::Viewer, "g10"), (Role::Releaser, "20"), (Role::Admin, "nogroup")];
        let people = people(&configured, &[(1, &[10]), (2, &[10, 20]), (3, &[30])], false);
        assert_eq!(roles(&people, 1), [Role::Viewer]);
        assert_eq!(roles(&people, 2), [Role::Viewer, Role::Releaser]);
        assert_eq!(roles(&people, 3), []);
        assert_eq!(people.missing_groups().unwrap(), ["nogroup".parse().unwrap()]);
    }

    #[test]
    fn root_and_the_service_are_never_one_of_two_whatever_groups_they_are_in() {
        use Role::{Admin, Auditor, Keymaster, Operator, Viewer};
        let configured = [(Role::Releaser, "g20"), (Keymaster, "g30")];
        let with = people(&configured, &[(0, &[20, 30]), (OWN, &[20, 30])], false);
        let without = people(&[], &[(0, &[20, 30])], false);
        for uid in [0, OWN] {
            assert_eq!(roles(&with, uid), [Viewer, Operator, Auditor, Admin]);
            assert_eq!(roles(&without, uid), [Viewer, Operator, Auditor, Keymaster, Admin]);
            assert!(with.is_anybody_with_sudo(uid));
        }
        assert!(!with.is_anybody_with_sudo(1));
        assert_eq!(roles(&without, 1), []);
    }

    #[test]
    fn a_directory_that_does_not_answer_gives_nobody_a_role_and_leaves_root_its_own() {
        let people = people(&[(Role::Viewer, "g10")], &[(1, &[10])], true);
        assert!(people.who(1).unwrap_err().to_string().contains("does not answer"));
        assert_eq!(people.who(0).unwrap().name, "uid 0");
        assert!(people.who(0).unwrap().roles.contains(&Role::Operator));
    }
}
