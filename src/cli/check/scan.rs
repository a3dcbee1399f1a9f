//! The virus scanner, asked what it is. Nothing is scanned.

use super::Probe;
use crate::config::Settings;
use crate::daemon::build::scanner;
use crate::domain::causes::with_causes;

const PROBE: &str = "scan";

pub(super) fn probe(settings: &Settings) -> Probe {
    let (Some(place), Some(clamd)) = (&settings.scan.clamd, scanner(settings)) else {
        return Probe::ok(PROBE, "clamd", "Nothing is scanned for viruses: no `scan.clamd` is configured.");
    };
    match clamd.version() {
        Ok(version) => Probe::ok(PROBE, place, format!("{version} answers; nothing is delivered without its verdict.")),
        Err(fault) => {
            let next = "Start clamd, and let this account write to its socket; until then nothing is delivered.";
            Probe::problem(PROBE, place, format!("{}.", with_causes(&fault)), next)
        }
    }
}
