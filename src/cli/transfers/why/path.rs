//! Why a file is where it is: delivered there, or not collected from there yet.

use std::path::{Path, PathBuf};

use super::{Considered, Explanation, Outcome, delivered, waiting};
use crate::cli::output::{CliError, Exit};
use crate::cli::reading::Reading;
use crate::config::settings::{AuthoritySettings, DropFolderSettings, ReturnSettings};

/// The settings a folder belongs to.
enum Place<'a> {
    Drop(&'a DropFolderSettings),
    Returns(&'a AuthoritySettings, &'a ReturnSettings),
    Elsewhere,
}

pub(super) fn explain(path: &Path, reading: &Reading<'_>) -> Result<Explanation, CliError> {
    let path = whole(path)?;
    if let Some(explanation) = delivered::explain(&path, reading)? {
        return Ok(explanation);
    }
    match place(&path, reading) {
        Place::Drop(folder) => waiting::explain(&path, folder, reading),
        Place::Returns(authority, owed) => returns(&path, authority, owed, reading),
        Place::Elsewhere => Err(CliError::none(
            format!(
                "No transfer was delivered to {}, and it lies in no drop folder and no returns folder.",
                path.display()
            ),
            "Name a file that was delivered, or one in a configured folder; `hbcourier check` lists the folders.",
        )),
    }
}

/// The path from the root, its folder without links; its last name stays as it is, for it may be a link itself.
fn whole(path: &Path) -> Result<PathBuf, CliError> {
    let absolute = std::path::absolute(path).map_err(|error| {
        let says = format!("Could not tell where {} is: {error}.", path.display());
        CliError::new(Exit::Usage, says, "Name the file by its whole path.")
    })?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else { return Ok(absolute) };
    Ok(real(folder).join(name))
}

fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn place<'a>(path: &Path, reading: &Reading<'a>) -> Place<'a> {
    let Some(folder) = path.parent() else { return Place::Elsewhere };
    for authority in &reading.settings.authorities {
        if let Some(found) = authority.drop_folders.iter().find(|settings| real(&settings.path) == folder) {
            return Place::Drop(found);
        }
        if let Some(found) = authority.returns.iter().find(|owed| real(&owed.pick_up) == folder) {
            return Place::Returns(authority, found);
        }
    }
    Place::Elsewhere
}

/// A file in a returns folder belongs to the next return that is not sealed yet.
fn returns(
    path: &Path,
    authority: &AuthoritySettings,
    owed: &ReturnSettings,
    reading: &Reading<'_>,
) -> Result<Explanation, CliError> {
    let filter = crate::store::SubmissionFilter { authority: Some(authority.number.clone()), open: true, key: None };
    let open = reading.queries.submissions(&filter)?;
    let next = open.iter().find(|submission| submission.key.kind == owed.kind && submission.sealed.is_none());
    let asks = format!("A return that lies here is {}'s {}.", authority.name, owed.kind);
    let mut rules = vec![Considered::new("folder", Outcome::Met, asks)];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = crate::domain::is_unfinished_name(&name);
    let finished = if unfinished { Outcome::NotMet } else { Outcome::Met };
    let asks = "The name may not say that the file is unfinished (`.…`, `~…`, `.tmp`, `.part`, `.partial`, \
     `.filepart`, `.crdownload`).";
    rules.push(Considered::new("name", finished, asks).deciding(unfinished));
    let service = waiting::service(reading, unfinished);
    let stopped = service.decided;
    rules.push(service);
    let (says, next_step) = match next {
        _ if unfinished => {
            ("Its name says that it is unfinished.".to_owned(), Some("Rename it when it is whole.".to_owned()))
        }
        _ if stopped => {
            ("The service is not running, so nothing is picked up.".to_owned(), Some("Start the service.".to_owned()))
        }
        Some(submission) => (
            format!(
                "It is for {}, due on {}, which is {}.",
                submission.key,
                submission.transfer_on,
                submission.stage.word()
            ),
            Some(format!("`hbcourier transfers why {}` says what it waits for.", submission.key)),
        ),
        None => (
            format!("No {} of this authority is owed that is not sealed already.", owed.kind),
            Some("`hbcourier timetable next` shows what is owed next.".to_owned()),
        ),
    };
    let about = path.display().to_string();
    Ok(Explanation { about, transfer: None, state: "waiting".to_owned(), rules, says, next: next_step })
}
