//! `hbcourier backup`: the state of one moment in one file, also while the service runs.
//!
//! In:  the state directory, the configuration. Out: a ZIP of mode 0600, and an entry that says that it was made.
//! Holds: what the store in it refers to is in it; it has its name only when it is whole; nothing is overwritten.

mod manifest;
mod pack;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::order::give;
use super::output::{CliError, Exit, Output};
use crate::config::Settings;
use crate::domain::Digest;
use crate::domain::causes::with_causes;
use crate::effects::clock::{Clock, MachineClock};
use crate::operator::Order;

pub use manifest::{CONFIGURATION, MANIFEST, Manifest, Member, STORE};

/// Back up the state into one file
///
/// The store as it stands at one moment, every original and sealed return that it refers to, the keys and the configuration.
/// The service may run. The file holds secret keys and is not encrypted: keep it where nobody else reads. Exit status 0: it
/// is made and recorded; 1: so it is, and originals that it should hold are not there; 3: it is not.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The file to make, or a folder for it
    pub file: PathBuf,
    /// On whose behalf; your account is recorded in any case
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why, for the auditor; without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Made<'a> {
    says: String,
    file: &'a Path,
    bytes: u64,
    manifest: Digest,
    entries: u64,
    root: Digest,
    files: usize,
    /// Originals that are not there, though no entry says that they were erased.
    missing: &'a [String],
}

/// Makes it, and has it recorded.
pub fn run(args: &Args, config: &Path, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let now = MachineClock.now();
    let file = if args.file.is_dir() {
        args.file.join(format!("hbcourier-{}.zip", now.strftime("%Y%m%dT%H%M%SZ")))
    } else {
        args.file.clone()
    };
    let packed = pack::pack(&settings.service.state, config, &file, now).map_err(|fault| CliError {
        exit: Exit::CouldNot,
        says: format!("No backup was made: {}.", with_causes(&fault)),
        next: Some(format!("See that {} can be written and has room, then give the command again.", file.display())),
    })?;
    let Manifest { entries, root, files, missing, .. } = &packed.manifest;
    let (by, reason) = (args.by.clone(), args.reason.clone());
    let order = Order::BackedUp { manifest: packed.digest, entries: *entries, root: *root, by, reason };
    let done = give(settings, order).map_err(|error| CliError {
        says: format!(
            "The backup {} is whole, and it is not recorded that it was made: {}",
            file.display(),
            error.says
        ),
        ..error
    })?;
    let (files, says, manifest) = (files.len(), done.says, packed.digest);
    let made =
        Made { says, file: &file, bytes: packed.bytes, manifest, entries: *entries, root: *root, files, missing };
    out.answer(args.json, &made, |text| {
        text.line(&made.says);
        text.facts([
            ("File", Some(file.display().to_string())),
            ("Bytes", Some(made.bytes.to_string())),
            ("Files in it", Some(files.to_string())),
            ("Its list of files", Some(manifest.to_string())),
        ]);
        text.line("Write that digest down apart from the file: `hbcourier restore FILE` takes it as --manifest, and tells by it that nobody altered it.");
        if !missing.is_empty() {
            text.line(format!("Originals that the store names and that are not there, and no entry says why: {}:", missing.len()));
            missing.iter().for_each(|path| text.line(format!("  {path}")));
            text.line("See what removed them. Earlier backups may have them; keep those.");
        }
        text.line("It holds secret keys and is not encrypted: keep it where nobody else reads.");
    })?;
    Ok(if missing.is_empty() { Exit::Yes } else { Exit::No })
}
