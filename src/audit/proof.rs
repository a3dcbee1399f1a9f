//! Proofs that entries are in the ledger, of one transfer, one return or one entry, and of nothing else.
//!
//! In:  entries, the hashes of the tree, a signed checkpoint. Out: one document with the lines, each with its inclusion
//! proof. And for whoever has one, with a key that they trust: whether it proves what it says. That none was taken out of
//! it cannot be proven so: inclusion shows what is in the tree, and not what else is.
// RFC 6962 §2.1.1

use std::convert::Infallible;
use std::ops::ControlFlow;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::entries::read_entry;
use super::line::number_of;
use super::{AuditFault, Entries, Topic};
use crate::domain::Digest;
use crate::domain::checkpoint::{SignedCheckpoint, Vkey};
use crate::domain::ledger::{Entry, Event};
use crate::domain::merkle::leaf;
use crate::domain::merkle::proof::{Subtrees, includes, inclusion};

/// What a proof calls itself.
const FORM: &str = "hbcourier-proof/1";
/// Most entries in one document.
const ENTRIES_MAX: usize = 10_000;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    form: String,
    /// A transfer's id, a return's key, or `entry` and a number.
    pub about: String,
    /// The key that signed the checkpoint. Whoever checks goes by their own, and this must be the same.
    pub vkey: String,
    /// The signed checkpoint, as a note.
    pub checkpoint: String,
    /// Entries about it that the checkpoint covers: all, as it was made.
    pub entries: Vec<Proven>,
    /// The starts of the service before them: its version and the digest of its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<Proven>,
}

/// One entry, and that it is in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// Its place.
    pub seq: u64,
    /// Its exact bytes.
    pub line: String,
    /// The hash beside each step from it to the root.
    pub proof: Vec<Digest>,
}

/// What to prove.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// About what.
    pub topic: &'a Topic,
    /// With the starts of the service before its entries.
    pub with_context: bool,
}

impl From<Infallible> for AuditFault {
    fn from(never: Infallible) -> AuditFault {
        match never {}
    }
}

/// A proof, and whether it is of everything there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The proof.
    pub proof: Proof,
    /// Whether there are entries about it behind the checkpoint.
    pub later: bool,
}

/// Proves every entry about it that the checkpoint covers.
pub fn prove<S: Subtrees + ?Sized>(
    wanted: Wanted<'_>,
    entries: &dyn Entries,
    tree: &S,
    vkey: &Vkey,
    note: &SignedCheckpoint,
) -> Result<Made, AuditFault>
where
    AuditFault: From<S::Error>,
{
    let size = note.checkpoint().size;
    let Gathered { found, context, later } = gather(wanted, entries, size)?;
    if found.is_empty() {
        return Err(AuditFault::Nothing(wanted.topic.to_string()));
    }
    let proven = |(seq, line): (u64, String)| Ok(Proven { seq, line, proof: inclusion(tree, seq, size)? });
    let all = |lines: Vec<(u64, String)>| lines.into_iter().map(proven).collect::<Result<Vec<_>, AuditFault>>();
    let proof = Proof {
        form: FORM.to_owned(),
        about: wanted.topic.to_string(),
        vkey: vkey.to_string(),
        checkpoint: note.note().to_owned(),
        entries: all(found)?,
        context: all(context)?,
    };
    Ok(Made { proof, later })
}

/// Lines with their places.
#[derive(Default)]
struct Gathered {
    /// Those about it that the checkpoint covers.
    found: Vec<(u64, String)>,
    /// The starts of the service that were in force for them.
    context: Vec<(u64, String)>,
    /// There are more behind the checkpoint.
    later: bool,
}

fn gather(wanted: Wanted<'_>, entries: &dyn Entries, size: u64) -> Result<Gathered, AuditFault> {
    let mut gathered = Gathered::default();
    let from = match wanted.topic {
        Topic::Entry(seq) if !wanted.with_context => *seq,
        _ => 0,
    };
    // Most lines are about something else, which is seen without reading them as JSON.
    let word = wanted.topic.to_string();
    let names_it = Finder::new(&word);
    let starts = Finder::new(br#""event":"service-started""#);
    let mut started: Option<(u64, String)> = None;
    entries.each(from, &mut |seq, line| {
        let is_past = matches!(wanted.topic, Topic::Entry(only) if seq > *only);
        if is_past {
            return Ok(ControlFlow::Break(()));
        }
        if wanted.with_context && starts.find(line).is_some() && read_entry(seq, line)?.event == Event::ServiceStarted {
            started = Some((seq, text(seq, line)?));
        }
        let may_be = matches!(wanted.topic, Topic::Entry(_)) || names_it.find(line).is_some();
        if may_be && wanted.topic.holds(&read_entry(seq, line)?) {
            if seq >= size {
                gathered.later = true;
                return Ok(ControlFlow::Break(()));
            }
            gathered.context.extend(started.take());
            gathered.found.push((seq, text(seq, line)?));
        }
        if gathered.found.len() > ENTRIES_MAX {
            return Err(AuditFault::TooMuch { topic: wanted.topic.to_string(), most: ENTRIES_MAX });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(gathered)
}

fn text(seq: u64, line: &[u8]) -> Result<String, AuditFault> {
    let text = String::from_utf8(line.to_vec());
    text.map_err(|error| AuditFault::Entry { seq, source: serde::de::Error::custom(error) })
}

/// Whether a proof proves what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Whether every entry in it is in the ledger of which the trusted key signed the checkpoint.
    pub ok: bool,
    /// About what.
    pub about: String,
    /// How many entries it proves.
    pub entries: usize,
    /// Of how many entries the checkpoint is.
    pub size: Option<u64>,
    /// Its root.
    pub root: Option<Digest>,
    /// The first entry that is not proven.
    pub first_bad: Option<u64>,
    /// In one sentence.
    pub says: String,
}

impl Proof {
    /// The document as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, AuditFault> {
        let mut json = serde_json::to_vec_pretty(self).map_err(AuditFault::form)?;
        json.push(b'\n');
        Ok(json)
    }

    /// The document that this JSON is; in words what is wrong with it.
    pub fn from_json(json: &[u8]) -> Result<Proof, String> {
        let proof: Proof = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if proof.form == FORM { Ok(proof) } else { Err(format!("its form is not {FORM}")) }
    }

    /// Checks it by a key that the reader trusts.
    pub fn check(&self, trusted: &Vkey) -> Checked {
        let mut checked = Checked {
            ok: false,
            about: self.about.clone(),
            entries: self.entries.len(),
            size: None,
            root: None,
            first_bad: None,
            says: String::new(),
        };
        let note = match trusted.verify(&self.checkpoint) {
            Ok(note) => note,
            Err(why) => {
                checked.says = format!("The checkpoint in it is not believed: {why}.");
                return checked;
            }
        };
        let (size, root) = (note.checkpoint().size, note.checkpoint().root);
        (checked.size, checked.root) = (Some(size), Some(root));
        if self.vkey != trusted.to_string() {
            checked.says = "The key that it names is not yours.".to_owned();
            return checked;
        }
        let Ok(topic) = self.about.parse::<Topic>() else {
            checked.says = "It does not tell what it is about.".to_owned();
            return checked;
        };
        let about_it = |entry: &Entry| topic.holds(entry);
        let is_start = |entry: &Entry| entry.event == Event::ServiceStarted;
        let bad = first_bad(&self.entries, size, &root, &about_it);
        let bad = bad.or_else(|| first_bad(&self.context, size, &root, &is_start));
        match bad {
            Some((seq, why)) => {
                checked.first_bad = Some(seq);
                checked.says = format!("Entry {seq} is not proven: {why}.");
            }
            None if self.entries.is_empty() => checked.says = "It holds no entry.".to_owned(),
            None => {
                checked.ok = true;
                checked.says = shown(&topic, self.entries.len(), size, trusted.name());
            }
        }
        checked
    }
}

/// What so many good entries show, and what they do not.
fn shown(topic: &Topic, entries: usize, size: u64, name: &str) -> String {
    let ledger = format!("in the ledger of {size} entries that {name} has signed.");
    let others = "Whether there are others about it, this does not show.";
    match (topic, entries) {
        (Topic::Entry(seq), _) => format!("Entry {seq} is {ledger}"),
        (_, 1) => format!("This one entry about {topic} is {ledger} {others}"),
        _ => format!("These {entries} entries about {topic} are {ledger} {others}"),
    }
}

/// The first of these that is not in the tree, or is about something else.
fn first_bad(
    entries: &[Proven],
    size: u64,
    root: &Digest,
    belongs: &dyn Fn(&Entry) -> bool,
) -> Option<(u64, &'static str)> {
    let mut last = None;
    for Proven { seq, line, proof } in entries {
        let entry = Entry::read(line.as_bytes()).ok();
        let why = if !includes(*seq, size, &leaf(line.as_bytes()), proof, root) {
            "it is not in the tree at that place"
        } else if number_of(line.as_bytes()) != Some(*seq) {
            "it bears another number"
        } else if !entry.is_some_and(|entry| belongs(&entry)) {
            "it is about something else"
        } else if last.is_some_and(|last| last >= *seq) {
            "it comes twice, or out of order"
        } else {
            last = Some(*seq);
            continue;
        };
        return Some((*seq, why));
    }
    None
}
