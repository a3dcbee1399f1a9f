//! Why a delivered file is where it is, also after it was taken away.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Considered, Explanation, Outcome, consignment};
use crate::cli::output::CliError;
use crate::cli::reading::Reading;
use crate::domain::{Consignment, Delivery};
use crate::durable::copy_and_digest;
use crate::store::ConsignmentFilter;

/// The delivery to this path, explained; `None` if there was none.
pub(super) fn explain(path: &Path, reading: &Reading<'_>) -> Result<Option<Explanation>, CliError> {
    let Some((consignment, delivery)) = find(path, reading)? else { return Ok(None) };
    let mut explanation = consignment::explain(&consignment, reading)?;
    explanation.about = path.display().to_string();
    explanation.rules.push(lies_there(path, &delivery));
    Ok(Some(explanation))
}

/// The latest that was delivered there.
fn find(path: &Path, reading: &Reading<'_>) -> Result<Option<(Consignment, Delivery)>, CliError> {
    let all = reading.queries.consignments(&ConsignmentFilter::default())?;
    for consignment in all.into_iter().rev() {
        let deliveries = reading.queries.deliveries(&consignment.id)?;
        if let Some(delivery) = deliveries.into_iter().find(|delivery| is_at(delivery, path)) {
            return Ok(Some((consignment, delivery)));
        }
    }
    Ok(None)
}

/// Folders are compared as they are now: either may have been named through a link.
fn is_at(delivery: &Delivery, path: &Path) -> bool {
    if delivery.path == path {
        return true;
    }
    let (Some(folder), true) = (delivery.path.parent(), delivery.path.file_name() == path.file_name()) else {
        return false;
    };
    folder.canonicalize().is_ok_and(|folder| Some(folder.as_path()) == path.parent())
}

fn lies_there(path: &Path, delivery: &Delivery) -> Considered {
    let part = delivery.part + 1;
    let (outcome, says) = match digest(path) {
        Ok(digest) if digest == delivery.digest => {
            (Outcome::Met, format!("Part {part} lies there as it was delivered."))
        }
        Ok(_) => (Outcome::NotMet, format!("Something else than the delivered part {part} lies there now.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (Outcome::NotMet, format!("Part {part} is not there: not published yet, or taken since."))
        }
        Err(error) => (Outcome::NotReached, format!("What lies there cannot be read by this account: {error}.")),
    };
    Considered::new("now", outcome, says)
}

fn digest(path: &Path) -> io::Result<crate::domain::Digest> {
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut file = File::open(path)?;
    Ok(copy_and_digest(&mut file, &mut io::sink(), u64::MAX).map_err(io::Error::other)?.digest)
}
