//! `selftest --sandbox` by the real program: everything forbidden is refused, everything needed is done.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use serde_json::Value;

use super::impatient;
use crate::support::accounts::{Accounts, uid};
use crate::support::council::Council;

fn trial<'a>(tried: &'a Value, what: &str) -> &'a Value {
    let trials = tried["trials"].as_array().unwrap();
    trials.iter().find(|trial| trial["what"] == what).unwrap_or_else(|| panic!("{what}: {tried}"))
}

fn gives(path: &Path, uid: u32) {
    chown(path, Some(uid), None).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| gives(&entry.unwrap().path(), uid));
    }
}

/// A council that belongs to an account of its own, as a service's does.
fn with_an_account(accounts: &mut Accounts) -> Council {
    let (_dwp, council) = impatient();
    let account = accounts.account("service", &[]);
    fs::set_permissions(council.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    gives(council.dir.path(), uid(&account));
    council
}

#[test]
fn as_the_services_account_everything_forbidden_is_refused_and_everything_needed_done() {
    let mut accounts = Accounts::new();
    let council = with_an_account(&mut accounts);
    let output = council.runs(&["selftest", "--sandbox", "--json"]);
    let tried: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let wrong: Vec<&Value> = tried["trials"].as_array().unwrap().iter().filter(|trial| trial["ok"] != true).collect();
    assert_eq!((output.status.code(), wrong), (Some(0), vec![]), "{tried}");
    for what in [
        "write in /tmp",
        "write in /var/tmp",
        "write in /etc",
        "read /etc/shadow",
        "look into /root",
        "look into /home",
        "read a file of another account",
        "read the memory of another process",
        "trace another process",
        "send packets of any kind",
        "connect past the rules for TCP",
        "mount a file system",
        "enter another namespace",
        "begin another program",
        "execute a program in our place",
        "leave a core dump",
    ] {
        assert_eq!(trial(&tried, what)["outcome"], "refused", "{what}");
    }
    if tried["sandbox"]["landlock"].as_u64() >= Some(4) {
        let refused = trial(&tried, "connect to a port that is not configured");
        assert_eq!((&refused["outcome"], &refused["errno"]), (&"refused".into(), &"EACCES".into()));
    }
    for what in ["write in the state directory", "write in the folder of drop-12302", "begin a thread"] {
        assert_eq!(trial(&tried, what)["outcome"], "done", "{what}");
    }
}

/// Root reads what root owns; that is told, and so is everything that is refused to root as to anybody.
#[test]
fn as_root_what_only_an_account_of_its_own_refuses_is_told() {
    let (_dwp, council) = impatient();
    let output = council.runs(&["selftest", "--sandbox", "--json"]);
    let tried: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wrong = tried["trials"].as_array().unwrap().iter().filter(|trial| trial["ok"] != true);
    let wrong: Vec<&str> = wrong.map(|trial| trial["what"].as_str().unwrap()).collect();
    assert_eq!((output.status.code(), wrong), (Some(1), vec!["read /etc/shadow"]), "{tried}");
    let text = String::from_utf8(council.runs(&["selftest"]).stdout).unwrap();
    assert!(text.contains("problem  read /etc/shadow") && text.contains("Run it as the service's account"), "{text}");
    assert!(text.contains("seal for dwp and open it again with our own key"), "{text}");
}

/// Whatever the configuration names is what may be connected to, and nothing else.
#[test]
fn ports_that_are_configured_are_let_through() {
    let (_dwp, council) = impatient();
    let ping = "http://127.0.0.1:39217/made-up";
    council.changes_settings(|settings| {
        crate::support::council::set(settings, &["service", "alarms", "ping"], ping);
    });
    let tried = council.json(&["selftest", "--sandbox"]);
    assert_eq!(trial(&tried, "connect to port 39217, which is configured")["ok"], true, "{tried}");
}
