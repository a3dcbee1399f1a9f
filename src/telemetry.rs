//! Logs: structured, to standard error, without personal data.
