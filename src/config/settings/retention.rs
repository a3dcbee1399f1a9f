//! How long what came and went is kept.

use crate::domain::Keep;

/// `[service.retention]`: each counted from when it was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Originals of what was delivered, or answered a return.
    pub keep_original: Keep,
    /// Names that others chose.
    pub keep_names: Keep,
    /// Originals of what was rejected.
    pub keep_rejected: Keep,
    /// Sealed returns.
    pub keep_sealed: Keep,
}
