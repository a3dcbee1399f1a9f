//! Each sync left out in turn must be missed: else it is not tested.

use std::collections::BTreeMap;
use std::time::Duration;

use hbcourier::durable::sync::SYNCS;

use super::images::FileSystem;
use super::story::{Cut, Ground, Layout};
use crate::crash::length;

/// What is found at once needs no patience; what never comes to rest is found too.
const PATIENCE: Duration = Duration::from_secs(30);

/// The steps at which a sync may be missed: those behind it, up to where its work is recorded or used.
fn steps_behind(sync: &str) -> &'static [&'static str] {
    match sync {
        "sync.spool.folders" => &["collect.recorded", "collect.cleared"],
        "sync.store.name" => &["collect.cleared", "stage.recorded"],
        "sync.store.commit" => &["seal.source-removed", "collect.cleared", "publish.recorded", "close.recorded"],
        "sync.collect.file" | "sync.collect.directory" => &["collect.recorded", "collect.cleared"],
        "sync.withdrawn.directory" => &["collect.cleared", "seal.source-removed", "close.recorded"],
        "sync.stage.file" => &["stage.recorded", "publish.renamed", "publish.recorded"],
        "sync.stage.directory" => &["stage.recorded", "publish.renamed"],
        "sync.publish.directory" => &["publish.recorded", "close.recorded"],
        "sync.archive.new-name" | "sync.archive.old-name" => &["close.archived", "close.recorded"],
        "sync.seal.file" | "sync.seal.directory" => &["seal.recorded", "seal.source-removed", "send.prepared"],
        "sync.seal.note-file" | "sync.seal.note-directory" => &["seal.recorded", "seal.source-withdrawn"],
        "sync.send.part-file" | "sync.send.part-directory" => &["send.prepared", "send.recorded", "send.committed"],
        "sync.send.file" | "sync.send.directory" => &["send.committed", "send.answer-recorded"],
        "sync.checkpoint.head-file" | "sync.checkpoint.head-directory" => {
            &["checkpoint.head-synced", "checkpoint.recorded"]
        }
        "sync.checkpoint.part-file" => &["checkpoint.placed", "checkpoint.left-recorded"],
        "sync.checkpoint.left-directory" => &["checkpoint.left-synced", "checkpoint.left-recorded"],
        _ => &[],
    }
}

/// Where the first fault was found, and which.
fn missed(ground: &mut Ground, kind: FileSystem, sync: &'static str) -> Option<String> {
    for step in steps_behind(sync) {
        for neighbour in [false, true] {
            let told = ground.tells(&[Cut { step, neighbour }], Some(sync), PATIENCE);
            println!("  {sync}, {}, {step}, neighbour {neighbour}: {:?}", kind.name(), told.faults);
            if let Some(fault) = told.faults.first() {
                let beside = if neighbour { ", after a neighbour's sync" } else { "" };
                return Some(format!("{} at `{step}`{beside}: {}", kind.name(), fault.word()));
            }
        }
    }
    None
}

/// In the long form.
#[test]
fn each_sync_that_is_left_out() {
    if length("HBCOURIER_POWER_SYSTEMS", 0) == 0 {
        return;
    }
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for kind in FileSystem::ALL.into_iter().filter(|kind| kind.is_here()) {
        let mut ground = Ground::on(kind, Layout::Apart);
        for sync in SYNCS {
            found.entry(sync).or_default().extend(missed(&mut ground, kind, sync));
        }
    }
    for (sync, found) in &found {
        println!("| `{sync}` | {} |", if found.is_empty() { "-".to_owned() } else { found.join("; ") });
    }
}
