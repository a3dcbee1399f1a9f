//! Joining the sources: the file, `conf.d/*.toml` beside it in the order of their names, then environment variables.
//!
//! Out: one tree, in which every value knows the file and line, or the variable, it came from.
//! A later file overrides a single value of an earlier one. Top-level lists of tables (`[[authority]]`, `[[partner]]`…)
//! are joined, not replaced: one file per authority is the habit. The `config` crate replaces lists, so they are joined
//! here and handed to it whole.
//! Holds: a file that does not parse is never quoted, as what is wrong with it may be a password.

mod environment;
mod toml_file;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Map, Source, Value, ValueKind};

use super::location::Origin;
use super::problems::{Problem, Problems};
use super::schema::Field;

/// Files of one `conf.d`.
const FILES_MAX: usize = 1000;

/// Merges everything, or says why there is nothing to merge.
pub(super) fn merge(
    main: &Path,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    schema: &[Field],
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    let mut documents = vec![toml_file::read(main, problems)];
    for path in conf_d(main, problems) {
        documents.push(toml_file::read(&path, problems));
    }
    let overrides = environment::overrides(variables, schema, problems);
    let documents: Vec<Map<String, Value>> = documents.into_iter().collect::<Option<_>>()?;
    match joined(documents, overrides) {
        Ok(tree) => Some(tree),
        Err(error) => {
            problems.add(Problem {
                origin: Origin::file(main),
                key: String::new(),
                wrong: format!("the settings could not be merged: {error}"),
                next: "look for a key that is a single value in one file and a table in another".to_owned(),
            });
            None
        }
    }
}

/// Whether one of the files may not be read.
pub(super) fn is_closed(main: &Path) -> bool {
    let denied = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    let beside = main.parent().unwrap_or(Path::new("")).join("conf.d");
    if std::fs::File::open(main).is_err_and(denied) || std::fs::read_dir(beside).is_err_and(denied) {
        return true;
    }
    let files = conf_d(main, &mut Problems::default());
    files.iter().any(|path| std::fs::File::open(path).is_err_and(denied))
}

/// One source's tree, as the `config` crate wants it.
#[derive(Clone, Debug)]
struct Document(Map<String, Value>);

impl Source for Document {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

fn joined(
    documents: Vec<Map<String, Value>>,
    overrides: Vec<(String, Value)>,
) -> Result<Map<String, Value>, ConfigError> {
    let mut builder = Config::builder();
    let mut lists: Map<String, Vec<Value>> = Map::new();
    for document in documents {
        let mut rest = Map::new();
        for (key, value) in document {
            match value.kind {
                ValueKind::Array(items) => lists.entry(key).or_default().extend(items),
                _ => drop(rest.insert(key, value)),
            }
        }
        builder = builder.add_source(Document(rest));
    }
    let lists = lists.into_iter().map(|(key, items)| (key, Value::new(None, ValueKind::Array(items)))).collect();
    builder = builder.add_source(Document(lists));
    for (key, value) in overrides {
        builder = builder.set_override(key, value)?;
    }
    builder.build()?.collect()
}

/// The files of `conf.d` beside the main file, in the order of their names. Hidden files are not looked at.
fn conf_d(main: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    let folder = main.parent().unwrap_or(Path::new("")).join("conf.d");
    let mut unreadable = |error: std::io::Error| {
        problems.add(Problem {
            origin: Origin::file(&folder),
            key: String::new(),
            wrong: format!("the folder could not be read: {error}"),
            next: "let the service's user read it".to_owned(),
        });
    };
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            unreadable(error);
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) if is_ours(&entry.path()) => files.push(entry.path()),
            Ok(_) => {}
            Err(error) => unreadable(error),
        }
    }
    if files.len() > FILES_MAX {
        problems.add(Problem {
            origin: Origin::file(&folder),
            key: String::new(),
            wrong: format!("there are {} files, and at most {FILES_MAX} are read", files.len()),
            next: "put several authorities into one file".to_owned(),
        });
        files.clear();
    }
    files.sort();
    files
}

fn is_ours(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}
