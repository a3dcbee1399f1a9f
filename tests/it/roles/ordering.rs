//! Orders by real accounts: whose groups allow them, at the moment they are given.

use std::fs;
use std::process::{Child, Command, Stdio};

use hbcourier::domain::Role;
use serde_json::Value;

use super::{Town, ended, who};
use crate::support::accounts::uid;
use crate::support::council::succeeded;

const REASON: [&str; 2] = ["--reason", "the cause is gone"];

fn retry(town: &Town, account: &str) -> (Option<i32>, String) {
    let id = town.transfer();
    ended(&town.runs(account, &[&["held", "retry", &id[..8]], &REASON[..]].concat()))
}

/// Who ordered a retry, by the ledger.
fn ordered(town: &Town) -> Vec<u32> {
    let entries = town.council.entries();
    entries.iter().filter(|entry| entry["event"] == "retry-ordered").map(who).collect()
}

/// It was tried again, and is held again.
fn is_held_again(town: &mut Town, times: usize) {
    town.council.until("it is held again", |council| {
        council.entries().iter().filter(|entry| entry["event"] == "held").count() == times && council.all_rest(1)
    });
}

#[test]
fn who_may_orders_and_who_may_not_is_told_what_it_takes() {
    let mut town = Town::running();
    let [viewer, operator, auditor, stranger] = [("v", "viewer"), ("o", "operator"), ("a", "auditor"), ("s", "")]
        .map(|(name, group)| town.accounts.account(name, group.split_whitespace().collect::<Vec<_>>().as_slice()));
    for account in [&viewer, &auditor] {
        let (status, says) = retry(&town, account);
        assert_eq!(status, Some(1), "{says}");
        assert!(says.contains("CN-558: `hbcourier held retry` takes the role operator or releaser"), "{says}");
        let group = town.accounts.group("operator");
        assert!(says.contains(&format!("`{group}`")) && says.contains("the refusal is recorded"), "{says}");
    }
    let (status, says) = retry(&town, &stranger);
    assert!(status == Some(3) && says.contains("CN-559"), "{status:?} {says}");
    assert!(ordered(&town).is_empty());
    let told = |account: &str, about: &str, code: &str| (uid(account), about.to_owned(), code.to_owned());
    let [by_viewer, by_auditor] = [&viewer, &auditor].map(|account| told(account, "retry", "CN-558"));
    assert_eq!(town.refusals(), [by_viewer, by_auditor, told(&stranger, "read", "CN-559")]);

    let (status, says) = retry(&town, &operator);
    assert_eq!(status, Some(0), "{says}");
    assert_eq!(ordered(&town), [uid(&operator)]);
    is_held_again(&mut town, 2);

    // Out of the group is out at once; the service is not told.
    town.accounts.leaves(&operator, "operator");
    let (status, says) = retry(&town, &operator);
    assert!(status == Some(3) && says.contains("CN-559"), "{status:?} {says}");
    assert_eq!(ordered(&town), [uid(&operator)]);

    // A name that is typed is noted, and is nobody.
    let id = town.transfer();
    let typed = town.runs(&viewer, &[&["held", "retry", &id, "--by", "root"], &REASON[..]].concat());
    assert_eq!(ended(&typed).0, Some(1));
    assert_eq!(town.refusals().last().unwrap(), &told(&viewer, "retry", "CN-558"));
    town.council.stops_well();
    assert_eq!(town.council.json(&["audit", "verify"])["ok"], true);
}

#[test]
fn two_names_with_one_number_are_one_person_with_the_groups_of_both() {
    let mut town = Town::running();
    let first = town.accounts.account("one", &["viewer"]);
    let second = town.accounts.second_name(&first, "two", &["operator"]);
    let roles = |town: &Town, account: &str| -> Value {
        serde_json::from_slice(&succeeded(town.runs(account, &["roles", "--json"]))).unwrap()
    };
    for account in [&first, &second] {
        let shown = roles(&town, account);
        assert_eq!(shown["account"]["uid"], uid(&first), "{shown}");
        assert_eq!(shown["account"]["roles"], serde_json::json!(["viewer", "operator"]), "{shown}");
    }
    assert_eq!(retry(&town, &first).0, Some(0));
    is_held_again(&mut town, 2);
    assert_eq!(retry(&town, &second).0, Some(0));
    is_held_again(&mut town, 3);
    let orders: Vec<Value> =
        town.council.entries().into_iter().filter(|entry| entry["event"] == "retry-ordered").collect();
    assert_eq!(orders[0]["actor"], orders[1]["actor"], "one person, under one name");
    town.council.stops_well();
}

#[test]
fn each_account_is_what_its_groups_make_it() {
    let mut town = Town::running();
    let roles = |town: &Town, account: Option<&str>| -> Value {
        let output = match account {
            Some(account) => town.runs(account, &["roles", "--json"]),
            None => town.council.runs(&["roles", "--json"]),
        };
        serde_json::from_slice(&succeeded(output)).unwrap()
    };
    for role in Role::ALL {
        let account = town.accounts.account(&role.word()[..3], &[role.word()]);
        let shown = roles(&town, Some(&account));
        assert_eq!(shown["account"]["roles"], serde_json::json!([role]), "{shown}");
        assert_eq!(shown["account"]["name"], account.as_str());
        let of_role = shown["roles"].as_array().unwrap().iter().find(|row| row["role"] == role.word()).unwrap();
        assert_eq!(of_role["groups"], serde_json::json!([town.accounts.group(role.word())]), "{shown}");
    }
    let shown = roles(&town, None);
    assert_eq!(shown["account"]["roles"], serde_json::json!(["viewer", "operator", "auditor", "admin"]), "{shown}");
    let orders = shown["orders"].as_array().unwrap();
    assert!(
        orders.contains(&serde_json::json!({"command": "held retry", "roles": ["operator", "releaser"]})),
        "{shown}"
    );
    // For people: the same table.
    let text = String::from_utf8(succeeded(town.council.runs(&["roles"]))).unwrap();
    assert!(text.contains("You are root (0): viewer, operator, auditor, admin."), "{text}");
    let line = text.lines().find(|line| line.trim_start().starts_with("keys trust")).unwrap();
    assert_eq!(line.matches('x').count(), 1, "{text}");
    town.council.stops_well();
}

#[test]
fn without_the_service_the_same_holds() {
    let mut town = Town::running();
    town.council.stops_well();
    let operator = town.accounts.account("o", &["operator"]);
    // No service, and no access to the state directory: nothing that could be done.
    let (status, says) = retry(&town, &operator);
    assert!(status == Some(3) && says.contains("no service listens"), "{status:?} {says}");
    let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
    let certificate = town.council.dir.path().join("dwp.asc");
    let trust = ["keys", "trust", "dwp", certificate.to_str().unwrap(), "--fingerprint", fingerprint];
    // A group of keymasters is named, so root is none.
    let (status, says) = ended(&town.council.runs(&trust));
    assert_eq!(status, Some(1), "{says}");
    assert!(says.contains("CN-558: `hbcourier keys trust` takes the role keymaster"), "{says}");
    assert_eq!(town.refusals(), [(0, "trust".to_owned(), "CN-558".to_owned())]);
    assert_eq!(ended(&town.council.runs(&[&["held", "retry", &town.transfer()], &REASON[..]].concat())).0, Some(0));
    assert_eq!(ordered(&town), [0]);
}

#[test]
fn the_services_own_account_runs_it_and_is_never_one_of_two() {
    let mut town = Town::new();
    let service = town.accounts.account("svc", &["releaser", "keymaster"]);
    let releaser = town.accounts.account("r", &["releaser"]);
    town.council.changes_drop_folders(|folder| drop(folder.insert("settle".into(), "200ms".into())));
    succeeded(Command::new("chown").arg("-R").arg(&service).arg(town.council.dir.path()).output().unwrap());
    let mut run = Run::by(&town, &service);
    town.council.until("it is held", |council| council.answers() && council.all_rest(1));
    let shown: Value = serde_json::from_slice(&succeeded(town.runs(&service, &["roles", "--json"]))).unwrap();
    assert_eq!(shown["account"]["roles"], serde_json::json!(["viewer", "operator", "auditor", "admin"]), "{shown}");
    assert_eq!(retry(&town, &service).0, Some(0));
    is_held_again(&mut town, 2);
    assert_eq!(retry(&town, &releaser).0, Some(0));
    is_held_again(&mut town, 3);
    assert_eq!(ordered(&town), [uid(&service), uid(&releaser)]);
    run.ends();
}

/// The service, run by an account of its own.
struct Run(Child);

impl Run {
    fn by(town: &Town, account: &str) -> Run {
        let mut run = town.command(account);
        run.arg("--config").arg(&town.council.config).arg("run");
        Run(run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn ends(&mut self) {
        let pid = rustix::process::Pid::from_raw(self.0.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_group_that_is_not_there_is_a_problem_and_a_warning_at_the_start() {
    let mut town = Town::new();
    town.council.changes_settings(|settings| {
        crate::support::council::set(settings, &["roles", "viewer"], toml::Value::Array(vec!["hbt-nobody".into()]));
    });
    let checked = town.council.json(&["check"]);
    let probes = checked["probes"].as_array().unwrap();
    let of = |probe: &str| probes.iter().filter(|one| one["probe"] == probe).collect::<Vec<_>>();
    let [group] = of("roles")[..] else { panic!("{checked}") };
    assert_eq!((&group["about"], &group["outcome"]), (&"hbt-nobody".into(), &"problem".into()), "{checked}");
    assert!(of("socket").iter().all(|one| one["outcome"] == "ok") && !of("socket").is_empty(), "{checked}");
    town.council.start();
    assert!(town.council.log().contains("The group `hbt-nobody` of [roles] is not known to this machine"));
    town.council.stops_well();

    let run = town.council.socket().parent().unwrap().to_owned();
    fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let checked = town.council.json(&["check"]);
    let socket = checked["probes"].as_array().unwrap().iter().find(|one| one["probe"] == "socket").unwrap();
    assert_eq!(socket["outcome"], "problem", "{checked}");
}
