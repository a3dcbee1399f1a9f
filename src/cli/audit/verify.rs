//! `hbcourier audit verify`: whether the ledger is the one that was recorded and signed.

use std::path::PathBuf;

use super::Installation;
use crate::audit::Notes;
use crate::audit::anchors::verify_with;
use crate::audit::notes::notes_in;
use crate::audit::offline::{Question, trusted_key, verify_export};
use crate::cli::output::{CliError, Exit, Output, Text, Tone};
use crate::domain::Digest;
use crate::domain::checkpoint::Vkey;

/// Check that no entry was altered, removed, added or moved
///
/// Without `--export` the live ledger, also while the service runs, and that the state agrees with it. Exit status 0: all is
/// as it was recorded; 1: it is not; 3: it could not be read.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Verify this export, which needs no configuration
    #[arg(long, value_name = "FOLDER", requires = "vkey")]
    export: Option<PathBuf>,
    /// The ledger's public key, as you were given it
    #[arg(long, value_name = "FILE")]
    vkey: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere: files that end in .txt
    #[arg(long, value_name = "FOLDER")]
    anchors: Option<PathBuf>,
    /// Do not mind that no checkpoint covers the last entries of the export
    #[arg(long, requires = "export")]
    allow_uncovered: bool,
    /// Print the verdict as one JSON document
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether it names no file.
    pub(super) fn reads_the_installation(&self) -> bool {
        self.export.is_none() && self.vkey.is_none() && self.anchors.is_none()
    }
}

pub(super) fn run(args: &Args, installation: &dyn Installation, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let given = args.vkey.as_deref().map(trusted_key).transpose()?;
    match (&args.export, &given) {
        (Some(export), Some(vkey)) => {
            let (anchors, allow_uncovered) = (args.anchors.as_deref(), args.allow_uncovered);
            let verdict = verify_export(&Question { export, vkey, anchors, allow_uncovered })?;
            let shown = Shown { ok: verdict.ok, says: &verdict.says, entries: verdict.entries, root: verdict.root };
            let next = "Keep the export as it is, as evidence, and ask for another one.";
            out.answer(args.json, &verdict, |text| show(&shown, next, text))?;
            Ok(if verdict.ok { Exit::Yes } else { Exit::No })
        }
        _ => live(args, given, installation, out),
    }
}

fn live(
    args: &Args,
    given: Option<Vkey>,
    installation: &dyn Installation,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let notes = match &args.anchors {
        None => Notes::default(),
        Some(folder) => Notes::judge(&trusted(given, installation)?, notes_in(folder, "anchors", true)?),
    };
    let verdict = installation.ledger().and_then(|ledger| Ok(verify_with(&*ledger, &notes)?));
    if args.reads_the_installation() {
        installation.was_verified(verdict.as_ref().is_ok_and(|verdict| verdict.ok));
    }
    let verdict = verdict?;
    let shown = Shown { ok: verdict.ok, says: &verdict.says, entries: verdict.entries, root: verdict.root };
    let next = "Stop the service, keep a copy of the state folder as evidence, and compare with the last good backup.";
    out.answer(args.json, &verdict, |text| show(&shown, next, text))?;
    Ok(if verdict.ok { Exit::Yes } else { Exit::No })
}

/// The key by which checkpoints are believed: the one that was given, else the installation's own.
fn trusted(given: Option<Vkey>, installation: &dyn Installation) -> Result<Vkey, CliError> {
    let own = || installation.vkey();
    given.map_or_else(own, |vkey| Ok(Some(vkey)))?.ok_or_else(|| {
        let says = "The ledger has no key yet, and none was given, so no checkpoint can be believed.";
        CliError::new(Exit::Usage, says, "Name the key that you were given with `--vkey`.")
    })
}

struct Shown<'a> {
    ok: bool,
    says: &'a str,
    entries: u64,
    root: Digest,
}

fn show(shown: &Shown<'_>, next: &str, text: &mut Text) {
    let (tone, word) = if shown.ok { (Tone::Good, "Yes.") } else { (Tone::Bad, "No.") };
    text.toned(tone, word, format_args!(" {}", shown.says));
    text.facts([("Entries", Some(shown.entries.to_string())), ("Root", Some(shown.root.to_string()))]);
    if !shown.ok {
        text.line(next);
    }
}
