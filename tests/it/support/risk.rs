//! Made-up Caseload Risk Data: the same for the same seed, of any size, in any encoding.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use super::council::command;

const MINIMAL: &str = include_str!("../../../config/hbcourier.minimal.toml");

/// What the columns of the made-up data mean.
pub const PROFILE: &str =
    "\n[risk]\nclaim = \"CLAIM_REFERENCE\"\nscore = \"RISK_SCORE\"\nhigh_risk = \"3\"\nhigh_risk_values = [\"Y\"]\n";

/// How the text is written.
#[derive(Clone, Copy, Debug)]
pub enum Written {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16LeMarked,
    Utf16Be,
    Utf16BeMarked,
    Windows1252,
}

impl Written {
    pub const ALL: [Written; 7] = [
        Written::Utf8,
        Written::Utf8Marked,
        Written::Utf16Le,
        Written::Utf16LeMarked,
        Written::Utf16Be,
        Written::Utf16BeMarked,
        Written::Windows1252,
    ];

    pub fn bytes(self, text: &str) -> Vec<u8> {
        let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        match self {
            Written::Utf8 => text.as_bytes().to_vec(),
            Written::Utf8Marked => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Written::Utf16Le => utf16(u16::to_le_bytes),
            Written::Utf16LeMarked => [&b"\xFF\xFE"[..], &utf16(u16::to_le_bytes)].concat(),
            Written::Utf16Be => utf16(u16::to_be_bytes),
            Written::Utf16BeMarked => [&b"\xFE\xFF"[..], &utf16(u16::to_be_bytes)].concat(),
            // Of what is not ASCII the made-up data have only what is one byte of the same number.
            Written::Windows1252 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
        }
    }
}

/// Caseload Risk Data to be.
#[derive(Clone, Copy, Debug)]
pub struct RiskFile {
    pub rows: u32,
    /// The first so many are marked.
    pub marked: u32,
    pub seed: u64,
    pub header: bool,
}

impl RiskFile {
    pub fn of(rows: u32, marked: u32) -> RiskFile {
        RiskFile { rows, marked, seed: 627, header: true }
    }

    /// One row for each live claim, ranked high to low, line ends as DWP's systems write them.
    pub fn text(self) -> String {
        let mut text = String::new();
        if self.header {
            text.push_str("CLAIM_REFERENCE,RISK_SCORE,HIGH_RISK,LANDLORD\r\n");
        }
        let mut state = self.seed | 1;
        for row in 0..self.rows {
            // Xorshift64.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let score = 0.99 - 0.98 * f64::from(row) / f64::from(self.rows);
            let mark = if row < self.marked { "Y" } else { "N" };
            let landlord = ["Château Lets", "\"Homes, North\"", "£1 Homes", "Council"][(state % 4) as usize];
            text.push_str(&format!("HB{:08}{row:06},{score:.6},{mark},{landlord}\r\n", state % 100_000_000));
        }
        text
    }
}

/// A folder with a configuration and files of risk data in it.
pub struct Desk {
    dir: TempDir,
    config: PathBuf,
}

impl Desk {
    /// With this added to the minimal configuration.
    pub fn with(added: &str) -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("hbcourier.toml");
        fs::write(&config, format!("{MINIMAL}{added}")).unwrap();
        Desk { dir, config }
    }

    pub fn profiled() -> Desk {
        Desk::with(PROFILE)
    }

    pub fn config(&self) -> &Path {
        &self.config
    }

    /// A file of this name and content.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn risk(&self, verb: &str, arguments: &[&Path], options: &[&str]) -> Output {
        command().arg("--config").arg(&self.config).args(["risk", verb]).args(arguments).args(options).output().unwrap()
    }

    /// The report, and the exit status.
    pub fn report(&self, file: &Path) -> (Option<i32>, Value) {
        answer(&self.risk("report", &[file], &["--json"]))
    }

    pub fn report_after(&self, file: &Path, previous: &[PathBuf]) -> (Option<i32>, Value) {
        let mut arguments = vec![file];
        for path in previous {
            arguments.extend([Path::new("--previous"), path]);
        }
        answer(&self.risk("report", &arguments, &["--json"]))
    }

    pub fn learn(&self, file: &Path) -> (Option<i32>, Value) {
        answer(&self.risk("learn", &[file], &["--json"]))
    }
}

fn answer(output: &Output) -> (Option<i32>, Value) {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

/// The codes of a report's findings.
pub fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap()).collect()
}

/// A workbook that an office program made.
pub fn workbook(name: &str) -> Vec<u8> {
    fs::read(format!("{}/tests/data/workbooks/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
