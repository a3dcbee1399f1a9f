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

/// All of them, in their order.
const MEMBERS: [&str; 5] = [PAGE, FACTS, PROOF, CHECKPOINT, VKEY];

/// Longest member that is read.
const MEMBER_BYTES_MAX: u64 = 256 << 20;

/// What an archive holds.
pub struct Found {
    /// The proof in it.
    pub proof: Proof,
    facts: Vec<u8>,
    page: Vec<u8>,
    checkpoint: Vec<u8>,
    vkey: Vec<u8>,
    as_packed: bool,
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
    let as_packed = is_as_packed(bytes, &mut zip);
    let mut member = |name: &str| -> Result<Vec<u8>, String> {
        let file = zip.by_name(name).map_err(|_| format!("it has no {name}"))?;
        let mut content = Vec::new();
        file.take(MEMBER_BYTES_MAX + 1).read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        if content.len() as u64 > MEMBER_BYTES_MAX { Err(format!("{name} is too large")) } else { Ok(content) }
    };
    let proof = Proof::from_json(&member(PROOF)?)?;
    let (facts, page, checkpoint, vkey) = (member(FACTS)?, member(PAGE)?, member(CHECKPOINT)?, member(VKEY)?);
    Ok(Found { proof, facts, page, checkpoint, vkey, as_packed })
}

/// Whether the members follow each other from the first byte to the directory, each once, and the directory and the record
/// of its end are all that comes then: programs differ in which of two members of one name they show.
// APPNOTE.TXT 6.3.10 §4.3.7, §4.3.12, §4.3.16
fn is_as_packed(bytes: &[u8], zip: &mut ZipArchive<Cursor<&[u8]>>) -> bool {
    let (local, central, record) = (30, 46, 22);
    if zip.len() != MEMBERS.len() || zip.validate_header_consistency().is_err() {
        return false;
    }
    let mut at = 0;
    for (index, name) in MEMBERS.iter().enumerate() {
        let Ok(file) = zip.by_index_raw(index) else { return false };
        let header = usize::try_from(at).ok().and_then(|at| bytes.get(at..)?.get(..local));
        let plain = header.is_some_and(|header| header[26..] == [name.len() as u8, 0, 0, 0]);
        if file.name_raw() != name.as_bytes() || file.header_start() != at || !plain {
            return false;
        }
        at += (local + name.len()) as u64 + file.compressed_size();
    }
    let directory: usize = MEMBERS.iter().map(|name| central + name.len()).sum();
    let end = at + directory as u64;
    let counted = [&b"PK\x05\x06\0\0\0\0\x05\0\x05\0"[..], &(directory as u32).to_le_bytes()].concat();
    zip.central_directory_start() == at
        && bytes.len() as u64 == end + record as u64
        && bytes[bytes.len() - record..].starts_with(&counted)
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
        if !self.as_packed {
            return refuse(
                "the archive holds something besides, or a part of it twice, or is not laid out as evidence is",
            );
        }
        if self.vkey != format!("{trusted}\n").as_bytes() {
            return refuse("the key in the archive is not yours");
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
