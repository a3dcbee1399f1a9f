//! The ledger as people and scripts see it.

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::domain::HoldReason;
use crate::store::samples::{at, collect, held, id, owe, remark, tamper};
use crate::store::{Change, Recorder, SqliteStore};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn state() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let mut held = held(1, 0);
    held.facts.code = Some(HoldReason::Unsigned.notice().code.into());
    let tomorrow = Change { at: at(86_400), ..remark() };
    for change in [collect(1), collect(2), held, owe("shbe/12302/2020-04"), tomorrow, remark()] {
        store.recorder().record(change).unwrap();
    }
    state
}

fn said(state: &tempfile::TempDir, line: &str) -> (bool, String) {
    let line = Line::try_parse_from(["audit"].into_iter().chain(line.split(' '))).unwrap();
    let mut out = Vec::new();
    let answer = run(&line.args, &SqliteStore::read_only(state.path()).unwrap(), &mut out).unwrap();
    (answer, String::from_utf8(out).unwrap())
}

fn seqs(state: &tempfile::TempDir, line: &str) -> Vec<u64> {
    let lines = said(state, format!("log --json {line}").trim_end()).1;
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_line_has_every_promised_key_and_the_facts() {
    let state = state();
    let lines: Vec<Value> =
        said(&state, "log --json").1.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6);
    for line in &lines {
        for key in ["seq", "at", "event", "actor", "transfer", "return", "code", "leaf"] {
            assert!(line.get(key).is_some(), "{key} in {line}");
        }
    }
    assert_eq!(lines[2]["event"], "held");
    assert_eq!((&lines[2]["transfer"], &lines[2]["code"]), (&id(1).to_string().into(), &"CN-105".into()));
    assert_eq!((&lines[3]["return"], &lines[3]["transfer"]), (&"shbe/12302/2020-04".into(), &Value::Null));
    assert_eq!(lines[0]["source"], "drop-12302");
    assert_eq!(lines[0].as_object().unwrap().values().filter(|value| *value == &lines[0]["leaf"]).count(), 1);
}

#[test]
fn filters_choose_entries() {
    let state = state();
    assert_eq!(seqs(&state, &format!("--transfer {}", id(1))), [0, 2]);
    assert_eq!(seqs(&state, "--event held --event scheduled"), [2, 3]);
    assert_eq!(seqs(&state, "--from 4"), [4, 5]);
    // at(0) is 2020-04-27 in London; the clock was set back before the last entry.
    assert_eq!(seqs(&state, "--since 2020-04-28"), [4]);
    assert_eq!(seqs(&state, "--until 2020-04-27"), [0, 1, 2, 3, 5]);
    assert_eq!(seqs(&state, "--since 2020-04-27 --until 2020-04-28"), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn people_read_a_line_an_entry() {
    let text = said(&state(), "log --event held").1;
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("2020-04-27 16:06:40 BST") && text.contains("CN-105"), "{text}");
}

#[test]
fn an_unknown_event_is_wrong_usage_and_says_which_there_are() {
    let error = Line::try_parse_from(["audit", "log", "--event", "hold"]).unwrap_err().to_string();
    assert!(error.contains("`held`"), "{error}");
}

#[test]
fn the_verdict_is_yes_then_no() {
    let state = state();
    let (answer, text) = said(&state, "verify --json");
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert!(answer && verdict["ok"] == true && verdict["entries"] == 6 && verdict["first_bad"].is_null());
    tamper(state.path(), "DELETE FROM ledger WHERE seq = 3");
    let (answer, text) = said(&state, "verify --json");
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert!(!answer && verdict["ok"] == false && verdict["first_bad"] == 3, "{verdict}");
    let mut keys: Vec<&String> = verdict.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["checkpoints", "entries", "first_bad", "ok", "root", "says"]);
    assert!(said(&state, "verify").1.contains("Entry 3 is missing"));
}
