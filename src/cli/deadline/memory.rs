//! What was mailed, and on which day: a small file of the command's own in the state directory.
//!
//! Holds: written whole, in the place of the one before; what cannot be read counts as nothing told, which mails once more.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::durable::Directory;

const FILE: &str = "deadline.json";
const PART: &str = ".deadline.json.part";
/// More than a thousand matters take.
const BYTES_MAX: u64 = 1 << 20;

/// By what they are about: the code, and the day in London on which it was last mailed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Memory(pub BTreeMap<String, (String, Date)>);

impl Memory {
    pub(super) fn read(state: &Path) -> Memory {
        let read = || -> io::Result<Memory> {
            let mut text = Vec::new();
            Directory::open(state)?.open_file(FILE)?.take(BYTES_MAX).read_to_end(&mut text)?;
            Ok(serde_json::from_slice(&text)?)
        };
        read().unwrap_or_default()
    }

    pub(super) fn keep(&self, state: &Path) -> io::Result<()> {
        let folder = Directory::open(state)?;
        folder.remove(PART)?;
        let mut file = folder.create(PART)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        if rustix::process::geteuid().is_root() {
            // Else the service's account could not read what was kept when root ran it by hand.
            let facts = state.metadata()?;
            fchown(&file, Some(facts.uid()), Some(facts.gid()))?;
        }
        file.sync_all()?;
        folder.replace(PART, FILE)?;
        folder.sync()
    }
}
