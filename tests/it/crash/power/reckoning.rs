//! The reckoning when all rests after the last cut.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use hbcourier::domain::{Digest, Stage};
use hbcourier::store::verify;

use super::story::{Ground, Told};
use crate::support::council::{files_below, is_hidden};

/// Something that must not be.
#[derive(Debug)]
pub enum Fault {
    /// Gone, or never to be found again by itself.
    Lost(String),
    Duplicated(String),
    /// Incomplete under a final name.
    HalfWritten(String),
    /// The ledger does not verify, or the store cannot be read.
    Ledger(String),
    /// In the state directory, under a name.
    Plaintext(String),
    /// Held, or left lying, though nothing is wrong with it.
    Astray(String),
    /// It never comes to rest.
    Stuck(String),
}

impl Fault {
    pub fn half_written(path: &Path) -> Fault {
        Fault::HalfWritten(path.display().to_string())
    }

    /// In the tables.
    pub fn word(&self) -> &'static str {
        match self {
            Fault::Lost(_) => "lost",
            Fault::Duplicated(_) => "duplicated",
            Fault::HalfWritten(_) => "half-written",
            Fault::Ledger(_) => "ledger",
            Fault::Plaintext(_) => "plaintext",
            Fault::Astray(_) => "astray",
            Fault::Stuck(_) => "stuck",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::Lost(says)
        | Fault::Duplicated(says)
        | Fault::HalfWritten(says)
        | Fault::Ledger(says)
        | Fault::Plaintext(says)
        | Fault::Astray(says)
        | Fault::Stuck(says)) = self;
        write!(f, "{}: {says}", self.word())
    }
}

/// Visible files below a folder, by digest.
pub fn visible(folder: &Path) -> Vec<(std::path::PathBuf, Digest)> {
    let files = files_below(folder).into_iter().filter(|path| !is_hidden(path));
    files.map(|path| (path.clone(), Digest::of(&std::fs::read(&path).unwrap()))).collect()
}

fn hidden(folder: &Path) -> Vec<std::path::PathBuf> {
    files_below(folder).into_iter().filter(|path| is_hidden(path)).collect()
}

impl Ground {
    /// The service has stopped in good order.
    pub fn reckoned(&self, mut told: Told) -> Told {
        let (council, state) = (&self.scene.council, &self.scene.council.state);
        let expected = self.scene.expected.everything();
        let faults = &mut told.faults;
        compares(&expected.parts, visible(&council.backoffice), faults);
        let submissions = self.scene.submissions();
        told.uncertain = submissions.iter().filter(|one| matches!(one.stage, Stage::Uncertain { .. })).count();
        let mut placed = visible(&council.outgoing);
        for one in &submissions {
            let Some(sealed) = &one.sealed else { continue };
            let at = placed.iter().position(|(_, digest)| *digest == sealed.sealed);
            match (at.map(|at| placed.remove(at)), &one.stage) {
                (Some((path, _)), _) => {
                    let opened = self.scene.dwp.opens(&std::fs::read(path).unwrap());
                    if !opened.good_signature || !expected.returns.contains_key(&Digest::of(&opened.content)) {
                        faults.push(Fault::Lost(format!("{} is not what was handed in", one.key)));
                    }
                }
                (None, Stage::Sent { .. }) => faults.push(Fault::Lost(format!("{} is Sent and not there", one.key))),
                (None, _) => {}
            }
        }
        faults.extend(placed.iter().map(|(path, _)| Fault::Duplicated(path.display().to_string())));
        if self.scene.council.codes() != expected.held {
            faults.push(Fault::Astray(format!("held: {:?}", self.scene.council.codes())));
        }
        // The part of a return that is Uncertain stays, sealed as it is, until that is settled.
        let outgoing = if told.uncertain > 0 { Vec::new() } else { hidden(&council.outgoing) };
        let left = [outgoing, hidden(&council.backoffice), self.left_at_sources()];
        faults.extend(left.into_iter().flatten().map(|path| Fault::Astray(path.display().to_string())));
        let counts = [
            ("spool/raw", expected.held.len()),
            ("spool/tmp", 0),
            ("spool/private", 0),
            ("picked-up", 0),
            ("archive", expected.files - expected.held.len()),
            ("sealed", expected.returns.values().sum()),
        ];
        for (folder, count) in counts {
            let found = files_below(&state.join(folder)).len();
            if found != count {
                faults.push(Fault::Astray(format!("{folder} has {found} files instead of {count}")));
            }
        }
        let verdict = verify(&self.scene.council.store().unwrap()).unwrap();
        faults.extend((!verdict.ok).then_some(Fault::Ledger(verdict.says)));
        self.looks_at_the_disk(faults);
        let entries = self.scene.council.entries();
        told.flagged = entries.iter().filter(|entry| entry["event"] == "possible-republish").count();
        told
    }
}

fn compares(expected: &BTreeMap<Digest, usize>, found: Vec<(std::path::PathBuf, Digest)>, faults: &mut Vec<Fault>) {
    let mut missing = expected.clone();
    for (path, digest) in found {
        match missing.get_mut(&digest) {
            Some(count) if *count > 0 => *count -= 1,
            Some(_) => faults.push(Fault::Duplicated(path.display().to_string())),
            // Told by who looks at the disk.
            None => {}
        }
    }
    let lost = missing.iter().filter(|(_, count)| **count > 0);
    faults.extend(lost.map(|(digest, count)| Fault::Lost(format!("{count} of the part {digest}"))));
}
