//! The reckoning after a campaign: what was lost, what came twice, what was half-written, whether the ledger is whole.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use hbcourier::domain::{Digest, Stage, Standing};
use hbcourier::store::verify;

use super::scene::Scene;
use super::watch::{Seen, Watch};
use crate::support::council::{files_below, is_hidden};

/// What a campaign came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub kills: usize,
    pub files: usize,
    pub returns: usize,
    pub lost: usize,
    pub duplicated: usize,
    pub half_written: usize,
    /// Returns of which nobody can tell whether they arrived, as is said to a person.
    pub uncertain: usize,
    /// Entries that tell of something interrupted and found again.
    pub recovered: usize,
    /// What the ledger's verification says against it.
    pub ledger: Option<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { kills, files, returns, lost, duplicated, half_written, uncertain, recovered, ledger } = self;
        let ledger = ledger.as_deref().unwrap_or("intact");
        write!(
            f,
            "kills {kills}, files {files}, returns {returns}: lost {lost}, duplicated {duplicated}, \
             half-written visible {half_written}, uncertain {uncertain}, ledger {ledger} (entries of recovery: {recovered})"
        )
    }
}

impl Scene {
    /// Reckons, and fails unless everything is as it should be. The service has stopped. `what` names the campaign.
    pub fn zeros(&self, watch: Watch, kills: usize, what: &str) -> Outcome {
        let seen = watch.ends();
        let half_written = seen.half_written.clone();
        let outcome = self.reckons(seen, kills);
        assert!(
            outcome.is_well() && outcome.uncertain == 0,
            "{what}: {outcome}\n{half_written:?}\n{}",
            self.council.log()
        );
        self.is_tidy(what);
        self.is_told_once(what);
        outcome
    }

    /// What became of everything.
    pub fn reckons(&self, seen: Seen, kills: usize) -> Outcome {
        let expected = self.expected.everything();
        let lying = files_below(&self.root().join("backoffice")).into_iter().filter(|path| !is_hidden(path));
        let delivered = lying.map(|path| Digest::of(&std::fs::read(path).unwrap())).chain(seen.taken);
        let (lost, duplicated) = compare(&expected.parts, delivered);
        let lying = files_below(&self.root().join("outgoing")).into_iter().filter(|path| !is_hidden(path));
        let sent = lying.map(|path| std::fs::read(path).unwrap()).chain(seen.taken_away);
        let opened = sent.map(|sealed| self.dwp.opens(&sealed)).inspect(|opened| assert!(opened.good_signature));
        let (mut unsent, sent_twice) = compare(&expected.returns, opened.map(|opened| Digest::of(&opened.content)));
        // One that nobody can tell of lies there or does not, and is a person's to find out.
        let uncertain = self.submissions().into_iter().filter(|one| matches!(one.stage, Stage::Uncertain { .. }));
        let uncertain: Vec<Digest> = uncertain.filter_map(|one| Some(one.sealed?.content)).collect();
        for content in &uncertain {
            unsent.entry(*content).and_modify(|count| *count = count.saturating_sub(1));
        }
        let verdict = verify(&self.council.store().unwrap()).unwrap();
        Outcome {
            kills,
            files: expected.files,
            returns: expected.returns.values().sum(),
            lost: lost.values().chain(unsent.values()).sum(),
            duplicated: duplicated + sent_twice,
            half_written: seen.half_written.len(),
            uncertain: uncertain.len(),
            recovered: self.council.entries().iter().filter(|entry| is_of_recovery(entry)).count(),
            ledger: (!verdict.ok).then_some(verdict.says),
        }
    }

    /// Nothing lies where it should not.
    pub fn is_tidy(&self, what: &str) {
        let expected = self.expected.everything();
        let (root, state) = (self.root(), &self.council.state);
        assert!(self.dropped().is_empty(), "{what}: {:?}", self.dropped());
        for folder in ["backoffice", "outgoing"] {
            let is_left = |path: &PathBuf| is_hidden(path) && !is_of_fuse(path);
            let hidden: Vec<_> = files_below(&root.join(folder)).into_iter().filter(is_left).collect();
            assert!(hidden.is_empty(), "{what}: {hidden:?}");
        }
        let count = |folder: &str| files_below(&state.join(folder)).len();
        assert_eq!(count("spool/raw"), expected.held.len(), "{what}: only what is held is still in the spool");
        assert_eq!(count("spool/tmp") + count("spool/private") + count("picked-up"), 0, "{what}");
        assert_eq!(count("archive"), expected.files - expected.held.len(), "{what}");
        assert_eq!(count("sealed"), expected.returns.values().sum::<usize>(), "{what}");
        assert!(files_below(&root.join("returns")).is_empty(), "{what}");
    }

    /// Every transfer has one end, and the ledger tells of it once.
    pub fn is_told_once(&self, what: &str) {
        let expected = self.expected.everything();
        let consignments = self.council.consignments();
        assert_eq!(consignments.len(), expected.files, "{what}");
        assert_eq!(self.council.codes(), expected.held, "{what}");
        let mut told: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for entry in self.council.entries() {
            let event = entry["event"].as_str().unwrap();
            let class = match event {
                "collected" | "collected-recovered" => "collected",
                "delivered" | "delivered-recovered" | "delivered-taken" => "delivered",
                "closed" => "closed",
                "sealed" => "sealed",
                "sent" | "sent-recovered" => "sent",
                _ => continue,
            };
            let about = entry["transfer"].as_str().or(entry["return"].as_str()).unwrap();
            *told.entry((about.to_owned(), class)).or_default() += 1;
        }
        let mut once = |about: &str, class: &'static str| {
            assert_eq!(told.remove(&(about.to_owned(), class)), Some(1), "{what}: {class} of {about}");
        };
        for consignment in &consignments {
            let id = consignment.id.to_string();
            once(&id, "collected");
            if matches!(consignment.standing, Standing::Closed { .. }) {
                once(&id, "delivered");
                once(&id, "closed");
            }
        }
        for submission in self.submissions().iter().filter(|one| matches!(one.stage, Stage::Sent { .. })) {
            once(&submission.key.to_string(), "sealed");
            once(&submission.key.to_string(), "sent");
        }
        assert!(told.is_empty(), "{what}: {told:?}");
    }
}

/// What FUSE itself made of a file that was removed before its server heard that it was closed: a server that is killed
/// just then leaves it.
fn is_of_fuse(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".fuse_hidden"))
}

fn is_of_recovery(entry: &serde_json::Value) -> bool {
    let event = entry["event"].as_str().unwrap();
    ["collected-recovered", "delivered-recovered", "delivered-taken", "sent-recovered"].contains(&event)
}

/// How many of each are missing, and how many are too many.
fn compare(
    expected: &BTreeMap<Digest, usize>,
    found: impl Iterator<Item = Digest>,
) -> (BTreeMap<Digest, usize>, usize) {
    let mut missing = expected.clone();
    let mut too_many = 0;
    for digest in found {
        match missing.get_mut(&digest) {
            Some(count) if *count > 0 => *count -= 1,
            _ => too_many += 1,
        }
    }
    (missing, too_many)
}
