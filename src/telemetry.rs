//! Logs: structured, on standard error, without personal data.
//!
//! Holds: names of files, senders and subjects never reach a log line, at any level; what identifies a thing is its
//! transfer id. Lines about a transfer or a return carry its id as a field, which the journal keeps (`HBCOURIER_TRANSFER`,
//! `HBCOURIER_RETURN`); as text and JSON they are as they always were.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people, and for the journal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `HBCOURIER_LOG` sets the level, such as `debug` or `hbcourier::inbound=debug`; else `default`.
pub fn start(format: LogFormat, default: &str) {
    let level = EnvFilter::try_from_env("HBCOURIER_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // Libraries do not know what is personal: the one that watches folders would log the name of every file.
    let ours = filter_fn(|about| about.target().starts_with(env!("CARGO_PKG_NAME")));
    let chosen = tracing_subscriber::registry().with(level).with(ours);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // What a line is within is for the journal, which keeps fields apart from the words.
    let events = filter_fn(|about| about.is_event());
    // A second start, in tests within one process, changes nothing.
    let _ = match (format, journal(format)) {
        (_, Some(journal)) => chosen.with(journal).try_init(),
        (LogFormat::Text, None) => {
            let lines = lines.with_ansi(std::io::stderr().is_terminal()).with_target(false);
            chosen.with(lines.with_filter(events)).try_init()
        }
        (LogFormat::Json, None) => chosen.with(lines.json().flatten_event(true).with_filter(events)).try_init(),
    };
}

/// The journal itself, where standard error leads there and nobody asked for another form.
fn journal(format: LogFormat) -> Option<tracing_journald::Layer> {
    if format != LogFormat::Text || !is_journal() {
        return None;
    }
    let journal = tracing_journald::layer().ok()?;
    Some(journal.with_field_prefix(Some("HBCOURIER".to_owned())).with_syslog_identifier("hbcourier".to_owned()))
}

/// Whether standard error is the journal's own stream: systemd names its device and inode.
// systemd.exec(5), JOURNAL_STREAM
#[expect(clippy::disallowed_methods, reason = "no setting: it tells where standard error leads")]
fn is_journal() -> bool {
    let Ok(told) = std::env::var("JOURNAL_STREAM") else { return false };
    let own = rustix::fs::fstat(std::io::stderr().as_fd()).map(|stderr| format!("{}:{}", stderr.st_dev, stderr.st_ino));
    own.is_ok_and(|own| own == told)
}

/// From now on a panic is told by its place alone: the words of a library that panics may quote what it read.
pub fn panics_without_words() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A part of the program gave up at {place}");
    }));
}
