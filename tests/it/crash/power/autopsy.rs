//! What must hold of the disk at every instant, looked at before the service starts again.
//!
//! Whatever a record says is done is done; whatever is not recorded is still where it was; whatever has a final name is
//! complete; nothing in the state directory can be read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hbcourier::domain::{Consignment, Digest, Stage, Standing, Submission};
use hbcourier::store::{ConsignmentFilter, Queries, SqliteQueries, SqliteStore, SubmissionFilter, verify};

use super::reckoning::{Fault, visible};
use super::story::Ground;
use crate::support::council::{files_below, is_hidden};

/// What only plaintext has.
const PLAIN: [&[u8]; 3] = [b"<Claim reference", b"REFERRAL,RULE", b"%PDF-"];

impl Ground {
    pub fn looks_at_the_disk(&self, faults: &mut Vec<Fault>) {
        self.looks_at_visible_files(faults);
        for path in files_below(&self.scene.council.state) {
            let bytes = fs::read(&path).unwrap_or_default();
            if PLAIN.iter().any(|plain| memchr::memmem::find(&bytes, plain).is_some()) {
                faults.push(Fault::Plaintext(path.display().to_string()));
            }
        }
        let store = match SqliteStore::read_only(&self.scene.council.state) {
            Ok(store) => store,
            Err(error) => return faults.push(Fault::Ledger(format!("the store cannot be read: {error}"))),
        };
        if let Err(says) = self.compares_with(&store, faults) {
            faults.push(Fault::Ledger(says));
        }
    }

    fn looks_at_visible_files(&self, faults: &mut Vec<Fault>) {
        let parts = visible(&self.scene.council.backoffice);
        let strange = parts.into_iter().filter(|(_, digest)| !self.scene.expected.has_part(digest));
        faults.extend(strange.map(|(path, _)| Fault::half_written(&path)));
        for path in files_below(&self.auditors).into_iter().filter(|path| !is_hidden(path)) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_note = path.extension().is_some_and(|ending| ending == "txt");
            // A note ends with its signature; a proof has at least its sizes.
            if text.is_empty() || !text.ends_with('\n') || is_note && !text.contains("\u{2014} ") {
                faults.push(Fault::half_written(&path));
            }
        }
    }

    fn compares_with(&self, store: &SqliteQueries, faults: &mut Vec<Fault>) -> Result<(), String> {
        let verdict = verify(store).map_err(|error| error.to_string())?;
        if !verdict.ok {
            return Err(verdict.says);
        }
        let consignments = store.consignments(&ConsignmentFilter::default()).map_err(|error| error.to_string())?;
        self.looks_for_what_came(&consignments, faults);
        for consignment in &consignments {
            self.looks_at_consignment(store, consignment, faults)?;
        }
        let submissions = store.submissions(&SubmissionFilter::default()).map_err(|error| error.to_string())?;
        self.looks_at_returns(&submissions, faults);
        self.looks_at_checkpoints(store, faults)
    }

    /// Every file that came is at its source, or ours.
    fn looks_for_what_came(&self, consignments: &[Consignment], faults: &mut Vec<Fault>) {
        let folders = [self.scene.council.drop.clone(), self.scene.council.state.join("spool/raw")];
        let lying: BTreeSet<Digest> = folders.iter().flat_map(|folder| digests(folder)).collect();
        let ours: BTreeSet<Digest> = consignments.iter().map(|one| one.sealed_digest).collect();
        for sealed in &self.given {
            let digest = Digest::of(&sealed.bytes);
            if !lying.contains(&digest) && !ours.contains(&digest) {
                faults.push(Fault::Lost(format!("{} is nowhere", sealed.name)));
            }
        }
    }

    /// What its standing says is so.
    fn looks_at_consignment(
        &self,
        store: &SqliteQueries,
        consignment: &Consignment,
        faults: &mut Vec<Fault>,
    ) -> Result<(), String> {
        let Consignment { id, standing, sealed_digest, .. } = consignment;
        let state = &self.scene.council.state;
        let raw = digests(&state.join("spool/raw")).contains(sealed_digest);
        let archived = digest(&state.join(format!("archive/{id}.pgp"))) == Some(*sealed_digest);
        let original = match standing {
            Standing::Closed { .. } => archived,
            Standing::Delivered { .. } => raw || archived,
            _ => raw,
        };
        if !original {
            faults.push(Fault::Lost(format!("the original of {id}, which is {}", standing.word())));
        }
        if matches!(standing, Standing::Closed { .. }) && raw {
            faults.push(Fault::Astray(format!("the original of {id} in the spool, though it is closed")));
        }
        for delivery in store.deliveries(id).map_err(|error| error.to_string())? {
            let there = digest(&delivery.path) == Some(delivery.digest);
            let part = delivery.path.with_file_name(format!(".hbcourier-{}.part", delivery.id));
            let so = match standing {
                Standing::Delivered { .. } | Standing::Closed { .. } => there,
                Standing::Staged { .. } => there || digest(&part) == Some(delivery.digest),
                _ => true,
            };
            if !so {
                let says = format!("part {} of {id}, which is {}", delivery.part, standing.word());
                faults.push(Fault::Lost(says));
            }
        }
        Ok(())
    }

    /// What was sealed is kept, and what was sent is there; what was not sealed is still where it was.
    fn looks_at_returns(&self, submissions: &[Submission], faults: &mut Vec<Fault>) {
        let (placed, left) = (visible(&self.scene.council.outgoing), digests(&self.scene.council.returns));
        for (path, digest) in &placed {
            let is_sealed = |one: &Submission| one.sealed.as_ref().is_some_and(|sealed| sealed.sealed == *digest);
            if !submissions.iter().any(is_sealed) {
                faults.push(Fault::half_written(path));
            }
        }
        let sealed: Vec<_> = submissions.iter().filter_map(|one| Some((one, one.sealed.as_ref()?))).collect();
        for content in self.scene.expected.everything().returns.keys() {
            if !left.contains(content) && !sealed.iter().any(|(_, sealed)| sealed.content == *content) {
                faults.push(Fault::Lost(format!("the return {content} is nowhere")));
            }
        }
        let state = &self.scene.council.state;
        for (one, sealed) in sealed {
            if digest(&state.join(format!("sealed/{}.pgp", sealed.sealed))) != Some(sealed.sealed) {
                faults.push(Fault::Lost(format!("what was sealed for {}", one.key)));
            }
            let is_placed = placed.iter().any(|(_, digest)| *digest == sealed.sealed);
            if matches!(one.stage, Stage::Sent { .. }) && !is_placed {
                faults.push(Fault::Lost(format!("what was sent for {}", one.key)));
            }
            let noted = files_below(&state.join("picked-up")).into_iter().any(|note| {
                let text = fs::read_to_string(note).unwrap_or_default();
                text.ends_with('}') && text.contains(&sealed.sealed.to_string())
            });
            if left.contains(&sealed.content) && !noted {
                faults.push(Fault::Astray(format!("the file of {} lies there, and nothing tells that it is", one.key)));
            }
        }
    }

    /// What was signed last is remembered, and what has left is there.
    fn looks_at_checkpoints(&self, store: &SqliteQueries, faults: &mut Vec<Fault>) -> Result<(), String> {
        let lines = store.ledger(0, usize::MAX >> 1).map_err(|error| error.to_string())?;
        let entries = lines.iter().filter_map(|(_, line)| serde_json::from_slice::<serde_json::Value>(line).ok());
        let (mut made, mut left) = (None, Vec::new());
        for entry in entries {
            match entry["event"].as_str() {
                Some("checkpoint-made") => made = entry["size"].as_u64(),
                Some("checkpoint-left") => left.extend(entry["size"].as_u64()),
                _ => {}
            }
        }
        let head = fs::read_to_string(self.scene.council.state.join("keys/ledger.head")).unwrap_or_default();
        let size: Option<u64> = head.lines().nth(1).and_then(|line| line.parse().ok());
        if size < made {
            faults.push(Fault::Ledger(format!(
                "the head that was signed is of {size:?} entries, and {made:?} were told"
            )));
        }
        let names: Vec<String> = files_below(&self.auditors)
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect();
        for size in left {
            let is_note = |name: &String| name.starts_with(&format!("{size}-")) && name.ends_with(".txt");
            if !names.iter().any(is_note) {
                faults.push(Fault::Lost(format!("the checkpoint of {size} entries, which left")));
            }
        }
        Ok(())
    }
}

fn digest(path: &Path) -> Option<Digest> {
    fs::read(path).ok().map(|bytes| Digest::of(&bytes))
}

fn digests(folder: &Path) -> Vec<Digest> {
    files_below(folder).iter().filter_map(|path| digest(path)).collect()
}
