//! Why a store is not opened, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made or looked at.
    #[error("could not open or create the store {path}: check that the state folder exists and is the service's own")]
    File {
        /// The store.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read or write it.
    #[error("the store {path} has mode {mode:03o}, so others can get at it: run `chmod 600` on it and start again")]
    Exposed {
        /// The store.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is none to read.
    #[error("there is no store {path}: the service has not run with this state folder yet, or the folder is wrong")]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error("could not open the store {path}")]
    Open {
        /// The store.
        path: PathBuf,
        /// What failed.
        #[source]
        source: rusqlite::Error,
    },
    /// The file system cannot carry it.
    #[error("the store {path} cannot keep a write-ahead log there: move the state folder to a local file system")]
    NoLog {
        /// The store.
        path: PathBuf,
    },
    /// It is not ours.
    #[error("{path} is a database of another program: move it away, or set another state folder")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a later release.
    #[error(
        "the store {path} has version {found}: a later release wrote it, and this program knows versions up to {known}. \
         Nothing was changed. Install the later release again{}", going_back(copy.as_deref())
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
        /// The latest copy beside it that this program can read.
        copy: Option<PathBuf>,
    },
    /// No copy of it could be made.
    #[error(
        "could not copy the store to {path}: see that there is as much free space as it takes; it was left as it was"
    )]
    Copy {
        /// The copy.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// It was written by an earlier release and not brought up to date yet.
    #[error(
        "the store {path} has version {found}, this program reads version {known}: start the service, or give `hbcourier migrate`"
    )]
    Older {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// It could not be brought up to date.
    #[error("could not bring the store {path} from version {from} up to version {known}; it was left as it was")]
    Migrate {
        /// The store.
        path: PathBuf,
        /// Its version.
        from: usize,
        /// Ours.
        known: usize,
        /// What failed.
        #[source]
        source: rusqlite::Error,
    },
    /// It fails its check.
    #[error(
        "the store {path} is damaged: {says}. Nothing was changed. Keep a copy of the state folder, move it away as a whole, \
         give `hbcourier restore` the last backup, and run `hbcourier audit verify`"
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What is wrong with it.
        says: String,
    },
    /// The kernel does not say which boot this is.
    #[error("could not read the kernel's boot id from {path}")]
    BootId {
        /// Where it should be.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The writer could not be started.
    #[error("could not start the store's writer thread")]
    Writer {
        /// What failed.
        #[source]
        source: io::Error,
    },
}

fn going_back(copy: Option<&Path>) -> String {
    match copy {
        None => String::new(),
        Some(copy) => format!(
            "; or, to go back and lose what was recorded since, keep it aside and put {} in its place. If a checkpoint was \
             signed since, that is refused: then move the state folder away as a whole and give `hbcourier restore` a backup \
             that was made before",
            copy.display()
        ),
    }
}

/// A database that cannot be read as one is damaged; all else is a failure to open it.
pub(super) fn opening(path: &Path, source: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path, says: source.to_string() }
        }
        _ => StoreError::Open { path, source },
    }
}
