//! What is wrong with a file, in words a person can act on.
//!
//! Holds: never a value from the file, so that a finding may be shown, logged and recorded.

use serde::Serialize;

use super::archive::ArchiveError;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Odd, and let through.
    Warning,
    /// Not let through.
    Error,
}

/// One thing found in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable over releases, such as `pdf-no-end`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence that completes "this file …", without anything from its content.
    pub says: String,
}

impl Finding {
    pub(super) fn error(code: &'static str, says: impl Into<String>) -> Finding {
        Finding { code, severity: Severity::Error, says: says.into() }
    }

    pub(super) fn warning(code: &'static str, says: impl Into<String>) -> Finding {
        Finding { code, severity: Severity::Warning, says: says.into() }
    }
}

impl From<&ArchiveError> for Finding {
    fn from(error: &ArchiveError) -> Finding {
        Finding::error("zip-unsafe", format!("cannot be unpacked safely: {error}"))
    }
}
