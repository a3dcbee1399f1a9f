//! `hbcourier shbe` on files of the size and form of real ones, by the real binary.

mod check;
mod pick_up;
mod reconcile;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder without any configuration.
struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// `hbcourier shbe …`, in this folder.
    fn runs(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbcourier"));
        command.env_clear().current_dir(self.0.path()).arg("shbe").args(words).output().unwrap()
    }

    /// Its answer and exit status.
    fn json(&self, words: &[&str]) -> (Value, i32) {
        let output = self.runs(&[words, &["--json"]].concat());
        let says = String::from_utf8_lossy(&output.stderr);
        (serde_json::from_slice(&output.stdout).expect(&says), output.status.code().unwrap())
    }
}
