//! Small files of the command's own in the state directory.
//!
//! Holds: written whole, in the place of the one before, and durable when that returns; the state directory's owner can
//! read them, whoever ran the command.

use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::durable::Directory;

/// More than a thousand matters take.
const BYTES_MAX: u64 = 1 << 20;

pub(super) fn read<T: DeserializeOwned>(state: &Path, name: &str) -> io::Result<T> {
    let mut text = Vec::new();
    Directory::open(state)?.open_file(name)?.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

pub(super) fn write(state: &Path, name: &str, content: &impl Serialize) -> io::Result<()> {
    let folder = Directory::open(state)?;
    let part = format!(".{name}.part");
    folder.remove(&part)?;
    let mut file = folder.create(&part)?.into_machine()?;
    file.write_all(&serde_json::to_vec(content)?)?;
    if rustix::process::geteuid().is_root() {
        // Else the service's account could not read what was kept when root ran it by hand.
        let facts = state.metadata()?;
        fchown(&file, Some(facts.uid()), Some(facts.gid()))?;
    }
    file.sync_all()?;
    folder.replace(&part, name)?;
    folder.sync()
}
