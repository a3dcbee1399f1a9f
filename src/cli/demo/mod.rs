//! `hbcourier demo`: the main job, self-contained, in under a minute.
//!
//! Lays out a council and a make-believe DWP with fresh keys, starts the real service, drops files, lets returns fall due,
//! then prints what was delivered, held and sent, and verifies the ledger.

mod partner;
pub mod samples;
#[expect(clippy::disallowed_methods, reason = "it plays the council and DWP, who have other means")]
mod scene;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::{CliError, Exit, Output};
use crate::domain::timetable::Timetables;
use crate::domain::{Digest, FileKind};
use scene::Scene;

/// Show the main job from end to end, with made-up files and fresh keys
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to lay it out; a temporary folder that is removed afterwards, if left out
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What the demonstration showed.
#[derive(Debug, Serialize)]
pub struct Shown {
    delivered: Vec<DeliveredFile>,
    held: Vec<HeldFile>,
    sent: Vec<SentReturn>,
    audit: Audited,
}

#[derive(Debug, Serialize)]
struct DeliveredFile {
    kind: FileKind,
    /// Left out where it is gone when this is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    sha256: Digest,
}

#[derive(Debug, Serialize)]
struct HeldFile {
    code: &'static str,
    says: String,
}

#[derive(Debug, Serialize)]
struct SentReturn {
    #[serde(rename = "return")]
    kind: String,
    period: String,
    to: String,
}

#[derive(Debug, Serialize)]
struct Audited {
    ok: bool,
    entries: u64,
}

/// Plays it, and prints what was shown.
pub fn run(args: &Args, timetables: &Timetables, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let temporary;
    let dir: &Path = match &args.dir {
        Some(dir) => dir,
        None => {
            temporary = tempfile::tempdir().map_err(|error| could_not("make a temporary folder", &error))?;
            temporary.path()
        }
    };
    let scene = Scene::set(dir, timetables)?;
    let mut shown = scene.play()?;
    if args.dir.is_none() && args.json {
        shown.delivered.iter_mut().for_each(|file| file.path = None);
    }
    let good = shown.audit.ok && shown.delivered.len() == 6 && shown.held.len() == 2 && shown.sent.len() == 2;
    out.answer(args.json, &shown, |text| {
        text.line("Delivered, byte for byte as they were signed:");
        for DeliveredFile { kind, path, .. } in &shown.delivered {
            text.line(format!("  {kind:<14} {}", path.as_deref().unwrap_or(Path::new("")).display()));
        }
        text.line("Held for a person, nothing of them let through:");
        shown.held.iter().for_each(|held| text.line(format!("  {}  {}", held.code, held.says)));
        text.line("Sent on their transfer date, sealed to DWP, and opened there:");
        shown.sent.iter().for_each(|sent| text.line(format!("  {:<8} for {} {}", sent.kind, sent.period, sent.to)));
        let verdict = if shown.audit.ok { "verifies" } else { "DOES NOT VERIFY" };
        text.line(format!("The ledger of {} entries {verdict}.", shown.audit.entries));
        match &args.dir {
            Some(dir) => text.line(format!("Look around in {}.", dir.display())),
            None => text.line("All of it was in a temporary folder; `hbcourier demo --dir DIR` keeps it."),
        }
    })?;
    Ok(if good { Exit::Yes } else { Exit::No })
}

fn could_not(doing: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::new(
        Exit::CouldNot,
        format!("The demonstration could not {doing}: {error}."),
        "Try `hbcourier demo --dir DIR` with an empty folder on another disk.",
    )
}
