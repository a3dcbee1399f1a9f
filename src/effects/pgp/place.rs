//! Where keys lie below the state directory, and how they get there: whole or not at all.
//!
//! In:  bytes and a name. Out: a file of that name that has survived a power cut once this returns.
//! Holds: own keys are never readable by another account, not even for a moment.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::{Fingerprint, PartnerName};

/// Own secret keys, below `<state>/keys`.
pub(super) const OWN: &str = "own";
/// Partners' certificates, below `<state>/keys`, a directory for each partner.
pub(super) const PARTNER: &str = "partner";

/// Who may read a key file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Readers {
    /// The service's own account.
    Us,
    /// Anyone who may look into the state directory.
    Anyone,
}

/// The place of an own key.
pub(super) fn own(keys: &Path, fingerprint: &Fingerprint) -> PathBuf {
    keys.join(OWN).join(format!("{fingerprint}.asc"))
}

/// The place of a partner's certificate.
pub(super) fn partner(keys: &Path, partner: &PartnerName, fingerprint: &Fingerprint) -> PathBuf {
    keys.join(PARTNER).join(partner.as_str()).join(format!("{fingerprint}.asc"))
}

/// Puts a key file in its place, replacing what is there in one step.
#[expect(clippy::disallowed_methods, reason = "a renewed certificate takes the place of the old one in one step")]
pub(super) fn put(file: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    make_private(directory)?;
    let mode = match readers {
        Readers::Us => 0o600,
        Readers::Anyone => 0o644,
    };
    let part = directory.join(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    // Left by a process of this number that died half-way. Nobody else writes here.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&part, bytes, mode).and_then(|()| fs::rename(&part, file));
    if let Err(error) = written {
        // The first error is the one to report.
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

fn write_new(part: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(part)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the directory and those above it that are missing, for our account alone, and makes their names durable.
fn make_private(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(above) = directory.parent() {
        make_private(above)?;
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => File::open(above)?.sync_all()?,
        }
    }
    Ok(())
}
