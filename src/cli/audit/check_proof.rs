//! `hbcourier audit check-proof`: whether a proof or evidence proves what it says. Needs no configuration.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use crate::audit::AuditFault;
use crate::audit::evidence::open;
use crate::audit::offline::trusted_key;
use crate::audit::proof::{Checked, Proof};
use crate::cli::output::{CliError, Exit, Output, Tone};
use crate::domain::checkpoint::Vkey;

/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Check a proof, or a ZIP file of evidence, by a key that you trust
///
/// It shows that each entry in it is in the ledger. Whether the ledger has others about the same, only an export shows.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What `audit prove` or `audit evidence` made
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The ledger's public key, as you were given it
    #[arg(long, value_name = "FILE")]
    vkey: PathBuf,
    /// Print the verdict as one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let vkey = trusted_key(&args.vkey)?;
    let path = args.file.clone();
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|source| AuditFault::Read { path: path.clone(), source })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(AuditFault::TooLarge { path, most: FILE_BYTES_MAX }.into());
    }
    let checked = check(&bytes, &vkey).map_err(|says| AuditFault::NotAProof { path, says })?;
    out.answer(args.json, &checked, |text| {
        let (tone, word) = if checked.ok { (Tone::Good, "Yes.") } else { (Tone::Bad, "No.") };
        text.toned(tone, word, format_args!(" {}", checked.says));
        text.facts([("Root", checked.root.map(|root| root.to_string()))]);
    })?;
    Ok(if checked.ok { Exit::Yes } else { Exit::No })
}

fn check(bytes: &[u8], vkey: &Vkey) -> Result<Checked, String> {
    if bytes.starts_with(b"PK") {
        return Ok(open(bytes)?.check(vkey));
    }
    Ok(Proof::from_json(bytes)?.check(vkey))
}
