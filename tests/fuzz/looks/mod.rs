//! What reads bytes from outside, each by one function of bytes alone, for the fuzzer and for `tests/it/fuzz.rs`.
//!
//! In:  any bytes. Out: nothing; a panic is a finding. Holds beside that: nothing is let through that nobody vouched for,
//! no limit is passed, and what was read once is read the same again.

pub mod control;
pub mod ledger;
pub mod mail;
pub mod members;
pub mod openpgp;
pub mod settings;
pub mod tables;

/// A target: its name, the folders of seeds below `tests/fuzz/seeds` or `tests/data` that it begins with, and the look.
pub struct Target {
    /// How it is called on the command line.
    pub name: &'static str,
    /// Where its seeds lie, below `tests`.
    pub seeds: &'static [&'static str],
    /// Takes in any bytes.
    pub look: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "mail", seeds: &["data/mail"], look: mail::look },
    Target { name: "openpgp", seeds: &["fuzz/seeds/openpgp"], look: openpgp::look },
    Target { name: "openpgp-inside", seeds: &["fuzz/seeds/openpgp-inside"], look: openpgp::look_inside },
    Target { name: "zip", seeds: &["fuzz/seeds/zip", "data/workbooks"], look: members::look },
    Target { name: "xml", seeds: &["fuzz/seeds/files"], look: tables::look_at_xml },
    Target { name: "files", seeds: &["fuzz/seeds/files", "data/workbooks"], look: tables::look_at_file },
    Target { name: "csv", seeds: &["fuzz/seeds/files"], look: tables::look_at_table },
    Target { name: "shbe", seeds: &["fuzz/seeds/shbe"], look: tables::look_at_extract },
    Target { name: "circular", seeds: &["data/timetable"], look: settings::look_at_circular },
    Target { name: "timetable", seeds: &["fuzz/seeds/timetable"], look: settings::look_at_timetable },
    Target { name: "config", seeds: &["fuzz/seeds/config"], look: settings::look_at_configuration },
    Target { name: "ledger", seeds: &["fuzz/seeds/ledger"], look: ledger::look },
    Target { name: "control", seeds: &["fuzz/seeds/control"], look: control::look },
];

/// The look of this name.
pub fn named(name: &str) -> Option<fn(&[u8])> {
    TARGETS.iter().find(|target| target.name == name).map(|target| target.look)
}
