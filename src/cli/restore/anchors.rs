//! Checkpoints that were kept elsewhere: they tell how far the ledger had come, and that a backup is of that ledger.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::audit::Notes;
use crate::audit::notes::{FoundNote, notes_in};
use crate::cli::output::{CliError, Exit};
use crate::config::Settings;
use crate::config::settings::RecipientWay;
use crate::domain::checkpoint::NOTE_BYTES_MAX;
use crate::effects::ledger_key::{VKEY_FILE, read_vkey};
use crate::store::{Auditable, SqliteStore};

/// Those at these paths.
pub(super) fn given(paths: &[PathBuf]) -> Result<Vec<FoundNote>, CliError> {
    let mut found = Vec::new();
    for path in paths {
        let called = path.display().to_string();
        if path.is_dir() {
            found.extend(notes_in(path, &called, true)?);
            continue;
        }
        let mut text = Vec::new();
        File::open(path).and_then(|file| file.take(NOTE_BYTES_MAX as u64 + 1).read_to_end(&mut text)).map_err(
            |error| CliError::new(Exit::CouldNot, format!("Could not read {called}: {error}."), "Check the path."),
        )?;
        found.push(FoundNote { from: called, text, anchor: true });
    }
    Ok(found)
}

/// Those at these paths, and those in the folders to which the configuration has checkpoints leave, as far as they can be
/// read now.
pub(super) fn all(paths: &[PathBuf], settings: &Settings) -> Result<Vec<FoundNote>, CliError> {
    let mut found = given(paths)?;
    for recipient in &settings.audit.recipients {
        let RecipientWay::Folder(folder) = &recipient.way else { continue };
        match notes_in(folder, &folder.display().to_string(), true) {
            Ok(notes) => found.extend(notes),
            Err(fault) => tracing::warn!(folder = %folder.display(), "Checkpoints there could not be read: {fault}"),
        }
    }
    Ok(found)
}

/// Those that the ledger's own key signed. One that the ledger in the backup should agree with and does not ends it.
pub(super) fn held_against(found: Vec<FoundNote>, state: &Path, store: &SqliteStore) -> Result<Notes, CliError> {
    if found.is_empty() || !state.join(VKEY_FILE).exists() {
        return Ok(Notes::default());
    }
    let unreadable = |error: &dyn std::fmt::Display| {
        CliError::new(
            Exit::CouldNot,
            format!("The ledger in the backup could not be read: {error}."),
            "Empty the folder.",
        )
    };
    let vkey = read_vkey(state).map_err(|error| unreadable(&error))?;
    let notes = Notes::judge(&vkey, found);
    let queries = store.queries();
    let view = queries.snapshot().map_err(|error| unreadable(&error))?;
    let entries = view.head().map_err(|error| unreadable(&error))?.entries;
    for mark in notes.marks().iter().filter(|mark| mark.size <= entries) {
        if view.root_of(mark.size).map_err(|error| unreadable(&error))? != Some(mark.root) {
            let says = format!("The ledger in the backup is not the one of which {} was signed.", mark.from);
            let next = "Keep the backup as evidence, empty the folder, and restore one that agrees with it.";
            return Err(CliError::new(Exit::No, says, next));
        }
    }
    Ok(notes)
}
