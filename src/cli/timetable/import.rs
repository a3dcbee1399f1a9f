//! `hbcourier timetable import`: from the printed timetable to a draft that a person reads and activates.
//!
//! In:  the circular, or its annexes, as text or CSV. Out: what was found, what changes, and a draft file.
//! Holds: nothing uses a draft; with a finding at the level of an error there is none, unless a person has ruled on it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::activate::{command, fault_of};
use super::{changes, file, findings};
use crate::catalogue::Severity;
use crate::catalogue::circular::{self, Reading, Source, Terms, TimetableFinding};
use crate::cli::output::{CliError, Exit, Output, Text};
use crate::config::timetable::render;
use crate::domain::timetable::{Difference, Timetable, Timetables};
use crate::domain::{LaNumber, TimetableYear};
use crate::operator::{Ruling, fewer, judge, unruled};

/// Read DWP's printed timetable, say what is odd in it, and write a draft
///
/// Exit status 0: a draft was written (or could be); 1: findings at the level of an error keep it from being used.
#[derive(Clone, Debug, clap::Args)]
pub struct ImportArgs {
    /// The circular, or its annexes in files of their own; as text or CSV
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The year it is for, such as 2020-21
    #[arg(long, value_name = "YEAR")]
    pub year: TimetableYear,
    /// Only say what would be found; write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write the draft; timetable-YEAR.draft.toml here, if left out
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub draft: Option<PathBuf>,
    /// Take what is printed at this finding as right, such as dates-differ:512; FILE:CODE:LINE where several files have one
    /// at that line, CODE alone where it names no line. Needs a reason
    #[arg(long, value_name = "CODE:LINE", requires = "reason")]
    pub accept: Vec<Ruling>,
    /// Why it is right; written into the draft
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub reason: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    year: TimetableYear,
    groups: usize,
    authorities: usize,
    findings: &'a [TimetableFinding],
    predecessors: Vec<Succession<'a>>,
    draft: Option<PathBuf>,
    diff: Option<&'a Difference>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Succession<'a> {
    authority: &'a LaNumber,
    previously: &'a [String],
}

/// Reads, says what was found, and writes the draft.
pub fn import(
    args: &ImportArgs,
    in_force: &Timetables,
    terms: &Terms<'_>,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let contents: Vec<Vec<u8>> = args.files.iter().map(|path| file::read(path)).collect::<Result<_, _>>()?;
    let names: Vec<String> = args.files.iter().map(|path| path.display().to_string()).collect();
    let sources: Vec<Source<'_>> = names.iter().zip(&contents).map(|(name, bytes)| Source { name, bytes }).collect();
    let mut reading = circular::read(&sources, terms);
    if let Some(timetable) = &reading.timetable {
        reading.findings.extend(fewer(timetable, "", in_force));
    }
    let open = unruled(&reading.findings, &args.accept).map_err(|fault| fault_of(&fault))?;
    let usable = reading.timetable.as_ref().filter(|_| open.is_empty());
    let diff = reading.timetable.as_ref().map(|timetable| changes::against(timetable, in_force));
    let (draft, next) = match usable {
        Some(timetable) if !args.dry_run => {
            let (path, text) = write_draft(args, timetable, &reading)?;
            let next = activation(args, &path, &judge(timetable, "", &text, terms, in_force));
            (Some(path), next)
        }
        Some(_) => (None, "Run it without `--dry-run` to write the draft.".to_owned()),
        None => (None, MEND.to_owned()),
    };
    let document = Document {
        year: args.year,
        groups: reading.timetable.as_ref().map_or(0, |timetable| timetable.groups().len()),
        authorities: reading.timetable.as_ref().map_or(0, |timetable| timetable.authorities().len()),
        findings: &reading.findings,
        predecessors: reading
            .predecessors
            .iter()
            .map(|(authority, names)| Succession { authority, previously: names })
            .collect(),
        draft,
        diff: diff.as_ref(),
        next: Some(next),
    };
    out.answer(args.json, &document, |text| write_text(&document, text))?;
    Ok(if usable.is_some() { Exit::Yes } else { Exit::No })
}

const MEND: &str = "Mend the copy (compare it with the circular at the lines named), or rule on a finding with `--accept CODE:LINE \
                    --reason TEXT` (`--accept CODE`, where no line is named).";

/// The command that puts the draft into force. What two annexes confirm, or a person has ruled on, nothing in the draft confirms,
/// so it is named once more.
fn activation(args: &ImportArgs, draft: &Path, findings: &[TimetableFinding]) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let rulings: Vec<Ruling> = errors.map(Ruling::on).collect();
    let reason = args.reason.clone().unwrap_or_else(|| format!("timetable of {}", args.year));
    format!("Read the draft, then: {}", command(&draft.display().to_string(), &rulings, &reason))
}

fn write_draft(args: &ImportArgs, timetable: &Timetable, reading: &Reading) -> Result<(PathBuf, String), CliError> {
    let path = args.draft.clone().unwrap_or_else(|| PathBuf::from(format!("timetable-{}.draft.toml", args.year)));
    let names: Vec<String> =
        args.files.iter().map(|file| file.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    let mut remarks = vec![
        format!("DWP's timetable of returns for {}: a draft, read from {}.", args.year, names.join(", ")),
        "Nothing uses it before `hbcourier timetable activate`. Read the findings first.".to_owned(),
    ];
    remarks.extend(
        reading.predecessors.iter().map(|(number, names)| format!("{number} was before: {}.", names.join(", "))),
    );
    remarks.push(String::new());
    remarks.extend(reading.findings.iter().map(findings::line));
    if let Some(reason) = &args.reason {
        remarks.push(String::new());
        remarks.extend(args.accept.iter().map(|one| format!("Taken as printed: {one}, because {reason}")));
    }
    let text = render(timetable, &names.join(", "), &remarks);
    // Proved by reading it back, not by trusting the rendering.
    let back = crate::config::timetable::read(&path, &text).map_err(|error| CliError::of(Exit::CouldNot, &error))?;
    if back != *timetable {
        let next = "Keep the files, and tell whoever maintains hbcourier.";
        return Err(CliError::new(Exit::CouldNot, "The draft does not read back as what was imported.", next));
    }
    put(&path, &text)?;
    Ok((path, text))
}

/// Writes the draft, unless it is there already. Nothing is overwritten.
fn put(path: &Path, text: &str) -> Result<(), CliError> {
    let could_not = |error: &std::io::Error| {
        let says = format!("Could not write the draft {}: {error}.", path.display());
        CliError::new(Exit::CouldNot, says, "Name another file with `--draft`.")
    };
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| could_not(&error))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && file::read(path)? == text.as_bytes() => {
            Ok(())
        }
        Err(error) => Err(could_not(&error)),
    }
}

fn write_text(document: &Document<'_>, text: &mut Text) {
    findings::write(document.findings, text);
    for Succession { authority, previously } in &document.predecessors {
        text.line(format_args!("note     {authority} was before: {}", previously.join(", ")));
    }
    let errors = document.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = document.findings.len() - errors;
    text.gap();
    text.line(format_args!(
        "{}: {} groups, {} authorities. Errors: {errors}, warnings: {warnings}.",
        document.year, document.groups, document.authorities
    ));
    if let Some(diff) = document.diff {
        text.gap();
        changes::write(diff, text);
    }
    text.gap();
    if let Some(draft) = &document.draft {
        text.line(format_args!("The draft is {}; nothing uses it yet.", draft.display()));
    }
    if let Some(next) = &document.next {
        text.line(format_args!("Next: {next}"));
    }
}
