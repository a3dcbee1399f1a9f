//! `hbcourier transfers why`: each rule considered for a transfer or a file, and the one that decided.
//!
//! In:  an id, a return's key, or a path; the store, the settings and the keys as they are now.
//! Out: an [`Explanation`].
//! Holds: opens no sealed file and prints no content; says only what the record or a look at the file system proves.

mod consignment;
mod delivered;
mod path;
mod step;
mod submission;
#[cfg(test)]
mod tests;
mod waiting;

use std::path::Path;

use serde::Serialize;

use super::find::{Found, find};
use crate::cli::output::{CliError, Exit, Output, Text, Tone};
use crate::cli::reading::Reading;
use crate::domain::SubmissionKey;

/// Say which rule decided where a transfer or a file is
#[derive(Clone, Debug, clap::Args)]
pub struct WhyArgs {
    /// A transfer's id or its beginning, a return's key, or the path of a file: delivered, or lying in a drop folder
    #[arg(value_name = "ID|PATH")]
    pub what: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Why something is where it is.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// What was asked about.
    pub about: String,
    /// The transfer, if it is one already.
    pub transfer: Option<String>,
    /// Where it stands.
    pub state: String,
    /// Every rule, in the order in which they are considered.
    pub rules: Vec<Considered>,
    /// The result in a sentence.
    pub says: String,
    /// What to do, if anything.
    pub next: Option<String>,
}

/// One rule, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Considered {
    /// Its name.
    pub rule: &'static str,
    /// Whether it was met.
    pub outcome: Outcome,
    /// Whether it decided.
    pub decided: bool,
    /// What it asks, and what was found.
    pub says: String,
}

/// Whether a rule was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was.
    Met,
    /// It was not.
    NotMet,
    /// Another rule had decided before, or nobody has come to it yet.
    NotReached,
}

impl Considered {
    fn new(rule: &'static str, outcome: Outcome, says: impl Into<String>) -> Considered {
        Considered { rule, outcome, decided: false, says: says.into() }
    }

    fn deciding(self, decided: bool) -> Considered {
        Considered { decided, ..self }
    }
}

pub(super) fn why(args: &WhyArgs, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let explanation = explain(&args.what, reading)?;
    out.answer(args.json, &explanation, |text| write_text(&explanation, text))?;
    Ok(Exit::Yes)
}

/// Why the thing of this id, key or path is where it is.
pub fn explain(what: &str, reading: &Reading<'_>) -> Result<Explanation, CliError> {
    let is_key = what.parse::<SubmissionKey>().is_ok();
    if !is_key && (what.contains('/') || Path::new(what).symlink_metadata().is_ok()) {
        return path::explain(Path::new(what), reading);
    }
    match find(what, reading.queries)? {
        Found::In(consignment, _) => consignment::explain(&consignment, reading),
        Found::Out(submission) => Ok(submission::explain(&submission, reading)),
    }
}

fn write_text(explanation: &Explanation, text: &mut Text) {
    text.facts([
        ("About", Some(explanation.about.clone())),
        ("Transfer", explanation.transfer.clone().filter(|id| *id != explanation.about)),
        ("State", Some(explanation.state.clone())),
    ]);
    text.gap();
    let width = explanation.rules.iter().map(|considered| considered.rule.len()).max().unwrap_or(0);
    for Considered { rule, outcome, decided, says } in &explanation.rules {
        let (tone, word) = match outcome {
            Outcome::Met => (Tone::Good, "met        "),
            Outcome::NotMet => (Tone::Bad, "not met    "),
            Outcome::NotReached => (Tone::Warning, "not reached"),
        };
        let mark = if *decided { ">" } else { " " };
        text.toned(tone, &format!("{mark} {word}"), format_args!("  {rule:<width$}  {says}"));
    }
    text.gap();
    text.line(&explanation.says);
    if let Some(next) = &explanation.next {
        text.line(format_args!("Next: {next}"));
    }
}
