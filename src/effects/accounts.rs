//! Accounts and groups of this machine.
//!
//! In:  a user id, as the kernel tells it of a process. Out: the account's names, and every group it is in now.
//! Holds: it is asked anew each time, so that who was taken out of a group is out at once; what cannot be looked up is
//! an error, never a guess.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

const PASSWD: &str = "/etc/passwd";
/// Of the table of local accounts no more is read.
const PASSWD_BYTES_MAX: u64 = 16 << 20;

/// A local account: one user id, whatever names it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The number that the kernel knows it by.
    pub uid: u32,
    /// Every name it has, the usual one first. None, if the number is nobody's.
    pub names: Vec<String>,
    /// The groups of all its names, by number.
    pub groups: BTreeSet<u32>,
}

impl Account {
    /// What people call it.
    pub fn name(&self) -> String {
        self.names.first().cloned().unwrap_or_else(|| nameless(self.uid))
    }
}

/// What an account is called that has no name.
pub fn nameless(uid: u32) -> String {
    format!("uid {uid}")
}

/// Who is who on this machine.
pub trait Accounts: Send + Sync {
    /// The account of this number, as it is now.
    fn account(&self, uid: u32) -> io::Result<Account>;
    /// The number of the group of this name; `None` if there is none.
    fn group(&self, name: &str) -> io::Result<Option<u32>>;
}

/// The numbers of the account of this name and of its own group; `None` if there is none.
pub fn named(name: &str) -> io::Result<Option<(u32, u32)>> {
    Ok(User::from_name(name)?.map(|user| (user.uid.as_raw(), user.gid.as_raw())))
}

/// What the group of this number is called; `None` if there is none.
pub fn group_called(gid: u32) -> io::Result<Option<String>> {
    Ok(Group::from_gid(Gid::from_raw(gid))?.map(|group| group.name))
}

/// The machine itself: its own tables, and whatever directory its name service asks.
#[derive(Clone, Copy, Debug)]
pub struct MachineAccounts;

impl Accounts for MachineAccounts {
    fn account(&self, uid: u32) -> io::Result<Account> {
        let mut names = Vec::new();
        names.extend(User::from_uid(Uid::from_raw(uid))?.map(|user| user.name));
        // A second name with the same number is the same person, and may be in other groups.
        for name in names_of(uid, &local_accounts(Path::new(PASSWD))?) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut groups = BTreeSet::new();
        for name in &names {
            let Some(user) = User::from_name(name)?.filter(|user| user.uid.as_raw() == uid) else { continue };
            groups.extend(groups_of(name, user.gid)?);
        }
        Ok(Account { uid, names, groups })
    }

    fn group(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
    }
}

fn groups_of(name: &str, own: Gid) -> io::Result<Vec<u32>> {
    let name = CString::new(name).map_err(io::Error::other)?;
    Ok(getgrouplist(&name, own)?.into_iter().map(Gid::as_raw).collect())
}

/// The table of local accounts. A machine may have none.
fn local_accounts(path: &Path) -> io::Result<Vec<u8>> {
    let mut table = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(PASSWD_BYTES_MAX).read_to_end(&mut table).map(|_| table),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(table),
        Err(error) => Err(error),
    }
}

/// Every name with this number, in the order of the table.
// passwd(5)
fn names_of(uid: u32, table: &[u8]) -> Vec<String> {
    let name = |line: &[u8]| {
        let line = std::str::from_utf8(line).ok()?;
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        // `+` and `-` ask other tables.
        let is_name = !name.is_empty() && !name.starts_with(['+', '-', '#']);
        (is_name && number.parse() == Ok(uid)).then(|| name.to_owned())
    };
    table.split(|byte| *byte == b'\n').filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_with_the_number_is_the_same_account() {
        let table = b"root:x:0:0::/:/bin/sh\nalice:x:1001:1001::/:/bin/sh\nbob:x:1002:1002::/:\n\
            alice2:x:1001:1003::/:/bin/sh\n+nis:x:1001:1:::\n:x:1001:1:::\n\xff\xfe:x:1001:1:::\nshort\n\n";
        assert_eq!(names_of(1001, table), ["alice", "alice2"]);
        assert_eq!(names_of(100, table), [""; 0]);
    }

    #[test]
    fn the_machines_own_accounts_are_found() {
        let root = MachineAccounts.account(0).unwrap();
        assert_eq!((root.name(), root.groups.contains(&0)), ("root".to_owned(), true));
        assert_eq!(MachineAccounts.group("root").unwrap(), Some(0));
        assert_eq!(MachineAccounts.group("no-group-has-this-name").unwrap(), None);
    }

    #[test]
    fn a_number_that_is_nobodys_has_no_name_and_no_group() {
        let nobody = MachineAccounts.account(3_999_999_999).unwrap();
        assert_eq!((nobody.name().as_str(), nobody.groups.len()), ("uid 3999999999", 0));
    }
}
