//! Where keys lie below the state directory, and how they get there: whole or not at all.
//!
//! In:  bytes and a name. Out: a file of that name that has survived a power cut once this returns.
//! Holds: own keys are never readable by another account, not even for a moment; one process at a time writes here, so
//! what lies here under a part's name was left by one that died half-way, and is removed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::{Fingerprint, PartnerName};

/// Own secret keys, below `<state>/keys`.
pub(super) const OWN: &str = "own";
/// Partners' certificates, below `<state>/keys`, a directory for each partner.
pub(super) const PARTNER: &str = "partner";

/// What follows the name of a key file while it is written.
const PART: &str = ".part";
/// As `effects/ledger_key` writes it.
const LEDGER_KEY_PART: &str = ".ledger.key.part";

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
    discard_parts_in(directory)?;
    let part = directory.join(format!(".{}{PART}", name.to_string_lossy()));
    let written = write_new(&part, bytes, mode).and_then(|()| fs::rename(&part, file));
    if let Err(error) = written {
        // The first error is the one to report.
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

/// Removes what a process left that died while it put a key in its place, the ledger's too: it may hold a secret that no list
/// shows. At a start only: nobody makes a key then.
pub(super) fn discard_parts(keys: &Path) -> io::Result<()> {
    match fs::remove_file(keys.join(LEDGER_KEY_PART)) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(error);
        }
        _ => {}
    }
    discard_parts_in(keys)?;
    discard_parts_in(&keys.join(OWN))?;
    for partner in entries(&keys.join(PARTNER))? {
        discard_parts_in(&partner)?;
    }
    Ok(())
}

fn discard_parts_in(directory: &Path) -> io::Result<()> {
    let is_part = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Earlier versions put the number of their process between the two.
        name.starts_with('.') && name.ends_with(PART) && name.contains(".asc.")
    };
    let parts: Vec<PathBuf> = entries(directory)?.into_iter().filter(is_part).collect();
    for part in &parts {
        fs::remove_file(part)?;
    }
    if parts.is_empty() { Ok(()) } else { File::open(directory)?.sync_all() }
}

/// Nothing, if it is missing or no directory.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        entries => entries?.map(|entry| entry.map(|entry| entry.path())).collect(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: [&str; 4] =
        ["own/.A.asc.part", "own/.A.asc.7.part", "partner/dwp/.B.asc.7.part", ".own-public.asc.7.part"];
    const OTHERS: [&str; 4] = ["own/A.asc", "partner/dwp/B.asc", "ledger.key", ".ledger.head.part"];

    fn with_leftovers() -> tempfile::TempDir {
        let keys = tempfile::tempdir().unwrap();
        fs::create_dir_all(keys.path().join("own")).unwrap();
        fs::create_dir_all(keys.path().join("partner/dwp")).unwrap();
        LEFT.iter().chain(&OTHERS).for_each(|name| fs::write(keys.path().join(name), "a key").unwrap());
        keys
    }

    fn there<'n>(keys: &Path, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().copied().filter(|name| keys.join(name).exists()).collect()
    }

    #[test]
    fn what_a_process_left_that_died_is_removed_and_nothing_else() {
        let keys = with_leftovers();
        fs::write(keys.path().join(LEDGER_KEY_PART), "a key").unwrap();
        discard_parts(keys.path()).unwrap();
        assert!(there(keys.path(), &LEFT).is_empty() && !keys.path().join(LEDGER_KEY_PART).exists());
        assert_eq!(there(keys.path(), &OTHERS), OTHERS);
        discard_parts(&keys.path().join("missing")).unwrap();
    }

    #[test]
    fn the_next_key_that_is_put_there_removes_it_too() {
        let keys = with_leftovers();
        put(&keys.path().join("own/C.asc"), b"another", Readers::Us).unwrap();
        assert_eq!(there(keys.path(), &LEFT), LEFT[2..]);
        assert_eq!(fs::read(keys.path().join("own/C.asc")).unwrap(), b"another");
        assert_eq!(fs::read_dir(keys.path().join("own")).unwrap().count(), 2);
    }
}
