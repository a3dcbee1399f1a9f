//! Unpacking: every file of the backup below a folder of the trial's own, held against its digest; and then in its place.
//!
//! Holds: the store gets its place last, and without it no service starts on what else lies there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use zip::ZipArchive;

use crate::cli::backup::{MANIFEST, Manifest, STORE};
use crate::cli::output::{CliError, Exit};
use crate::domain::Digest;
use crate::durable::{CopyError, Directory, copy_and_digest, step};
use crate::effects::pgp::backup::SealedBackup;
use crate::store::SqliteStore;

/// The archive, in clear or sealed.
pub(super) trait Archive: Read + Seek {
    /// Whether all that was read is what was there when it was opened.
    fn is_still_the_same(&mut self) -> io::Result<()>;
}

impl Archive for File {
    fn is_still_the_same(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Archive for SealedBackup {
    fn is_still_the_same(&mut self) -> io::Result<()> {
        SealedBackup::is_still_the_same(self)
    }
}

/// Where it lies until it is whole.
pub(super) const TRIAL: &str = ".restoring";
/// The longest list of files that is read.
const MANIFEST_BYTES_MAX: u64 = 1 << 30;

fn could_not(says: String) -> CliError {
    CliError::new(Exit::CouldNot, says, "Mend that, empty the folder, and give the command again.")
}

fn unsound(says: &str) -> CliError {
    let next = "Copy it anew from where it was kept, or restore another one; empty the folder first.";
    CliError::new(Exit::No, format!("The backup is not as it was made: {says}."), next)
}

/// Nothing may be there but the lock.
pub(super) fn is_empty(state: &Path) -> Result<(), CliError> {
    let entries = match fs::read_dir(state) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| could_not(format!("{} could not be read: {error}.", state.display())))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| could_not(format!("{} could not be read: {error}.", state.display())))?;
        names.push(entry.file_name());
    }
    if names.iter().any(|name| name == TRIAL) {
        let says = format!("A restore into {} was interrupted.", state.display());
        return Err(CliError::new(Exit::CouldNot, says, "Empty the folder, and give the command again."));
    }
    if names.iter().any(|name| name != "lock") {
        let says = format!("{} is not empty, and nothing in it is replaced.", state.display());
        let next =
            "Stop the service, move what is there away as a whole, and keep it: it may be needed to see what was lost.";
        return Err(CliError::new(Exit::CouldNot, says, next));
    }
    Ok(())
}

/// Unpacks everything below `TRIAL`.
///
/// Returns what it says of itself, and the digest of that list.
pub(super) fn unpack(
    backup: Box<dyn Archive>,
    state: &Path,
    expected: Option<Digest>,
) -> Result<(Manifest, Digest), CliError> {
    let mut archive = ZipArchive::new(backup).map_err(|error| unsound(&error.to_string()))?;
    let (manifest, digest) = manifest(&mut archive)?;
    if let Some(expected) = expected.filter(|expected| *expected != digest) {
        return Err(unsound(&format!("its list of files has the digest {digest}, not {expected}")));
    }
    let trial = state.join(TRIAL);
    for member in &manifest.files {
        if !member.is_below() {
            return Err(unsound("it names a file that a state directory does not have"));
        }
        let path = trial.join(&member.path);
        let (Some(above), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return Err(unsound("it names a file that has no name"));
        };
        let fault = |error: io::Error| could_not(format!("{} could not be written: {error}.", path.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(above).map_err(fault)?;
        let mut from = archive.by_name(&member.path).map_err(|_| unsound("a file that it lists is not in it"))?;
        let folder = Directory::open(above).map_err(fault)?;
        let mut into = folder.create(name).map_err(fault)?;
        let copied = copy_and_digest(&mut from, &mut into, member.bytes).map_err(|error| match error {
            CopyError::Write(error) => fault(error),
            CopyError::Read(_) | CopyError::TooLarge(_) => {
                unsound("a file in it is damaged, or longer than the list says")
            }
        })?;
        if (copied.digest, copied.bytes) != (member.sha256, member.bytes) {
            return Err(unsound("a file in it has another digest than the list says"));
        }
        into.sync_all().map_err(fault)?;
    }
    if !manifest.files.iter().any(|member| member.path == STORE) {
        return Err(unsound("it has no store"));
    }
    archive.into_inner().is_still_the_same().map_err(|error| unsound(&error.to_string()))?;
    sync_below(&trial).map_err(|error| could_not(format!("{} could not be synced: {error}.", trial.display())))?;
    step("restore.extracted").map_err(|error| could_not(error.to_string()))?;
    Ok((manifest, digest))
}

fn manifest(archive: &mut ZipArchive<Box<dyn Archive>>) -> Result<(Manifest, Digest), CliError> {
    let mut list = Vec::new();
    let file = archive.by_name(MANIFEST).map_err(|_| unsound("it has no list of files"))?;
    let read = file.take(MANIFEST_BYTES_MAX).read_to_end(&mut list);
    read.map_err(|error| unsound(&error.to_string()))?;
    let manifest: Manifest = serde_json::from_slice(&list).map_err(|error| unsound(&error.to_string()))?;
    if archive.len() != manifest.files.len() + 1 {
        return Err(unsound("it holds other files than it lists"));
    }
    if manifest.format != Manifest::FORMAT || manifest.store_version > SqliteStore::version() {
        let says =
            format!("The backup was made by version {} of this program, which is a later one.", manifest.version);
        return Err(CliError::new(Exit::CouldNot, says, "Install that version, and restore with it."));
    }
    Ok((manifest, Digest::of(&list)))
}

fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Puts everything in its place, the store last.
pub(super) fn place(state: &Path) -> io::Result<()> {
    step("restore.recorded")?;
    let (into, trial) = (Directory::open(state)?, Directory::open(&state.join(TRIAL))?);
    let mut names: Vec<String> = trial.names()?.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| name != "lock");
    // What belongs to the store comes after everything else, and the store itself after that.
    names.sort_by_key(|name| (name.starts_with(STORE), name == STORE));
    for name in names {
        if name == STORE {
            into.sync()?;
            step("restore.placed")?;
        }
        trial.publish(&name, &into, &name)?;
    }
    into.sync()?;
    // Else a power cut could leave a folder with a name in both.
    trial.sync()?;
    fs::remove_dir(state.join(TRIAL))?;
    into.sync()
}
