//! `[service.retention]`, and what a route says otherwise.

use super::report::Report;
use crate::config::location::TreePath;
use crate::config::notation::WrittenKeep;
use crate::config::raw::RawRetention;
use crate::config::settings::RetentionSettings;
use crate::domain::Keep;

pub(super) fn check(raw: &RawRetention, at: &TreePath, report: &mut Report<'_>) -> Option<RetentionSettings> {
    let keep_original = keep(&raw.keep_original, &at.key("keep_original"), report);
    let keep_names = keep(&raw.keep_names, &at.key("keep_names"), report);
    let keep_rejected = keep(&raw.keep_rejected, &at.key("keep_rejected"), report);
    let keep_sealed = keep(&raw.keep_sealed, &at.key("keep_sealed"), report);
    Some(RetentionSettings {
        keep_original: keep_original?,
        keep_names: keep_names?,
        keep_rejected: keep_rejected?,
        keep_sealed: keep_sealed?,
    })
}

/// A key that may be left out.
pub(super) fn of_route(raw: &Option<WrittenKeep>, at: &TreePath, report: &mut Report<'_>) -> Option<Option<Keep>> {
    match raw {
        None => Some(None),
        Some(written) => keep(written, at, report).map(Some),
    }
}

fn keep(written: &WrittenKeep, at: &TreePath, report: &mut Report<'_>) -> Option<Keep> {
    let wrong = format!("`{}` does not say how long", written.0);
    report.noted(at, written.parse(), &wrong, "write a duration as in \"400d\", or \"forever\"")
}
