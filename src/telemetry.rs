//! Logs: structured, on standard error, without personal data.
//!
//! Holds: names of files, senders and subjects never reach a log line, at any level; what identifies a thing is its
//! transfer id.

use std::io::IsTerminal;

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
    // A second start, in tests within one process, changes nothing.
    let _ = match format {
        LogFormat::Text => chosen.with(lines.with_ansi(std::io::stderr().is_terminal()).with_target(false)).try_init(),
        LogFormat::Json => chosen.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// From now on a panic is told by its place alone: the words of a library that panics may quote what it read.
pub fn panics_without_words() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A part of the program gave up at {place}");
    }));
}
