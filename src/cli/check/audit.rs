//! The ledger's key, and the folders and couriers by which its checkpoints leave, tried.

use super::{Couriers, Probe};
use crate::config::Settings;
use crate::config::settings::{RecipientSettings, RecipientWay, SecretReference};
use crate::effects::audit_folder::AuditFolder;
use crate::effects::ledger_key::{KEY_FILE, is_key};

const PROBE: &str = "audit";

pub(super) fn probe(settings: &Settings, couriers: &Couriers) -> Vec<Probe> {
    let mut probes = vec![key(settings)];
    if settings.audit.recipients.is_empty() {
        let says = "Checkpoints of the ledger leave to nobody, so whoever has this machine could rewrite it unnoticed.";
        let next = "Name somebody who keeps them elsewhere, such as internal audit, in an `[[audit.recipient]]` table.";
        probes.push(Probe::warning(PROBE, "recipients", says, next));
    }
    probes.extend(settings.audit.recipients.iter().map(|one| recipient(one, couriers)));
    probes
}

fn key(settings: &Settings) -> Probe {
    let (about, audit) = (&settings.audit.name, &settings.audit);
    let made = settings.service.state.join(KEY_FILE);
    if audit.key.is_none() && !made.exists() {
        return Probe::ok(PROBE, about, "The ledger's key is made at the first start.");
    }
    let reference = audit.key.clone().unwrap_or(SecretReference::File(made));
    match reference.read() {
        Ok(key) if is_key(&key) => Probe::ok(PROBE, about, "The ledger's key can be used."),
        Ok(_) => {
            let says = "What is named as the ledger's key is none.";
            Probe::problem(PROBE, about, says, "Put back the line `PRIVATE+KEY+…` that the service made.")
        }
        Err(fault) => {
            let next = "Put it where `[audit]` says, readable by the service's account alone (mode 0600).";
            Probe::problem(PROBE, about, format!("The ledger's key cannot be had: {fault}."), next)
        }
    }
}

fn recipient(one: &RecipientSettings, couriers: &Couriers) -> Probe {
    let next = "Mend it, or correct the `[[audit.recipient]]` table; the latest checkpoint then leaves by itself.";
    match &one.way {
        RecipientWay::Folder(path) => match AuditFolder::new(path.clone()).probe() {
            Ok(()) => Probe::ok(PROBE, &one.name, format!("{} can be written.", path.display())),
            Err(error) => {
                Probe::problem(PROBE, &one.name, format!("{} cannot be written: {error}.", path.display()), next)
            }
        },
        // That courier has a probe of its own, which says what is wrong.
        RecipientWay::Mail { courier, address } => match couriers.contains_key(courier) {
            true => Probe::ok(PROBE, &one.name, format!("Checkpoints go to {address} by the courier `{courier}`.")),
            false => Probe::problem(PROBE, &one.name, format!("The courier `{courier}` cannot be used."), next),
        },
    }
}
