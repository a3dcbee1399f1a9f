//! Why something could not be exported, verified, proven or listed at all. That it is wrong is a verdict, and no fault.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::QueryError;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// The store could not be read.
    #[error("could not read the ledger")]
    Store(#[from] QueryError),
    /// A line is no entry.
    #[error("entry {seq} of the ledger cannot be read: run `hbcourier audit verify`")]
    Entry {
        /// Its place.
        seq: u64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A file or folder could not be read.
    #[error("could not read {}; check the path and that this account may read it", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("could not write {}; put that right, empty the folder and export once more", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The folder to export into holds something.
    #[error("{} is not empty; name a folder that is empty or not there yet", .0.display())]
    NotEmpty(PathBuf),
    /// There are more files than anybody has checkpoints.
    #[error("{} holds more than {most} files; put the checkpoints into a folder of their own", path.display())]
    TooManyNotes {
        /// Which folder.
        path: PathBuf,
        /// How many are read.
        most: usize,
    },
    /// It is larger than anything of its kind.
    #[error("{} is larger than {most} bytes, so it is not what it should be", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// How many bytes are read.
        most: u64,
    },
    /// There is nothing to prove by.
    #[error("the ledger has no checkpoint yet, and without one nothing can be proven")]
    NoCheckpoint,
    /// There is nothing about it that a checkpoint covers.
    #[error("the ledger has no entry about {0} that its last checkpoint covers")]
    Nothing(String),
    /// So much of one thing is not put into one document.
    #[error("the ledger has more than {most} entries about {topic}; export it whole instead")]
    TooMuch {
        /// About what.
        topic: String,
        /// How many are put into one document.
        most: usize,
    },
    /// It is no proof and no evidence.
    #[error("{} is neither a proof nor evidence that this program made: {says}", path.display())]
    NotAProof {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        says: String,
    },
    /// Something could not be put into JSON, CSV or ZIP.
    #[error("could not put the answer together")]
    Form(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody takes the answer.
    #[error("could not write the answer")]
    Answer(#[from] io::Error),
}

impl AuditFault {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> AuditFault + use<> {
        let path = path.to_owned();
        |source| AuditFault::Read { path, source }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> AuditFault + use<> {
        let path = path.to_owned();
        |source| AuditFault::Write { path, source }
    }

    pub(super) fn form(source: impl std::error::Error + Send + Sync + 'static) -> AuditFault {
        AuditFault::Form(Box::new(source))
    }
}
