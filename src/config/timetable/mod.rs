//! Timetables as data: the bundled ones and those an operator adds.
//!
//! In:  a TOML file as in `config/timetables/2020-21.toml`.
//! Out: a checked [`Timetable`], or every problem of the file at once.
//! Holds: unknown keys are problems; nothing larger than [`FILE_BYTES_MAX`] is read.

mod draft;
mod raw;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use draft::render;
use raw::RawTimetable;

use crate::domain::timetable::{Timetable, Timetables};

/// Largest timetable file that is read, in bytes. A year's is 30 KB.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

const BUNDLED: [(&str, &str); 1] =
    [("config/timetables/2020-21.toml", include_str!("../../../config/timetables/2020-21.toml"))];

/// Why a timetable could not be taken into use.
#[derive(Debug, thiserror::Error)]
pub enum TimetableFileError {
    /// The file could not be read.
    #[error("could not read the timetable `{}`: see that it is there and that the service may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any timetable.
    #[error("the timetable `{}` is larger than {FILE_BYTES_MAX} bytes, so it was not read: name a timetable file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file does not have a timetable's form.
    #[error("the timetable `{}` does not have a timetable's form: write it as config/timetables/2020-21.toml is", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The form is right; what it says is not.
    #[error("the timetable `{}` cannot be used until the file is corrected:\n  {}", path.display(), problems.join("\n  "))]
    Problems {
        /// The file.
        path: PathBuf,
        /// One sentence each.
        problems: Vec<String>,
    },
}

/// The timetables this build brings along.
pub fn bundled() -> Result<Timetables, TimetableFileError> {
    let mut timetables = Timetables::default();
    for (name, text) in BUNDLED {
        timetables = timetables.with(read(Path::new(name), text)?);
    }
    Ok(timetables)
}

/// The timetable in this file.
pub fn load(path: &Path) -> Result<Timetable, TimetableFileError> {
    let failed = |source| TimetableFileError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)).map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(TimetableFileError::TooLarge { path: path.to_owned() });
    }
    read(path, &text)
}

/// The timetable of this text; `path` is named in what is said against it.
pub fn read(path: &Path, text: &str) -> Result<Timetable, TimetableFileError> {
    let form = |source| TimetableFileError::Form { path: path.to_owned(), source: Box::new(source) };
    let raw: RawTimetable = toml::from_str(text).map_err(form)?;
    raw.check().map_err(|problems| TimetableFileError::Problems { path: path.to_owned(), problems })
}
