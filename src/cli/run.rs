//! `hbcourier run`: the service; `run --once`: everything that can be done now.

use std::path::Path;
use std::sync::Arc;

use super::for_others::ForOthers;
use super::output::{CliError, Exit, Output, Text};
use crate::config::Settings;
use crate::config::settings::Sandbox;
use crate::daemon::{self, Configuration, Pass, StartFault};
use crate::domain::causes::with_causes;
use crate::sandbox::{self, Confinement};
use crate::telemetry::{self, LogFormat};

/// Run the service
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do everything that can be done now, say what was deferred and which alarms stand, then end: with 0 if nothing was
    /// held anew, else with 1; with 3 if a folder did not answer and what is for it was left
    #[arg(long)]
    pub once: bool,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    pub log: LogFormat,
}

/// Runs until told to stop, or once.
pub fn run(
    args: &Args,
    settings: Settings,
    configuration: &Configuration<'_>,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    telemetry::start(args.log, "info");
    telemetry::panics_without_words();
    let state = settings.service.state.display().to_string();
    // While there is one thread, and before anything from outside is looked at.
    let confinement = confined(&settings, configuration.path)?;
    let mut service = daemon::build(settings).map_err(|fault| not_started(&fault))?;
    service.confinement = confinement;
    if args.once {
        let pass = daemon::once(&Arc::new(service)).map_err(|fault| ended(&fault, &state))?;
        out.answer(false, &(), |text| tell(&pass, text))?;
        return Ok(match pass.held_anew {
            _ if !pass.hanging.is_empty() => Exit::CouldNot,
            0 => Exit::Yes,
            _ => Exit::No,
        });
    }
    daemon::run(service, &|settings| Arc::new(ForOthers::by(settings)), configuration)
        .map_err(|fault| ended(&fault, &state))?;
    Ok(Exit::Yes)
}

fn confined(settings: &Settings, configuration: &Path) -> Result<Confinement, CliError> {
    let entered = sandbox::enter(settings, configuration).map_err(|fault| {
        let says = format!("hbcourier did not start: {}.", with_causes(&fault));
        let next = "Mend that, or choose another `sandbox` in the configuration's `[service]`; `hbcourier selftest \
                    --sandbox` tries it.";
        CliError::new(Exit::CouldNot, says, next)
    })?;
    match settings.service.sandbox {
        Sandbox::Off => tracing::warn!("Sandbox: off, because the configuration says so"),
        Sandbox::BestEffort | Sandbox::Required if entered.is_strict() => {
            tracing::info!(landlock = entered.landlock, "Sandbox: {entered}");
        }
        Sandbox::BestEffort | Sandbox::Required => {
            tracing::warn!(landlock = entered.landlock, "Sandbox: {entered}; a newer kernel does more");
        }
    }
    Ok(entered)
}

fn tell(pass: &Pass, text: &mut Text) {
    for (folder, seconds) in &pass.hanging {
        text.line(format!(
            "Not finished: {folder} has not answered for {seconds} s. What is for it was left; the next run goes on with it."
        ));
    }
    match pass.held_anew {
        0 if !pass.hanging.is_empty() => text.line("All else that could be done was done; nothing was held anew."),
        0 => text.line("Everything that could be done was done; nothing was held anew."),
        held => text.line(format!("Held anew: {held}. `hbcourier held list` says why and what to do.")),
    }
    for (what, why) in &pass.deferred {
        text.line(format!("Deferred: {what}, because {why}. The next run tries it again."));
    }
    for alarm in &pass.alarms {
        text.line(format!("Alarm {} about {}: {} Next: {}", alarm.code, alarm.about, alarm.says, alarm.next));
    }
}

/// A service that does not start says what to mend.
pub fn not_started(fault: &StartFault) -> CliError {
    let exit = match fault {
        StartFault::NoGroup { .. } | StartFault::Timetable(_) | StartFault::Calendar(_) => Exit::Config,
        StartFault::Locked { .. }
        | StartFault::State { .. }
        | StartFault::Store(_)
        | StartFault::Query(_)
        | StartFault::Record(_)
        | StartFault::Ledger { .. }
        | StartFault::LedgerKey(_)
        | StartFault::LedgerSecret(_)
        | StartFault::StoreLost { .. } => Exit::CouldNot,
    };
    let says = format!("hbcourier did not start: {}.", with_causes(fault));
    CliError::new(
        exit,
        says,
        "Nothing was transferred. Mend that, then start it again; `hbcourier check` probes everything.",
    )
}

fn ended(fault: &dyn std::error::Error, state: &str) -> CliError {
    let next = format!("What was collected is safe below {state}; start it again once the cause is mended.");
    CliError::new(Exit::CouldNot, format!("hbcourier ended: {}.", with_causes(fault)), next)
}
