//! Checkpoints by the real service: when they are made, how they leave, what a crash leaves, and what a start refuses.

mod crashes;
mod leaving;
mod making;
mod starting;

use std::fs;
use std::path::{Path, PathBuf};

use hbcourier::domain::checkpoint::{Continuation, SignedCheckpoint, Vkey};

use crate::support::council::{Council, LA, set};
use crate::support::partner::{Algorithm, Partner};

/// A council whose internal audit keeps checkpoints in a folder of its own.
struct Audited {
    council: Council,
    folder: PathBuf,
}

impl Audited {
    fn new() -> Audited {
        let council = council();
        // In a folder of its own: what lies beside the configuration is not written to.
        let folder = council.dir.path().join("auditors/checkpoints");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.to_str().unwrap().to_owned();
        recipient(&council, &[("name", "internal-audit"), ("folder", path.as_str())]);
        Audited { council, folder }
    }

    /// The notes in the folder, by size.
    fn notes(&self) -> Vec<SignedCheckpoint> {
        notes(&self.council, &self.folder)
    }

    fn assert_chained(&self) -> usize {
        chained(&self.council, &self.folder)
    }
}

/// The notes in the folder, by size.
pub(crate) fn notes(council: &Council, folder: &Path) -> Vec<SignedCheckpoint> {
    let vkey = vkey(council);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let notes = files.filter(|path| path.extension().is_some_and(|ending| ending == "txt"));
    let mut notes: Vec<_> = notes.map(|path| vkey.verify(&fs::read_to_string(path).unwrap()).unwrap()).collect();
    notes.sort_by_key(|note| note.checkpoint().size);
    notes
}

/// How many they are. Fails unless each note but the first comes with a proof that it continues the one before, and
/// nothing half-written lies about.
pub(crate) fn chained(council: &Council, folder: &Path) -> usize {
    let notes = notes(council, folder);
    for pair in notes.windows(2) {
        let (earlier, later) = (pair[0].checkpoint(), pair[1].checkpoint());
        let stem = format!("{}-{}", later.size, &later.root.to_string()[..8]);
        let proof = fs::read_to_string(folder.join(format!("{stem}.proof"))).unwrap();
        let proof: Continuation = proof.parse().unwrap();
        assert!(proof.shows(earlier, later), "{stem}: {proof}");
    }
    let hidden = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    assert!(hidden.into_iter().all(|name| !name.to_string_lossy().starts_with('.')), "a part is left");
    notes.len()
}

fn council() -> Council {
    Council::new(&mut Partner::new(Algorithm::Curve25519))
}

/// Adds somebody who keeps checkpoints.
fn recipient(council: &Council, table: &[(&str, &str)]) {
    let table =
        table.iter().map(|(key, value)| ((*key).to_owned(), toml::Value::from(*value))).collect::<toml::Table>();
    council.changes_settings(|settings| set(settings, &["audit", "recipient"], vec![toml::Value::from(table)]));
}

/// The ledger's key, as it is given to auditors.
fn vkey(council: &Council) -> Vkey {
    council.json(&["audit", "vkey"])["vkey"].as_str().unwrap().parse().unwrap()
}

fn name() -> String {
    format!("hbcourier/{LA}")
}
