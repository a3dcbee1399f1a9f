//! The real service is confined as far as this kernel goes, in every thread, and writes no core dump.

use std::collections::BTreeMap;
use std::fs;

use super::impatient;
use crate::support::council::set;

/// What the kernel says of each of the service's threads.
fn threads(pid: u32) -> Vec<BTreeMap<String, String>> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path().join("status"));
    let facts = |status: String| {
        let lines = status.lines().filter_map(|line| line.split_once(':'));
        lines.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect()
    };
    tasks.filter_map(|status| fs::read_to_string(status).ok()).map(facts).collect()
}

#[test]
fn every_thread_is_confined_and_none_leaves_a_core_dump() {
    let (_dwp, mut council) = impatient();
    council.start();
    let threads = threads(council.pid());
    assert!(threads.len() > 10, "the workers are there: {}", threads.len());
    for thread in threads {
        assert_eq!((thread["Seccomp"].as_str(), thread["NoNewPrivs"].as_str()), ("2", "1"), "{}", thread["Name"]);
    }
    let limits = fs::read_to_string(format!("/proc/{}/limits", council.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    let sandbox = council.json(&["status"])["service"]["sandbox"].clone();
    assert_eq!(sandbox["system_calls"], true, "{sandbox}");
    assert!(sandbox["landlock"].as_u64() > Some(0), "{sandbox}");
    assert!(council.log().contains("Sandbox: files"), "{}", council.log());
    council.stops_well();
}

#[test]
fn it_is_off_where_the_configuration_says_so_and_that_is_said() {
    let (_dwp, mut council) = impatient();
    council.changes_settings(|settings| set(settings, &["service", "sandbox"], "off"));
    council.start();
    assert!(threads(council.pid()).iter().all(|thread| thread["Seccomp"] == "0"));
    assert!(council.log().contains("Sandbox: off"), "{}", council.log());
    let text = String::from_utf8(council.runs(&["status"]).stdout).unwrap();
    assert!(text.contains("files and connections are not confined, system calls are not filtered"), "{text}");
    council.stops_well();
    let selftest = council.runs(&["selftest", "--sandbox"]);
    assert_eq!(selftest.status.code(), Some(1), "{selftest:?}");
}
