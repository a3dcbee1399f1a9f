//! `hbcourier audit evidence`: everything the ledger says of a transfer or return, as one archive for a file.

use std::path::PathBuf;

use serde::Serialize;

use super::prove::{proof_of, topic_of};
use super::{Installation, write_new};
use crate::audit::evidence::pack;
use crate::cli::output::{CliError, Exit, Output};
use crate::domain::Digest;

/// Put what the ledger says about one transfer or return into a ZIP file that others can check
///
/// It holds the facts, a page for people, the entries with their proofs, the signed checkpoint and the key, and no names of
/// files, subjects or senders. `audit check-proof` checks all of it, without this machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A transfer's id, or a return's key
    #[arg(value_name = "ID")]
    id: String,
    /// Where to write it; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print what was written as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    bytes: usize,
    sha256: Digest,
    entries: usize,
    size: u64,
}

pub(super) fn run(args: &Args, installation: &dyn Installation, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let ledger = installation.ledger()?;
    let topic = topic_of(&args.id, &*ledger)?;
    let (proof, note) = proof_of(&topic, true, installation, &*ledger)?;
    let archive = pack(&proof, &note, concat!("hbcourier ", env!("CARGO_PKG_VERSION")))?;
    let named = || PathBuf::from(format!("evidence-{}.zip", topic.to_string().replace('/', "-")));
    let file = args.out.clone().unwrap_or_else(named);
    write_new(&file, &archive)?;
    let (entries, size) = (proof.entries.len(), note.checkpoint().size);
    let written = Written { bytes: archive.len(), sha256: Digest::of(&archive), entries, size, file };
    out.answer(args.json, &written, |text| {
        let file = written.file.display();
        text.line(format_args!("{file} holds the {entries} entries about {topic} that the checkpoint covers."));
        text.line(format_args!("SHA-256 {}", written.sha256));
    })?;
    Ok(Exit::Yes)
}
