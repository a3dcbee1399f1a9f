//! Personal data with the real program: names are shown by order only, what was kept long enough is gone from every byte, and
//! nothing of anybody's is told anywhere else.

mod canary;
mod erasing;
mod holds;
mod names;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use crate::support::council::{Council, files_below, set};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// In names of files: shaped like a name, and like a National Insurance number.
const IN_NAMES: [&str; 2] = ["Wrenthistle", "QQ112233A"];

/// A council that delivers under the senders' names, and is quick to see what settled.
fn council() -> (Partner, Council) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    council.changes_drop_folders(|folder| set(folder, &["settle"], "200ms"));
    council.changes_routes(|route| set(route, &["file_name"], "{id}_{name}"));
    (dwp, council)
}

/// A name that holds both.
fn named(what: &str) -> String {
    format!("{}_{}_{what}", IN_NAMES[0], IN_NAMES[1])
}

/// A sealed LAID of its own content, under a name with canaries in it, in and on the seal.
fn drops_laid(dwp: &Partner, council: &Council, number: u32) {
    let content = format!("<?xml version=\"1.0\"?>\n<LAID n=\"{number}\"/>\n");
    let name = named(&format!("{number}.xml"));
    let sealed = dwp.seals(content.as_bytes(), &name, &SealOptions::default());
    council.drops(&format!("{name}.pgp"), &sealed);
}

/// How long each is kept from the next start on.
fn keeps(council: &Council, time: &str) {
    council.changes_settings(|settings| {
        for key in ["keep_original", "keep_names", "keep_rejected", "keep_sealed"] {
            set(settings, &["service", "retention", key], time);
        }
    });
}

/// The ids of all transfers that came, in the order of their coming.
fn transfers(council: &Council) -> Vec<String> {
    let listed = council.json(&["transfers", "list", "--direction", "in"]);
    listed["transfers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn closed(council: &Council) -> usize {
    let listed = council.json(&["transfers", "list", "--state", "closed"]);
    listed["transfers"].as_array().map_or(0, Vec::len)
}

/// Originals below the state directory.
fn originals(council: &Council) -> Vec<PathBuf> {
    ["archive", "spool/raw", "sealed"].iter().flat_map(|folder| files_below(&council.state.join(folder))).collect()
}

/// Whether any file below the state directory holds this.
fn state_holds(council: &Council, canary: &str) -> bool {
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        memchr::memmem::find(&bytes, canary.as_bytes()).is_some()
    };
    files_below(&council.state).iter().filter(|path| !path.ends_with("control.sock")).any(holds)
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The entries of this event, the latest last.
fn entries(council: &Council, event: &str) -> Vec<Value> {
    council.entries().into_iter().filter(|entry| entry["event"] == event).collect()
}
