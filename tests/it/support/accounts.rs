//! Real accounts and groups of this machine, with names of this run's own.
//!
//! Holds: what is made is removed again. Needs root, as all that is tested with accounts does.

use std::fs;
use std::process::Command;

use super::council::succeeded;

/// Only one test at a time may change the tables.
const LOCK: &str = "/run/lock/hbcourier-tests-accounts";

pub struct Accounts {
    prefix: String,
    accounts: Vec<String>,
    groups: Vec<String>,
}

impl Accounts {
    pub fn new() -> Accounts {
        Accounts { prefix: format!("hbt{}", std::process::id()), accounts: Vec::new(), groups: Vec::new() }
    }

    /// A group of this name, made unless it is there; what it is called on this machine.
    pub fn group(&mut self, name: &str) -> String {
        let name = format!("{}-{name}", self.prefix);
        if !self.groups.contains(&name) {
            changes("groupadd", &["--system", &name]);
            self.groups.push(name.clone());
        }
        name
    }

    /// An account of this name in these groups; what it is called on this machine.
    pub fn account(&mut self, name: &str, groups: &[&str]) -> String {
        self.made(name, groups, &[])
    }

    /// A second name for an account, in groups of its own.
    pub fn second_name(&mut self, account: &str, name: &str, groups: &[&str]) -> String {
        let uid = uid(account).to_string();
        self.made(name, groups, &["--non-unique", "--uid", &uid])
    }

    fn made(&mut self, name: &str, groups: &[&str], more: &[&str]) -> String {
        let groups: Vec<String> = groups.iter().map(|group| self.group(group)).collect();
        let name = format!("{}{name}", self.prefix);
        let mut arguments =
            vec!["--system", "--no-create-home", "--no-user-group", "--gid", "nogroup", "--shell", "/usr/sbin/nologin"];
        let groups = groups.join(",");
        if !groups.is_empty() {
            arguments.extend(["--groups", &groups]);
        }
        arguments.extend(more);
        arguments.push(&name);
        changes("useradd", &arguments);
        self.accounts.push(name.clone());
        name
    }

    /// Takes an account out of a group.
    pub fn leaves(&self, account: &str, group: &str) {
        changes("gpasswd", &["--delete", account, &format!("{}-{group}", self.prefix)]);
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        // A second name goes first, so that it is not in use as the first one's.
        for account in self.accounts.iter().rev() {
            let _ = Command::new("flock").args([LOCK, "userdel", "--force", account]).output();
        }
        for group in &self.groups {
            let _ = Command::new("flock").args([LOCK, "groupdel", group]).output();
        }
    }
}

fn changes(program: &str, arguments: &[&str]) {
    succeeded(Command::new("flock").args([LOCK, program]).args(arguments).output().unwrap());
}

/// The account's number.
pub fn uid(account: &str) -> u32 {
    let table = fs::read_to_string("/etc/passwd").unwrap();
    let line = table.lines().find(|line| line.split(':').next() == Some(account)).unwrap();
    line.split(':').nth(2).unwrap().parse().unwrap()
}

/// Another program, run by this account with its groups and nothing of ours.
pub fn as_account(account: &str, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", account, "--regid", "nogroup", "--init-groups", program]).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
    command
}
