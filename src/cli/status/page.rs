//! The status page for people. Its first line answers "is all well?".

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Status;
use super::facilities::KeysUntil;
use crate::cli::output::{Table, Text, Tone, moment};
use crate::effects::clock::london;

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
    write_standing(status, text);
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
            source.last_look.map_or_else(|| "never".to_owned(), |last| format!("{} ago", span(status.now, last))),
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

/// How many stand where; and what runs out, and when: keys, space, checkpoints.
fn write_standing(status: &Status, text: &mut Text) {
    let keys = status.keys.iter().map(|keys| match keys {
        KeysUntil { holder, only_the_service: true, .. } => format!("{holder} known to the service alone"),
        KeysUntil { holder, usable: false, .. } => format!("{holder} none that can be used"),
        KeysUntil { holder, until: None, .. } => format!("{holder} without end"),
        KeysUntil { holder, until: Some(until), .. } => {
            let days = until.duration_since(status.now).as_hours() / 24;
            format!("{holder} until {} ({days} days)", day(*until))
        }
    });
    let mut space = BTreeMap::<String, Vec<&str>>::new();
    for one in &status.space {
        let free = one.free.map_or_else(|| "not to be had".to_owned(), size);
        space.entry(free).or_default().push(&one.place);
    }
    let space = space.into_iter().map(|(free, places)| format!("{free} ({})", places.join(", ")));
    let made =
        status.ledger.made.map_or_else(|| "none yet".to_owned(), |made| format!("{} ago", span(status.now, made)));
    let left = status.ledger.left.iter().map(|left| match left.at {
        Some(at) => format!(
            "left to {} {} ago, over {} of {} entries",
            left.recipient,
            span(status.now, at),
            left.covers,
            status.ledger.entries
        ),
        None => format!("none has left to {}", left.recipient),
    });
    let counts = |counts: &BTreeMap<String, u64>| {
        let counted: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        if counted.is_empty() { "none".to_owned() } else { counted.join(", ") }
    };
    let scanner = status.scanner.as_ref().map_or_else(
        || "nothing is scanned".to_owned(),
        |clamd| format!("clamd at {clamd} has found clean whatever is delivered"),
    );
    text.gap();
    text.facts([
        ("Transfers", Some(counts(&status.queues.transfers))),
        ("Returns", Some(counts(&status.queues.returns))),
        ("Held", Some(status.held.to_string())),
        ("Keys", Some(keys.collect::<Vec<_>>().join(", "))),
        ("Free space", Some(space.collect::<Vec<_>>().join(", "))),
        ("Virus scan", Some(scanner)),
        ("Checkpoint", Some([made].into_iter().chain(left).collect::<Vec<_>>().join("; "))),
    ]);
}

fn day(at: Timestamp) -> String {
    at.to_zoned(london()).date().to_string()
}

/// How long ago, in the largest unit that tells it.
fn span(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
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
