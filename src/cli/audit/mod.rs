//! `hbcourier audit`: read the ledger, verify it, give it away, prove what is in it.
//!
//! In:  the store, also while the service runs; or an export, without any configuration. Out: entries, a verdict, files.

mod check_proof;
mod checkpoint;
mod evidence;
mod export;
mod live;
mod log;
mod prove;
mod verify;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::Subcommand;

use super::output::{CliError, Exit, Output};
use crate::audit::AuditFault;
use crate::config::Settings;
use crate::domain::checkpoint::{SignedCheckpoint, Vkey};
use crate::durable::Directory;
use crate::store::Auditable;

pub use live::Live;

/// Read the ledger of everything that was done, check that nobody altered it, and give it to an auditor
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Log(log::Args),
    Verify(verify::Args),
    Checkpoint(checkpoint::CheckpointArgs),
    Vkey(checkpoint::VkeyArgs),
    Export(export::Args),
    Prove(prove::Args),
    Evidence(evidence::Args),
    CheckProof(check_proof::Args),
}

impl Args {
    /// Whether it reads the installation, and neither reads nor writes a file that the caller names.
    pub(super) fn reads_the_installation(&self) -> bool {
        match &self.command {
            Command::Log(args) => args.reads_the_installation(),
            Command::Verify(args) => args.reads_the_installation(),
            Command::Prove(args) => args.is_printed(),
            Command::Vkey(_) => true,
            Command::Checkpoint(_) | Command::Export(_) | Command::Evidence(_) | Command::CheckProof(_) => false,
        }
    }
}

/// The installation whose ledger is asked. Nothing of it is touched unless a command needs it.
pub trait Installation {
    /// Its settings.
    fn settings(&self) -> Result<Settings, CliError>;
    /// The store, for reading.
    fn ledger(&self) -> Result<Box<dyn Auditable>, CliError>;
    /// The notes of the checkpoints that were made.
    fn notes(&self) -> Result<Vec<String>, CliError>;
    /// That of the last one.
    fn last_note(&self) -> Result<Option<String>, CliError>;
    /// The ledger's public key, if it has one.
    fn vkey(&self) -> Result<Option<Vkey>, CliError>;
    /// Has a checkpoint made of all there is.
    fn make_checkpoint(&self) -> Result<(), CliError>;
    /// Leaves it to `deadline` that the whole ledger was verified, and whether it holds.
    fn was_verified(&self, holds: bool);
}

/// Does it.
pub fn run(
    args: &Args,
    installation: &dyn Installation,
    stdout: &mut dyn Write,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    match &args.command {
        Command::Log(args) => log::run(args, installation, stdout),
        Command::Verify(args) => verify::run(args, installation, out),
        Command::Checkpoint(args) => checkpoint::checkpoint(args, &installation.settings()?, out),
        Command::Vkey(args) => checkpoint::vkey(args, &installation.settings()?, out),
        Command::Export(args) => export::run(args, installation, stdout),
        Command::Prove(args) => prove::run(args, installation, stdout),
        Command::Evidence(args) => evidence::run(args, installation, out),
        Command::CheckProof(args) => check_proof::run(args, out),
    }
}

impl From<AuditFault> for CliError {
    fn from(fault: AuditFault) -> CliError {
        let exit = match fault {
            AuditFault::NotEmpty(_) | AuditFault::TooMuch { .. } => Exit::Usage,
            AuditFault::Nothing(_) => Exit::No,
            _ => Exit::CouldNot,
        };
        CliError::of(exit, &fault)
    }
}

/// How a command ends that prints as it goes: whoever reads may have seen enough, as `head` has.
fn ended(done: Result<Exit, AuditFault>) -> Result<Exit, CliError> {
    match done {
        Err(AuditFault::Answer(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Yes),
        done => Ok(done?),
    }
}

/// The installation's checkpoints that its own key has signed, by size; and what is wrong with the others.
fn signed_notes(
    installation: &dyn Installation,
    vkey: Option<&Vkey>,
) -> Result<(Vec<SignedCheckpoint>, Vec<String>), CliError> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let Some(vkey) = vkey else { return Ok((good, bad)) };
    for note in installation.notes()? {
        match vkey.verify(&note) {
            Ok(signed) => good.push(signed),
            Err(why) => bad.push(format!("A checkpoint in the store is left out: {why}.")),
        }
    }
    good.sort_by_key(|note| note.checkpoint().size);
    Ok((good, bad))
}

/// The last checkpoint, and the key that signed it.
fn last_checkpoint(installation: &dyn Installation) -> Result<Option<(Vkey, SignedCheckpoint)>, CliError> {
    let (Some(vkey), Some(note)) = (installation.vkey()?, installation.last_note()?) else { return Ok(None) };
    let signed = vkey.verify(&note).map_err(|why| {
        let says = format!("The ledger's last checkpoint is not believed: {why}.");
        CliError::new(
            Exit::CouldNot,
            says,
            "Run `hbcourier audit verify`, and look whether the ledger's key was replaced.",
        )
    })?;
    Ok(Some((vkey, signed)))
}

/// Writes a file that was not there before.
fn write_new(path: &Path, content: &[u8]) -> Result<(), CliError> {
    let write = || {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidFilename)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = Directory::open(&fs::canonicalize(folder)?)?;
        let mut file = folder.create(name)?;
        file.write_all(content)?;
        file.sync_all()?;
        folder.sync()
    };
    write().map_err(|error: io::Error| {
        let says = format!("Could not write {}: {error}.", path.display());
        CliError::new(Exit::CouldNot, says, "Name a file that is not there yet, in a folder that is.")
    })
}

#[cfg(test)]
mod tests;
