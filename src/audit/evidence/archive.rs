//! The archive that evidence is given away in.
//!
//! In:  a proof. Out: the ZIP's bytes, the same each time. And back: what is in one, as far as it is what it should be.

use std::io::{Cursor, Read, Write};

use serde::Deserialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{Evidence, Ledger};
use crate::audit::AuditFault;
use crate::audit::proof::{Checked, Proof};
use crate::domain::checkpoint::{SignedCheckpoint, Vkey};

const FACTS: &str = "evidence.json";
const PAGE: &str = "summary.txt";
const PROOF: &str = "proof.json";
const CHECKPOINT: &str = "checkpoint.txt";
const VKEY: &str = "vkey";

/// Longest member that is read.
const MEMBER_BYTES_MAX: u64 = 256 << 20;

/// What an archive holds.
pub struct Found {
    /// The proof in it.
    pub proof: Proof,
    facts: Vec<u8>,
    page: Vec<u8>,
    checkpoint: Vec<u8>,
    others: bool,
}

/// Packs the proof, and everything that is worked out from it.
pub fn pack(proof: &Proof, note: &SignedCheckpoint, made_by: &str) -> Result<Vec<u8>, AuditFault> {
    let evidence = Evidence::of(proof, ledger(note), made_by)?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let members = [
        (PAGE, evidence.to_string().into_bytes()),
        (FACTS, evidence.to_json()?),
        (PROOF, proof.to_json()?),
        (CHECKPOINT, proof.checkpoint.clone().into_bytes()),
        (VKEY, format!("{}\n", proof.vkey).into_bytes()),
    ];
    for (name, content) in members {
        zip.start_file(name, options).map_err(AuditFault::form)?;
        zip.write_all(&content).map_err(AuditFault::form)?;
    }
    Ok(zip.finish().map_err(AuditFault::form)?.into_inner())
}

/// Opens an archive; in words why it is none.
pub fn open(bytes: &[u8]) -> Result<Found, String> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let is_ours = |name: &str| [FACTS, PAGE, PROOF, CHECKPOINT, VKEY].contains(&name);
    let others = zip.file_names().any(|name| !name.is_ok_and(|name| is_ours(&name)));
    let mut member = |name: &str| -> Result<Vec<u8>, String> {
        let file = zip.by_name(name).map_err(|_| format!("it has no {name}"))?;
        let mut content = Vec::new();
        file.take(MEMBER_BYTES_MAX + 1).read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        if content.len() as u64 > MEMBER_BYTES_MAX { Err(format!("{name} is too large")) } else { Ok(content) }
    };
    let proof = Proof::from_json(&member(PROOF)?)?;
    Ok(Found { proof, facts: member(FACTS)?, page: member(PAGE)?, checkpoint: member(CHECKPOINT)?, others })
}

/// The one thing of the facts that is not worked out.
#[derive(Deserialize)]
struct MadeBy {
    made_by: String,
}

impl Found {
    /// Checks the proof by a key that the reader trusts, and that all the rest is what follows from it.
    pub fn check(&self, trusted: &Vkey) -> Checked {
        let checked = self.proof.check(trusted);
        let (true, Ok(note)) = (checked.ok, trusted.verify(&self.proof.checkpoint)) else { return checked };
        let refuse =
            |what: &str| Checked { ok: false, says: format!("The entries are proven, but {what}."), ..checked.clone() };
        if self.others {
            return refuse("the archive holds files that are no part of evidence");
        }
        if self.checkpoint != self.proof.checkpoint.as_bytes() {
            return refuse("checkpoint.txt is another one than in proof.json");
        }
        let Some(made_by) = maker(&self.facts) else { return refuse("evidence.json does not tell what made it") };
        let evidence = Evidence::of(&self.proof, ledger(&note), &made_by);
        let again = evidence.and_then(|evidence| Ok((evidence.to_json()?, evidence.to_string().into_bytes())));
        match again {
            Ok((facts, _)) if facts != self.facts => refuse("evidence.json says something else than they do"),
            Ok((_, page)) if page != self.page => refuse("summary.txt says something else than they do"),
            Ok(_) => checked,
            Err(_) => refuse("they cannot be read"),
        }
    }
}

/// The program that is said to have made it; `None` unless it is a name and a version, and nothing more.
fn maker(facts: &[u8]) -> Option<String> {
    let MadeBy { made_by } = serde_json::from_slice(facts).ok()?;
    let version = made_by.strip_prefix("hbcourier ")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
    ((1..=40).contains(&version.len()) && version.bytes().all(plain)).then_some(made_by)
}

fn ledger(note: &SignedCheckpoint) -> Ledger {
    let checkpoint = note.checkpoint();
    Ledger { origin: checkpoint.origin.clone(), size: checkpoint.size, root: checkpoint.root }
}
