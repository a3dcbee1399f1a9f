//! What the check of an extract came to, for people: by rule, by line, and what to do now.

use crate::catalogue::Severity;
use crate::catalogue::shbe::{Profile, Report};
use crate::cli::output::{Table, Text, Tone};

pub(super) fn write(text: &mut Text, report: &Report) {
    let counted = report.records.iter().filter(|(_, count)| **count > 0);
    let records: Vec<String> = counted.map(|(letter, count)| format!("{letter} {count}")).collect();
    text.facts([
        ("Profile", Some(report.profile.to_owned())),
        ("Encoding", Some(report.encoding.to_owned())),
        ("Extracted", report.reference_date.map(|date| date.to_string())),
        ("Records", Some(if records.is_empty() { "none".to_owned() } else { records.join(", ") })),
    ]);
    rules(text, report);
    findings(text, report);
    if !report.not_tried.is_empty() {
        text.gap();
        text.line("Not tried");
        for one in &report.not_tried {
            text.line(format_args!("  {}: {}", one.rule, one.why));
        }
    }
    text.gap();
    verdict(text, report);
}

fn rules(text: &mut Text, report: &Report) {
    let mut table = Table::new(["Count", "Weight", "Rule", "What is wrong"]);
    for one in &report.rules {
        let says = one.rule.says().to_owned();
        table.row([one.count.to_string(), weight(one.severity).to_owned(), one.rule.id().to_owned(), says]);
    }
    if !table.is_empty() {
        text.gap();
        text.line("By rule");
        text.table(&table);
    }
}

fn findings(text: &mut Text, report: &Report) {
    let labels = Profile::built_in();
    let mut table = Table::new(["Line", "Record", "Field", "Rule", "Finding"]);
    for one in &report.findings {
        let label = |number: u16| {
            let known = labels.fields.get(usize::from(number).wrapping_sub(1)).filter(|_| one.record.is_some());
            known.map_or_else(|| number.to_string(), |field| format!("{number} {}", field.label))
        };
        let record = one.record.map(String::from).unwrap_or_default();
        let field = one.field.map(label).unwrap_or_default();
        table.row([one.line.to_string(), record, field, one.rule.id().to_owned(), one.says.clone()]);
    }
    if table.is_empty() {
        return;
    }
    text.gap();
    text.line("By line");
    text.table(&table);
    for one in report.rules.iter().filter(|one| one.count > one.shown) {
        text.line(format_args!("  … and {} more by {}", one.count - one.shown, one.rule));
    }
}

fn verdict(text: &mut Text, report: &Report) {
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let counts = format!(" (errors: {errors}, warnings: {warnings})");
    if report.is_accepted() {
        text.toned(Tone::Good, "accept", counts);
        text.line("Next: put it into the authority's folder for extracts, where it is picked up by itself.");
    } else {
        text.toned(Tone::Bad, "reject", counts);
        text.line(
            "Next: have the errors mended in the back office, extract again, and run this command on the new file.",
        );
    }
}

fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
