//! `hbcourier doctor`: whether the installation is well, in one verdict: what the service needs, the ledger, and itself.
//!
//! In:  what `check` probes, what `selftest` tried and what `audit verify` reads. Out: the verdict first, then what is wrong.

use serde::Serialize;

use super::check::{self, Outcome, Probe, Subjects};
use super::output::{CliError, Exit, Output, Tone};
use crate::store::{SqliteQueries, Verification, verify};

/// Say whether all is well: `check`, `selftest` and `audit verify` in one
///
/// Exit status 0: it is; 1: something is not.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    says: &'a str,
    probes: &'a [Probe],
    /// Nothing, before the first start.
    audit: Option<&'a Verification>,
}

/// Tries everything, and prints the verdict.
pub fn run(
    args: &Args,
    subjects: &Subjects<'_>,
    store: Option<&SqliteQueries>,
    tried: Vec<Probe>,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let mut probes = check::probe(subjects);
    probes.extend(tried);
    let audit = store.map(|store| verify(store)).transpose()?;
    let wrong = probes.iter().filter(|probe| probe.outcome == Outcome::Problem).count();
    let warnings = probes.iter().filter(|probe| probe.outcome == Outcome::Warning).count();
    let holds = audit.as_ref().is_none_or(|audit| audit.ok);
    let ok = wrong == 0 && holds;
    let says = match (ok, holds) {
        (true, _) if warnings == 0 => "All is well.".to_owned(),
        (true, _) => format!("It works; warnings: {warnings}."),
        (false, true) => format!("Something does not work: {wrong} of what was tried."),
        (false, false) => "The ledger, or the state, is not as it was recorded.".to_owned(),
    };
    let document = Document { ok, says: &says, probes: &probes, audit: audit.as_ref() };
    out.answer(args.json, &document, |text| {
        text.toned(if ok { Tone::Good } else { Tone::Bad }, &says, format_args!(""));
        for Probe { probe, about, outcome, says, next } in probes.iter().filter(|probe| probe.outcome != Outcome::Ok) {
            let (tone, word) =
                if *outcome == Outcome::Problem { (Tone::Bad, "problem") } else { (Tone::Warning, "warning") };
            text.toned(tone, word, format_args!("  {probe} {about}: {says}"));
            if let Some(next) = next {
                text.line(format!("         Next: {next}"));
            }
        }
        match &audit {
            None => text.line("There is no ledger yet: the service has not started."),
            Some(audit) => {
                text.line(&audit.says);
                if !audit.ok {
                    text.line(
                        "Next: stop the service, keep a copy of the state folder as evidence, and see README, Restore.",
                    );
                }
            }
        }
    })?;
    Ok(if ok { Exit::Yes } else { Exit::No })
}
