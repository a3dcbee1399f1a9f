//! What orders about keys did, as text for people.

use crate::cli::output::{Table, Text, Tone, moment};
use crate::effects::pgp::{CertificateReport, KeyChange, spoken};
use crate::operator::{Accepted, Done};

/// What was done, and what was found.
pub(super) fn done(done: &Done, text: &mut Text) {
    if let Some(report) = done.keys.as_ref().and_then(|keys| keys.certificate.as_ref()) {
        certificate(report, text);
        text.gap();
    }
    if let Some(found) = done.keys.as_ref().and_then(|keys| keys.accepted.as_ref()) {
        accepted(found, text);
        text.gap();
    }
    text.line(&done.says);
}

/// What a certificate is, and what it would change.
pub(super) fn certificate(report: &CertificateReport, text: &mut Text) {
    text.facts([
        ("Fingerprint", Some(report.fingerprint.to_string())),
        ("To read aloud", Some(report.spoken.clone())),
        ("SHA-256 of the file", Some(report.digest.to_string())),
        ("Says it is of", Some(report.user_ids.join("; "))),
        ("Problem", report.problem.clone()),
    ]);
    text.gap();
    let mut table = Table::new(["Key", "Algorithm", "May", "Made", "Until", ""]);
    for key in &report.keys {
        let name = key.fingerprint.to_string();
        table.row([
            format!("{}{name}", if key.primary { "" } else { "  " }),
            key.algorithm.clone(),
            key.may.join(", "),
            moment(key.created),
            key.expires.map_or_else(|| "without end".to_owned(), moment),
            if key.revoked { "revoked".to_owned() } else { String::new() },
        ]);
    }
    text.table(&table);
    text.gap();
    if report.changes.is_empty() {
        let what =
            if report.pinned { "Nothing differs from what is pinned." } else { "The first one of this partner." };
        return text.line(what);
    }
    text.line("What differs from what is pinned:");
    for change in &report.changes {
        let tone = match change {
            KeyChange::Revoked { .. } | KeyChange::Weaker { .. } => Tone::Bad,
            KeyChange::NewCertificate { .. } | KeyChange::NewKey { .. } | KeyChange::MissingKey { .. } => Tone::Warning,
            KeyChange::Expiry { .. } | KeyChange::NewUserIds { .. } => Tone::Good,
        };
        text.toned(tone, "  * ", in_words(change));
    }
}

fn in_words(change: &KeyChange) -> String {
    let until = |at: &Option<jiff::Timestamp>| at.map_or_else(|| "without end".to_owned(), moment);
    match change {
        KeyChange::NewCertificate { beside } => {
            let beside: Vec<String> = beside.iter().map(spoken).collect();
            format!("another certificate; pinned stay: {}", beside.join("; "))
        }
        KeyChange::NewKey { fingerprint, algorithm } => format!("a new key {fingerprint}, {algorithm}"),
        KeyChange::MissingKey { fingerprint } => format!("key {fingerprint} is not in this copy; it stays pinned"),
        KeyChange::Expiry { fingerprint, was, is } => {
            format!("key {fingerprint} ends {}, so far {}", until(is), until(was))
        }
        KeyChange::Revoked { fingerprint, since, hard } => {
            let since = since.map_or_else(String::new, |since| format!(" on {}", moment(since)));
            let hard = if *hard { "; nothing it ever signed can be relied on" } else { "" };
            format!("key {fingerprint} was revoked by its owner{since}{hard}")
        }
        KeyChange::Weaker { fingerprint, algorithm, than } => {
            format!("key {fingerprint}, {algorithm}, is weaker than {than}, which did the same so far")
        }
        KeyChange::NewUserIds { count } => format!("{count} names that were not there"),
    }
}

/// What was accepted with a signature of one certificate.
pub(super) fn accepted(accepted: &Accepted, text: &mut Text) {
    let since = accepted.since.map_or_else(String::new, |since| format!(" since {}", moment(since)));
    text.line(format_args!("Accepted with a signature of {}{since}:", accepted.signer));
    if accepted.transfers.is_empty() {
        return text.line("  nothing");
    }
    let mut table = Table::new(["Transfer", "Received", "LA", "Kinds", "State"]);
    for transfer in &accepted.transfers {
        let kinds: Vec<String> = transfer.kinds.iter().map(ToString::to_string).collect();
        table.row([
            transfer.id.to_string(),
            moment(transfer.received_at),
            transfer.authority.to_string(),
            kinds.join(", "),
            transfer.state.clone(),
        ]);
    }
    text.table(&table);
    if accepted.more {
        text.line("There are more; name a later day to see the rest.");
    }
}
