//! Why a file still lies in a drop folder: the rules of collecting, in their order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Considered, Explanation, Outcome};
use crate::cli::output::{CliError, Exit};
use crate::cli::reading::Reading;
use crate::config::settings::DropFolderSettings;
use crate::domain::{Consignment, Digest, is_unfinished_name};
use crate::durable::{Directory, Stamp};
use crate::effects::drop_folder::{DropFolder, Sighting};
use crate::effects::pgp::{Completeness, completeness};

/// What a look at the file found.
struct Seen<'a> {
    folder: &'a DropFolderSettings,
    name: String,
    stamp: Stamp,
    completeness: Option<Completeness>,
    /// Since its last change, by the file system's clock.
    rested: Duration,
    recorded: Option<Consignment>,
    free_bytes: Option<u64>,
}

pub(super) fn explain(
    path: &Path,
    folder: &DropFolderSettings,
    reading: &Reading<'_>,
) -> Result<Explanation, CliError> {
    let (seen, about) = (look(path, folder, reading)?, path.display().to_string());
    let (mut rules, mut decided): (Vec<Considered>, Option<&'static str>) = (Vec::new(), None);
    for (rule, met, asks, next) in seen.rules(reading) {
        let outcome = match (decided, met) {
            (Some(_), _) => Outcome::NotReached,
            (None, true) => Outcome::Met,
            (None, false) => Outcome::NotMet,
        };
        let decides = outcome == Outcome::NotMet;
        rules.push(Considered::new(rule, outcome, asks).deciding(decides));
        if decides {
            decided = Some(next);
        }
    }
    let service = service(reading, decided.is_some());
    let stopped = service.decided;
    rules.push(service);
    let by = rules.iter().find(|considered| considered.decided).map(|considered| considered.says.clone());
    let (says, next) = match (by, decided) {
        (Some(by), _) if stopped => (by, "Start the service; it collects what lies there."),
        (Some(by), Some(next)) => (format!("It is not collected by this rule: {by}"), next),
        _ => (
            "Every rule is met: it is collected with the next look at the folder.".to_owned(),
            "Wait for a sweep; if it stays, `hbcourier status` shows when the folder was last looked at.",
        ),
    };
    let transfer = seen.recorded.as_ref().map(|consignment| consignment.id.to_string());
    Ok(Explanation { about, transfer, state: "waiting".to_owned(), rules, says, next: Some(next.to_owned()) })
}

/// Whether anybody is there to do the work.
pub(super) fn service(reading: &Reading<'_>, decided: bool) -> Considered {
    match reading.service {
        _ if decided => Considered::new("service", Outcome::NotReached, "The service must be running."),
        Some(status) => {
            Considered::new("service", Outcome::Met, format!("The service is running (process {}).", status.pid))
        }
        None => Considered::new("service", Outcome::NotMet, "The service is not running.").deciding(true),
    }
}

fn look<'a>(path: &Path, folder: &'a DropFolderSettings, reading: &Reading<'_>) -> Result<Seen<'a>, CliError> {
    let failed = |error: std::io::Error| {
        let says = format!("Could not look at {}: {error}.", path.display());
        CliError::new(
            Exit::CouldNot,
            says,
            "Run the command as the service's account; `hbcourier check` probes the folder.",
        )
    };
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        let says = format!("The name of {} is not UTF-8, and such a file is never collected.", path.display());
        return Err(CliError::none(says, "Have the file copied there under a plain name."));
    };
    let directory = Directory::open(&folder.path).map_err(failed)?;
    let Some(stamp) = directory.stamp(name).map_err(failed)? else {
        let says = format!(
            "There is no {} in the drop folder `{}`, and nothing was delivered to that path.",
            name, folder.name
        );
        return Err(CliError::none(says, "What was collected is in `hbcourier transfers list`."));
    };
    let sighting = Sighting { name: name.to_owned(), stamp };
    let opened = DropFolder::new(folder.path.clone(), Arc::default()).open(&sighting);
    let whole = opened.ok().flatten().and_then(|file| completeness(&file).ok());
    let native = Digest::of(sighting.native().as_bytes());
    let state = Directory::open(&reading.settings.service.state);
    Ok(Seen {
        folder,
        name: name.to_owned(),
        stamp,
        completeness: whole,
        rested: since(stamp.modified.max(stamp.changed), reading.now),
        recorded: reading.queries.collected(&folder.name, &native)?,
        free_bytes: state.and_then(|state| state.free_bytes()).ok(),
    })
}

fn since(nanoseconds: i128, now: Timestamp) -> Duration {
    let passed = now.as_nanosecond().saturating_sub(nanoseconds).max(0);
    Duration::from_nanos(u64::try_from(passed).unwrap_or(u64::MAX))
}

impl Seen<'_> {
    /// Each rule, whether it is met, what it asks, and what to do if it is not.
    fn rules(&self, reading: &Reading<'_>) -> Vec<(&'static str, bool, String, &'static str)> {
        let limits = &reading.settings.service.limits;
        let Stamp { bytes, links, regular, .. } = self.stamp;
        let mut rules = vec![
            (
                "file",
                regular,
                "It must be a regular file: no link, folder or device.".to_owned(),
                "Have the file itself copied there.",
            ),
            (
                "name",
                !is_unfinished_name(&self.name),
                "Its name may not say that it is unfinished (`.…`, `~…`, `.tmp`, `.part`, `.partial`, \
                 `.filepart`, `.crdownload`)."
                    .to_owned(),
                "It is collected as soon as its writer gives it its final name.",
            ),
        ];
        if let Some(consignment) = &self.recorded {
            let says = format!(
                "It was collected already, as transfer {}; only its removal from the folder is missing.",
                consignment.id
            );
            rules.push((
                "new",
                false,
                says,
                "Nothing is lost: the service removes it with its next look. If it \
             stays, give the service's account write access to the folder.",
            ));
        }
        rules.push((
            "second name",
            links <= 1,
            format!("It may have only one name on its disk; it has {links}."),
            "Have the file copied there, not linked.",
        ));
        rules.push(self.settled());
        rules.push((
            "size",
            bytes <= limits.ciphertext_bytes_max,
            format!(
                "It may have {} bytes (`service.limits.ciphertext_bytes_max`); it has {bytes}.",
                limits.ciphertext_bytes_max
            ),
            "If it is genuine, raise the limit and reload the service (`systemctl reload hbcourier`); otherwise \
            remove the file.",
        ));
        let needed = limits.free_bytes_min.saturating_add(bytes);
        let free = self.free_bytes.map_or_else(|| "unknown to this account".to_owned(), |free| format!("{free} bytes"));
        rules.push((
            "space",
            self.free_bytes.is_none_or(|free| free >= needed),
            format!(
                "{needed} bytes must be free below the state directory (`service.limits.free_bytes_min` and \
             the file); free: {free}."
            ),
            "Free some space; collecting goes on by itself.",
        ));
        rules
    }

    fn settled(&self) -> (&'static str, bool, String, &'static str) {
        let DropFolderSettings { settle, patience, .. } = self.folder;
        let rested = format!("unchanged for {} s", self.rested.as_secs());
        let (met, says) = match self.completeness {
            Some(Completeness::Complete) => {
                let says = format!(
                    "It is complete as OpenPGP, and must be closed by its writer or rest for {} s; {rested}.",
                    settle.as_secs()
                );
                (self.rested >= *settle, says)
            }
            Some(Completeness::Incomplete) => {
                let says = format!(
                    "It is incomplete as OpenPGP, so it must rest for {} s before it is collected (and held); \
                     {rested}.",
                    patience.as_secs()
                );
                (self.rested >= *patience, says)
            }
            Some(Completeness::NotOpenPgp) => {
                let says = format!(
                    "It does not begin like OpenPGP, so it must rest for up to {} s before it is collected (and \
                     held); {rested}.",
                    patience.as_secs()
                );
                (self.rested >= *patience, says)
            }
            None => (false, "The service must be able to read it; this account cannot.".to_owned()),
        };
        ("settled", met, says, "Wait. If the file is cut short, ask its sender to send it again.")
    }
}
