//! A Maildir in a temporary folder, and what mail systems and other programs do in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A Maildir with its three parts.
pub struct Maildir(TempDir);

impl Maildir {
    pub fn new() -> Maildir {
        let maildir = Maildir(tempfile::tempdir().unwrap());
        maildir.lay_out();
        maildir
    }

    /// Makes its parts, as where something else was mounted over it.
    pub fn lay_out(&self) {
        for part in ["tmp", "new", "cur"] {
            fs::create_dir(self.at(part)).unwrap();
        }
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A place in it, such as `cur/1.made-up:2,S`.
    pub fn at(&self, place: &str) -> PathBuf {
        self.path().join(place)
    }

    /// Puts a mail there, as a mail system does.
    pub fn delivers(&self, place: &str, mail: &[u8]) {
        let part = self.at("tmp/part");
        fs::write(&part, mail).unwrap();
        fs::rename(part, self.at(place)).unwrap();
    }

    /// What waits in `new` and `cur`, as places.
    pub fn waiting(&self) -> Vec<String> {
        let mut places: Vec<String> = ["new", "cur"]
            .iter()
            .flat_map(|part| names(&self.at(part)).map(move |name| format!("{part}/{name}")))
            .collect();
        places.sort();
        places
    }

    /// The mails in `.Processed`, by their names there.
    pub fn processed(&self) -> BTreeMap<String, Vec<u8>> {
        processed(self.path())
    }
}

/// The mails in the `.Processed` of the Maildir at this path, by their names there.
pub fn processed(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let cur = path.join(".Processed/cur");
    names(&cur).filter_map(|name| Some((name.clone(), fs::read(cur.join(&name)).ok()?))).collect()
}

fn names(folder: &Path) -> impl Iterator<Item = String> + use<> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.map(|name| name.to_string_lossy().into_owned())
}
