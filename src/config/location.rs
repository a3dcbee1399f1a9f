//! Where a value of the configuration came from, and how its key is written for people.
//!
//! Holds: a key that stands in no file is placed where the table it belongs to stands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A file and a line of it, or an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The path as it was given, or `$HBCOURIER__…`.
    pub file: String,
    /// Counts from 1.
    pub line: Option<usize>,
}

impl Origin {
    /// A file as a whole.
    pub fn file(path: &Path) -> Origin {
        Origin { file: path.display().to_string(), line: None }
    }

    /// Reads back what [`fmt::Display`] wrote: the merge carries origins as text.
    pub(super) fn from_text(text: &str) -> Origin {
        let numbered = text.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        match numbered {
            Some((file, line)) => Origin { file: file.to_owned(), line: Some(line) },
            None => Origin { file: text.to_owned(), line: None },
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A place in the merged tree: `authority.0.drop_folder.1.path`. Keys and indexes from 0, joined by dots.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct TreePath(Vec<String>);

impl TreePath {
    pub(super) fn root() -> TreePath {
        TreePath::default()
    }

    pub(super) fn key(&self, key: &str) -> TreePath {
        let mut steps = self.0.clone();
        steps.push(key.to_owned());
        TreePath(steps)
    }

    pub(super) fn item(&self, key: &str, index: usize) -> TreePath {
        self.key(key).key(&index.to_string())
    }

    fn parent(&self) -> Option<(TreePath, &str)> {
        let (last, before) = self.0.split_last()?;
        Some((TreePath(before.to_vec()), last))
    }
}

/// Every value that was given: its origin and its key as people read it.
#[derive(Clone, Debug)]
pub(super) struct Places {
    main: Origin,
    known: BTreeMap<TreePath, (Origin, String)>,
}

impl Places {
    pub(super) fn beginning(main: &Path) -> Places {
        Places { main: Origin::file(main), known: BTreeMap::new() }
    }

    /// `shown` is the key for people, such as `authority[12302].name`.
    pub(super) fn note(&mut self, path: TreePath, origin: Option<&str>, shown: String) {
        let origin = origin.map(Origin::from_text).unwrap_or_else(|| self.of(&path).0);
        self.known.insert(path, (origin, shown));
    }

    /// The origin of a value and its key for people.
    pub(super) fn of(&self, path: &TreePath) -> (Origin, String) {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        match path.parent() {
            None => (self.main.clone(), String::new()),
            Some((parent, key)) => {
                let (origin, shown) = self.of(&parent);
                (origin, joined(&shown, key))
            }
        }
    }
}

/// `shown.key`, or `key` at the root.
pub(super) fn joined(shown: &str, key: &str) -> String {
    if shown.is_empty() { key.to_owned() } else { format!("{shown}.{key}") }
}
