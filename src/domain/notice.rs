//! What a person is told when something is held, rejected or deferred.

use serde::Serialize;

/// A stable code to search for, one plain sentence, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Stable over releases, such as `CN-104`.
    pub code: &'static str,
    /// What happened, in one sentence, without personal data.
    pub says: String,
    /// The next step. Commands in backquotes are real ones; a test parses each.
    pub next: &'static str,
}

/// A code, what happened with `{…}` where something is named, and the next step.
pub(super) type Words = (&'static str, &'static str, &'static str);

impl Notice {
    pub(super) fn new(code: &'static str, says: impl Into<String>, next: &'static str) -> Notice {
        Notice { code, says: says.into(), next }
    }
}
