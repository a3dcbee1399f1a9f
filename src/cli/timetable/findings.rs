//! What was found in a timetable, for people.

use crate::catalogue::Severity;
use crate::catalogue::circular::TimetableFinding;
use crate::cli::output::{Text, Tone};

/// Where and what, in one line.
pub(super) fn line(finding: &TimetableFinding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{severity}: {}", place_and_words(finding))
}

/// One line each.
pub(super) fn write(findings: &[TimetableFinding], text: &mut Text) {
    for finding in findings {
        let (tone, word) = match finding.severity {
            Severity::Error => (Tone::Bad, "error  "),
            Severity::Warning => (Tone::Warning, "warning"),
        };
        text.toned(tone, word, format_args!("  {}", place_and_words(finding)));
    }
}

fn place_and_words(finding: &TimetableFinding) -> String {
    let TimetableFinding { code, file, annex, line, authority, says, .. } = finding;
    let mut place = file.clone();
    if let Some(line) = line {
        place += &format!(":{line}");
    }
    if let Some(annex) = annex {
        place += &format!(" (Annex {annex})");
    }
    let whose = authority.as_ref().map(|number| format!(" [{number}]")).unwrap_or_default();
    format!("{place}  {code}{whose}: {says}").trim_start().to_owned()
}
