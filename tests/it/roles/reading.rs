//! Reading through the service: the same answer, byte for byte, for whoever may have it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Town, ended};
use crate::support::accounts::uid;
use crate::support::council::{LA, succeeded};

#[test]
fn what_is_read_through_the_service_is_what_is_read_directly() {
    let mut town = Town::running();
    let (viewer, auditor) = (town.accounts.account("v", &["viewer"]), town.accounts.account("a", &["auditor"]));
    let id = town.transfer();
    let prefix = &id[..8];
    let lines: [&[&str]; 19] = [
        &["status", "--json"],
        &["status"],
        &["transfers", "list", "--json"],
        &["transfers", "list"],
        &["transfers", "show", prefix],
        &["transfers", "show", &id, "--json"],
        &["transfers", "why", &id],
        &["held", "list"],
        &["held", "list", "--json", "--fail-if-any"],
        &["held", "show", prefix],
        &["returns", "list"],
        &["returns", "compliance", "--year", "2020-21"],
        &["packs", "volumes", "--json"],
        &["packs", "rules"],
        &["expectations", "--json"],
        &["timetable", "next", "--authority", LA],
        &["timetable", "show", "--authority", LA, "--year", "2020-21", "--json"],
        &["timetable", "list"],
        &["keys", "list"],
    ];
    for line in lines {
        is_the_same(&town, &viewer, line);
    }
    for line in [&["audit", "log"][..], &["audit", "log", "--json"], &["audit", "verify", "--json"], &["audit", "vkey"]]
    {
        is_the_same(&town, &auditor, line);
    }
    // What fails fails alike, with the command's own status.
    for line in
        [&["transfers", "show", "0000"][..], &["held", "show", "x"], &["timetable", "next", "--authority", "99999"]]
    {
        let (direct, handed) = (town.council.runs(line), town.runs(&viewer, line));
        assert!(!direct.status.success());
        assert_eq!(ended(&handed), ended(&direct), "{line:?}");
    }
    assert_eq!(town.refusals(), []);
    town.council.stops_well();
}

/// Asked by this account and by root, the answer is the same, as long as nothing was recorded in between.
fn is_the_same(town: &Town, account: &str, line: &[&str]) {
    let mut direct = town.council.runs(line);
    let handed = loop {
        let handed = town.runs(account, line);
        let after = town.council.runs(line);
        if told(line, &after.stdout) == told(line, &direct.stdout) {
            break handed;
        }
        direct = after;
    };
    assert!(!direct.stdout.is_empty(), "{line:?}: {direct:?}");
    assert_eq!(told(line, &handed.stdout), told(line, &direct.stdout), "{line:?}: {handed:?}");
    assert_eq!(ended(&handed), ended(&direct), "{line:?}");
}

/// What is told. `status` tells how long ago and how much room, so of its numbers only that they are there.
fn told(line: &[&str], output: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(output).into_owned();
    if line[0] == "status" {
        text = text.replace(|c: char| c.is_ascii_digit(), "#");
        while text.contains("##") {
            text = text.replace("##", "#");
        }
    }
    text
}

#[test]
fn a_viewer_does_not_read_the_ledger_and_a_stranger_nothing() {
    let mut town = Town::running();
    let (viewer, stranger) = (town.accounts.account("v", &["viewer"]), town.accounts.account("s", &[]));
    let (status, says) = ended(&town.runs(&viewer, &["audit", "verify"]));
    assert_eq!(status, Some(3), "{says}");
    assert!(says.contains("CN-558: `hbcourier audit` takes the role operator, auditor or admin"), "{says}");
    for line in [&["status"][..], &["held", "list", "--json"], &["audit", "log"], &["roles"]] {
        let output = town.runs(&stranger, line);
        let (status, says) = ended(&output);
        assert_eq!((status, output.stdout.len()), (Some(3), 0), "{line:?}: {says}");
        assert!(says.contains("CN-559: every command takes the role viewer, operator"), "{line:?}: {says}");
    }
    // A refusal that costs nothing cannot fill the ledger: one a minute.
    let told = |about: &str, account: &str, code: &str| (uid(account), about.to_owned(), code.to_owned());
    assert_eq!(town.refusals(), [told("read-ledger", &viewer, "CN-558"), told("read", &stranger, "CN-559")]);
    town.council.stops_well();
    let (status, says) = ended(&town.runs(&viewer, &["status"]));
    assert_eq!(status, Some(3));
    assert!(says.contains("no service listens at"), "{says}");
}

#[test]
fn a_closed_configuration_is_no_hindrance_where_the_socket_is_known() {
    let mut town = Town::running();
    let viewer = town.accounts.account("v", &["viewer"]);
    fs::set_permissions(&town.council.config, fs::Permissions::from_mode(0o600)).unwrap();
    let (status, says) = ended(&town.runs(&viewer, &["held", "list"]));
    assert_eq!(status, Some(3));
    assert!(says.contains("/run/hbcourier/control.sock") && says.contains("`--socket`"), "{says}");
    let direct = succeeded(town.council.runs(&["held", "list"]));
    let socket = town.council.socket();
    let line = ["held", "list", "--socket", socket.to_str().unwrap()];
    assert_eq!(succeeded(town.runs(&viewer, &line)), direct);
    let mut by_variable = town.command(&viewer);
    by_variable.env("HBCOURIER_SOCKET", &socket).env("HBCOURIER_CONFIG", &town.council.config).args(["held", "list"]);
    assert_eq!(succeeded(by_variable.output().unwrap()), direct);
    town.council.stops_well();
}

#[test]
fn nothing_that_the_caller_names_is_read_by_the_service() {
    use hbcourier::daemon::control::read_at;
    let mut town = Town::running();
    let socket = town.council.socket();
    let secret = town.council.state.join("canary");
    fs::write(&secret, "canary-content").unwrap();
    let path = secret.to_str().unwrap();
    let asks =
        |line: &[&str]| read_at(&socket, line.iter().map(ToString::to_string).collect()).unwrap().unwrap().unwrap();
    for line in [
        &["identify", path][..],
        &["timetable", "lint", path],
        &["shbe", "check", path],
        &["transfers", "why", path],
        &["timetable", "export", "--authority", LA, "--year", "2020-21", "--ics", path],
        &["run", "--once"],
        &["held", "list", "--no-such-option"],
        &["--help"],
    ] {
        let page = asks(line);
        assert_eq!((page.exit, page.printed.len()), (2, 0), "{line:?}: {page:?}");
        assert!(!page.says.is_empty() && !page.says.contains("canary-content"), "{line:?}: {page:?}");
    }
    // Which configuration it goes by is the service's affair.
    let page = asks(&["--config", path, "held", "list", "--json"]);
    assert_eq!((page.exit, page.says.as_str()), (0, ""), "{page:?}");
    assert_eq!(page.printed, succeeded(town.council.runs(&["held", "list", "--json"])));
    assert_eq!(fs::read_to_string(&secret).unwrap(), "canary-content");
    town.council.stops_well();
}

#[test]
fn an_auditor_is_told_who_makes_an_audit_export() {
    let mut town = Town::running();
    let auditor = town.accounts.account("a", &["auditor"]);
    let before = town.council.entries().len();
    let transfer = town.transfer();
    // Where anybody may write.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let export = folder.path().join("export");
    for line in [&["audit", "export", export.to_str().unwrap()][..], &["audit", "evidence", &transfer]] {
        let (status, says) = ended(&town.runs(&auditor, line));
        assert_eq!(status, Some(3), "{line:?}: {says}");
        assert!(says.contains("is closed to this account, and files cannot be written for it"), "{says}");
        assert!(says.contains("`sudo -u hbcourier hbcourier audit export DIR`"), "{says}");
    }
    assert!(!export.exists());
    assert_eq!(town.council.entries().len(), before, "no checkpoint was made for it");
}
