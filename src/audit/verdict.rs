//! The verdict on an export, in the words of the interface.
//!
//! In:  what the walk found, and the notes. Out: yes or no, the first bad entry, what kind of fault it is, one sentence.

use std::fmt;

use serde::Serialize;

use super::Notes;
use super::walk::Ended;
use crate::domain::Digest;

/// What is wrong. The words are stable, and the second verifier's too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The line is not the one that was recorded.
    Altered,
    /// The entry is not there; the next ones are.
    Missing,
    /// The line is no entry; the entry follows.
    Inserted,
    /// An earlier entry stands here again.
    Doubled,
    /// A later entry stands here, and the order is another.
    Moved,
    /// Entries are missing at the end.
    Cut,
    /// The line bears another number than its place's.
    Misnumbered,
    /// Entries were rewritten together with their hashes.
    Rewritten,
    /// The key has signed another history than this one.
    Fork,
    /// The entries are right, and the list of their hashes is not.
    Leaves,
    /// A file that should be a checkpoint is not believed.
    Note,
    /// There is no checkpoint at all.
    Unproven,
    /// Entries behind the last checkpoint.
    Uncovered,
    /// The key inside the export is another one.
    Vkey,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => f.write_str(&word),
            _ => fmt::Debug::fmt(self, f),
        }
    }
}

/// A fault and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// What it is.
    pub kind: Kind,
    /// The entry; where only a range is known, its first.
    pub at: u64,
    /// The number that the line bears.
    pub claims: Option<u64>,
    /// Where only a range is known, the entry behind its last.
    pub before: Option<u64>,
}

impl Bad {
    /// Nothing more is known of it.
    pub fn at(kind: Kind, at: u64) -> Bad {
        Bad { kind, at, claims: None, before: None }
    }
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether every entry is proven to be as it was signed.
    pub ok: bool,
    /// How many entries there are.
    pub entries: u64,
    /// The root of the largest checkpoint that they agree with.
    pub root: Digest,
    /// The checkpoints that were believed, by where they were found.
    pub checkpoints: Vec<String>,
    /// The first entry that is not as it was signed; where only a range is known, its first.
    pub first_bad: Option<u64>,
    /// What kind of fault it is.
    pub kind: Option<Kind>,
    /// How many entries at the end no checkpoint covers.
    pub uncovered: u64,
    /// The verdict, in plain words.
    pub says: String,
}

/// What the reader does not mind, and what else was noticed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// Entries behind the last checkpoint are not minded.
    pub allow_uncovered: bool,
    /// The export holds another key than the reader's.
    pub other_vkey: bool,
}

impl Verdict {
    /// Of an export.
    pub fn of(ended: &Ended<'_>, notes: &Notes, circumstances: Circumstances) -> Verdict {
        let (lines, proven) = (ended.lines, ended.standing.proven);
        let uncovered = lines.saturating_sub(notes.covered());
        let bad = ended.bad.as_ref().map(|bad| (bad.kind, Some(bad.at)));
        let bad = bad.or_else(|| beside(lines, notes, circumstances));
        let mut says = match (&ended.bad, bad) {
            (Some(bad), _) => sentence(bad, ended, notes),
            (None, Some((Kind::Unproven, _))) => {
                format!("The export holds no checkpoint, so nothing proves its {lines} entries.")
            }
            (None, Some((Kind::Note, _))) => "Not every checkpoint can be believed.".to_owned(),
            (None, Some((Kind::Vkey, _))) => format!("All {lines} entries are as they were signed by your key."),
            (None, _) if uncovered > 0 => format!(
                "The first {proven} entries are as they were signed. The other {uncovered}, from entry {proven} on, are \
                 covered by no checkpoint: nothing proves them yet."
            ),
            (None, _) => format!("All {lines} entries are as they were signed."),
        };
        for problem in notes.problems() {
            says.push(' ');
            says.push_str(problem);
        }
        if circumstances.other_vkey {
            says.push_str(" The file `vkey` in the export is another key than yours: do not use it.");
        }
        Verdict {
            ok: bad.is_none(),
            entries: lines,
            root: ended.standing.root,
            checkpoints: notes.marks().iter().map(|mark| mark.from.clone()).collect(),
            first_bad: bad.and_then(|(_, at)| at),
            kind: bad.map(|(kind, _)| kind),
            uncovered,
            says,
        }
    }
}

/// What keeps entries that nothing contradicts from being proven.
fn beside(lines: u64, notes: &Notes, circumstances: Circumstances) -> Option<(Kind, Option<u64>)> {
    if !notes.problems().is_empty() {
        return Some((Kind::Note, None));
    }
    if notes.marks().is_empty() {
        return Some((Kind::Unproven, None));
    }
    if lines > notes.covered() && !circumstances.allow_uncovered {
        return Some((Kind::Uncovered, Some(notes.covered())));
    }
    circumstances.other_vkey.then_some((Kind::Vkey, None))
}

fn sentence(bad: &Bad, ended: &Ended<'_>, notes: &Notes) -> String {
    let (at, lines) = (bad.at, ended.lines);
    let claims = bad.claims.map_or_else(|| "no number".to_owned(), |claims| format!("the number {claims}"));
    let wrong = ended.standing.wrong;
    let named = || wrong.map_or_else(String::new, |mark| format!("{} of {} entries", mark.from, mark.size));
    match bad.kind {
        Kind::Altered => format!("Entry {at} is not the one that was recorded: it was altered or replaced."),
        Kind::Missing => {
            format!("Entry {at} is missing: it was removed, and an entry that bears {claims} stands in its place.")
        }
        Kind::Inserted => format!("Line {at} is no entry of the ledger: it was inserted."),
        Kind::Doubled => format!("At the place of entry {at} stands a copy of an earlier entry, which bears {claims}."),
        Kind::Moved => {
            format!(
                "At the place of entry {at} stands an entry that bears {claims}: entries were put into another order."
            )
        }
        Kind::Cut if at >= lines => match wrong {
            Some(_) => format!(
                "Entry {at} and those behind it are missing: there are {lines} entries, but {} was signed. If that \
                 checkpoint is newer than the export, ask for a newer export.",
                named()
            ),
            None => format!("Entry {at} and those behind it are missing: the export was cut off."),
        },
        Kind::Cut => format!("Entry {at} has no end: the export was cut off in it, or a part of it was lost."),
        Kind::Misnumbered => {
            format!("Line {at} bears {claims}: entries were removed, inserted or put into another order.")
        }
        Kind::Rewritten => format!(
            "Between entry {at} and entry {} something was altered, inserted or removed, and the hashes with it: the entries \
             are not those of {}. Up to entry {at} they are as they were signed.",
            bad.before.unwrap_or(lines),
            named()
        ),
        Kind::Fork => format!(
            "There are two histories that the ledger's key has signed: between entry {at} and entry {} this one is not that \
             of {}, which was kept elsewhere. Up to entry {at} they are the same.",
            bad.before.unwrap_or(lines),
            named()
        ),
        Kind::Leaves => {
            format!(
                "The entries are as they were signed up to the last checkpoint, but line {at} of leaves.txt was altered."
            )
        }
        Kind::Note | Kind::Unproven | Kind::Uncovered | Kind::Vkey => notes.problems().join(" "),
    }
}
