//! The status page for people. Its first line answers "is all well?".

use super::Status;
use crate::cli::output::{Table, Text, Tone, moment};

pub(super) fn write(status: &Status, text: &mut Text) {
    match status.attention.len() {
        0 => text.toned(Tone::Good, "All is well.", ""),
        1 => text.toned(Tone::Bad, "One thing needs attention.", ""),
        several => text.toned(Tone::Bad, &format!("{several} things need attention."), ""),
    }
    for attention in &status.attention {
        text.gap();
        let code = attention.code.as_ref().map(|code| format!("{code} ")).unwrap_or_default();
        text.line(format_args!("  {code}{}", attention.about));
        text.line(format_args!("    {}", attention.says));
        text.line(format_args!("    Next: {}", attention.next));
    }
    write_service(status, text);
    write_queues(status, text);
    write_next(status, text);
    write_legal_holds(status, text);
}

fn write_service(status: &Status, text: &mut Text) {
    text.gap();
    let Some(service) = &status.service else {
        return text.line("Service: not running.");
    };
    text.line(format_args!(
        "Service: running since {} (process {}, version {}).",
        moment(service.since),
        service.pid,
        service.version
    ));
    text.line(format_args!("Sandbox: {}.", service.sandbox));
    let mut table = Table::new(["Source", "Last look", "Waiting", ""]);
    for source in &service.sources {
        table.row([
            source.name.to_string(),
            source.last_look.map_or_else(|| "never".to_owned(), moment),
            source.waiting.to_string(),
            if source.ok { String::new() } else { "failing".to_owned() },
        ]);
    }
    if !table.is_empty() {
        text.table(&table);
    }
    for work in &service.in_flight {
        text.line(format_args!("  Working on: {work}"));
    }
}

fn write_queues(status: &Status, text: &mut Text) {
    let counts = |counts: &std::collections::BTreeMap<&str, usize>| {
        let counted: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        if counted.is_empty() { "none".to_owned() } else { counted.join(", ") }
    };
    text.gap();
    text.facts([
        ("Transfers", Some(counts(&status.queues.transfers))),
        ("Returns", Some(counts(&status.queues.returns))),
        ("Held", Some(status.held.to_string())),
    ]);
}

fn write_next(status: &Status, text: &mut Text) {
    text.gap();
    if status.next.is_empty() {
        return text.line("No further return is due in any timetable in force.");
    }
    text.line("Due next");
    let mut table = Table::new(["Return", "Extract from", "Transfer on", "State"]);
    for owed in &status.next {
        table.row([
            owed.id.clone(),
            owed.extract_from.map_or_else(|| "-".to_owned(), |day| day.to_string()),
            owed.transfer_on.strftime("%a %Y-%m-%d").to_string(),
            owed.state.to_owned(),
        ]);
    }
    text.table(&table);
}

fn write_legal_holds(status: &Status, text: &mut Text) {
    if !status.legal_holds.is_empty() {
        text.gap();
        text.table(&crate::cli::legal_hold::table(&status.legal_holds));
    }
}
