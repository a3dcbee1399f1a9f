//! `hbcourier selftest`: does the program do here what it must, and is it kept from what it must not?
//!
//! In:  the settings. Out: each thing that was tried, whether it was done or refused, and whether that is as it should be.
//! Holds: what is forbidden is tried in a process of its own, in the sandbox that the service would enter; whatever
//! succeeds there against all expectation is undone.

mod allowed;
mod basics;
mod child;
mod forbidden;

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::check::Probe;
use super::output::{CliError, Exit, Output, Text, Tone};
use crate::config::Settings;
use crate::config::settings::Sandbox;
use crate::domain::causes::with_causes;
use crate::sandbox::Confinement;

/// Try what the program must do, and in a child process what its sandbox must refuse
///
/// Exit status 1 if anything came out otherwise.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Only the sandbox
    #[arg(long)]
    pub sandbox: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// What the child process is to try; it prints a line for each.
    #[arg(long, hide = true)]
    inside: Option<String>,
}

const PROBE: &str = "selftest";
const TURN_ON: &str = "Take `sandbox = \"off\"` out of the configuration's `[service]`, and restart the service.";

/// What should come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expected {
    Done,
    Refused,
}

impl Expected {
    fn word(self) -> &'static str {
        match self {
            Expected::Done => "done",
            Expected::Refused => "refused",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// It was done.
    Done,
    /// The kernel refused it.
    Refused,
    /// It failed for another reason.
    Failed,
    /// There is no such thing here to try.
    Absent,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trial {
    what: String,
    expected: Expected,
    outcome: Outcome,
    /// The system's name for why it failed.
    errno: Option<String>,
    /// Why it failed, where the system has no name for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    why: Option<String>,
    /// It was done because this kernel cannot refuse it.
    beyond_kernel: bool,
    ok: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    /// How far the child process was confined.
    sandbox: Confinement,
    trials: &'a [Trial],
}

impl Trial {
    fn of(what: impl Into<String>, expected: Expected, done: io::Result<()>) -> Trial {
        let errno = done.as_ref().err().and_then(io::Error::raw_os_error).map(nix::errno::Errno::from_raw);
        let outcome = match &done {
            Ok(()) => Outcome::Done,
            Err(error) => outcome(error),
        };
        let ok = match expected {
            Expected::Done => matches!(outcome, Outcome::Done | Outcome::Absent),
            Expected::Refused => matches!(outcome, Outcome::Refused | Outcome::Absent),
        };
        let why = done.as_ref().err().filter(|_| errno.is_none()).map(|error| with_causes(error));
        let errno = errno.map(|errno| format!("{errno:?}"));
        Trial { what: what.into(), expected, outcome, errno, why, beyond_kernel: false, ok }
    }

    /// What only a kernel with this ABI of Landlock refuses. Without it that is told, and no failure.
    fn since(self, abi: u8, confinement: Confinement) -> Trial {
        let beyond_kernel = self.outcome == Outcome::Done && confinement.landlock < abi;
        Trial { beyond_kernel, ok: self.ok || beyond_kernel, ..self }
    }
}

fn outcome(error: &io::Error) -> Outcome {
    use nix::libc::{EACCES, EAFNOSUPPORT, ENOENT, ENOSYS, ENOTDIR, EPERM, EPROTONOSUPPORT};
    match error.raw_os_error() {
        Some(EACCES | EPERM) => Outcome::Refused,
        Some(ENOENT | ENOTDIR | ENOSYS | EAFNOSUPPORT | EPROTONOSUPPORT) => Outcome::Absent,
        _ => Outcome::Failed,
    }
}

/// Tries everything, and prints what came of it.
pub fn run(args: &Args, settings: &Settings, configuration: &Path, out: &mut Output<'_>) -> Result<Exit, CliError> {
    if let Some(ground) = &args.inside {
        return child::run(ground, settings, configuration);
    }
    if args.sandbox && settings.service.sandbox == Sandbox::Off {
        return Err(CliError::new(Exit::No, "The service runs without a sandbox.", TURN_ON));
    }
    let mut trials = if args.sandbox { Vec::new() } else { basics::trials(settings) };
    let mut confinement = Confinement::default();
    if settings.service.sandbox != Sandbox::Off {
        let inside = child::try_in_one(settings, configuration)?;
        confinement = inside.confinement;
        trials.extend(inside.trials);
    }
    let ok = trials.iter().all(|trial| trial.ok);
    let document = Document { ok, sandbox: confinement, trials: &trials };
    out.answer(args.json, &document, |text| write_text(&document, text))?;
    Ok(if ok { Exit::Yes } else { Exit::No })
}

/// The same for [`doctor`](super::doctor): what came out otherwise, and one line for the rest.
pub(super) fn probes(settings: &Settings, configuration: &Path) -> Vec<Probe> {
    let inside = match settings.service.sandbox {
        Sandbox::Off => None,
        Sandbox::BestEffort | Sandbox::Required => Some(child::try_in_one(settings, configuration)),
    };
    let mut trials = basics::trials(settings);
    let mut probes = match inside {
        None => vec![Probe::warning(PROBE, "sandbox", "The service runs without a sandbox.", TURN_ON)],
        Some(Err(error)) => {
            vec![Probe::problem(PROBE, "sandbox", error.says, "`hbcourier selftest --sandbox` tries it.")]
        }
        Some(Ok(inside)) => {
            trials.extend(inside.trials);
            vec![Probe::ok(PROBE, "sandbox", format!("In the sandbox {}.", inside.confinement))]
        }
    };
    let is_roots = settings.service.state.metadata().is_ok_and(|facts| facts.uid() == 0);
    for trial in trials.iter().filter(|trial| !trial.ok || trial.beyond_kernel) {
        let next = "`hbcourier selftest` shows it among everything that it tries.";
        probes.push(match (trial.beyond_kernel, trial.what == forbidden::READING_PASSWORDS && is_roots) {
            (true, _) => {
                Probe::warning(PROBE, &trial.what, "It was done: this kernel cannot refuse it.", "A newer kernel can.")
            }
            (false, true) => {
                let says = "It was done, because the state directory is root's, and so the service is.";
                Probe::warning(PROBE, &trial.what, says, "Give the service an account of its own, as the package does.")
            }
            (false, false) => {
                let why = trial.errno.as_deref().or(trial.why.as_deref()).unwrap_or("it came about");
                Probe::problem(
                    PROBE,
                    &trial.what,
                    format!("It should be {} and was not ({why}).", trial.expected.word()),
                    next,
                )
            }
        });
    }
    probes
}

fn write_text(document: &Document<'_>, text: &mut Text) {
    text.line(format_args!("In the sandbox: {}.", document.sandbox));
    let width = document.trials.iter().map(|trial| trial.what.chars().count()).max().unwrap_or(0);
    for Trial { what, outcome, errno, why, beyond_kernel, ok, .. } in document.trials {
        let (tone, word) = match (ok, beyond_kernel) {
            (true, false) => (Tone::Good, "ok     "),
            (true, true) => (Tone::Warning, "warning"),
            (false, _) => (Tone::Bad, "problem"),
        };
        let outcome = match outcome {
            Outcome::Done if *beyond_kernel => "done: this kernel cannot refuse it",
            Outcome::Done => "done",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::Absent => "not there to be tried",
        };
        let errno = errno.as_ref().or(why.as_ref()).map_or_else(String::new, |errno| format!(" ({errno})"));
        text.toned(tone, word, format_args!("  {what:<width$}  {outcome}{errno}"));
    }
    let wrong = document.trials.iter().filter(|trial| !trial.ok).count();
    text.gap();
    match wrong {
        0 => text.toned(Tone::Good, "All as it should be.", format_args!(" Tried: {}.", document.trials.len())),
        _ => {
            text.toned(Tone::Bad, "Not as it should be:", format_args!(" {wrong} of {}.", document.trials.len()));
            text.line(
                "Run it as the service's account and with the kernel that the service has. What was done and should be \
                 refused is open to whoever takes the service over.",
            );
        }
    }
}
