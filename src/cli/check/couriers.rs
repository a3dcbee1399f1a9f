//! Every courier, tried: a folder is written to, a mail server is logged in to. Nothing is sent.

use super::{Couriers, Probe};
use crate::config::Settings;

const PROBE: &str = "courier";

pub(super) fn probe(settings: &Settings, couriers: &Couriers) -> Vec<Probe> {
    let probes = settings.couriers.iter().map(|configured| {
        let name = &configured.name;
        match couriers.get(name).map(|courier| courier.probe()) {
            Some(Ok(says)) => Probe::ok(PROBE, name, format!("{}.", says.trim_end_matches('.'))),
            Some(Err(error)) => {
                let next = "Correct the courier in the configuration, or mend what it needs; returns wait until then.";
                Probe::problem(PROBE, name, error.to_string(), next)
            }
            None => {
                let next = "Correct its secrets and certificates in the configuration.";
                Probe::problem(PROBE, name, "It could not be made ready for use.", next)
            }
        }
    });
    probes.collect()
}
