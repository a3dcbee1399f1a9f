//! `hbcourier audit export`: the ledger as a folder that an auditor can verify without this machine.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::{Installation, ended, signed_notes};
use crate::audit::AuditFault;
use crate::audit::export::{Contents, Summary, Written, export};
use crate::cli::output::{CliError, Exit};

/// Write the ledger into a folder for an auditor: entries, checkpoints, a second verifier, how to use them
///
/// A new checkpoint is made first, and the export ends with the last entry that it covers. Where none can be made, all
/// entries are exported, and the answer tells how many are not covered.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder; it must be empty or not be there yet
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Print one JSON object per line: each file that was written, then the whole
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, installation: &dyn Installation, out: &mut dyn Write) -> Result<Exit, CliError> {
    // First, so that no checkpoint is made for whoever may not read the ledger.
    let ledger = installation.ledger()?;
    let fresh = installation.make_checkpoint();
    let vkey = installation.vkey()?;
    // Checkpoints before the state, so that none is larger than what is exported.
    let (notes, mut remarks) = signed_notes(installation, vkey.as_ref())?;
    let view = ledger.snapshot()?;
    let until = notes.last().filter(|_| fresh.is_ok()).map(|note| note.checkpoint().size);
    let contents = Contents { view: &*view, notes, vkey: vkey.as_ref(), until };
    let mut files = Vec::new();
    let summary = export(&args.folder, &contents, &mut |file| files.push(file.clone()))?;
    if let (Err(why), true) = (fresh, summary.uncovered > 0) {
        remarks.push(format!("No new checkpoint was made: {}", why.says));
    }
    ended(tell(args, &files, &summary, &remarks, out))
}

/// The last line for scripts.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    remarks: &'a [String],
}

fn tell(
    args: &Args,
    files: &[Written],
    summary: &Summary,
    remarks: &[String],
    out: &mut dyn Write,
) -> Result<Exit, AuditFault> {
    let form = |error: serde_json::Error| AuditFault::Form(error.into());
    if args.json {
        for file in files {
            writeln!(out, "{}", serde_json::to_string(file).map_err(form)?)?;
        }
        writeln!(out, "{}", serde_json::to_string(&Whole { summary, remarks }).map_err(form)?)?;
    } else {
        let Summary { entries, checkpoints, uncovered, .. } = summary;
        let folder = args.folder.display();
        writeln!(
            out,
            "{entries} entries and {checkpoints} checkpoints are in {folder}; its README.md tells the auditor more."
        )?;
        if *uncovered > 0 {
            writeln!(out, "The last {uncovered} entries are covered by no checkpoint: nothing proves them yet.")?;
        }
        for remark in remarks {
            writeln!(out, "{remark}")?;
        }
        if !summary.ok {
            writeln!(out, "The entries are not those of the checkpoints: run `hbcourier audit verify`.")?;
        }
    }
    Ok(if summary.ok { Exit::Yes } else { Exit::No })
}
