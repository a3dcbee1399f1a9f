//! `[authority.route.derived]`: the copy of risk data in a back office's own layout.

use super::report::Report;
use crate::config::location::TreePath;
use crate::config::raw::{RawDerived, RawRoute};
use crate::config::settings::{DerivedDelimiter, DerivedEncoding, DerivedFormulas, DerivedSettings};
use crate::config::template::{FileNameTemplate, TemplateUse};
use crate::domain::risk_layout::{LayoutColumn, LayoutEncoding, RiskLayout};
use crate::domain::{FileKind, RiskColumn};

/// The label that every copy carries.
const ENDING: &str = ".derived.csv";

/// `at` is the route's.
pub(super) fn check(route: &RawRoute, at: &TreePath, report: &mut Report<'_>) -> Option<Option<DerivedSettings>> {
    let Some(raw) = &route.derived else { return Some(None) };
    let risk = FileKind::CaseloadRisk.as_str();
    let at = at.key("derived");
    if !route.kinds.iter().flatten().any(|kind| kind == risk) {
        let next = "move the table to the route that takes caseload-risk";
        report.wrong(&at, "copies are derived of risk data only, and the route takes none", next);
        return None;
    }
    let destination = report.parse(&at.key("destination"), &raw.destination);
    let folder = report.absolute(&at.key("folder"), &raw.folder);
    let file_name = file_name(&raw.file_name, &at.key("file_name"), report);
    let layout = layout(raw, &at, report);
    Some(Some(DerivedSettings { destination: destination?, folder: folder?, file_name: file_name?, layout: layout? }))
}

fn file_name(text: &str, at: &TreePath, report: &mut Report<'_>) -> Option<FileNameTemplate> {
    if !text.ends_with(ENDING) {
        let next = "end it with `.derived.csv`, so that nobody takes the copy for what DWP signed";
        report.wrong(at, "the name does not tell that it is a derived copy", next);
        return None;
    }
    let parsed = FileNameTemplate::parse(text, TemplateUse::Delivery);
    parsed.map_err(|fault| report.wrong(at, fault.to_string(), "correct the template")).ok()
}

fn layout(raw: &RawDerived, at: &TreePath, report: &mut Report<'_>) -> Option<RiskLayout> {
    if raw.column.is_empty() {
        report.wrong(&at.key("column"), "the copy has no columns", "add a [[...derived.column]] table for each");
        return None;
    }
    let mut columns = Vec::with_capacity(raw.column.len());
    for (i, column) in raw.column.iter().enumerate() {
        let from: Option<RiskColumn> = report.parse(&at.item("column", i).key("from"), &column.from);
        columns.push(from.map(|from| LayoutColumn { from, to: column.to.clone() }));
    }
    let named = raw.column.iter().filter(|column| column.to.is_some()).count();
    if named != 0 && named != raw.column.len() {
        let next = "write `to` for each column, or for none";
        report.wrong(&at.key("column"), "some columns of the copy have a name and some have none", next);
        return None;
    }
    Some(RiskLayout {
        columns: columns.into_iter().collect::<Option<_>>()?,
        encoding: match raw.encoding {
            DerivedEncoding::Utf8 => LayoutEncoding::Utf8,
            DerivedEncoding::Windows1252 => LayoutEncoding::Windows1252,
        },
        delimiter: match raw.delimiter {
            DerivedDelimiter::Comma => b',',
            DerivedDelimiter::Semicolon => b';',
            DerivedDelimiter::Tab => b'\t',
            DerivedDelimiter::Bar => b'|',
        },
        quote_formulas: raw.formulas == DerivedFormulas::Quote,
    })
}
