//! `init --system`, below a folder that stands for the machine, for a real account of this machine.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hbcourier::durable::step::UPKEEP_STEPS;
use serde_json::Value;

use crate::support::accounts::{Accounts, as_account, uid};
use crate::support::council::{LA, command, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A folder that stands for the machine, an account for the service, a group for files.
struct Machine {
    _accounts: Accounts,
    dir: tempfile::TempDir,
    account: String,
    group: String,
}

impl Machine {
    fn new() -> Machine {
        let mut accounts = Accounts::new();
        let (group, account) = (accounts.group("files"), accounts.account("svc", &["files"]));
        let dir = tempfile::tempdir().unwrap();
        // The service's account must get in.
        fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Machine { _accounts: accounts, dir, account, group }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn init(&self) -> Command {
        let mut init = command();
        init.args(["init", "--system", "--authority", LA, "--account", &self.account, "--files-group", &self.group]);
        init.arg("--root").arg(self.dir.path());
        init
    }

    /// The program as the service's account.
    fn service(&self, arguments: &[&str]) -> Output {
        let mut run = as_account(&self.account, env!("CARGO_BIN_EXE_hbcourier"));
        run.arg("--config").arg(self.at("etc/hbcourier/hbcourier.toml")).args(arguments);
        run.output().unwrap()
    }
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn whose(path: &Path) -> (u32, u32) {
    let metadata = path.symlink_metadata().unwrap();
    (metadata.uid(), metadata.mode() & 0o7777)
}

#[test]
fn the_service_starts_on_what_it_lays_out_and_delivers() {
    let (machine, mut dwp) = (Machine::new(), Partner::new(Algorithm::Curve25519));
    let certificate = machine.at("dwp.asc");
    fs::write(&certificate, dwp.certificate()).unwrap();
    let printed = succeeded(machine.init().arg("--partner-cert").arg(&certificate).arg("--json").output().unwrap());
    let set_up: Value = serde_json::from_slice(&printed).unwrap();
    let own = uid(&machine.account);
    for (path, owner, mode) in [
        ("etc/hbcourier", 0, 0o755),
        ("etc/hbcourier/conf.d", 0, 0o750),
        ("etc/hbcourier/credentials", 0, 0o700),
        ("etc/hbcourier/credentials.encrypted", 0, 0o700),
        ("etc/hbcourier/hbcourier.toml", 0, 0o640),
        ("var/lib/hbcourier", own, 0o700),
        ("run/hbcourier", own, 0o755),
        ("srv/hbcourier/drop", 0, 0o755),
        ("srv/hbcourier/drop/12302", own, 0o2770),
        ("srv/hbcourier/backoffice/12302/laid", own, 0o2770),
        ("srv/hbcourier/backoffice/12302/risk", own, 0o2770),
        ("srv/hbcourier/returns/12302/hbms-mi", own, 0o2770),
        ("srv/hbcourier/outgoing/12302", own, 0o2770),
        ("srv/hbcourier/keys/own.asc", 0, 0o644),
        ("srv/hbcourier/keys/ledger.vkey", 0, 0o644),
        ("etc/systemd/system/hbcourier.service.d/configured.conf", 0, 0o644),
    ] {
        assert_eq!(whose(&machine.at(path)), (owner, mode), "{path}");
        let listed = set_up["made"].as_array().unwrap().iter().any(|made| *made == machine.at(path).to_str().unwrap());
        assert!(listed, "{path} is not listed");
    }
    for entry in walk(&machine.at("var/lib/hbcourier")) {
        assert_eq!(whose(&entry).0, own, "{} is not the service's", entry.display());
    }
    let drop_in = fs::read_to_string(machine.at("etc/systemd/system/hbcourier.service.d/configured.conf")).unwrap();
    let srv = machine.at("srv/hbcourier");
    for expected in [
        format!("RequiresMountsFor={}/drop/12302\n", srv.display()),
        format!("SupplementaryGroups={}\n", machine.group),
    ] {
        assert!(drop_in.contains(&expected), "{drop_in}");
    }

    dwp.trusts(&fs::read(machine.at("srv/hbcourier/keys/own.asc")).unwrap());
    let sealed = dwp.seals(b"<?xml version=\"1.0\"?><LAID/>", "LAID_1.xml", &SealOptions::default());
    let dropped = machine.at("srv/hbcourier/drop/12302/LAID_1.xml.pgp");
    fs::write(&dropped, sealed).unwrap();
    let run = machine.service(&["run", "--once"]);
    assert!(run.status.success(), "{}", says(&run));
    let delivered: Vec<_> = walk(&machine.at("srv/hbcourier/backoffice/12302/laid"));
    assert_eq!(delivered.len(), 1);
    let metadata = delivered[0].metadata().unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (own, 0o640));
    assert_eq!(metadata.gid(), machine.at("srv/hbcourier/outgoing/12302").metadata().unwrap().gid(), "the group's");
    // An order of root's without the service leaves nothing that the service cannot read.
    let mut order = command();
    order.arg("--config").arg(machine.at("etc/hbcourier/hbcourier.toml")).args(["audit", "checkpoint"]);
    succeeded(order.output().unwrap());
    for entry in walk(&machine.at("var/lib/hbcourier")) {
        assert_eq!(whose(&entry).0, own, "{} is not the service's", entry.display());
    }
}

#[test]
fn a_second_time_is_refused_and_changes_nothing() {
    let machine = Machine::new();
    let printed = String::from_utf8(succeeded(machine.init().output().unwrap())).unwrap();
    let spoken = printed.lines().find(|line| line.starts_with("       ")).unwrap().trim();
    assert_eq!(spoken.split_whitespace().count(), 10, "in groups of four: {spoken}");
    for expected in ["keys trust dwp FILE", &format!("usermod -aG {}", machine.group), "enable --now hbcourier"] {
        assert!(printed.contains(expected), "{printed}");
    }
    let all =
        || walk(machine.dir.path()).iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect::<Vec<_>>();
    let before = all();
    let again = machine.init().output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(says(&again).contains("is set up already"), "{}", says(&again));
    assert_eq!(all(), before);
}

#[test]
fn ended_at_any_moment_it_can_be_given_again() {
    let machine = Machine::new();
    let config = machine.at("etc/hbcourier/hbcourier.toml");
    let mut killed = 0;
    for (step, passes) in UPKEEP_STEPS
        .iter()
        .filter(|step| step.starts_with("set-up."))
        .flat_map(|step| [0, 1, 3, 8].map(|passes| (step, passes)))
    {
        if !config.exists() {
            let failpoint = format!("{step}={passes}*off->return(kill)");
            let ended = machine.init().env("FAILPOINTS", failpoint).output().unwrap();
            killed += usize::from(ended.status.signal().is_some());
        }
    }
    assert!(killed >= 10, "ended {killed} times");
    if !config.exists() {
        let kept: Value = serde_json::from_slice(&succeeded(machine.init().arg("--json").output().unwrap())).unwrap();
        assert!(!kept["kept"].as_array().unwrap().is_empty());
    }
    let left: Vec<_> =
        walk(machine.dir.path()).into_iter().filter(|path| path.to_string_lossy().contains(".part")).collect();
    assert_eq!(left, [] as [PathBuf; 0]);
    assert_eq!(walk(&machine.at("var/lib/hbcourier/keys/own")).len(), 1, "one key of our own");
    let run = machine.service(&["run", "--once"]);
    assert!(run.status.success(), "{}", says(&run));
    assert!(machine.service(&["audit", "verify"]).status.success());
}

#[test]
fn whoever_is_not_root_and_what_is_not_there_is_told() {
    let machine = Machine::new();
    let mut other = as_account(&machine.account, env!("CARGO_BIN_EXE_hbcourier"));
    other.args(["init", "--system", "--authority", LA, "--root"]).arg(machine.dir.path());
    let other = other.output().unwrap();
    assert!(other.status.code() == Some(3) && says(&other).contains("only root"), "{}", says(&other));
    for (flag, expected) in [("--account", "systemd-sysusers"), ("--files-group", "addgroup --system")] {
        let mut init = command();
        init.args(["init", "--system", "--authority", LA, "--account", &machine.account]);
        init.args([flag, "nobody-has-this-name", "--root"]).arg(machine.dir.path());
        if flag == "--account" {
            init = command();
            init.args(["init", "--system", "--authority", LA, flag, "nobody-has-this-name", "--root"]);
            init.arg(machine.dir.path());
        }
        let refused = init.output().unwrap();
        assert!(refused.status.code() == Some(3) && says(&refused).contains(expected), "{}", says(&refused));
    }
    assert_eq!(fs::read_dir(machine.dir.path()).unwrap().count(), 0, "nothing was laid out");
}

/// Every file below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap().is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}
