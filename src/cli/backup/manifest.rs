//! What is in a backup: its list of files, with their digests.

use std::path::{Component, Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::Digest;

/// The list's own name, at the end of the archive.
pub const MANIFEST: &str = "manifest.json";
/// The store.
pub const STORE: &str = "store.sqlite";
/// The folder of the configuration's files.
pub const CONFIGURATION: &str = "configuration";

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of this form; another one is refused.
    pub format: u32,
    /// When it was begun.
    pub made_at: Timestamp,
    /// The program that made it.
    pub version: String,
    /// The store's version.
    pub store_version: usize,
    /// How many entries the ledger in it has.
    pub entries: u64,
    /// The root over them.
    pub root: Digest,
    /// Every file but this list.
    pub files: Vec<Member>,
    /// Originals that the store names and that were not there.
    pub missing: Vec<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its path below the state directory.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

impl Manifest {
    /// The form that this program writes.
    pub const FORMAT: u32 = 1;
}

impl Member {
    /// Whether the path leads to a plain place below the state directory.
    pub fn is_below(&self) -> bool {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(name) if !name.is_empty());
        !self.path.is_empty()
            && Path::new(&self.path).components().all(plain)
            && !self.path.contains(['\0', '\\'])
            && !self.path.starts_with('.')
            && !self.path.ends_with('/')
            && !self.path.contains("//")
            && self.has_a_place()
    }

    /// Whether a state has a file there: nothing else is put into one.
    fn has_a_place(&self) -> bool {
        let ends = |name: &str, end: &str| name.strip_suffix(end).is_some_and(|stem| !stem.is_empty());
        match self.path.split('/').collect::<Vec<_>>()[..] {
            [STORE] => true,
            [name] => ends(name, ".key"),
            ["keys", name] => {
                ["ledger.key", "ledger.vkey", "ledger.head", "ledger.lost", "own-public.asc"].contains(&name)
            }
            ["keys", "own", name] | ["keys", "partner", _, name] => ends(name, ".asc"),
            ["spool", "raw", _] | ["picked-up", _] => true,
            ["archive" | "sealed", name] => ends(name, ".pgp"),
            [CONFIGURATION, "hbcourier.toml"] => true,
            [CONFIGURATION, "conf.d", name] => ends(name, ".toml"),
            _ => false,
        }
    }

    /// Whose certificate or key it is: the partner's name, `None` for our own, and its fingerprint.
    pub fn certificate(&self) -> Option<(Option<&str>, &str)> {
        match self.path.split('/').collect::<Vec<_>>()[..] {
            ["keys", "own", name] => Some((None, name.strip_suffix(".asc")?)),
            ["keys", "partner", partner, name] => Some((Some(partner), name.strip_suffix(".asc")?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        let is_below = |path: &str| Member { path: path.into(), bytes: 0, sha256: Digest::of(b"") }.is_below();
        for good in ["store.sqlite", "keys/own/AB.asc", "spool/raw/drop-12302.ab"] {
            assert!(is_below(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "../x", "keys/../../x", "./x", "keys//x", "keys/", "lock", ".restoring/x", "a\0"]
        {
            assert!(!is_below(bad), "{bad:?}");
        }
        for strange in
            ["store.sqlite-wal", "store.sqlite/x", "lock/x", "keys/x", "keys/own/x", "spool/x", "x/y.key", ".key"]
        {
            assert!(!is_below(strange), "{strange}");
        }
    }
}
