//! The second verifier: the `verify.py` of an export, in a process of its own.

use std::path::Path;
use std::process::Command;

use serde::Serialize;
use serde_json::Value;

use super::ledger::Exported;

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/audit/second.py");

/// Has it do a task on these cases.
pub fn asked<T: Serialize>(exported: &Exported, task: &str, cases: Option<&T>) -> Value {
    let mut python = Command::new("python3");
    python.arg(DRIVER).arg(exported.folder()).arg(exported.vkey_file()).arg(task);
    if let Some(cases) = cases {
        let file = exported.dir.path().join(format!("{task}.json"));
        std::fs::write(&file, serde_json::to_vec(cases).unwrap()).unwrap();
        python.arg(file);
    }
    let output = python.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The script as an auditor runs it: its exit status, and what it prints.
pub fn run(export: &Path, vkey: &Path, more: &[&str]) -> (i32, Value) {
    let mut python = Command::new("python3");
    python.arg("-B").arg(export.join("verify.py")).arg(export).arg("--vkey").arg(vkey).arg("--json").args(more);
    let output = python.output().unwrap();
    let printed = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), printed)
}

/// What the first verifier found, in the form in which the second one's driver tells it.
pub fn as_told(verdict: &hbcourier::audit::Verdict) -> Value {
    let kind = verdict.kind.map(|kind| kind.to_string());
    serde_json::json!([kind, verdict.first_bad, verdict.entries, verdict.root.to_string()])
}
