//! What the service must be able to do in its sandbox.

use std::fs::{self, File};
use std::io;
use std::net::TcpStream;
use std::path::Path;

use super::{Expected, Trial};
use crate::config::Settings;
use crate::durable::Directory;
use crate::effects::accounts::{Accounts, MachineAccounts};
use crate::sandbox::{folders, ports};

/// Given to nobody: above the numbers that systemd, containers and directories give.
const NOBODYS: u32 = 3_999_999_999;

/// Tries all of it.
pub(super) fn trials(settings: &Settings, configuration: &Path) -> Vec<Trial> {
    let tried = |what: String, done| Trial::of(what, Expected::Done, done);
    let mut trials = vec![
        tried("read the configuration".to_owned(), File::open(configuration).map(drop)),
        tried("write in the state directory".to_owned(), write_in(&settings.service.state)),
        tried("look up an account".to_owned(), MachineAccounts.account(0).map(drop)),
        // Only what is in no file is asked of every service that knows accounts.
        tried("look up an account that there is not".to_owned(), MachineAccounts.account(NOBODYS).map(drop)),
        tried("look up a group that there is not".to_owned(), MachineAccounts.group("hbcourier-nobodys").map(drop)),
        tried("read the certificate authorities".to_owned(), fs::read_dir("/etc/ssl/certs").map(drop)),
        tried("begin a thread".to_owned(), std::thread::Builder::new().spawn(|| ()).map(drop)),
    ];
    for folder in folders(settings) {
        trials.push(tried(format!("write in the folder of {}", folder.name), write_in(&folder.path)));
    }
    for port in ports(settings) {
        trials.push(tried(format!("connect to port {port}, which is configured"), connect(port)));
    }
    trials
}

/// Makes a hidden file and removes it.
fn write_in(folder: &Path) -> io::Result<()> {
    let name = format!(".hbcourier-selftest-{}.part", std::process::id());
    let directory = Directory::open(folder)?;
    directory.remove(&name)?;
    directory.create(&name)?;
    directory.remove(&name)
}

/// To this machine itself, where in most cases nobody listens: that is not the sandbox's refusal.
fn connect(port: u16) -> io::Result<()> {
    match TcpStream::connect(("127.0.0.1", port)) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        connected => connected.map(drop),
    }
}
